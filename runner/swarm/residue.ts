// All that one run has in the engine, by its label alone (name filters match too much), and its removal: services first, then
// nothing else before their tasks and containers are gone, since a task that was just being prepared makes its volumes late.

import { setTimeout as pause } from 'node:timers/promises';
import type { RunId } from '../../state/ids.ts';
import type { Docker } from './docker.ts';

/** Ids (volumes: names) of what is there. */
export type Residue = Record<(typeof kinds)[number], string[]>;
const kinds = ['services', 'tasks', 'containers', 'networks', 'secrets', 'configs', 'volumes'] as const;

const lookEveryMs = 250;
/** After everything is gone: a task that was being prepared may still make a volume. Longer than that was ever seen to take. */
const quietMs = 1500;
const preparedQuietMs = 10_000;

/** Rejects where the engine does not answer: that nothing is seen there must not read as nothing left. */
export async function residueOf(docker: Docker, run: RunId): Promise<Residue> {
  const { api } = docker;
  const filters = { label: [`coldpass.run=${run}`] };
  const found = await docker.ask('list what a run has made', (abortSignal) =>
    Promise.all([
      api.listServices({ filters, abortSignal }),
      api.listTasks({ filters, abortSignal }),
      api.listContainers({ all: true, filters, abortSignal }),
      api.listNetworks({ filters, abortSignal }),
      api.listSecrets({ filters, abortSignal }),
      api.listConfigs({ filters, abortSignal }),
      api.listVolumes({ filters, abortSignal }),
    ]),
  );
  const [services, tasks, containers, networks, secrets, configs, { Volumes }] = found;
  return {
    services: services.map(({ ID }) => ID),
    tasks: (tasks as { ID: string }[]).map(({ ID }) => ID),
    containers: containers.map(({ Id }) => Id),
    networks: networks.map(({ Id }) => Id),
    secrets: secrets.map(({ ID }) => ID),
    configs: (configs as { ID: string }[]).map(({ ID }) => ID),
    volumes: (Volumes ?? []).map(({ Name }) => Name),
  };
}

/** Each leak in words. Idempotent, and legal after half a deployment. Rejects only where the engine does not answer. */
export async function removeRun(docker: Docker, run: RunId, { deadlineMs }: { deadlineMs: number }): Promise<string[]> {
  const untilMs = Date.now() + deadlineMs;
  const first = await residueOf(docker, run);
  const quietFor = first.tasks.length > 0 && first.containers.length === 0 ? preparedQuietMs : quietMs;
  let lastSeenMs = countOf(first) > 0 ? Date.now() : 0;
  for (let there = first; ; there = await residueOf(docker, run)) {
    if (countOf(there) > 0) {
      lastSeenMs = Date.now();
      await removeOnce(docker, there);
    } else if (Date.now() - lastSeenMs >= quietFor) return [];
    if (Date.now() > untilMs) return leaksOf(there, deadlineMs);
    await pause(lookEveryMs);
  }
}

export function countOf(residue: Residue): number {
  return kinds.reduce((sum, kind) => sum + residue[kind].length, 0);
}

/** What can go now goes; what is in use is tried again. */
async function removeOnce(docker: Docker, { services, tasks, containers, ...rest }: Residue): Promise<void> {
  const { api } = docker;
  const each = async (ids: string[], remove: (id: string) => Promise<unknown>) => {
    await Promise.all(ids.map((id) => remove(id).catch(() => undefined)));
  };
  await docker.ask('remove what a run has made', async (abortSignal) => {
    await each(services, (id) => api.getService(id).remove({ abortSignal }));
    // Swarm ends its own containers; those that have no task any more, and helpers, are ended here.
    if (services.length === 0 && tasks.length === 0)
      await each(containers, (id) => api.getContainer(id).remove({ force: true, v: true, abortSignal }));
    await each(rest.networks, (id) => api.getNetwork(id).remove({ abortSignal }));
    await each(rest.secrets, (id) => api.getSecret(id).remove({ abortSignal }));
    await each(rest.configs, (id) => api.getConfig(id).remove({ abortSignal }));
    if (services.length === 0 && tasks.length === 0 && containers.length === 0)
      await each(rest.volumes, (id) => api.getVolume(id).remove({ abortSignal }));
  });
}

function leaksOf(there: Residue, deadlineMs: number): string[] {
  return kinds
    .filter((kind) => there[kind].length > 0)
    .map((kind) => `${there[kind].length} ${kind} could not be removed within ${deadlineMs / 1000} s: ${there[kind].slice(0, 3).join(', ')}.`);
}
