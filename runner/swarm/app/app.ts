// What the parts of the swarm engine tell each other about one app under test. Types alone; no part knows another's insides.
//
//   compose files ── admitted ──▶ AdmittedApp ── deployed ──▶ Stack ──▶ rungs ──▶ the run's record
//                                                   ├─ AppHost ── unix socket ──▶ hooks and tests, boxed
//                                                   └─ Vault: backup, wipe, restore

import type { Duplex } from 'node:stream';
import type { RunId } from '../../../state/entry/ids.ts';
import type { AppFacts } from '../../../state/entry/record.ts';

/** One run's names. `stack` is `cp` and the run's twelve hex digits; a needed app's stack is `<stack>-<need>`. */
export type RunNames = { run: RunId; stack: string; domain: string };

/** On everything that a run makes, whatever kind of thing it is. */
export type Labels = {
  'coldpass.run': string;
  'coldpass.claim': string;
  'coldpass.attempt': string;
  /** ISO time after which nobody needs it any more; for people, nothing is reaped by it. */
  'coldpass.expires': string;
};

/** The compose files of one app as they were admitted: nothing of the host is named in it. */
export type AdmittedApp = {
  stack: string;
  /** From the label `coop-cloud.<stack>.version` (or `coop-cloud.${STACK_NAME}.version`) of the main service; null without. */
  version: string | null;
  main: string;
  services: Record<string, AdmittedService>;
  /** Keys of the compose file; the volume is called `<stack>_<key>`. */
  volumes: string[];
  /** To be made before the deployment, under exactly this name. */
  configs: { name: string; bytes: Buffer; template: boolean }[];
  /** Generated for the run: `length` characters. `key` is the compose file's, `name` Swarm's. */
  secrets: { key: string; name: string; length: number }[];
  /** The resolved environment, without secrets. */
  env: Record<string, string>;
  backup: BackupPlan;
  /** For `docker stack deploy --compose-file -`: resolved, labelled, its `$` doubled. */
  document: string;
};

export type AdmittedService = { image: string; replicas: number; hasHealthcheck: boolean; volumes: string[] };

/** Read from backupbot v2 labels. `volumes` are keys; what none names is not backed up. Empty: not backup-capable. */
export type BackupPlan = {
  services: {
    service: string;
    volumes: { volume: string; paths: string[] | null }[];
    preHook: string | null;
    postHook: string | null;
    restorePreHook: string | null;
    restorePostHook: string | null;
  }[];
};

/** What tells one deployment from another. Per service: image id and a digest of the container's spec. */
export type Identity = {
  version: string | null;
  services: Record<string, { image: string; imageId: string; spec: string; task: string }>;
};

export type ExecAsk = { command: readonly string[]; stdin?: Uint8Array; user?: string; seconds: number };
/** `exit` null: it was ended (`timedOut`), or its container went. Each stream is bounded. */
export type ExecEnd = { exit: number | null; timedOut: boolean; stdout: Buffer; stderr: Buffer };

/** `late`: it failed because `seconds` were over, not by what its tasks did. */
export type Converged = { failed: string | null; late: boolean; restarts: number };

/** One deployed app. Every method but `remove` heeds the signal that the stack was opened with. */
export interface Stack {
  readonly names: RunNames;
  /** Makes configs, secrets, networks and volumes, then deploys. `failed`: the app's own fault, in one line. */
  deploy(app: AdmittedApp): Promise<{ failed: string | null }>;
  /** Waits until every service stands: N/N, no update in flight, a terminal state that is no rollback and no pause, the same tasks through a window. */
  converge(options: { seconds: number; before: Identity | null }): Promise<Converged>;
  identity(): Promise<Identity>;
  /** In the service's running container. Rejects with RunnerError `no-container` where there is none. */
  exec(service: string, ask: ExecAsk): Promise<ExecEnd>;
  /** To a port of the service's running container, wherever it listens. An Error of code ECONNREFUSED where nothing does. */
  connect(service: string, port: number): Promise<Duplex>;
  logs(service: string, lines: number): Promise<string>;
  /** Down to no running container; waits for it. */
  stop(services: string[]): Promise<void>;
  /** Back to what the app declares; `converge` is what waits for it. */
  start(services: string[]): Promise<void>;
  /** For people, after a failure: service ps, events, last logs, inspect. Bounded. What a service logged may hold secrets. */
  evidence(): Promise<Record<string, string>>;
}

/** Backups of one run's volumes, in containers without network; nothing on the host opens a volume. */
export interface Vault {
  /** One snapshot of each volume; its id. An empty volume has one too. */
  back(volume: string, paths: string[] | null): Promise<string>;
  /** Empties a volume that no container uses, and counts its entries before and after. */
  wipe(volume: string): Promise<{ before: number; after: number }>;
  restore(volume: string, snapshot: string): Promise<void>;
  /** Every file of every snapshot, for the search for leaked secrets. Bounded. */
  dump(): AsyncIterable<Buffer>;
}

/** What hooks and tests may ask of the run; the server behind the socket speaks to this alone. */
export interface AppHost {
  about(): About;
  exec(service: string, ask: ExecAsk): Promise<ExecEnd>;
  connect(service: string, port: number): Promise<Duplex>;
  logs(service: string): Promise<string>;
  /** The value of a generated secret of this run; null where there is none of that key. */
  secret(key: string): string | null;
}

export type About = {
  run: RunId;
  stack: string;
  domain: string;
  version: string | null;
  env: Record<string, string>;
  services: string[];
  /** By the need's name: how its main service is called on the shared network, and here. */
  needs: Record<string, { host: string; env: Record<string, string> }>;
};

/** What the record holds of an app; collected as the run goes. */
export type Facts = AppFacts;
