// Containers of a run in which commands are carried out for the harness: no network, a read-only root, few capabilities, the
// run's labels. A volume has to be there when its container is made, so there is one for each set of mounts, made when first
// asked for; it stays for the next command, since a command in it costs a third of what a container of its own would. It
// keeps its volumes in use: `close` before they are removed. An abort or a deadline removes it with what runs in it.

import { addAbortSignal, type Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';
import type { Labels } from '../app/app.ts';
import { engineFault } from './fault.ts';
import { frames } from './frames.ts';

export type Mount = { volume: string; at: string; readOnly: boolean };
export type HelperAsk = { command: readonly string[]; mounts: readonly Mount[]; stdin: string; seconds: number };
/** `exit` null: the deadline came first. Each stream is cut at `outputBytesMax`. */
export type HelperEnd = { exit: number | null; stdout: string; stderr: string };

export interface Helpers {
  /** Rejects with the signal's reason, or RunnerError. */
  run(ask: HelperAsk): Promise<HelperEnd>;
  /** Its standard output as it comes. Throws where it does not end with 0. Leaving the loop ends the command. */
  stream(ask: HelperAsk): AsyncGenerator<Buffer>;
  /** Whether a container of that name is one of these. */
  owns(container: string): boolean;
  /** Ends what runs and removes every container, whatever became of the call that made it. Own deadline; may be called twice. */
  close(): Promise<void>;
}

export type HelperOptions = {
  docker: Dockerode;
  image: string;
  labels: Labels;
  /** What each container's name begins with. */
  name: string;
  signal: AbortSignal;
};

const outputBytesMax = 256 * 1024;
const saidMax = 1000;
const callTimeoutMs = 30_000;
const removeTimeoutMs = 30_000;
/** Then a container whose owner died removes itself. */
const lifeSeconds = 2 * 3600;
const memoryBytes = 1024 ** 3;
const processesMax = 256;
const scratch = { '/tmp': 'rw,nosuid,nodev,size=256m' };
/** What it takes to read, make and remove whatever a service may leave in its volume. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'];

export function helpers({ docker, image, labels, name, signal }: HelperOptions): Helpers {
  const closing = new AbortController();
  const asked = AbortSignal.any([signal, closing.signal]);
  const standing = new Map<string, Promise<string>>();
  let made = 0;

  /** The name of the container with these mounts. */
  function place(mounts: readonly Mount[]): Promise<string> {
    const key = JSON.stringify(mounts);
    const known = standing.get(key) ?? make(mounts);
    standing.set(key, known);
    known.catch(() => standing.delete(key));
    return known;
  }

  async function make(mounts: readonly Mount[]): Promise<string> {
    made += 1;
    const own = `${name}-${made}`;
    try {
      // Not called off: the engine would make it all the same, when nobody looks for it any more.
      const options = { ...shape(own, image, labels, mounts), abortSignal: AbortSignal.timeout(callTimeoutMs) };
      const container = await docker.createContainer(options);
      asked.throwIfAborted();
      await container.start({ abortSignal: AbortSignal.any([asked, AbortSignal.timeout(callTimeoutMs)]) });
      return own;
    } catch (error) {
      await removeContainer(docker, own);
      asked.throwIfAborted();
      throw engineFault('start a helper container', error);
    }
  }

  async function* carry({ command, mounts, stdin, seconds }: HelperAsk): AsyncGenerator<Carried> {
    asked.throwIfAborted();
    const own = await place(mounts);
    const deadline = AbortSignal.timeout(seconds * 1000);
    const until = AbortSignal.any([asked, deadline]);
    let hasEnded = false;
    try {
      const { exec, connection } = await begin(docker.getContainer(own), command, until);
      connection.end(stdin);
      for await (const { channel, bytes } of frames(connection)) yield { kind: channel, bytes };
      until.throwIfAborted();
      const exit = await exitOf(exec, until);
      // Out of memory it is the command's own end; else somebody took the container away.
      if (exit === killedExit) await docker.getContainer(own).inspect({ abortSignal: until });
      yield { kind: 'exit', exit };
      hasEnded = true;
    } catch (error) {
      asked.throwIfAborted();
      if (!deadline.aborted) throw engineFault('carry out a command in a helper container', error);
      yield { kind: 'exit', exit: null };
    } finally {
      // Nothing else ends a command whose caller no longer listens.
      if (!hasEnded) {
        standing.delete(JSON.stringify(mounts));
        await removeContainer(docker, own);
      }
    }
  }

  async function run(ask: HelperAsk): Promise<HelperEnd> {
    const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const bytes = { stdout: 0, stderr: 0 };
    let exit: number | null = null;
    for await (const part of carry(ask)) {
      if (part.kind === 'exit') exit = part.exit;
      else if (bytes[part.kind] < outputBytesMax) {
        said[part.kind].push(part.bytes);
        bytes[part.kind] += part.bytes.length;
      }
    }
    return { exit, stdout: Buffer.concat(said.stdout).toString(), stderr: Buffer.concat(said.stderr).toString() };
  }

  async function* stream(ask: HelperAsk): AsyncGenerator<Buffer> {
    let said = '';
    let exit: number | null = null;
    for await (const part of carry(ask)) {
      if (part.kind === 'exit') exit = part.exit;
      else if (part.kind === 'stdout') yield part.bytes;
      else said = (said + part.bytes).slice(-saidMax);
    }
    if (exit !== 0) throw new RunnerError('engine', `a helper's command ended with ${exit ?? 'its deadline'}: ${said}`);
  }

  function owns(container: string): boolean {
    return container.startsWith(`${name}-`) && /^\d+$/.test(container.slice(name.length + 1));
  }

  async function close(): Promise<void> {
    closing.abort(new RunnerError('bad-request', 'the helper containers of this run are closed'));
    // One that is just being made is in no list yet.
    await Promise.allSettled(standing.values());
    const filters = { label: [`coldpass.run=${labels['coldpass.run']}`] };
    const all = await docker
      .listContainers({ all: true, filters, abortSignal: AbortSignal.timeout(callTimeoutMs) })
      .catch((error: unknown) => Promise.reject(engineFault('list the helper containers', error)));
    const ours = all.flatMap(({ Names }) => Names.map((own) => own.slice(1))).filter(owns);
    await Promise.all(ours.map((own) => removeContainer(docker, own)));
  }

  return { run, stream, owns, close };
}

type Carried = { kind: 'stdout' | 'stderr'; bytes: Buffer } | { kind: 'exit'; exit: number | null };

function shape(
  name: string,
  image: string,
  labels: Labels,
  mounts: readonly Mount[],
): Dockerode.ContainerCreateOptions {
  return {
    ...{ name, Image: image, Labels: { ...labels }, Env: ['PATH=/bin'], User: '0:0', WorkingDir: '/' },
    ...{ Entrypoint: ['sleep'], Cmd: [String(lifeSeconds)], Healthcheck: { Test: ['NONE'] } },
    HostConfig: {
      ...{ AutoRemove: true, NetworkMode: 'none', ReadonlyRootfs: true, Tmpfs: scratch },
      ...{ LogConfig: { Type: 'none', Config: {} }, CapDrop: ['ALL'], CapAdd: capabilities },
      ...{ SecurityOpt: ['no-new-privileges'], Memory: memoryBytes, PidsLimit: processesMax },
      // Without NoCopy the engine would fill an empty volume from the image.
      Mounts: mounts.map(({ volume, at, readOnly }) => ({
        ...{ Type: 'volume' as const, Source: volume, Target: at, ReadOnly: readOnly },
        VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
      })),
    },
  };
}

type Begun = { exec: Dockerode.Exec; connection: Duplex };

async function begin(
  container: Dockerode.Container,
  command: readonly string[],
  abortSignal: AbortSignal,
): Promise<Begun> {
  const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
  const exec = await container.exec({ Cmd: [...command], ...streams, abortSignal });
  const connection: Duplex = await exec.start({ hijack: true, stdin: true, abortSignal });
  // The request, which heeded the signal, has ended: what is left is a bare connection.
  return { exec, connection: addAbortSignal(abortSignal, connection) };
}

/** 128 and SIGKILL. */
const killedExit = 137;
const exitPatienceMs = 5_000;
const lookEveryMs = 20;

/** The end of its output comes a moment before the engine knows how it ended. */
async function exitOf(exec: Dockerode.Exec, abortSignal: AbortSignal): Promise<number> {
  const until = Date.now() + exitPatienceMs;
  for (;;) {
    const { ExitCode, Running } = await exec.inspect({ abortSignal });
    if (!Running && ExitCode !== null) return ExitCode;
    if (Date.now() > until) throw new Error('its command has no exit code');
    await pause(lookEveryMs);
  }
}

/** Gone when it resolves; a container that is not there is gone. */
async function removeContainer(docker: Dockerode, name: string): Promise<void> {
  const abortSignal = AbortSignal.timeout(removeTimeoutMs);
  const container = docker.getContainer(name);
  const gone = container.wait({ condition: 'removed', abortSignal }).catch(() => null);
  try {
    await container.remove({ force: true, v: true, abortSignal });
  } catch (error) {
    // 404: it is not there. 409: it is on its way out.
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== 404 && statusCode !== 409) throw engineFault(`remove the container ${name}`, error);
  }
  await gone;
}
