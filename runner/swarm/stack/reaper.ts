// Clears the engine of what dead runs left there. A run is dead if nobody holds its lock (`runLock.ts`); no age is guessed, no
// name looked at. It is reaped under its lock, so that two reapers never meet. Everything without a run's label is left alone.

import { RunId } from '../../../state/entry/ids.ts';
import type { Docker } from '../engine/docker.ts';
import { runLabel } from '../engine/place.ts';
import { removeRun } from './removeRun.ts';
import { labelValues } from './residue.ts';
import { tryLock } from './runLock.ts';
import { removeWitnesses, witnessLabel } from './witness.ts';

const atOnceMax = 4;

export type Reaped = { reaped: RunId[] /** What would not go, in words. */; stuck: string[] };
export type ReapOptions = {
  /** Runs that are left alone, whatever their lock says. */
  isLive?: (run: RunId) => boolean;
};

/** Rejects where the engine does not answer: then nothing is known. */
export async function reap(docker: Docker, { isLive = () => false }: ReapOptions = {}): Promise<Reaped> {
  const values = [await labelValues(docker, runLabel), await labelValues(docker, witnessLabel)].flat();
  // Another's label of that name is not ours to judge.
  const runs = [...new Set(values)].filter((value): value is RunId => RunId.safeParse(value).success);
  const todo = runs.filter((run) => !isLive(run));
  const done: Reaped = { reaped: [], stuck: [] };
  const worker = async (): Promise<void> => {
    for (let run = todo.shift(); run !== undefined; run = todo.shift()) await reapOne(docker, run, done);
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  return done;
}

async function reapOne(docker: Docker, run: RunId, done: Reaped): Promise<void> {
  const lock = await tryLock(run);
  if (lock === null) return;
  try {
    const left = [await removeRun(docker, run), await removeWitnesses(docker, run)].flat();
    if (left.length === 0) done.reaped.push(run);
    else done.stuck.push(...left.map((leak) => `${run}: ${leak}`));
  } finally {
    await lock.release();
  }
}
