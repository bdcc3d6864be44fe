// Helper containers in which a run executes commands for the harness: no network, a read-only root, few capabilities,
// the run's labels. Volumes can be mounted only when a container is created, so there is one container for each set of
// mounts, created when first needed and kept for the next command (a new container for each command would cost three
// times as much). A container keeps its volumes in use, so call `close` before removing them. An abort or a deadline
// removes the container, with whatever runs in it.

import { addAbortSignal, type Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';
import type { Labels } from '../app/app.ts';
import { engineFault } from './fault.ts';
import { frames } from './frames.ts';

export type HelperMount = { volume: string; at: string; readOnly: boolean };
export type HelperAsk = { command: readonly string[]; mounts: readonly HelperMount[]; stdin: string; seconds: number };
/** `exit` is null if the deadline came first. Each stream is cut at `outputBytesMax`. */
export type HelperEnd = { exit: number | null; stdout: string; stderr: string };

export interface Helpers {
  /** Rejects with the signal's reason, or RunnerError. */
  run(ask: HelperAsk): Promise<HelperEnd>;
  /** The command's standard output as it arrives. Throws unless it exits with 0. Leaving the loop ends the command. */
  stream(ask: HelperAsk): AsyncGenerator<Buffer>;
  /** Whether a container of that name is one of these helpers. */
  owns(container: string): boolean;
  /** Removes every helper, running or not, even if its creation failed. Has its own deadline; may be called twice. */
  close(): Promise<void>;
}

export type HelperOptions = {
  docker: Dockerode;
  image: string;
  labels: Labels;
  /** Prefix of each container's name. */
  name: string;
  signal: AbortSignal;
};

const outputBytesMax = 256 * 1024;
const stderrCharsMax = 1000;
const callTimeoutMs = 30_000;
const removeTimeoutMs = 30_000;
/** After this time a container removes itself, in case its owner has died. */
const lifeSeconds = 2 * 3600;
const memoryBytes = 1024 ** 3;
const processesMax = 256;
const scratch = { '/tmp': 'rw,nosuid,nodev,size=256m' };
/** Enough to read, create and remove anything that a service may leave in its volume. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'];

export function helpers({ docker, image, labels, name, signal }: HelperOptions): Helpers {
  const closing = new AbortController();
  const stopped = AbortSignal.any([signal, closing.signal]);
  /** Container names, by their mounts. */
  const containers = new Map<string, Promise<string>>();
  let createdCount = 0;

  /** The name of the container with these mounts. */
  function place(mounts: readonly HelperMount[]): Promise<string> {
    const key = JSON.stringify(mounts);
    const container = containers.get(key) ?? make(mounts);
    containers.set(key, container);
    container.catch(() => containers.delete(key));
    return container;
  }

  async function make(mounts: readonly HelperMount[]): Promise<string> {
    createdCount += 1;
    const own = `${name}-${createdCount}`;
    try {
      // Ignores the signal: the engine would create the container anyway, and nobody would remove it.
      const options = { ...shape(own, image, labels, mounts), abortSignal: AbortSignal.timeout(callTimeoutMs) };
      const container = await docker.createContainer(options);
      stopped.throwIfAborted();
      await container.start({ abortSignal: AbortSignal.any([stopped, AbortSignal.timeout(callTimeoutMs)]) });
      return own;
    } catch (error) {
      await removeContainer(docker, own);
      stopped.throwIfAborted();
      throw engineFault('start a helper container', error);
    }
  }

  async function* execute({ command, mounts, stdin, seconds }: HelperAsk): AsyncGenerator<Part> {
    stopped.throwIfAborted();
    const own = await place(mounts);
    const deadline = AbortSignal.timeout(seconds * 1000);
    const until = AbortSignal.any([stopped, deadline]);
    let hasEnded = false;
    try {
      const { exec, connection } = await begin(docker.getContainer(own), command, until);
      connection.end(stdin);
      for await (const { channel, bytes } of frames(connection)) yield { kind: channel, bytes };
      until.throwIfAborted();
      const exit = await exitOf(exec, until);
      // If the container still exists, the command itself was killed (out of memory); otherwise `inspect` throws.
      if (exit === killedExit) await docker.getContainer(own).inspect({ abortSignal: until });
      yield { kind: 'exit', exit };
      hasEnded = true;
    } catch (error) {
      stopped.throwIfAborted();
      if (!deadline.aborted) throw engineFault('run a command in a helper container', error);
      yield { kind: 'exit', exit: null };
    } finally {
      // Nothing else ends a command whose caller has stopped listening.
      if (!hasEnded) {
        containers.delete(JSON.stringify(mounts));
        await removeContainer(docker, own);
      }
    }
  }

  async function run(ask: HelperAsk): Promise<HelperEnd> {
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const bytes = { stdout: 0, stderr: 0 };
    let exit: number | null = null;
    for await (const part of execute(ask)) {
      if (part.kind === 'exit') exit = part.exit;
      else if (bytes[part.kind] < outputBytesMax) {
        chunks[part.kind].push(part.bytes);
        bytes[part.kind] += part.bytes.length;
      }
    }
    return { exit, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
  }

  async function* stream(ask: HelperAsk): AsyncGenerator<Buffer> {
    let stderr = '';
    let exit: number | null = null;
    for await (const part of execute(ask)) {
      if (part.kind === 'exit') exit = part.exit;
      else if (part.kind === 'stdout') yield part.bytes;
      else stderr = (stderr + part.bytes).slice(-stderrCharsMax);
    }
    const end = exit === null ? 'exceeded its deadline' : `exited with ${exit}`;
    if (exit !== 0) throw new RunnerError('engine', `a command in a helper container ${end}: ${stderr}`);
  }

  function owns(container: string): boolean {
    return container.startsWith(`${name}-`) && /^\d+$/.test(container.slice(name.length + 1));
  }

  async function close(): Promise<void> {
    closing.abort(new RunnerError('bad-request', 'the helper containers of this run are closed'));
    // A container that is still being created is not listed yet.
    await Promise.allSettled(containers.values());
    const filters = { label: [`coldpass.run=${labels['coldpass.run']}`] };
    const all = await docker
      .listContainers({ all: true, filters, abortSignal: AbortSignal.timeout(callTimeoutMs) })
      .catch((error: unknown) => Promise.reject(engineFault('list the helper containers', error)));
    const names = all.flatMap(({ Names }) => Names.map((own) => own.slice(1))).filter(owns);
    await Promise.all(names.map((own) => removeContainer(docker, own)));
  }

  return { run, stream, owns, close };
}

type Part = { kind: 'stdout' | 'stderr'; bytes: Buffer } | { kind: 'exit'; exit: number | null };

function shape(
  name: string,
  image: string,
  labels: Labels,
  mounts: readonly HelperMount[],
): Dockerode.ContainerCreateOptions {
  return {
    name,
    Image: image,
    Labels: { ...labels },
    Env: ['PATH=/bin'],
    User: '0:0',
    WorkingDir: '/',
    Entrypoint: ['sleep'],
    Cmd: [String(lifeSeconds)],
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Tmpfs: scratch,
      LogConfig: { Type: 'none', Config: {} },
      CapDrop: ['ALL'],
      CapAdd: capabilities,
      SecurityOpt: ['no-new-privileges'],
      Memory: memoryBytes,
      PidsLimit: processesMax,
      // Without NoCopy the engine would fill an empty volume from the image.
      Mounts: mounts.map(({ volume, at, readOnly }) => ({
        Type: 'volume' as const,
        Source: volume,
        Target: at,
        ReadOnly: readOnly,
        VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
      })),
    },
  };
}

type RunningExec = { exec: Dockerode.Exec; connection: Duplex };

async function begin(
  container: Dockerode.Container,
  command: readonly string[],
  abortSignal: AbortSignal,
): Promise<RunningExec> {
  const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
  const exec = await container.exec({ Cmd: [...command], ...streams, abortSignal });
  const connection: Duplex = await exec.start({ hijack: true, stdin: true, abortSignal });
  // Only the request heeded the signal; from here on the connection must heed it too.
  return { exec, connection: addAbortSignal(abortSignal, connection) };
}

/** The exit code of a killed command: 128 + SIGKILL. */
const killedExit = 137;
const exitPatienceMs = 5_000;
const lookEveryMs = 20;

/** The command's exit code. Waits briefly, because the output ends a moment before the engine has the code. */
async function exitOf(exec: Dockerode.Exec, abortSignal: AbortSignal): Promise<number> {
  const until = Date.now() + exitPatienceMs;
  for (;;) {
    const { ExitCode, Running } = await exec.inspect({ abortSignal });
    if (!Running && ExitCode !== null) return ExitCode;
    if (Date.now() > until) throw new Error('the command has no exit code');
    await pause(lookEveryMs);
  }
}

/** Resolves once the container is gone, or if it never existed. */
async function removeContainer(docker: Dockerode, name: string): Promise<void> {
  const abortSignal = AbortSignal.timeout(removeTimeoutMs);
  const container = docker.getContainer(name);
  const gone = container.wait({ condition: 'removed', abortSignal }).catch(() => null);
  try {
    await container.remove({ force: true, v: true, abortSignal });
  } catch (error) {
    // 404: no such container. 409: it is already being removed.
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== 404 && statusCode !== 409) throw engineFault(`remove the container ${name}`, error);
  }
  await gone;
}
