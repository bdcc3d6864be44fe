// A process that appends for ever, for tests that kill it. Usage: node appender.ts <stateDir> <name>. Prints `<id>
// <title>` for each entry as soon as it is acknowledged.

import { writeSync } from 'node:fs';
import type { Role } from '../../../state/entry/ids.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { listing, note, titleOf, trailAt } from './trail.ts';

const [, , stateDir = '', name = ''] = process.argv;
const writers: Role[] = ['builder', 'builder', 'adversary', 'builder'];

const trail = trailAt(stateDir);
const funnel = await openFunnel(listing(trail));
await Promise.all(writers.map(appendForEver));

async function appendForEver(role: Role, writer: number): Promise<void> {
  for (let n = 0; ; n++) {
    const entries = await funnel.append([
      note(`${name} ${writer}.${n} a`, role),
      note(`${name} ${writer}.${n} b`, role),
    ]);
    writeSync(1, entries.map((entry) => `${entry.id} ${titleOf(entry)}\n`).join(''));
  }
}
