// Lists what a run has on the engine, by its exact label. Never by name: the engine's name filters match too much, and
// other objects may have almost the same name. Rejects if the engine does not answer, so that silence never looks like
// "nothing left".

import type { RunId } from '../../../state/entry/ids.ts';
import type { Docker } from '../engine/docker.ts';
import { runLabel } from '../engine/place.ts';

export const residueKinds = ['services', 'tasks', 'containers', 'networks', 'secrets', 'configs', 'volumes'] as const;
export type ResidueKind = (typeof residueKinds)[number];
export type ResidueItem = { id: string; name: string };
/** Everything of a run, including needed apps and helper containers. */
export type Residue = Record<ResidueKind, ResidueItem[]>;
type Labels = Record<string, string> | null | undefined;
type Labelled = ResidueItem & { labels: Labels };

export async function residueOf(docker: Docker, run: RunId): Promise<Residue> {
  return labelledObjects(docker, runLabel, run);
}

export async function labelledObjects(docker: Docker, label: string, value: string): Promise<Residue> {
  const all = await allWith(docker, `${label}=${value}`);
  const exact = (things: Labelled[]): ResidueItem[] =>
    things.filter(({ labels }) => labels?.[label] === value).map(({ id, name }) => ({ id, name }));
  // The engine filters tasks by their service's labels, even after the service is removed, but does not return the
  // labels.
  const tasks = all.tasks.map(({ id, name }) => ({ id, name }));
  return { ...mapKinds((kind) => exact(all[kind])), tasks };
}

/** Every value that the label has on any object. */
export async function labelValues(docker: Docker, label: string): Promise<string[]> {
  const all = await allWith(docker, label);
  const values = residueKinds.flatMap((kind) => all[kind].map(({ labels }) => labels?.[label]));
  return [...new Set(values.filter((value) => value !== undefined))].sort();
}

export function countOf(residue: Residue): number {
  return residueKinds.reduce((sum, kind) => sum + residue[kind].length, 0);
}

/** One line for each object: `volume cp…_data`. */
export function namesIn(residue: Residue): string[] {
  return residueKinds.flatMap((kind) => residue[kind].map(({ name }) => `${kind.slice(0, -1)} ${name}`));
}

function mapKinds(each: (kind: ResidueKind) => ResidueItem[]): Residue {
  return Object.fromEntries(residueKinds.map((kind) => [kind, each(kind)])) as Residue;
}

type Spec = { Name: string; Labels?: Record<string, string> };
type Task = { ID: string; Slot?: number; Status: { State: string }; Spec: { ContainerSpec?: { Labels?: Labels } } };

async function allWith(docker: Docker, label: string): Promise<Record<ResidueKind, Labelled[]>> {
  const filters = { label: [label] };
  const [services, tasks, containers, networks, secrets, configs, volumes] = await Promise.all([
    docker.listServices({ filters }) as Promise<{ ID: string; Spec: Spec }[]>,
    docker.listTasks({ filters }) as Promise<Task[]>,
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listSecrets({ filters }) as Promise<{ ID: string; Spec: Spec }[]>,
    docker.listConfigs({ filters }) as Promise<{ ID: string; Spec: Spec }[]>,
    docker.listVolumes({ filters }),
  ]);
  const ofSpec = ({ ID, Spec }: { ID: string; Spec: Spec }) => ({ id: ID, name: Spec.Name, labels: Spec.Labels });
  return {
    services: services.map(ofSpec),
    tasks: tasks.map(({ ID, Status, Spec }) => ({
      id: ID,
      name: `${ID} (${Status.State})`,
      labels: Spec.ContainerSpec?.Labels,
    })),
    containers: containers.map(({ Id, Names, Labels }) => ({ id: Id, name: Names[0]?.slice(1) ?? Id, labels: Labels })),
    networks: networks.map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels })),
    secrets: secrets.map(ofSpec),
    configs: configs.map(ofSpec),
    volumes: (volumes.Volumes ?? []).map(({ Name, Labels }) => ({ id: Name, name: Name, labels: Labels })),
  };
}
