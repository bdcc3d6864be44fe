// Runs a command in a running container. The engine cannot stop a command: an abort ends the stream but leaves the
// command running. So each command has a mark in its environment; at the deadline, or when the signal aborts, every
// process with that mark and all its descendants are killed from the host. This process must be allowed to kill them.

import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecAsk, ExecEnd } from '../app/app.ts';
import { type Docker, httpStatusOf } from './docker.ts';
import { frames } from './frames.ts';
import { killMarked } from './marked.ts';

export const outputBytesMax = 4 * 1024 * 1024;
const markName = 'COLDPASS_EXEC';
const endPatienceMs = 10_000;
const lookEveryMs = 25;

/** `docker` must not heed `signal`, because it is still needed after an abort. */
export async function execIn(docker: Docker, container: string, ask: ExecAsk, signal: AbortSignal): Promise<ExecEnd> {
  signal.throwIfAborted();
  const mark = `${markName}=${randomBytes(8).toString('hex')}`;
  const output = { stdout: bounded(), stderr: bounded() };
  const deadline = AbortSignal.timeout(ask.seconds * 1000);
  const over = AbortSignal.any([signal, deadline]);
  const exec = await docker.getContainer(container).exec(shape(ask, mark));
  const connection: Duplex = await exec.start({ hijack: true, stdin: true });
  const kill = (): void => void killMarked(container, mark).then(() => connection.destroy());
  if (over.aborted) kill();
  over.addEventListener('abort', kill, { once: true });
  try {
    // A command may end without reading its input.
    connection.on('error', () => {});
    connection.end(ask.stdin ?? Buffer.alloc(0));
    for await (const { channel, bytes } of frames(connection)) output[channel].add(bytes);
  } catch {
    // The connection broke; `exitOf` asks the engine for the exit code next.
  } finally {
    over.removeEventListener('abort', kill);
  }
  const exit = await exitOf(docker, exec.id);
  signal.throwIfAborted();
  const timedOut = deadline.aborted;
  return { exit: timedOut ? null : exit, timedOut, stdout: output.stdout.bytes(), stderr: output.stderr.bytes() };
}

function shape({ command, stdin, user }: ExecAsk, mark: string) {
  return {
    Cmd: [...command],
    Env: [mark],
    AttachStdin: stdin !== undefined,
    AttachStdout: true,
    AttachStderr: true,
    ...(user === undefined ? {} : { User: user }),
  };
}

/**
 * The command's exit code; null if the container has gone. Waits briefly, because the output ends a moment before the
 * engine has the code.
 */
async function exitOf(docker: Docker, id: string): Promise<number | null> {
  const until = Date.now() + endPatienceMs;
  try {
    for (;;) {
      const { ExitCode, Running } = await docker.getExec(id).inspect();
      if (!Running && ExitCode !== null) return ExitCode;
      if (Date.now() > until) return null;
      await pause(lookEveryMs);
    }
  } catch (error) {
    if (httpStatusOf(error) === null) throw error;
    return null;
  }
}

/** Keeps the first `outputBytesMax` bytes and drops the rest. */
function bounded(): { add(more: Buffer): void; bytes(): Buffer } {
  const parts: Buffer[] = [];
  let left = outputBytesMax;
  return {
    add(more) {
      if (left === 0) return;
      const taken = more.subarray(0, left);
      parts.push(Buffer.from(taken));
      left -= taken.length;
    },
    bytes: () => Buffer.concat(parts),
  };
}
