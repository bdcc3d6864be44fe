// Runs the docker command for the image programs: on one engine, with a time limit, and with the end of its stderr in
// the error. Also pipes one program into another. A missing program gives a one-line error that says how to install it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const stderrCharsMax = 2000;

/** The Debian package of each program that may be missing. */
const packages: Record<string, string> = { docker: 'docker.io', mmdebstrap: 'mmdebstrap' };

/** `socket`: a path, or an address as in DOCKER_HOST; null for docker's default. */
export type Engine = { socket: string | null };
export type Started = {
  stdin: Writable;
  stdout: Readable;
  /** Rejects unless the program exits with 0. */
  ended: Promise<void>;
};

/** Returns what docker printed. Rejects unless it exits with 0 within `ms`. */
export async function docker(engine: Engine, args: string[], ms: number): Promise<string> {
  const program = start('docker', args, { ...dockerEnv(engine), ms });
  program.stdin.end();
  const [output] = await Promise.all([text(program.stdout), program.ended]);
  return output.trim();
}

/** Like `docker`, but null if docker exits with another code than 0, as it does for a missing image. */
export async function dockerAsk(engine: Engine, args: string[], ms: number): Promise<string | null> {
  return docker(engine, args, ms).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EXIT') return null;
    throw error;
  });
}

/** Starts docker with its input and output open. */
export function startDocker(engine: Engine, args: string[], ms: number): Started {
  return start('docker', args, { ...dockerEnv(engine), ms });
}

/** Starts a program in this process's environment, with `env` added. */
export function start(program: string, args: string[], options: { ms: number; env?: Record<string, string> }): Started {
  const { ms, env } = options;
  const child = spawn(program, args, { env: { ...process.env, ...env }, signal: AbortSignal.timeout(ms) });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    stderr = (stderr + more).slice(-stderrCharsMax);
  });
  const ended = end(child, program, () => stderr.trim(), ms);
  // Whoever awaits it gets the error; this avoids an unhandled rejection if the caller fails before awaiting it.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended };
}

/** Pipes each stream into the next, and waits until all programs have ended. */
export async function flow(
  streams: [Readable, ...NodeJS.ReadWriteStream[], Writable],
  programs: Started[],
): Promise<void> {
  const results = await Promise.allSettled([...programs.map(({ ended }) => ended), pipeline(streams)]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function end(child: ChildProcess, program: string, stderr: () => string, ms: number): Promise<void> {
  try {
    const [code] = await once(child, 'close');
    if (code !== 0) throw Object.assign(new Error(`${program} exited with ${code}: ${stderr()}`), { code: 'EXIT' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new Error(`${program} is missing: apt-get install ${packages[program] ?? program}`, { cause: error });
    if (code === 'ABORT_ERR')
      throw new Error(`${program} took longer than ${ms / 1000} s: ${stderr()}`, { cause: error });
    throw error;
  }
}

function dockerEnv({ socket }: Engine): { env: Record<string, string> } {
  const host = socket?.startsWith('/') ? `unix://${socket}` : socket;
  // The classic builder, because Debian's docker lacks the BuildKit plugin.
  return { env: { DOCKER_BUILDKIT: '0', ...(host && { DOCKER_HOST: host }) } };
}
