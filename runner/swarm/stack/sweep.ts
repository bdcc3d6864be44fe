// Removes what dead runs left in the engine, when the supervisor starts and before a trial. A run is alive if any
// process holds its lock.

import type { RunId } from '../../../state/entry/ids.ts';
import { openDocker } from '../engine/docker.ts';
import { dockerReport } from '../engine/report.ts';
import { reap } from './reaper.ts';

/** One line for each object that could not be removed, or a single one if the engine does not answer. */
export async function sweepApps(socket: string, isLive: (run: RunId) => boolean): Promise<string[]> {
  const report = await dockerReport(socket);
  if (!report.ok) return [`${report.why}, so Docker was not searched for leftovers of dead runs; ${report.mend}`];
  const { stuck } = await reap(openDocker(socket), { isLive });
  return stuck;
}
