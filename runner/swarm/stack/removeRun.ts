// Removes everything of a run from the engine, whatever its state: services first, then containers and tasks until none
// is left, then what these used. Selects only by label, which also covers needed apps and helpers.
//
// A task that is removed while Swarm prepares it still creates its volumes afterwards. So volumes are removed only once
// no task or container is left, and a second look after a quiet time confirms that all is gone.

import { setTimeout as pause } from 'node:timers/promises';
import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, httpStatusOf } from '../engine/docker.ts';
import { runLabel } from '../engine/place.ts';
import { countOf, labelledObjects, type Residue, type ResidueItem, residueKinds } from './residue.ts';

export const removeMs = 120_000;
const lookEveryMs = 150;
const quietMs = 1_000;
const reasonCharsMax = 160;

/** Returns what is left, and why; empty once all is gone. Never rejects, heeds no signal, may be called at any time. */
export async function removeRun(docker: Docker, run: RunId, options: { deadlineMs?: number } = {}): Promise<string[]> {
  return removeLabelled(docker, { label: runLabel, value: run, deadlineMs: options.deadlineMs ?? removeMs });
}

type Selection = { label: string; value: string; deadlineMs: number };

export async function removeLabelled(docker: Docker, selection: Selection): Promise<string[]> {
  try {
    return await untilGone(docker, selection);
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error;
    return [`unknown what is left of ${selection.value}: ${error.message}`];
  }
}

/** Kept between looks: anonymous volumes of images, and why objects could not be removed. */
type Memory = { anonymous: Set<string>; why: Map<string, string> };

async function untilGone(docker: Docker, { label, value, deadlineMs }: Selection): Promise<string[]> {
  const untilMs = Date.now() + deadlineMs;
  const memory: Memory = { anonymous: new Set(), why: new Map() };
  for (let wasEmpty = false; ; ) {
    const residue = await labelledObjects(docker, label, value);
    const isEmpty = countOf(residue) === 0 && (await removeAnonymous(docker, memory)) === 0;
    if (isEmpty && wasEmpty) return [];
    if (Date.now() > untilMs) return leaks(residue, memory);
    if (!isEmpty) await removeOnce(docker, residue, memory);
    wasEmpty = isEmpty;
    await pause(isEmpty ? quietMs : lookEveryMs);
  }
}

/** One step: each kind is removed only once the kinds before it are gone. */
async function removeOnce(docker: Docker, residue: Residue, { anonymous, why }: Memory): Promise<void> {
  const { services, tasks, containers } = residue;
  for (const name of await anonymousIn(docker, containers)) anonymous.add(name);
  await removeAll(services, why, ({ id }) => docker.getService(id).remove());
  // Once its service is gone, nothing restarts a container. No grace period: the data that it would save is removed
  // next.
  if (services.length === 0)
    await removeAll(containers, why, ({ id }) => docker.getContainer(id).remove({ force: true, v: true }));
  if (services.length + tasks.length + containers.length > 0) return;
  await removeAll(residue.networks, why, ({ id }) => docker.getNetwork(id).remove());
  await removeAll(residue.secrets, why, ({ id }) => docker.getSecret(id).remove());
  await removeAll(residue.configs, why, ({ id }) => docker.getConfig(id).remove());
  await removeAll(residue.volumes, why, ({ id }) => docker.getVolume(id).remove());
}

/** Ignores objects that are already gone; those in use or being removed are retried at the next look. */
async function removeAll(
  things: ResidueItem[],
  why: Map<string, string>,
  remove: (thing: ResidueItem) => Promise<unknown>,
): Promise<void> {
  const one = async (thing: ResidueItem): Promise<void> => {
    try {
      await remove(thing);
    } catch (error) {
      if (httpStatusOf(error) === null) throw error;
      if (httpStatusOf(error) !== 404) why.set(thing.name, (error as Error).message.slice(0, reasonCharsMax));
    }
  };
  await Promise.all(things.map(one));
}

/** An image's anonymous volumes have no label; they can be found only through their containers, while those exist. */
async function anonymousIn(docker: Docker, containers: ResidueItem[]): Promise<string[]> {
  if (containers.length === 0) return [];
  const all = await docker.listContainers({ all: true, filters: { id: containers.map(({ id }) => id) } });
  const mounts = all.flatMap(({ Mounts }) => Mounts.map((mount) => mount.Name ?? ''));
  return mounts.filter((name) => /^[0-9a-f]{64}$/.test(name));
}

/**
 * Returns how many are left. Swarm removes these volumes with their containers, except those that were just being
 * created.
 */
async function removeAnonymous(docker: Docker, { anonymous, why }: Memory): Promise<number> {
  for (const name of anonymous) {
    const volume = docker.getVolume(name);
    try {
      await volume.remove();
      anonymous.delete(name);
    } catch (error) {
      if (httpStatusOf(error) === null) throw error;
      if (httpStatusOf(error) === 404) anonymous.delete(name);
      else why.set(name, (error as Error).message.slice(0, reasonCharsMax));
    }
  }
  return anonymous.size;
}

function leaks(residue: Residue, { anonymous, why }: Memory): string[] {
  const withReason = (line: string, name: string): string => (why.has(name) ? `${line}: ${why.get(name)}` : line);
  const things = residueKinds.flatMap((kind) =>
    residue[kind].map(({ name }) => withReason(`${kind.slice(0, -1)} ${name}`, name)),
  );
  return [...things, ...[...anonymous].map((name) => withReason(`volume ${name}`, name))];
}
