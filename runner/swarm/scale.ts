// Stops services and starts them again by their number of replicas, as an operator would: what makes their tasks stays as it
// is, so no update begins. A service is stopped once no container of it runs and Swarm brings none up.

import { RunnerError } from '../errors.ts';
import { statusOf } from './docker.ts';
import type { RawService } from './observe.ts';
import { containersOf, type Place, swarmName } from './place.ts';
import { endedStates } from './volumes.ts';
import { wait } from './wait.ts';

const attemptsMax = 8;
const againMs = 150;
const lookEveryMs = 150;
/** Longer than most grace periods; what is still there then is killed. */
const stopMs = 60_000;
const killMs = 30_000;

export async function scale(place: Place, service: string, replicas: number): Promise<void> {
  const handle = place.docker.getService(swarmName(place, service));
  for (let attempt = 1; ; attempt += 1) {
    const { Version, Spec }: RawService = await handle.inspect();
    const body = { ...Spec, Mode: { Replicated: { Replicas: replicas } } };
    try {
      await handle.update({ _query: { version: Version.Index }, _body: body });
      return;
    } catch (error) {
      // Swarm touched it between the look and the word; it has no status of its own for that.
      if (statusOf(error) === null || attempt >= attemptsMax) throw error;
      await wait(againMs * attempt, place.signal);
    }
  }
}

export async function untilStopped(place: Place, services: string[]): Promise<void> {
  const killAtMs = Date.now() + stopMs;
  const giveUpAtMs = killAtMs + killMs;
  let emptySinceMs: number | null = null;
  for (;;) {
    const left = await Promise.all(services.map((service) => living(place, service)));
    const all = left.flat();
    emptySinceMs = all.length > 0 ? null : (emptySinceMs ?? Date.now());
    if (emptySinceMs !== null && Date.now() - emptySinceMs >= quietMs) return;
    if (Date.now() > giveUpAtMs) throw new RunnerError('engine', `${all.join(', ')} cannot be stopped`);
    if (Date.now() > killAtMs) await killAll(place, services);
    await wait(lookEveryMs, place.signal);
  }
}

/** Seen: a task that Swarm had begun before it heard of the zero shows its container a moment after nothing was there. */
const quietMs = 1000;

const endedTasks = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

async function living(place: Place, service: string): Promise<string[]> {
  const name = swarmName(place, service);
  const { ID } = (await place.docker.getService(name).inspect()) as RawService;
  const tasks: { ID: string; Status: { State: string } }[] = await place.docker.listTasks({
    filters: { service: [ID] },
  });
  const containers = await containersOf(place, service, 'any');
  return [
    ...tasks.filter((task) => !endedTasks.has(task.Status.State)).map((task) => `task ${task.ID} of ${name}`),
    ...containers
      .filter((each) => !endedStates.has(each.State))
      .map(({ Id }) => `container ${Id.slice(0, 12)} of ${name}`),
  ];
}

async function killAll(place: Place, services: string[]): Promise<void> {
  const found = await Promise.all(services.map((service) => containersOf(place, service, 'running')));
  const kill = ({ Id }: { Id: string }) => place.docker.getContainer(Id).kill();
  // One that went meanwhile is what was wanted.
  await Promise.allSettled(found.flat().map(kill));
}
