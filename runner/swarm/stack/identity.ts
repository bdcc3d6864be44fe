// Distinguishes deployments by what runs: for each service, the image of its container and a digest of the container's
// spec. A version label alone proves nothing: it can change without a new task.

import { digestOfJson } from '../../../state/entry/digest.ts';
import type { Identity } from '../app/app.ts';
import { type EngineRun, stackLabel } from '../engine/place.ts';
import { observe, type RawService, type RawTask } from './observe.ts';

/** A service without a running task is left out. */
export async function identityOf(place: EngineRun): Promise<Identity> {
  const { docker, names } = place;
  const filters = { label: [`${stackLabel}=${names.stack}`] };
  const [services, tasks] = await Promise.all([
    docker.listServices({ filters }) as Promise<RawService[]>,
    docker.listTasks({ filters }) as Promise<RawTask[]>,
  ]);
  const seen: Identity['services'] = {};
  for (const { ID, Spec } of services) {
    const running = tasks.filter((task) => task.ServiceID === ID && isUp(task)).sort((a, b) => (a.ID < b.ID ? -1 : 1));
    const [first] = running;
    const container = first?.Status.ContainerStatus?.ContainerID;
    if (first === undefined || container === undefined) continue;
    const { Image } = await docker.getContainer(container).inspect();
    seen[Spec.Name.slice(names.stack.length + 1)] = {
      image: first.Spec.ContainerSpec?.Image ?? '',
      imageId: Image,
      spec: digestOfJson(first.Spec.ContainerSpec),
      task: running.map((task) => task.ID).join(' '),
    };
  }
  return { version: versionIn(names.stack, services), services: seen };
}

/** The ids of all tasks that Swarm still lists. */
export async function tasksNow(place: EngineRun): Promise<Set<string>> {
  return new Set((await observe(place)).tasks.map((task) => task.id));
}

function isUp({ DesiredState, Status }: RawTask): boolean {
  return DesiredState === 'running' && Status.State === 'running';
}

function versionIn(stack: string, services: RawService[]): string | null {
  const label = `coop-cloud.${stack}.version`;
  return services.map(({ Spec }) => Spec.Labels?.[label]).find((value) => value !== undefined) ?? null;
}
