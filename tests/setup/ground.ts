// Where one run of the suite keeps its temporary folders: one folder of its own, named after the process that runs it, so
// that whatever is left behind (folders, mounts, processes) can be told from everybody else's. Root has it in memory, where
// the many files that tests make and flush cost least.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** TMPDIR of every test. */
export const ground = join(realpathSync(tmpdir()), `coldpass-tests-${process.pid}`);

/** What every path below the ground holds, from wherever it is looked at. */
export const groundMark = basename(ground);

/** Makes it before the first test, open to the users that boxes run as, like /tmp itself; vitest calls what it returns last. */
export function setup(): () => void {
  sweepDead();
  mkdirSync(ground, { recursive: true });
  // Where that is not allowed, the folder does.
  if (process.getuid?.() === 0) spawnSync('mount', ['-t', 'tmpfs', groundMark, ground]);
  chmodSync(ground, 0o1777);
  return teardown;
}

function teardown(): void {
  try {
    removeGround();
  } catch (error) {
    // A mount was left behind: `figures.ts` has named it, and the run has failed because of it.
    console.log(`${ground} cannot be removed (${(error as Error).message.trim()}); unmount what is in it`);
  }
}

/** Throws where something is mounted in it still. */
function removeGround(path = ground): void {
  spawnSync('umount', ['--lazy', path]);
  rmSync(path, { recursive: true, force: true });
}

/** Removes the ground of runs that were killed. */
function sweepDead(): void {
  for (const name of readdirSync(dirname(ground))) {
    const pid = /^coldpass-tests-(\d+)$/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) removeGround(join(dirname(ground), name));
  }
}
