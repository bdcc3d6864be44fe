// Volumes of one run, by their exact names and labels: the engine's own filters are loose, and mounting a name that is not
// there makes a volume without labels.

import { setTimeout as pause } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';
import type { Labels } from '../app/app.ts';
import { engineFault } from './fault.ts';

const callTimeoutMs = 30_000;
const removeTimeoutMs = 30_000;
const removeEveryMs = 200;
/** A container in one of these states holds no file open, and does not start again by itself: the engine says `removing` of none that runs. */
export const endedStates: ReadonlySet<string> = new Set(['exited', 'dead', 'removing']);

/** Makes a labelled volume. One of that name that another run made is an error. Not called off: the engine would go on. */
export async function makeVolume(docker: Dockerode, name: string, labels: Labels, signal: AbortSignal): Promise<void> {
  const abortSignal = AbortSignal.timeout(callTimeoutMs);
  await docker
    .createVolume({ Name: name, Labels: { ...labels }, abortSignal })
    .catch((error: unknown) => failed(signal, `make the volume ${name}`, error));
  await assertOwn(docker, name, labels, signal);
}

/** Rejects unless a volume of that name is there and carries this run's label. */
export async function assertOwn(docker: Dockerode, name: string, labels: Labels, signal: AbortSignal): Promise<void> {
  const { Labels: found } = await docker
    .getVolume(name)
    .inspect({ abortSignal: bounded(signal) })
    .catch((error: unknown) => failed(signal, `find the volume ${name}`, error));
  if (found?.['coldpass.run'] !== labels['coldpass.run'])
    throw new RunnerError('bad-request', `the volume ${name} is not this run's`);
}

/** Names of containers that use the volume and have not ended. */
export async function usersOf(docker: Dockerode, name: string, signal: AbortSignal): Promise<string[]> {
  const found = await docker
    .listContainers({ all: true, filters: { volume: [name] }, abortSignal: bounded(signal) })
    .catch((error: unknown) => failed(signal, `list the containers that use ${name}`, error));
  return found
    .filter(({ Mounts, State }) => !endedStates.has(State) && Mounts.some((mount) => mount.Name === name))
    .map(({ Names, Id }) => Names[0]?.slice(1) ?? Id.slice(0, 12));
}

/** Gone when it resolves; one that is not there is gone. Waits for what still uses it. Heeds no signal but its own deadline. */
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
