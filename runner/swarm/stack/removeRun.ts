// Removes everything of a run from the engine, whatever state it is in: services first, then their containers and tasks until
// none is left, then what those used. By the label alone, so needed apps and helpers go too, and nothing else does.
//
// A task that is removed while Swarm prepares it makes its volumes afterwards. So volumes are removed only once no task and no
// container is left, and when all is gone one looks again after a quiet time.

import { setTimeout as pause } from 'node:timers/promises';
import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, statusOf } from '../engine/docker.ts';
import { runLabel } from '../engine/place.ts';
import { countOf, kinds, labelled, type Residue, type Thing } from './residue.ts';

export const removeMs = 120_000;
const lookEveryMs = 150;
const quietMs = 1_000;
const saidMax = 160;

/** What is left, and why, in words; empty once all is gone. Never rejects, heeds nobody's signal, may be called at any time. */
export async function removeRun(docker: Docker, run: RunId, options: { deadlineMs?: number } = {}): Promise<string[]> {
  return removeLabelled(docker, { label: runLabel, value: run, deadlineMs: options.deadlineMs ?? removeMs });
}

type What = { label: string; value: string; deadlineMs: number };

export async function removeLabelled(docker: Docker, what: What): Promise<string[]> {
  try {
    return await untilGone(docker, what);
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error;
    return [`what is left of ${what.value} is not known: ${error.message}`];
  }
}

/** What is known from look to look: an image's own volumes, and why things would not go. */
type Memory = { anonymous: Set<string>; why: Map<string, string> };

async function untilGone(docker: Docker, { label, value, deadlineMs }: What): Promise<string[]> {
  const untilMs = Date.now() + deadlineMs;
  const memory: Memory = { anonymous: new Set(), why: new Map() };
  for (let wasEmpty = false; ; ) {
    const found = await labelled(docker, label, value);
    const isEmpty = countOf(found) === 0 && (await removeAnonymous(docker, memory)) === 0;
    if (isEmpty && wasEmpty) return [];
    if (Date.now() > untilMs) return leaks(found, memory);
    if (!isEmpty) await removeOnce(docker, found, memory);
    wasEmpty = isEmpty;
    await pause(isEmpty ? quietMs : lookEveryMs);
  }
}

/** One step further: the next kind goes only once the ones before it are gone. */
async function removeOnce(docker: Docker, found: Residue, { anonymous, why }: Memory): Promise<void> {
  const { services, tasks, containers } = found;
  for (const name of await anonymousIn(docker, containers)) anonymous.add(name);
  await removeAll(services, why, ({ id }) => docker.getService(id).remove());
  // Without its service nothing starts a container again. No grace: what it would save is removed next.
  if (services.length === 0)
    await removeAll(containers, why, ({ id }) => docker.getContainer(id).remove({ force: true, v: true }));
  if (services.length + tasks.length + containers.length > 0) return;
  await removeAll(found.networks, why, ({ id }) => docker.getNetwork(id).remove());
  await removeAll(found.secrets, why, ({ id }) => docker.getSecret(id).remove());
  await removeAll(found.configs, why, ({ id }) => docker.getConfig(id).remove());
  await removeAll(found.volumes, why, ({ id }) => docker.getVolume(id).remove());
}

/** One that is gone is fine; one that is in use, or on its way out, is tried again at the next look. */
async function removeAll(
  things: Thing[],
  why: Map<string, string>,
  remove: (thing: Thing) => Promise<unknown>,
): Promise<void> {
  const one = async (thing: Thing): Promise<void> => {
    try {
      await remove(thing);
    } catch (error) {
      if (statusOf(error) === null) throw error;
      if (statusOf(error) !== 404) why.set(thing.name, (error as Error).message.slice(0, saidMax));
    }
  };
  await Promise.all(things.map(one));
}

/** An image's own volumes bear no label; they are known by the containers that have them, as long as those are there. */
async function anonymousIn(docker: Docker, containers: Thing[]): Promise<string[]> {
  if (containers.length === 0) return [];
  const all = await docker.listContainers({ all: true, filters: { id: containers.map(({ id }) => id) } });
  const mounts = all.flatMap(({ Mounts }) => Mounts.map((mount) => mount.Name ?? ''));
  return mounts.filter((name) => /^[0-9a-f]{64}$/.test(name));
}

/** How many are still there. Swarm removes them with their containers, but for those that were just being made. */
async function removeAnonymous(docker: Docker, { anonymous, why }: Memory): Promise<number> {
  for (const name of anonymous) {
    const volume = docker.getVolume(name);
    try {
      await volume.remove();
      anonymous.delete(name);
    } catch (error) {
      if (statusOf(error) === null) throw error;
      if (statusOf(error) === 404) anonymous.delete(name);
      else why.set(name, (error as Error).message.slice(0, saidMax));
    }
  }
  return anonymous.size;
}

function leaks(found: Residue, { anonymous, why }: Memory): string[] {
  const told = (line: string, name: string): string => (why.has(name) ? `${line}: ${why.get(name)}` : line);
  const things = kinds.flatMap((kind) => found[kind].map(({ name }) => told(`${kind.slice(0, -1)} ${name}`, name)));
  return [...things, ...[...anonymous].map((name) => told(`volume ${name}`, name))];
}
