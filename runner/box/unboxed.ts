// No sandbox at all, behind the same interface: for a workspace marked as a demo, on a machine without bubblewrap.
// Commands run on the machine itself as the supervisor's user. Nothing keeps them from any file, key, process or
// network, from other clones or from the hub, and a process that leaves its command's process group survives. Runs made
// here satisfy no gate.

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { RunnerError } from './errors.ts';
import { kitSource } from './etc.ts';
import type { BoxCommand, BoxEnd, Mount, RunningBox, Sandbox } from './sandbox.ts';
import { makeScratch } from './scratch.ts';
import { unprotected } from './selftest.ts';

const timeoutGraceMs = 2000;

/** A sandbox of level `none`. Each command's HOME is in `stateDir` while it runs. */
export function unboxed(options: { stateDir: string }): Sandbox {
  const running = new Set<RunningBox>();

  async function start(command: BoxCommand, signal: AbortSignal): Promise<RunningBox> {
    if (command.argv.length === 0) throw new RunnerError('bad-request', 'a box needs a command');
    const home = makeScratch(options.stateDir, 'home');
    const [program = '', ...args] = command.argv;
    const env = { ...baseEnv(command, home), ...command.env };
    const cwd = command.workdir === '/tmp' ? home : inside(command.mounts, command.workdir);
    const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const boxed = watch(child, command.limits.seconds, signal, () => rmSync(home, { recursive: true, force: true }));
    running.add(boxed);
    void boxed.done.then(() => running.delete(boxed));
    return boxed;
  }
  async function close(): Promise<void> {
    await Promise.all([...running].map((boxed) => boxed.stop(0)));
  }

  return {
    level: 'none',
    uid: 'shared',
    selfTest: async () => unprotected(),
    start,
    owner: () => null,
    give: async () => {},
    inside,
    kit: { node: process.execPath, files: kitSource('files') },
    close,
  };
}

/** Where a path under a mount's target is on this machine. */
function inside(mounts: Mount[], path: string): string {
  const mount = mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  return mount === undefined ? path : join(mount.source, path.slice(mount.target.length));
}

function baseEnv(command: BoxCommand, home: string): Record<string, string> {
  const tools = command.tools.flatMap(({ path }) => [join(path, 'bin'), path]);
  const path = [...tools, '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  return { PATH: path, HOME: home, LANG: 'C.UTF-8', TMPDIR: home };
}

function watch(child: ChildProcess, seconds: number, signal: AbortSignal, release: () => void): RunningBox {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new RunnerError('io', 'no process can be started');
  stdin.on('error', () => {});
  let timedOut = false;
  let killed = false;
  let ended = false;

  function kill(): void {
    killed = true;
    group(child, 'SIGKILL');
  }
  let stopping: NodeJS.Timeout | undefined;
  function stop(graceMs: number): Promise<BoxEnd> {
    if (ended) return done; // its pid may have been reused
    if (graceMs <= 0) kill();
    else if (stopping === undefined) {
      group(child, 'SIGTERM');
      stopping = setTimeout(kill, graceMs);
    }
    return done;
  }
  const deadline = setTimeout(() => {
    timedOut = true;
    void stop(timeoutGraceMs);
  }, seconds * 1000);
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();

  const done = new Promise<BoxEnd>((resolve) => {
    const end = (started: boolean, exit: number | null, died: string | null): void => {
      ended = true;
      clearTimeout(deadline);
      clearTimeout(stopping);
      signal.removeEventListener('abort', kill);
      group(child, 'SIGKILL'); // whatever the command left in its process group
      release();
      resolve({ started, exit: killed ? null : exit, signal: died, timedOut, outOfMemory: false, survived: false });
    };
    child.once('exit', (exit, died) => end(true, exit ?? (died === null ? null : 128 + constants.signals[died]), died));
    // Without boxes, a missing program is a command that failed, as a shell would report it.
    child.once('error', () => end(true, 127, null));
  });
  return { stdin, stdout, stderr, done, stop, hostPid: Promise.resolve(child.pid ?? null), denials: () => [] };
}

function group(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
