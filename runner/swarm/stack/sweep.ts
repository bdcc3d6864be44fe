// At the supervisor's start, and before a trial: what dead runs left in the engine goes. Alive is a run whose lock somebody holds,
// in whichever process.

import type { RunId } from '../../../state/entry/ids.ts';
import { openDocker } from '../engine/docker.ts';
import { dockerReport } from '../engine/report.ts';
import { reap } from './reaper.ts';

/** Words for what would not go. An engine that does not answer is one: nothing can be said of what it holds. */
export async function sweepApps(socket: string, isLive: (run: RunId) => boolean): Promise<string[]> {
  const report = await dockerReport(socket);
  if (!report.ok) return [`${report.why}, so what dead runs left in Docker was not looked for; ${report.mend}`];
  const { stuck } = await reap(openDocker(socket), { isLive });
  return stuck;
}
