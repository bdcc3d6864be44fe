// Watches one running box from its start until its last process is gone. Two facts arrive on descriptors that boxed
// code never gets: bwrap's status (the pid of the box's first process), and a byte written just before the command is
// executed. If that byte never arrives, the box could not be made; if it does, a failure is the command's own.

import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { BoxEnd, RunningBox } from './sandbox.ts';

const statusBytesMax = 16 * 1024;
/** How long `kill` waits for the pid of the box's first process before it kills only bwrap. */
const pidWaitMs = 500;
const goneWaitMs = 10_000;
const goneStepMs = 1;
const timeoutGraceMs = 2000;

export type BoxParts = {
  child: ChildProcess;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** `status`: bwrap's --json-status-fd. `started`: where the box's shell reports that the command is about to run. */
  status: Readable;
  started: Readable;
  seconds: number;
  denials: () => string[];
  /** Called once, after the box has ended and before `release`. */
  outOfMemory: () => boolean;
  release: () => Promise<void>;
};

/** Takes over a spawned box; `RunningBox` has the contract. */
export function watchBox(parts: BoxParts, signal: AbortSignal): RunningBox {
  const { child } = parts;
  const hostPid = firstPid(parts.status);
  const started = emitsData(parts.started);
  let timedOut = false;
  let killed = false;
  let ended = false;
  let stopping: NodeJS.Timeout | undefined;
  const done = end();

  async function kill(): Promise<void> {
    killed = true;
    const init = await Promise.race([hostPid, delay(pidWaitMs, null, { ref: false })]);
    // Killing the first process ends its whole pid namespace at once; killing only bwrap ends it a moment later.
    if (init !== null && statOf(init.pid)?.startedAt === init.startedAt) send(init.pid, 'SIGKILL');
    child.kill('SIGKILL');
  }

  function stop(graceMs: number): Promise<BoxEnd> {
    if (ended) return done; // its pids may have been reused
    if (graceMs <= 0) void kill();
    else if (stopping === undefined) {
      stopping = setTimeout(() => void kill(), graceMs);
      void hostPid.then((init) => init && terminate(init.pid));
    }
    return done;
  }

  const deadline = setTimeout(() => {
    timedOut = true;
    void stop(timeoutGraceMs);
  }, parts.seconds * 1000);
  const onAbort = (): void => void stop(0);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });

  async function end(): Promise<BoxEnd> {
    const { exit, signal: died } = await exitOf(child);
    ended = true;
    clearTimeout(deadline);
    clearTimeout(stopping);
    signal.removeEventListener('abort', onAbort);
    const init = await hostPid;
    const survived = init !== null && !(await waitUntilGone(init));
    const outOfMemory = parts.outOfMemory();
    await parts.release();
    const how = killed || exit === null ? { exit: null, signal: died ?? 'SIGKILL' } : { exit, signal: signalOf(exit) };
    return { started: await started, ...how, timedOut, outOfMemory, survived };
  }

  // The end of the command may cut a stream off: that error is for the stream's reader and must not crash us.
  for (const stream of [parts.stdin, parts.stdout, parts.stderr]) stream.on('error', () => {});
  const { stdin, stdout, stderr, denials } = parts;
  return { stdin, stdout, stderr, done, stop, hostPid: hostPid.then((init) => init?.pid ?? null), denials };
}

type Init = { pid: number; startedAt: string };

/** Name of the signal that a shell's exit code 128+n stands for; null for any other code. */
function signalOf(exit: number): string | null {
  const entry = Object.entries(constants.signals).find(([, number]) => number === exit - 128);
  return entry?.[0] ?? null;
}

function exitOf(child: ChildProcess): Promise<{ exit: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (exit, signal) => resolve({ exit, signal }));
    child.once('error', () => resolve({ exit: null, signal: null }));
  });
}

/** Reads the pid of the box's first process from bwrap's JSON lines; bwrap writes it before the command runs. */
function firstPid(status: Readable): Promise<Init | null> {
  return new Promise((resolve) => {
    let text = '';
    status.on('data', (chunk: Buffer) => {
      if (text.length < statusBytesMax) text += chunk.toString();
      const pid = Number(/"child-pid"\s*:\s*(\d+)/.exec(text)?.[1] ?? 0);
      if (pid > 1) resolve({ pid, startedAt: statOf(pid)?.startedAt ?? '' });
    });
    status.on('error', () => resolve(null));
    status.on('close', () => resolve(null));
  });
}

function emitsData(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    stream.once('data', () => resolve(true));
    stream.on('error', () => resolve(false));
    stream.on('close', () => resolve(false));
  });
}

/** Sends SIGTERM to the command itself: bwrap's init does not forward signals. */
function terminate(init: number): void {
  try {
    const children = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').trim().split(' ');
    const first = Number(children[0]);
    if (first > 1) send(first, 'SIGTERM');
  } catch {
    // Already gone.
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}

/** Waits until the first process is gone or a zombie: by then the kernel has ended everything in its pid namespace. */
async function waitUntilGone(init: Init): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < goneWaitMs; waitedMs += goneStepMs) {
    const now = statOf(init.pid);
    if (now === null || now.startedAt !== init.startedAt || now.state === 'Z') return true;
    await delay(goneStepMs);
  }
  return false;
}

function statOf(pid: number): { state: string; startedAt: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' };
  } catch {
    return null;
  }
}
