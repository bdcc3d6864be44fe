// Stops and restarts services by their number of replicas, as an operator would: the task spec stays the same, so no
// update begins. A service is stopped once none of its containers runs and Swarm starts no more.

import { RunnerError } from '../../box/errors.ts';
import { wait } from '../app/wait.ts';
import { httpStatusOf } from '../engine/docker.ts';
import { containersOf, type EngineRun, swarmName } from '../engine/place.ts';
import { endedStates } from '../engine/volumes.ts';
import type { RawService } from './observe.ts';

const attemptsMax = 8;
const againMs = 150;
const lookEveryMs = 150;
/** How long stopping may take: longer than most grace periods. Containers that still run then are killed. */
const stopMs = 60_000;
const killMs = 30_000;

export async function scale(place: EngineRun, service: string, replicas: number): Promise<void> {
  const handle = place.docker.getService(swarmName(place, service));
  for (let attempt = 1; ; attempt += 1) {
    const { Version, Spec }: RawService = await handle.inspect();
    const body = { ...Spec, Mode: { Replicated: { Replicas: replicas } } };
    try {
      await handle.update({ _query: { version: Version.Index }, _body: body });
      return;
    } catch (error) {
      // Swarm changed the service between our read and our update; it has no specific status for that.
      if (httpStatusOf(error) === null || attempt >= attemptsMax) throw error;
      await wait(againMs * attempt, place.signal);
    }
  }
}

export async function untilStopped(place: EngineRun, services: string[]): Promise<void> {
  const killAtMs = Date.now() + stopMs;
  const giveUpAtMs = killAtMs + killMs;
  let emptySinceMs: number | null = null;
  for (;;) {
    const left = (await Promise.all(services.map((service) => living(place, service)))).flat();
    emptySinceMs = left.length > 0 ? null : (emptySinceMs ?? Date.now());
    if (emptySinceMs !== null && Date.now() - emptySinceMs >= quietMs) return;
    if (Date.now() > giveUpAtMs)
      throw new RunnerError('engine', `${left.map(({ what }) => what).join(', ')} cannot be stopped`);
    await endForgotten(place, left, Date.now() > killAtMs);
    await wait(lookEveryMs, place.signal);
  }
}

/**
 * Observed: if Swarm began a task before it learned of the 0, the task's container appears a moment after all were
 * gone.
 */
const quietMs = 1000;

const endedTasks = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

type Living = { what: string; container: string | null; state: string };

async function living(place: EngineRun, service: string): Promise<Living[]> {
  const name = swarmName(place, service);
  const { ID } = (await place.docker.getService(name).inspect()) as RawService;
  const tasks: { ID: string; Status: { State: string } }[] = await place.docker.listTasks({
    filters: { service: [ID] },
  });
  const containers = await containersOf(place, service, 'any');
  return [
    ...tasks
      .map(({ ID: id, Status: { State: state } }) => ({ what: `task ${id} of ${name}`, container: null, state }))
      .filter(({ state }) => !endedTasks.has(state)),
    ...containers
      .map(({ Id, State }) => ({
        what: `container ${Id.slice(0, 12)} of ${name} (${State})`,
        container: Id,
        state: State,
      }))
      .filter(({ state }) => !endedStates.has(state)),
  ];
}

/**
 * Observed: a task that is cancelled between creating and starting its container leaves the container behind for good;
 * with no task left, nothing will ever start it, so it is removed. If `isLate`, a container that still runs is killed.
 */
async function endForgotten({ docker }: EngineRun, left: Living[], isLate: boolean): Promise<void> {
  const isTaskLess = left.every(({ container }) => container !== null);
  const ends = left.map(async ({ container, state }) => {
    if (container === null) return;
    if (state === 'created' && isTaskLess) await docker.getContainer(container).remove();
    else if (state === 'running' && isLate) await docker.getContainer(container).kill();
  });
  // A container that has gone meanwhile is fine.
  await Promise.allSettled(ends);
}
