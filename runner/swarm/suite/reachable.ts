// Which names of the world outside its box a hook or test may use: the services of its own run, by their plain names or by
// Swarm's, and the main services of what the run needs. No address, no other name. And the bounded list of what was refused.

import net from 'node:net';
import { plainText } from '../../box/collect.ts';
import { plainHost } from '../../box/hosts.ts';
import type { About } from '../app/app.ts';

/** As many, and as long, as a record holds. */
export const denialsMax = 50;
export const denialCharsMax = 300;
const namesMax = 20;

export type Reach = { service: string } | { denied: string };

/** What `host:port` stands for. */
export function reachable(about: About, host: string, port: number): Reach {
  const name = plainHost(host);
  const own = ownService(about, name);
  if (own !== null) return { service: own };
  const needed = Object.values(about.needs).map((need) => need.host);
  if (needed.includes(name)) return { service: name };
  const isAddress = net.isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
  const what = isAddress ? 'an address, not a service of this run' : 'no service of this run';
  return { denied: `connect to ${name}:${port}: it is ${what}; there are ${listed([...about.services, ...needed])}` };
}

/** Where a command may run, or logs be read: this run's own services alone. `what` begins the refusal. */
export function ownOnly(about: About, name: string, what: string): Reach {
  const own = ownService(about, name);
  if (own !== null) return { service: own };
  return { denied: `${what} ${name}: it is no service of this run; there are ${listed(about.services)}` };
}

export type Denials = { add(text: string): void; list(): string[] };

/** Each text once; what is beyond the limit is counted. */
export function denials(): Denials {
  const kept = new Set<string>();
  let more = 0;
  return {
    add(text) {
      const line = plainText(Buffer.from(text)).replace(/\s+/g, ' ').trim().slice(0, denialCharsMax);
      if (kept.has(line)) return;
      if (kept.size < denialsMax - 1) kept.add(line);
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
