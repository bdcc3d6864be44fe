// One app as a stack on the Swarm: the operations that the rungs need, each implemented in its own file. Every object
// has the run's labels and is recorded before it is created; nothing is removed here (`removeRun.ts` does that, by
// label). Once the signal aborts, every method rejects with the signal's reason; by then, any command in a container is
// dead.

import type { AdmittedApp, Labels, RunNames, Stack } from '../app/app.ts';
import { type Docker, withSignal } from '../engine/docker.ts';
import { execIn } from '../engine/exec.ts';
import { logsOf } from '../engine/logs.ts';
import { type EngineRun, runningContainer } from '../engine/place.ts';
import { connectTo } from './connect.ts';
import { deployApp } from './deploy.ts';
import { stackEvidence } from './evidence.ts';
import { identityOf, tasksNow } from './identity.ts';
import { scale, untilStopped } from './scale.ts';
import { untilSettled } from './settle.ts';

export type StackOptions = {
  names: RunNames;
  labels: Labels;
  /** The app's secrets, by key in the compose file. */
  secrets: ReadonlyMap<string, string>;
  /** The network that all apps of the run share; created with the first app. */
  network: string;
  /** Durably records an object that is about to be created. */
  intend(what: string): Promise<void>;
  signal: AbortSignal;
};

export function openStack(docker: Docker, { secrets, ...options }: StackOptions): Stack {
  const { names, signal } = options;
  const place: EngineRun = { ...options, docker: withSignal(docker, signal) };
  const openedAtMs = Date.now();
  let deployed: AdmittedApp['services'] = {};
  /** Ids of tasks from before the current deployment or start, which are ignored. */
  let before: ReadonlySet<string> = new Set();
  const replicasOf = (service: string): number => deployed[service]?.replicas ?? 1;
  const wanted = () => Object.fromEntries(Object.keys(deployed).map((name) => [name, replicasOf(name)]));

  return {
    names,
    async deploy(app) {
      before = await tasksNow(place);
      deployed = app.services;
      return { failed: await deployApp(place, app, secrets) };
    },
    converge: ({ seconds }) => untilSettled(place, { wanted: wanted(), before, seconds }),
    identity: () => identityOf(place),
    exec: async (service, ask) => execIn(docker, await runningContainer(place, service), ask, signal),
    async connect(service, port) {
      signal.throwIfAborted();
      const connection = await connectTo(place.docker, await runningContainer(place, service), port);
      const end = () => void connection.destroy();
      signal.addEventListener('abort', end, { once: true });
      connection.once('close', () => signal.removeEventListener('abort', end));
      return connection;
    },
    logs: (service, lines) => logsOf(place, service, lines),
    async stop(services) {
      await Promise.all(services.map((service) => scale(place, service, 0)));
      await untilStopped(place, services);
    },
    async start(services) {
      before = await tasksNow(place);
      await Promise.all(services.map((service) => scale(place, service, replicasOf(service))));
    },
    evidence: () => stackEvidence(place, { services: Object.keys(deployed), sinceMs: openedAtMs }),
  };
}
