// What the parts of one stack share (the engine, names, labels, the signal), and the names derived from these.

import { RunnerError } from '../../box/errors.ts';
import type { Labels, RunNames } from '../app/app.ts';
import type { Docker } from './docker.ts';

/** Every call of `docker` heeds `signal`. */
export type EngineRun = {
  docker: Docker;
  names: RunNames;
  labels: Labels;
  /** The network that all apps of the run share. */
  network: string;
  /** Durably records an object that is about to be created. */
  intend(what: string): Promise<void>;
  signal: AbortSignal;
};

export const runLabel = 'coldpass.run';
export const stackLabel = 'com.docker.stack.namespace';
const serviceLabel = 'com.docker.swarm.service.name';

/** The stack of the app under test. */
export function stackOf(run: string): string {
  return `cp${run.replace(/^r-/, '')}`;
}

/** Swarm's name for a service of the compose file. */
export function swarmName({ names }: Pick<EngineRun, 'names'>, service: string): string {
  return `${names.stack}_${service}`;
}

export type ContainerState = { Id: string; State: string; Created: number };

/**
 * A service's containers, newest first. They are found by an exact label, because the engine's name filters match
 * prefixes.
 */
export async function containersOf(
  place: EngineRun,
  service: string,
  state: 'running' | 'any',
): Promise<ContainerState[]> {
  const label = [`${serviceLabel}=${swarmName(place, service)}`];
  const filters = state === 'running' ? { label, status: ['running'] } : { label };
  const containers: ContainerState[] = await place.docker.listContainers({ all: state === 'any', filters });
  return containers.sort((a, b) => b.Created - a.Created);
}

/** The id of the service's newest running container. Rejects with RunnerError `no-container` if none is running. */
export async function runningContainer(place: EngineRun, service: string): Promise<string> {
  const [newest] = await containersOf(place, service, 'running');
  if (newest !== undefined) return newest.Id;
  throw new RunnerError('no-container', `the service ${service} has no running container`);
}
