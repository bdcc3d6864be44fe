// The types through which the parts of the swarm engine share one app under test; no part uses another's internals.
//
//   compose files ── admitted ──▶ AdmittedApp ── deployed ──▶ Stack ──▶ rungs ──▶ the run's record
//                                                   ├─ AppHost ── unix socket ──▶ hooks and tests, boxed
//                                                   └─ Vault: backup, wipe, restore

import type { Duplex } from 'node:stream';
import type { RunId } from '../../../state/entry/ids.ts';
import type { AppFacts } from '../../../state/entry/record.ts';

/** One run's names. `stack` is `cp` and the run's twelve hex digits; a needed app's stack is `<stack>-<need>`. */
export type RunNames = { run: RunId; stack: string; domain: string };

/** The labels of every object that a run creates on the engine. */
export type Labels = {
  'coldpass.run': string;
  'coldpass.claim': string;
  'coldpass.attempt': string;
  /** ISO time after which nobody needs the object. Only for people: the reaper ignores it. */
  'coldpass.expires': string;
};

/** The compose files of one app, as admitted: they name nothing of the host. */
export type AdmittedApp = {
  stack: string;
  /** The main service's label `coop-cloud.<stack>.version` (or `coop-cloud.${STACK_NAME}.version`); null if missing. */
  version: string | null;
  main: string;
  services: Record<string, AdmittedService>;
  /** Keys of the compose file; each volume is named `<stack>_<key>`. */
  volumes: string[];
  /** The configs to create before the deployment, each under exactly its `name`. */
  configs: { name: string; bytes: Buffer; template: boolean }[];
  /**
   * The secrets to generate for the run, each with `length` characters. `key` is from the compose file, `name` is for
   * Swarm.
   */
  secrets: { key: string; name: string; length: number }[];
  /** The resolved environment, without secrets. */
  env: Record<string, string>;
  backup: BackupPlan;
  /**
   * The input for `docker stack deploy --compose-file -`: variables are resolved, labels added, and each `$` is
   * doubled.
   */
  document: string;
};

export type AdmittedService = { image: string; replicas: number; hasHealthcheck: boolean; volumes: string[] };

/**
 * The backup plan from the backupbot v2 labels. `volumes` have keys of the compose file; a volume that is not listed is
 * not backed up. Without `services`, nothing is backed up.
 */
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

/**
 * Distinguishes one deployment from another: for each service, by the image id and a digest of the container's spec.
 */
export type Identity = {
  version: string | null;
  services: Record<string, { image: string; imageId: string; spec: string; task: string }>;
};

export type ExecAsk = { command: readonly string[]; stdin?: Uint8Array; user?: string; seconds: number };
/** `exit` is null if the command was killed (`timedOut`) or its container has gone. Each stream is bounded. */
export type ExecEnd = { exit: number | null; timedOut: boolean; stdout: Buffer; stderr: Buffer };

/** `late`: the wait failed because `seconds` ran out, not because of a task. */
export type Converged = { failed: string | null; late: boolean; restarts: number };

/** One deployed app. Every method heeds the signal that the stack was opened with. */
export interface Stack {
  readonly names: RunNames;
  /**
   * Creates configs, secrets, networks and volumes, then deploys. `failed` is the app's fault, in one line; null if
   * none.
   */
  deploy(app: AdmittedApp): Promise<{ failed: string | null }>;
  /**
   * Waits until every service has converged: N/N replicas, no update that is running, paused or rolled back, and the
   * same tasks for a while.
   */
  converge(options: { seconds: number; before: Identity | null }): Promise<Converged>;
  identity(): Promise<Identity>;
  /**
   * Runs a command in the service's running container. Rejects with RunnerError `no-container` if the service has none.
   */
  exec(service: string, ask: ExecAsk): Promise<ExecEnd>;
  /**
   * Connects to a port of the service's running container, on whatever address it is open. Rejects with ECONNREFUSED if
   * it is closed.
   */
  connect(service: string, port: number): Promise<Duplex>;
  logs(service: string, lines: number): Promise<string>;
  /** Scales the services down and waits until none of their containers runs. */
  stop(services: string[]): Promise<void>;
  /** Scales the services back to their declared replicas, without waiting: `converge` waits for them. */
  start(services: string[]): Promise<void>;
  /**
   * Collects the state after a failure, for people: service ps, events, last logs, inspect. Bounded. The logs may
   * contain secrets.
   */
  evidence(): Promise<Record<string, string>>;
}

/** Backups of one run's volumes, made in containers without network; nothing on the host opens a volume. */
export interface Vault {
  /** Takes a snapshot of a volume, even an empty one, and returns its id. */
  back(volume: string, paths: string[] | null): Promise<string>;
  /** Empties a volume that no container uses, and returns its number of entries before and after. */
  wipe(volume: string): Promise<{ before: number; after: number }>;
  restore(volume: string, snapshot: string): Promise<void>;
  /** Every file of every snapshot, for the leak search. Bounded. */
  dump(): AsyncIterable<Buffer>;
}

/** What hooks and tests may ask of the run; the server behind their socket uses nothing else. */
export interface AppHost {
  about(): About;
  exec(service: string, ask: ExecAsk): Promise<ExecEnd>;
  connect(service: string, port: number): Promise<Duplex>;
  logs(service: string): Promise<string>;
  /** The value of a generated secret of this run; null if the key is unknown. */
  secret(key: string): string | null;
}

export type About = {
  run: RunId;
  stack: string;
  domain: string;
  version: string | null;
  env: Record<string, string>;
  services: string[];
  /**
   * For each needed app, by its name in the recipe: its main service's host name on the shared network, and its
   * environment.
   */
  needs: Record<string, { host: string; env: Record<string, string> }>;
};

/** What the record will contain about an app; collected during the run. */
export type CollectedFacts = AppFacts;
