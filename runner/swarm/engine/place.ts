// What the parts of one stack share: whose engine, under which names and labels, until when. And the names that follow.

import { RunnerError } from '../../box/errors.ts';
import type { Labels, RunNames } from '../app/app.ts';
import type { Docker } from './docker.ts';

/** Each call of `docker` heeds `signal`. */
export type Place = {
  docker: Docker;
  names: RunNames;
  labels: Labels;
  /** That all apps of the run share. */
  network: string;
  /** Notes durably what is about to be made. */
  intend(what: string): Promise<void>;
  signal: AbortSignal;
};

export const runLabel = 'coldpass.run';
export const stackLabel = 'com.docker.stack.namespace';
const serviceLabel = 'com.docker.swarm.service.name';

/** The stack of a run's own app. */
export function stackOf(run: string): string {
  return `cp${run.replace(/^r-/, '')}`;
}

/** What Swarm calls a service of the compose file. */
export function swarmName({ names }: Pick<Place, 'names'>, service: string): string {
  return `${names.stack}_${service}`;
}

export type Found = { Id: string; State: string; Created: number };

/** A service's containers, the newest first. By an exact label: the engine's name filters are loose. */
export async function containersOf(place: Place, service: string, state: 'running' | 'any'): Promise<Found[]> {
  const label = [`${serviceLabel}=${swarmName(place, service)}`];
  const filters = state === 'running' ? { label, status: ['running'] } : { label };
  const found: Found[] = await place.docker.listContainers({ all: state === 'any', filters });
  return found.sort((a, b) => b.Created - a.Created);
}

/** Rejects where there is none. */
export async function runningContainer(place: Place, service: string): Promise<string> {
  const [newest] = await containersOf(place, service, 'running');
  if (newest !== undefined) return newest.Id;
  throw new RunnerError('no-container', `the service ${service} has no running container`);
}
