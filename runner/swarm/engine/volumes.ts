// Volumes of one run, by their exact names and labels: the engine's filters match too much, and mounting a missing
// volume creates it without labels.

import { setTimeout as pause } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';
import type { Labels } from '../app/app.ts';
import { engineFault } from './fault.ts';

const callTimeoutMs = 30_000;
const removeTimeoutMs = 30_000;
const removeEveryMs = 200;
/**
 * A container in one of these states holds no file open and does not restart by itself; the engine reports `removing`
 * only once a container has stopped.
 */
export const endedStates: ReadonlySet<string> = new Set(['exited', 'dead', 'removing']);

/**
 * Creates a labelled volume. Fails if another run's volume has that name. Ignores the signal: the engine would go on
 * anyway.
 */
export async function makeVolume(docker: Dockerode, name: string, labels: Labels, signal: AbortSignal): Promise<void> {
  const abortSignal = AbortSignal.timeout(callTimeoutMs);
  await docker
    .createVolume({ Name: name, Labels: { ...labels }, abortSignal })
    .catch((error: unknown) => failed(signal, `create the volume ${name}`, error));
  await assertOwn(docker, name, labels, signal);
}

/** Rejects unless the volume exists and has this run's label. */
export async function assertOwn(docker: Dockerode, name: string, labels: Labels, signal: AbortSignal): Promise<void> {
  const { Labels: actual } = await docker
    .getVolume(name)
    .inspect({ abortSignal: bounded(signal) })
    .catch((error: unknown) => failed(signal, `find the volume ${name}`, error));
  if (actual?.['coldpass.run'] !== labels['coldpass.run'])
    throw new RunnerError('bad-request', `the volume ${name} does not belong to this run`);
}

/** Names of containers that use the volume and have not ended. */
export async function usersOf(docker: Dockerode, name: string, signal: AbortSignal): Promise<string[]> {
  const containers = await docker
    .listContainers({ all: true, filters: { volume: [name] }, abortSignal: bounded(signal) })
    .catch((error: unknown) => failed(signal, `list the containers that use ${name}`, error));
  return containers
    .filter(({ Mounts, State }) => !endedStates.has(State) && Mounts.some((mount) => mount.Name === name))
    .map(({ Names, Id }) => Names[0]?.slice(1) ?? Id.slice(0, 12));
}

/** Resolves once the volume is gone. Waits, until its own deadline, while something still uses it; heeds no signal. */
export async function removeVolume(docker: Dockerode, name: string): Promise<void> {
  const until = Date.now() + removeTimeoutMs;
  for (;;) {
    try {
      await docker.getVolume(name).remove({ abortSignal: AbortSignal.timeout(callTimeoutMs) });
      return;
    } catch (error) {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode === 404) return;
      if (statusCode !== 409 || Date.now() > until) throw engineFault(`remove the volume ${name}`, error);
      await pause(removeEveryMs);
    }
  }
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
}

function failed(signal: AbortSignal, what: string, error: unknown): never {
  signal.throwIfAborted();
  throw engineFault(what, error);
}
