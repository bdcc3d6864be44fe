// Removes what dead runs left in the engine. A run is dead if nobody holds its lock (`runLock.ts`); ages and names do
// not count. The reaper takes a run's lock first, so two reapers never work on the same run. Anything without a run's
// label is left alone.

import { RunId } from '../../../state/entry/ids.ts';
import type { Docker } from '../engine/docker.ts';
import { runLabel } from '../engine/place.ts';
import { removeRun } from './removeRun.ts';
import { labelValues } from './residue.ts';
import { tryLock } from './runLock.ts';
import { removeWitnesses, witnessLabel } from './witness.ts';

const atOnceMax = 4;

export type ReapResult = {
  reaped: RunId[];
  /** One line for each object that could not be removed. */
  stuck: string[];
};
export type ReapOptions = {
  /** Runs that are left alone, even if nobody holds their lock. */
  isLive?: (run: RunId) => boolean;
};

/** Rejects if the engine does not answer: the state is then unknown. */
export async function reap(docker: Docker, { isLive = () => false }: ReapOptions = {}): Promise<ReapResult> {
  const values = [await labelValues(docker, runLabel), await labelValues(docker, witnessLabel)].flat();
  // A label whose value is not a run's id is not one of ours.
  const runs = [...new Set(values)].filter((value): value is RunId => RunId.safeParse(value).success);
  const todo = runs.filter((run) => !isLive(run));
  const done: ReapResult = { reaped: [], stuck: [] };
  const worker = async (): Promise<void> => {
    for (let run = todo.shift(); run !== undefined; run = todo.shift()) await reapOne(docker, run, done);
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  return done;
}

async function reapOne(docker: Docker, run: RunId, done: ReapResult): Promise<void> {
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
