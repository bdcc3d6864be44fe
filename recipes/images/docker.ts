// The docker command as the image programs use it: one engine, bounded in time, its last words in the error. Also a pair of
// programs of which one feeds the other. A program that is not there is said in one line with how to mend it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const wordsMax = 2000;

/** How each program that may be missing is had on Debian. */
const packages: Record<string, string> = { docker: 'docker.io', mmdebstrap: 'mmdebstrap' };

/** `socket`: a path or an address as DOCKER_HOST has it; null for docker's own default. */
export type Engine = { socket: string | null };
export type Started = {
  stdin: Writable;
  stdout: Readable /** Rejects unless the program ends with 0. */;
  ended: Promise<void>;
};

/** What docker printed; rejects where it does not end with 0 within `ms`. */
export async function docker(engine: Engine, args: string[], ms: number): Promise<string> {
  const started = start('docker', args, { ...dockerEnv(engine), ms });
  started.stdin.end();
  const [printed] = await Promise.all([text(started.stdout), started.ended]);
  return printed.trim();
}

/** Null where docker ends with something else than 0, as it does for an image that is not there. */
export async function dockerAsk(engine: Engine, args: string[], ms: number): Promise<string | null> {
  return docker(engine, args, ms).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EXIT') return null;
    throw error;
  });
}

/** docker with its input and output open. */
export function startDocker(engine: Engine, args: string[], ms: number): Started {
  return start('docker', args, { ...dockerEnv(engine), ms });
}

/** Starts a program in this process's environment, with some variables over it. */
export function start(program: string, args: string[], options: { ms: number; env?: Record<string, string> }): Started {
  const { ms, env } = options;
  const child = spawn(program, args, { env: { ...process.env, ...env }, signal: AbortSignal.timeout(ms) });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    words = (words + more).slice(-wordsMax);
  });
  const ended = end(child, program, () => words.trim(), ms);
  // Whoever awaits it is told; a reader that failed first must not leave it unheard.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended };
}

/** From one stream into the next, and all programs on the way to their end. */
export async function flow(
  streams: [Readable, ...NodeJS.ReadWriteStream[], Writable],
  programs: Started[],
): Promise<void> {
  const results = await Promise.allSettled([...programs.map(({ ended }) => ended), pipeline(streams)]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function end(child: ChildProcess, program: string, words: () => string, ms: number): Promise<void> {
  try {
    const [code] = await once(child, 'close');
    if (code !== 0) throw Object.assign(new Error(`${program} ended with ${code}: ${words()}`), { code: 'EXIT' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new Error(`${program} is missing: apt-get install ${packages[program] ?? program}`, { cause: error });
    if (code === 'ABORT_ERR')
      throw new Error(`${program} took longer than ${ms / 1000} s: ${words()}`, { cause: error });
    throw error;
  }
}

function dockerEnv({ socket }: Engine): { env: Record<string, string> } {
  const host = socket?.startsWith('/') ? `unix://${socket}` : socket;
  // The classic builder: BuildKit is a plugin that Debian's docker does not bring.
  return { env: { DOCKER_BUILDKIT: '0', ...(host && { DOCKER_HOST: host }) } };
}
