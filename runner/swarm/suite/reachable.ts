// The names outside its box that a hook or test may use: the services of its run, by their plain or Swarm names, and
// the main services of needed apps; no address and no other name. Also keeps the bounded list of refusals.

import net from 'node:net';
import { plainText } from '../../box/collect.ts';
import { plainHost } from '../../box/hosts.ts';
import type { About } from '../app/app.ts';

/** The limits that a record has for its list of refusals. */
export const hostDenialsMax = 50;
export const denialCharsMax = 300;
const namesMax = 20;

export type Reach = { service: string } | { denied: string };

/** The service that `host:port` refers to, or the refusal. */
export function reachable(about: About, host: string, port: number): Reach {
  const name = plainHost(host);
  const own = ownService(about, name);
  if (own !== null) return { service: own };
  const needed = Object.values(about.needs).map((need) => need.host);
  if (needed.includes(name)) return { service: name };
  const isAddress = net.isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
  const what = isAddress ? 'an address, not a service of this run' : 'not a service of this run';
  return { denied: `connect to ${name}:${port}: ${what}; available: ${listed([...about.services, ...needed])}` };
}

/** Like `reachable` for commands and logs, which only `about.services` have. `what` begins the refusal. */
export function ownOnly(about: About, name: string, what: string): Reach {
  const own = ownService(about, name);
  if (own !== null) return { service: own };
  return { denied: `${what} ${name}: not a service of this run; available: ${listed(about.services)}` };
}

export type Denials = { add(text: string): void; list(): string[] };

/** Keeps each text once; past the limit, only counts them. */
export function denials(): Denials {
  const kept = new Set<string>();
  let more = 0;
  return {
    add(text) {
      const line = plainText(Buffer.from(text)).replace(/\s+/g, ' ').trim().slice(0, denialCharsMax);
      if (kept.has(line)) return;
      if (kept.size < hostDenialsMax - 1) kept.add(line);
      else more += 1;
    },
    list: () => [...kept, ...(more > 0 ? [`and ${more} more`] : [])],
  };
}

function ownService({ services, stack }: About, name: string): string | null {
  const plain = name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name;
  return services.includes(plain) ? plain : null;
}

function listed(names: string[]): string {
  const first = names.slice(0, namesMax).join(', ');
  return names.length > namesMax ? `${first} and more` : first || 'none';
}
