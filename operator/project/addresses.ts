// Hosts that resolve to an internal address, such as a local mirror or a company registry. A box reaches an address
// inside the machine's own networks only if that address is granted too, whatever name resolves to it; so `init`
// proposes the address with the name.

import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { isInternal } from '../../runner/box/hosts.ts';
import { CommandRecipe, isCommands } from '../../state/entry/recipe.ts';
import type { Proposal } from './proposal.ts';

const lookupMsMax = 5000;
const addressesMax = 4;

export type Lookup = (host: string) => Promise<string[]>;

/**
 * The internal addresses of a `host` or `host:port`, with the port if there is one. Empty if the host has a public
 * address.
 */
export async function internalAddresses(host: string, find: Lookup = addressesOf): Promise<string[]> {
  const { name = '', port = '' } = /^(?<name>[^:]+)(?<port>:\d+)?$/.exec(host)?.groups ?? {};
  // A box may reach loopback by its own name without a granted address.
  if (name === '' || name === 'localhost' || isIPv4(name)) return [];
  const addresses = await find(name);
  if (addresses.some((address) => !isInternal(address))) return [];
  return addresses
    .filter(isIPv4)
    .slice(0, addressesMax)
    .map((address) => address + port);
}

/**
 * Adds the internal addresses of the proposal's hosts to what the setup and the stages may reach, with a note for each
 * host.
 */
export async function withAddresses(proposal: Proposal, find: Lookup = addressesOf): Promise<Proposal> {
  const pairs = await Promise.all(
    proposal.hosts.map(async (host) => [host, await internalAddresses(host, find)] as const),
  );
  const known = new Map(pairs.filter(([, addresses]) => addresses.length > 0));
  if (known.size === 0 || !isCommands(proposal.recipe)) return proposal;
  const widened = (hosts: string[]) => [...new Set(hosts.flatMap((host) => [host, ...(known.get(host) ?? [])]))];
  const { setup, stages } = proposal.recipe;
  const recipe = CommandRecipe.parse({
    ...proposal.recipe,
    ...(setup && { setup: { ...setup, network: widened(setup.network) } }),
    stages: stages.map((stage) => ({ ...stage, network: widened(stage.network) })),
  });
  const notes = [...known].map(
    ([host, all]) => `${host} resolves to ${all.join(', ')}, inside this network, so the address is listed too`,
  );
  return { ...proposal, recipe, hosts: widened(proposal.hosts), notes: [...proposal.notes, ...notes] };
}

// Treats a name server that does not answer in time like one that knows no address.
async function addressesOf(host: string): Promise<string[]> {
  const resolved = lookup(host, { all: true }).catch(() => []);
  const late = new AbortController();
  const silence = setTimeout(lookupMsMax, [], { signal: late.signal }).catch(() => []);
  const answers = await Promise.race([resolved, silence]);
  late.abort();
  return answers.map(({ address }) => address);
}
