// One app as a stack of its own on the swarm: what it takes to make it, watch it, reach into it. What it makes carries the run's
// labels; taking it down is `residue.ts`, by those labels alone.

import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { digestOf } from '../../state/digest.ts';
import { RunnerError } from '../errors.ts';
import type { AdmittedApp, Converged, Identity, Labels, RunNames, Stack } from './app.ts';
import { connectTo } from './connect.ts';
import { judge, type Look, newWatch, restartsOf } from './converge.ts';
import { type Docker, dockerProgram } from './docker.ts';
import { execIn } from './exec.ts';
import { frames } from './frames.ts';

const lookEveryMs = 300;
const deploySeconds = 60;
const pullMs = 300_000;
const scaleSeconds = 120;
const evidenceLines = 200;

export type StackOptions = {
  names: RunNames;
  labels: Labels;
  /** By the compose file's key. */
  secrets: ReadonlyMap<string, string>;
  /** The network that the run's apps share. */
  network: string;
  /** Write-ahead, before each kind of thing is made. */
  intend(what: string): Promise<void>;
  signal: AbortSignal;
};

export function openStack(docker: Docker, options: StackOptions): Stack {
  const { names, signal } = options;
  const { api } = docker;
  let replicas: Record<string, number> = {};
  /** Tasks from before the last deployment. */
  let before: string[] = [];

  const services = async () => {
    const filters = { label: [`com.docker.stack.namespace=${names.stack}`] };
    const listed = await docker.ask('list services', (abortSignal) => api.listServices({ filters, abortSignal }), signal);
    return z.array(Service).parse(listed);
  };
  const tasks = async () => {
    const ids = (await services()).map(({ ID }) => ID);
    const all = z.array(Task).parse(await docker.ask('list tasks', (abortSignal) => api.listTasks({ abortSignal }), signal));
    return all.filter(({ ServiceID }) => ids.includes(ServiceID));
  };

  async function look(): Promise<Look> {
    const [all, running] = [await services(), await tasks()];
    return {
      services: all.map(({ ID, Spec, UpdateStatus }) => ({
        id: ID,
        name: shortName(names, Spec.Name),
        replicas: Spec.Mode.Replicated?.Replicas ?? 1,
        update: UpdateStatus?.State ? { state: UpdateStatus.State, message: UpdateStatus.Message ?? '' } : null,
      })),
      tasks: running.map(({ ID, ServiceID, Slot, DesiredState, Status }) => ({
        ...{ id: ID, service: ServiceID, slot: Slot ?? 0, state: Status.State, desired: DesiredState },
        ...{ error: Status.Err ?? '', exit: Status.ContainerStatus?.ExitCode ?? null },
      })),
    };
  }

  async function containerOf(service: string): Promise<string> {
    const all = await tasks();
    const its = (await services()).find(({ Spec }) => Spec.Name === `${names.stack}_${service}`);
    const running = all.filter((task) => task.ServiceID === its?.ID && task.Status.State === 'running');
    const task = running.find(({ DesiredState }) => DesiredState === 'running');
    const id = task?.Status.ContainerStatus?.ContainerID;
    if (!id) throw new RunnerError('box', `service ${service} has no running container`);
    return id;
  }

  async function converged(seconds: number): Promise<Converged> {
    const startedAtMs = Date.now();
    const watch = newWatch(startedAtMs, before);
    for (;;) {
      const judgement = judge(watch, await look(), Date.now());
      if (judgement.kind === 'stands') return { failed: null, late: false, restarts: restartsOf(watch) };
      if (judgement.kind === 'failed') {
        const said = (await logsOf(judgement.service, 3)).trim().split('\n').at(-1) ?? '';
        return { failed: `${judgement.why}${said === '' ? '' : `; it said: ${said}`}`, late: false, restarts: restartsOf(watch) };
      }
      if (Date.now() - startedAtMs > seconds * 1000)
        return { failed: `${judgement.why}; ${seconds} s were given`, late: true, restarts: restartsOf(watch) };
      await pause(lookEveryMs, undefined, { signal });
    }
  }

  async function logsOf(service: string, lines: number): Promise<string> {
    const its = (await services()).find(({ Spec }) => Spec.Name === `${names.stack}_${service}`);
    if (!its) return '';
    const stream = await docker.ask(
      'read logs',
      () => api.getService(its.ID).logs({ stdout: true, stderr: true, tail: lines, follow: false } as object) as unknown as Promise<NodeJS.ReadableStream>,
      signal,
    );
    return textOf(stream);
  }

  async function scale(wanted: string[], to: (service: string) => number): Promise<void> {
    for (const { ID, Version, Spec } of await services()) {
      const service = shortName(names, Spec.Name);
      if (!wanted.includes(service)) continue;
      const spec = { ...Spec, version: Version.Index, Mode: { Replicated: { Replicas: to(service) } } };
      await docker.ask('scale a service', () => api.getService(ID).update(spec as never), signal);
    }
  }

  return {
    names,
    async deploy(app) {
      before = (await tasks()).map(({ ID }) => ID);
      const failed = (await imagesFault(docker, app, signal)) ?? (await makeParts(docker, app, options));
      if (failed) return { failed };
      await options.intend(`stack ${names.stack}`);
      const args = ['stack', 'deploy', '--compose-file', '-', '--resolve-image', 'never', names.stack];
      const end = await dockerProgram(docker, args, { input: app.document, seconds: deploySeconds, signal });
      signal.throwIfAborted();
      replicas = Object.fromEntries(Object.entries(app.services).map(([name, service]) => [name, service.replicas]));
      return { failed: end.exit === 0 ? null : `docker stack deploy: ${end.said}` };
    },
    converge: ({ seconds }) => converged(seconds),
    async identity() {
      const all = await services();
      const running = await tasks();
      const found: Identity['services'] = {};
      let version: string | null = null;
      for (const { ID, Spec } of all) {
        const name = shortName(names, Spec.Name);
        const task = running.find((one) => one.ServiceID === ID && one.Status.State === 'running' && one.DesiredState === 'running');
        const container = task?.Status.ContainerStatus?.ContainerID;
        const inspected = container && Container.parse(await docker.ask('look at a container', () => api.getContainer(container).inspect()));
        const image = Spec.TaskTemplate.ContainerSpec.Image;
        const spec = digestOf(Buffer.from(JSON.stringify(Spec.TaskTemplate.ContainerSpec)));
        found[name] = { image, imageId: inspected ? inspected.Image : '', spec, task: task?.ID ?? '' };
        version = Spec.Labels[`coop-cloud.${names.stack}.version`] ?? version;
      }
      return { version, services: found };
    },
    exec: async (service, ask) => execIn(docker, await containerOf(service), ask, signal),
    connect: async (service, port) => connectTo(docker, await containerOf(service), port, signal),
    logs: logsOf,
    async stop(wanted) {
      await scale(wanted, () => 0);
      await settled(async () => (await tasks()).every(({ Status }) => !living.has(Status.State)), signal);
    },
    async start(wanted) {
      before = (await tasks()).map(({ ID }) => ID);
      await scale(wanted, (service) => replicas[service] ?? 1);
    },
    async evidence() {
      const all = await services();
      const files: Record<string, string> = {
        'services.json': JSON.stringify(all, null, 2),
        'tasks.json': JSON.stringify(await tasks(), null, 2),
      };
      for (const { Spec } of all) {
        const name = shortName(names, Spec.Name);
        files[`${name}.log`] = await logsOf(name, evidenceLines);
      }
      return files;
    },
  };
}

const living = new Set(['new', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting', 'running']);

async function settled(holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const untilMs = Date.now() + scaleSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > untilMs) throw new RunnerError('engine', `a service was not stopped within ${scaleSeconds} s`);
    await pause(lookEveryMs, undefined, { signal });
  }
}

function shortName(names: RunNames, name: string): string {
  return name.startsWith(`${names.stack}_`) ? name.slice(names.stack.length + 1) : name;
}

/** An image that is neither here nor to be pulled is told before anything is deployed. */
async function imagesFault(docker: Docker, app: AdmittedApp, signal: AbortSignal): Promise<string | null> {
  for (const [name, { image }] of Object.entries(app.services)) {
    const there = await docker.api.getImage(image).inspect().then(
      () => true,
      () => false,
    );
    if (there) continue;
    const pull = await dockerProgram(docker, ['pull', '--quiet', image], { input: '', seconds: pullMs / 1000, signal });
    if (pull.exit !== 0) return `service ${name}: image ${image} is not here and cannot be pulled (${pull.said.slice(0, 200)})`;
  }
  return null;
}

async function makeParts(docker: Docker, app: AdmittedApp, { labels, secrets, network, intend, signal }: StackOptions): Promise<string | null> {
  const { api } = docker;
  await intend(`network, configs and secrets of ${app.stack}`);
  await docker.ask(
    'make a network',
    async (abortSignal) => {
      const found = await api.listNetworks({ filters: { name: [network] }, abortSignal });
      if (found.some(({ Name }) => Name === network)) return;
      await api.createNetwork({ Name: network, Driver: 'overlay', Attachable: true, Labels: { ...labels }, abortSignal });
    },
    signal,
  );
  for (const { name, bytes, template } of app.configs) {
    const found = z.array(Config).parse(await docker.ask('list configs', (abortSignal) => api.listConfigs({ filters: { name: [name] }, abortSignal }), signal));
    const same = found.find(({ Spec }) => Spec.Name === name);
    const Data = bytes.toString('base64');
    if (same && same.Spec.Data !== Data)
      return `config ${name} has other content than before under the same name; raise its version in abra.sh`;
    if (same) continue;
    const spec = { Name: name, Labels: { ...labels }, Data, ...(template && { Templating: { Name: 'golang' } }) };
    await docker.ask('make a config', (abortSignal) => api.createConfig({ ...spec, abortSignal } as never), signal);
  }
  for (const { key, name } of app.secrets) {
    const value = secrets.get(key);
    if (value === undefined) throw new RunnerError('engine', `no value was made for secret ${key}`);
    const found = await docker.ask('list secrets', (abortSignal) => api.listSecrets({ filters: { name: [name] }, abortSignal }), signal);
    if (found.some(({ Spec }) => Spec?.Name === name)) continue;
    const Data = Buffer.from(value).toString('base64');
    await docker.ask('make a secret', (abortSignal) => api.createSecret({ Name: name, Labels: { ...labels }, Data, abortSignal }), signal);
  }
  return null;
}

async function textOf(stream: NodeJS.ReadableStream | Buffer): Promise<string> {
  const source = Buffer.isBuffer(stream) ? [stream] : (stream as AsyncIterable<Buffer>);
  const parts: string[] = [];
  for await (const { bytes } of frames((async function* () { yield* source; })())) parts.push(bytes.toString());
  return parts.join('');
}

const Labelled = z.record(z.string(), z.string()).nullish().transform((labels) => labels ?? {});
const Service = z.looseObject({
  ID: z.string(),
  Version: z.object({ Index: z.number() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: Labelled,
    Mode: z.looseObject({ Replicated: z.object({ Replicas: z.number().default(1) }).optional() }),
    TaskTemplate: z.looseObject({ ContainerSpec: z.looseObject({ Image: z.string() }) }),
  }),
  UpdateStatus: z.looseObject({ State: z.string().optional(), Message: z.string().optional() }).nullish(),
});
const Task = z.looseObject({
  ID: z.string(),
  ServiceID: z.string(),
  Slot: z.number().optional(),
  DesiredState: z.string(),
  Status: z.looseObject({
    State: z.string(),
    Err: z.string().optional(),
    ContainerStatus: z.looseObject({ ContainerID: z.string().optional(), ExitCode: z.number().optional() }).optional(),
  }),
});
const Container = z.looseObject({ Image: z.string() });
const Config = z.looseObject({ Spec: z.looseObject({ Name: z.string(), Data: z.string().optional() }) });
