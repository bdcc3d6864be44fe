// Hosts that this network answers for itself: a mirror, a registry of the house. A box reaches an address inside the
// machine's own networks only where that address is granted too, whatever name leads there; so it is proposed with the name.

import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { isInternal } from '../../runner/box/hosts.ts';
import { CommandRecipe, isCommands } from '../../state/entry/recipe.ts';
import type { Proposal } from './proposal.ts';

const lookupMsMax = 5000;
const addressesMax = 4;

export type Lookup = (host: string) => Promise<string[]>;

/** Internal addresses that a host (`host` or `host:port`) has from here, with its port; none where it has a public one. */
export async function internalAddresses(host: string, find: Lookup = addressesOf): Promise<string[]> {
  const { name = '', port = '' } = /^(?<name>[^:]+)(?<port>:\d+)?$/.exec(host)?.groups ?? {};
  // Loopback by its own name is let through as it is.
  if (name === '' || name === 'localhost' || isIPv4(name)) return [];
  const found = await find(name);
  if (found.some((address) => !isInternal(address))) return [];
  return found
    .filter(isIPv4)
    .slice(0, addressesMax)
    .map((address) => address + port);
}

/** The proposal with such addresses beside the names that its stages may reach, and a note of each. */
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
    ([host, all]) => `${host} is ${all.join(', ')} from here, inside this network, so that is named too`,
  );
  return { ...proposal, recipe, hosts: widened(proposal.hosts), notes: [...proposal.notes, ...notes] };
}

// A name server that does not answer is as good as none.
async function addressesOf(host: string): Promise<string[]> {
  const found = lookup(host, { all: true }).catch(() => []);
  const late = new AbortController();
  const silence = setTimeout(lookupMsMax, [], { signal: late.signal }).catch(() => []);
  const answers = await Promise.race([found, silence]);
  late.abort();
  return answers.map(({ address }) => address);
}
