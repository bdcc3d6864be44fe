// One look at a stack: its services and tasks, reduced to what converge.ts needs.

import { digestOfJson } from '../../../state/entry/digest.ts';
import { type EngineRun, stackLabel } from '../engine/place.ts';
import type { ServiceObservation, StackObservation, TaskObservation } from './converge.ts';

export async function observe({ docker, names }: Pick<EngineRun, 'docker' | 'names'>): Promise<StackObservation> {
  const filters = { label: [`${stackLabel}=${names.stack}`] };
  const [services, tasks] = await Promise.all([
    docker.listServices({ filters }) as Promise<RawService[]>,
    docker.listTasks({ filters }) as Promise<RawTask[]>,
  ]);
  return seenFrom(names.stack, services, tasks, Date.now());
}

/** Converts the engine's answers; tasks are in order of creation. */
export function seenFrom(stack: string, services: RawService[], tasks: RawTask[], atMs: number): StackObservation {
  const nameOf = new Map(services.map(({ ID, Spec }) => [ID, Spec.Name.slice(stack.length + 1)]));
  const inOrder = tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? -1 : 1));
  return {
    atMs,
    services: services.map((service) => seenService(service, nameOf.get(service.ID) ?? '')),
    tasks: inOrder.flatMap((task) => {
      const service = nameOf.get(task.ServiceID);
      return service === undefined ? [] : [seenTask(task, service)];
    }),
  };
}

/**
 * A digest of the task spec without `Placement`, which may change without a new task, and without `Runtime`, which
 * tasks lack.
 */
export function specDigest({ Placement: _, Runtime: __, ...spec }: RawTaskSpec): string {
  return digestOfJson(spec);
}

export type RawTaskSpec = { ContainerSpec?: { Image?: string }; Placement?: unknown; Runtime?: unknown };
export type RawService = {
  ID: string;
  Version: { Index: number };
  Spec: {
    Name: string;
    Labels?: Record<string, string>;
    TaskTemplate: RawTaskSpec;
    Mode?: { Replicated?: { Replicas?: number } };
  };
  UpdateStatus?: { State?: string; Message?: string };
};
export type RawTask = {
  ID: string;
  CreatedAt: string;
  ServiceID: string;
  Slot?: number;
  DesiredState: string;
  Spec: RawTaskSpec;
  Status: {
    State: string;
    Err?: string;
    ContainerStatus?: { ContainerID?: string; ExitCode?: number };
  };
};

function seenService({ Spec, UpdateStatus }: RawService, name: string): ServiceObservation {
  return {
    name,
    update: UpdateStatus?.State || null,
    updateSays: UpdateStatus?.Message || null,
    spec: specDigest(Spec.TaskTemplate),
  };
}

function seenTask({ ID, Slot, Status, DesiredState, Spec }: RawTask, service: string): TaskObservation {
  return {
    id: ID,
    service,
    slot: Slot ?? 0,
    state: Status.State,
    desired: DesiredState,
    error: Status.Err || null,
    exit: Status.ContainerStatus?.ExitCode ?? null,
    spec: specDigest(Spec),
  };
}
