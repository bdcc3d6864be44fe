// A program that fills the small file system that holds its folder, appends, makes room, appends again, and prints what
// happened as JSON (see `tests/state/trail/crash.git.test.ts`). Usage: node fullDisk.ts <empty folder>.

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { listing, makeTrail, note, titleOf } from './trail.ts';

const [, , stateDir = ''] = process.argv;
const ballast = join(stateDir, 'ballast');

const trail = await makeTrail(stateDir);
const funnel = await openFunnel(listing(trail));
await funnel.append([note('before')]);
fillUp();
const errors = [await failing('while full'), await failing('while still full')];
const titlesWhileFull = funnel.state.map(titleOf);
rmSync(ballast);
await funnel.append([note('after')]);
await funnel.close();

const again = await openFunnel(listing(trail));
const titles = again.state.map(titleOf);
await again.close();
process.stdout.write(JSON.stringify({ errors, titlesWhileFull, titles }));

async function failing(title: string): Promise<{ code: string; message: string }> {
  const error = await funnel.append([note(title)]).then(
    () => ({ code: 'none', message: 'it was appended' }),
    (reason) => reason,
  );
  return { code: error.code, message: error.message };
}

function fillUp(): void {
  const file = openSync(ballast, 'w');
  for (let size = 65536; size >= 1; ) {
    try {
      writeSync(file, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}
