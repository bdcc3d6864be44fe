// One step of a run: a command in a box over the run's tree. Its output is read as it arrives and kept within bounds,
// whatever its size.

import { Readable } from 'node:stream';
import { setTimeout as after } from 'node:timers/promises';
import type { Recipe } from '../../state/entry/recipe.ts';
import { collect, plainText } from '../box/collect.ts';
import type { BoxCommand, Mount, RunningBox, Sandbox, ToolFolder } from '../box/sandbox.ts';
import type { RunStep, StepEnd } from './engine.ts';

const headBytes = 256 * 1024;
const tailBytes = 768 * 1024;
const troubleBytes = 500;
const lineBytes = 400;
/** How long the output may stay open after the step's last process is gone. */
const drainMs = 2000;

export type StepPlace = { recipe: Pick<Recipe, 'env' | 'limits'>; step: RunStep; mounts: Mount[]; tools: ToolFolder[] };

export type RunningStep = {
  done: Promise<StepEnd>;
  onLine(listener: (line: string) => void): void;
  /** Kills the step if it is running; resolves with what is left of it, null if nothing is. Never rejects. */
  end(deadlineMs: number): Promise<string | null>;
};

/** Rejects if the sandbox refuses the command; a box that fails to start gives an end with `started: false`. */
export async function startStep(sandbox: Sandbox, place: StepPlace, signal: AbortSignal): Promise<RunningStep> {
  return startCommand(sandbox, commandOf(place), signal);
}

/** Like `startStep`, for any command that writes both of its streams to standard output. */
export async function startCommand(sandbox: Sandbox, command: BoxCommand, signal: AbortSignal): Promise<RunningStep> {
  const startedAtMs = performance.now();
  const boxed = await sandbox.start(command, signal);
  boxed.stdin.end();
  const listeners: ((line: string) => void)[] = [];
  const output = collect(Readable.from(tap(boxed.stdout, listeners)), { headBytes, tailBytes });
  const errors = collect(boxed.stderr, { headBytes: troubleBytes, tailBytes: 0 });
  const ms = boxed.done.then(() => Math.round(performance.now() - startedAtMs));
  const drained = boxed.done.then(() => closes(boxed.stdout, output));
  const done = drained.then(() => endOf(boxed, output, errors, ms));
  return {
    done,
    onLine: (listener) => void listeners.push(listener),
    end: (deadlineMs) => stopAndDrain(boxed, drained, deadlineMs),
  };
}

// Both streams go into one pipe, which keeps their order; anything left on the box's own stderr comes from the
// machinery.
const wrapper = `exec 2>&1
if [ -n "$2" ]; then rm -rf -- "$2"; mkdir -p -- "$(dirname -- "$2")"; fi
exec /bin/sh -c "$1"`;

function commandOf({ recipe, step, mounts, tools }: StepPlace): BoxCommand {
  return {
    role: 'verify',
    argv: ['/bin/sh', '-c', wrapper, 'sh', step.run, step.report ?? ''],
    workdir: '/tree',
    mounts,
    // Keeps test runners from watching, prompting or writing snapshots.
    env: { CI: 'true', ...recipe.env },
    tools,
    hosts: step.network,
    limits: { ...recipe.limits, seconds: step.seconds },
  };
}

async function endOf(
  boxed: RunningBox,
  output: ReturnType<typeof collect>,
  errors: ReturnType<typeof collect>,
  ms: Promise<number>,
): Promise<StepEnd> {
  const { survived: _, ...end } = await boxed.done;
  const message = (await errors).head.trim();
  return {
    ...end,
    ms: await ms,
    troubles: [...(message === '' ? [] : [message]), ...boxed.denials()],
    output: await output,
  };
}

async function stopAndDrain(boxed: RunningBox, drained: Promise<boolean>, deadlineMs: number): Promise<string | null> {
  const late = after(deadlineMs, null, { ref: false });
  const end = await Promise.race([Promise.all([boxed.stop(0), drained]), late]);
  if (end === null) return `it did not end within ${deadlineMs / 1000} s`;
  const [{ survived }, closed] = end;
  if (survived) return 'a process outlived it';
  return closed ? null : 'a process outlived it and keeps its output open';
}

/** False if something still keeps the stream open (in a real box nothing can); the stream is then destroyed. */
async function closes(stream: Readable, output: Promise<unknown>): Promise<boolean> {
  const cut = new AbortController();
  const closed = await Promise.race([
    output.then(() => true),
    after(drainMs, false, { signal: cut.signal }).catch(() => true),
  ]);
  cut.abort();
  if (!closed) stream.destroy();
  return closed;
}

async function* tap(stream: Readable, listeners: ((line: string) => void)[]): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (listeners.length > 0) notify(chunk, listeners);
    yield chunk;
  }
}

function notify(chunk: Buffer, listeners: ((line: string) => void)[]): void {
  const lines = plainText(chunk.subarray(-lineBytes)).split('\n');
  const line = lines.findLast((one) => one.trim() !== '');
  if (line !== undefined) for (const listener of listeners) listener(line.trim());
}
