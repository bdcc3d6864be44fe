// Your own cold runs, outside any phase. They do not take the supervisor's lock and write nothing to the trail, so they
// may run while it works. They have a separate folder (`trials/`), which nothing else cleans up.

import { mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../../runner/box/sandbox.ts';
import { unboxed } from '../../runner/box/unboxed.ts';
import { openEngine } from '../../runner/engines.ts';
import type { Engine } from '../../runner/run/engine.ts';
import { sweep } from '../../runner/run/janitor.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { Digest } from '../../state/entry/ids.ts';
import { type Lock, lockWorkspace } from '../../state/trail/workspace.ts';
import type { Here } from '../workspace/place.ts';
import { sandboxOf } from '../workspace/sandbox.ts';
import { trialsDir } from './runs.ts';

const trialsKept = 50;

export type OwnGround = { engine: Engine; runsDir: string };

/** One at a time. Throws Refused while another is running, or if the sandbox does not work. */
export async function withOwnEngine<T>(
  place: Here,
  onNote: ((line: string) => void) | undefined,
  use: (ground: OwnGround) => Promise<T>,
): Promise<T> {
  const { dir: runsDir, lock } = await makeRoom(place.paths.stateDir);
  try {
    const { sandbox, selfTest } = await sandboxFor(place, onNote);
    const engine = openEngine({ sandbox, selfTest, runsDir, ...place.workspace.grants });
    return await use({ engine, runsDir }).finally(() => sandbox.close());
  } finally {
    lock.release();
  }
}

/** Fails closed, like the supervisor: only a demo workspace may run without a sandbox. */
async function sandboxFor(
  place: Here,
  onNote: ((line: string) => void) | undefined,
): Promise<{ sandbox: Sandbox; selfTest: Digest | null }> {
  const { stateDir } = place.paths;
  const opened = await sandboxOf(place);
  if (opened.sandbox) return { sandbox: opened.sandbox, selfTest: opened.selfTest.digest };
  const why = `the sandbox does not work here: ${opened.mend.join('; ')}`;
  if (!place.workspace.demo) throw new Refused(`${why}; see: coldpass doctor`);
  onNote?.(`note: this demo runs without a sandbox; ${why}`);
  return { sandbox: unboxed({ stateDir }), selfTest: null };
}

/** Cleans up after dead trials and removes all but the newest ones. Safe because there is only one trial at a time. */
async function makeRoom(stateDir: string): Promise<{ dir: string; lock: Lock }> {
  const dir = trialsDir(realpathSync(stateDir));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = lockTrials(dir);
  await sweep(dir, { isLive: () => false });
  const runs = readdirSync(dir).filter((name) => name.startsWith('r-'));
  const aged = runs.map((name) => ({ name, ms: statSync(join(dir, name)).mtimeMs })).sort((a, b) => b.ms - a.ms);
  for (const { name } of aged.slice(trialsKept)) rmSync(join(dir, name), { recursive: true, force: true });
  return { dir, lock };
}

function lockTrials(dir: string): Lock {
  try {
    return lockWorkspace(dir);
  } catch (error) {
    if (error instanceof Refused)
      throw new Refused('another `coldpass try` or `coldpass challenge` is running here; wait until it ends');
    throw error;
  }
}
