// The places on the engine where a run's secrets could have leaked: specs, environments, labels and commands of
// everything with the run's label; logs; images. Each place is read as a stream when its turn comes, and skipped if it
// has been removed by then.

import type Dockerode from 'dockerode';
import { z } from 'zod';
import type { RunId } from '../../../state/entry/ids.ts';
import { engineFault } from '../engine/fault.ts';
import { frames } from '../engine/frames.ts';
import { engineJson, engineStream } from '../engine/get.ts';

/** `where` completes "secret KEY in …". */
export type LeakPlace = { where: string; read(): AsyncIterable<Uint8Array> | Iterable<Uint8Array> };

const askTimeoutMs = 60_000;
const streamTimeoutMs = 300_000;

/** Rejects with RunnerError if the engine does not answer, or has neither a service nor a container of this run. */
export async function leakSources(docker: Dockerode, run: RunId, signal: AbortSignal): Promise<LeakPlace[]> {
  const ask = { filters: { label: [`coldpass.run=${run}`] }, abortSignal: bounded(signal, askTimeoutMs) };
  try {
    const [services, tasks, listed, networks, volumes, configs, secrets] = await Promise.all([
      docker.listServices(ask) as Promise<Service[]>,
      docker.listTasks(ask),
      docker.listContainers({ ...ask, all: true }),
      docker.listNetworks(ask),
      docker.listVolumes(ask),
      docker.listConfigs(ask),
      docker.listSecrets(ask),
    ]);
    if (services.length + listed.length === 0) throw new Error(`it has no service and no container of ${run}`);
    const inspected = await Promise.all(listed.map(({ Id }) => inspect(docker.getContainer(Id), ask.abortSignal)));
    const containers = inspected.filter((container) => container !== null);
    return [
      ...services.map((service) => jsonPlace(`the spec of service ${short(service.Spec?.Name)}`, service)),
      ...containers.map((container) => jsonPlace(`the container of ${owner(container)}`, container)),
      ...containers.flatMap((container) => logOf(docker, container, signal)),
      ...Object.entries({ tasks, networks, volumes: volumes.Volumes, configs, secrets }).map(([what, list]) =>
        jsonPlace(`the ${what} of the run`, list),
      ),
      ...(await imagePlaces(docker, containers, services, signal)),
    ];
  } catch (error) {
    signal.throwIfAborted();
    throw engineFault('be searched for leaked secrets', error);
  }
}

type Container = Dockerode.ContainerInspectInfo;
type Service = { CreatedAt?: string; Spec?: { Name?: string } };

/** Null if the container has been removed meanwhile. */
function inspect(container: Dockerode.Container, abortSignal: AbortSignal): Promise<Container | null> {
  return container.inspect({ abortSignal }).catch(unlessGone);
}

function unlessGone(error: { statusCode?: number }): null {
  if (error.statusCode === 404) return null;
  throw error;
}

function jsonPlace(where: string, what: unknown): LeakPlace {
  return { where, read: () => [Buffer.from(JSON.stringify(what))] };
}

/** A name without the stack's name, which tells a reader nothing. */
function short(name = '?'): string {
  return name.replace(/^\//, '').replace(/^cp[0-9a-f]{12}[_-]/, '');
}

function owner({ Config, Name }: Container): string {
  const service = Config.Labels?.['com.docker.swarm.service.name'];
  return service === undefined ? short(Name) : `service ${short(service)}`;
}

function logOf(docker: Dockerode, container: Container, signal: AbortSignal): LeakPlace[] {
  if (container.HostConfig.LogConfig?.Type === 'none') return [];
  return [{ where: `the log of ${owner(container)}`, read: () => readLog(docker, container, signal) }];
}

async function* readLog(docker: Dockerode, { Id, Config }: Container, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const path = `/containers/${Id}/logs?stdout=1&stderr=1&`;
  const stream = await engineStream(docker, path, bounded(signal, streamTimeoutMs));
  if (stream === null) return;
  if (Config.Tty) yield* stream;
  else for await (const { bytes } of frames(stream)) yield bytes;
}

/**
 * For each image, its metadata; also its layers if it was built after the run began: an older image can't contain the
 * run's secrets.
 */
async function imagePlaces(
  docker: Dockerode,
  containers: Container[],
  services: Service[],
  signal: AbortSignal,
): Promise<LeakPlace[]> {
  const ids = [...new Set(containers.map(({ Image }) => Image))];
  const created = [...containers.map(({ Created }) => Created), ...services.map(({ CreatedAt }) => CreatedAt ?? '')];
  const beganAtMs = Math.min(...created.map((time) => Date.parse(time)).filter((ms) => !Number.isNaN(ms)));
  const places = ids.map(async (id): Promise<LeakPlace[]> => {
    const abortSignal = bounded(signal, askTimeoutMs);
    const [about, history] = await Promise.all(
      ['json', 'history'].map((what) => engineJson(docker, `/images/${id}/${what}`, abortSignal)),
    );
    const { success, data } = Image.safeParse(about);
    if (!success) return [];
    const name = data.RepoTags?.[0] ?? id.slice(0, 19);
    const layers: LeakPlace = { where: `the layers of image ${name}`, read: () => readImage(docker, id, signal) };
    const isNew = !(Date.parse(data.Created) < beganAtMs);
    return [jsonPlace(`the history of image ${name}`, [about, history]), ...(isNew ? [layers] : [])];
  });
  return (await Promise.all(places)).flat();
}

const Image = z.object({ Created: z.string(), RepoTags: z.array(z.string()).nullish() });

async function* readImage(docker: Dockerode, id: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = await engineStream(docker, `/images/${id}/get`, bounded(signal, streamTimeoutMs));
  if (stream !== null) yield* stream;
}

function bounded(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}
