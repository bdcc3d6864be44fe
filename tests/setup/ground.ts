// Where one run of the suite keeps its temporary folders: one folder of its own, named after the process that runs it, so
// that whatever is left behind (folders, mounts, processes) can be told from everybody else's.

import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** TMPDIR of every test. */
export const ground = join(realpathSync(tmpdir()), `coldpass-tests-${process.pid}`);

/** What every path below the ground holds, from wherever it is looked at. */
export const groundMark = basename(ground);

/** Makes it, open to the users that boxes run as, like /tmp itself. */
export function layGround(): void {
  sweepDead();
  mkdirSync(ground, { recursive: true });
  chmodSync(ground, 0o1777);
}

/** Removes the ground of runs that were killed. */
function sweepDead(): void {
  for (const name of readdirSync(dirname(ground))) {
    const pid = /^coldpass-tests-(\d+)$/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(dirname(ground), name), { recursive: true, force: true });
  }
}
