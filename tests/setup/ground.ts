// The one folder in which a run of the suite keeps all its temporary folders. It is named after the process that runs
// the suite, so that we recognise whatever is left behind (folders, mounts, processes) as ours. If root runs the suite,
// the folder is in memory, where the many files that tests create and flush cost least.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** TMPDIR of every test. */
export const ground = join(realpathSync(tmpdir()), `coldpass-tests-${process.pid}`);

/** The name of the ground, which every path below it contains in any mount namespace. */
export const groundMark = basename(ground);

/**
 * Creates the ground before the first test, open to all users like /tmp; vitest calls the returned function at the end.
 */
export function setup(): () => void {
  sweepDead();
  mkdirSync(ground, { recursive: true });
  // If mounting is not allowed, the plain folder will do.
  if (process.getuid?.() === 0) spawnSync('mount', ['-t', 'tmpfs', groundMark, ground]);
  chmodSync(ground, 0o1777);
  return teardown;
}

function teardown(): void {
  try {
    removeGround();
  } catch (error) {
    // A mount was left behind; `figures.ts` has already listed it and failed the run.
    console.log(`${ground} cannot be removed (${(error as Error).message.trim()}); unmount what is in it`);
  }
}

/** Removes the ground; throws if something is still mounted in it. */
function removeGround(path = ground): void {
  spawnSync('umount', ['--lazy', path]);
  rmSync(path, { recursive: true, force: true });
}

/** Removes the folders of runs that were killed. */
function sweepDead(): void {
  for (const name of readdirSync(dirname(ground))) {
    const pid = /^coldpass-tests-(\d+)$/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) removeGround(join(dirname(ground), name));
  }
}
