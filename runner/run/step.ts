// One step of a run: a command in a box over the run's tree, its output read as it comes, bounded, whatever its size.

import { Readable } from 'node:stream';
import { setTimeout as after } from 'node:timers/promises';
import type { Recipe } from '../../state/entry/recipe.ts';
import { collect, plainText } from '../box/collect.ts';
import type { BoxCommand, Boxed, Mount, Sandbox, Tool } from '../box/sandbox.ts';
import type { Step, StepEnd } from './engine.ts';

const headBytes = 256 * 1024;
const tailBytes = 768 * 1024;
const troubleBytes = 500;
const lineBytes = 400;
/** How long output may stay open, silent, after the step's last process. */
const drainMs = 2000;

export type StepPlace = { recipe: Pick<Recipe, 'env' | 'limits'>; step: Step; mounts: Mount[]; tools: Tool[] };

export type RunningStep = {
  done: Promise<StepEnd>;
  onLine(listener: (line: string) => void): void;
  /** Ends it if it runs; null once nothing of it is left, else what is. Never rejects. */
  end(deadlineMs: number): Promise<string | null>;
};

/** Rejects where no box can be asked for; a box that fails to come up is an end with `started: false`. */
export async function startStep(sandbox: Sandbox, place: StepPlace, signal: AbortSignal): Promise<RunningStep> {
  return startCommand(sandbox, commandOf(place), signal);
}

/** The same of any command whose standard output holds both of its streams. */
export async function startCommand(sandbox: Sandbox, command: BoxCommand, signal: AbortSignal): Promise<RunningStep> {
  const startedAtMs = performance.now();
  const boxed = await sandbox.start(command, signal);
  boxed.stdin.end();
  const listeners: ((line: string) => void)[] = [];
  const output = collect(Readable.from(tapped(boxed.stdout, listeners)), { headBytes, tailBytes });
  const errors = collect(boxed.stderr, { headBytes: troubleBytes, tailBytes: 0 });
  const ms = boxed.done.then(() => Math.round(performance.now() - startedAtMs));
  const drained = boxed.done.then(() => closes(boxed.stdout, output));
  const done = drained.then(() => endOf(boxed, output, errors, ms));
  return {
    done,
    onLine: (listener) => void listeners.push(listener),
    end: (deadlineMs) => ended(boxed, drained, deadlineMs),
  };
}

// Both streams go into one pipe, so that their order is kept; what is left on the box's own stderr is the machinery's.
const wrapper = `exec 2>&1
if [ -n "$2" ]; then rm -rf -- "$2"; mkdir -p -- "$(dirname -- "$2")"; fi
exec /bin/sh -c "$1"`;

function commandOf({ recipe, step, mounts, tools }: StepPlace): BoxCommand {
  return {
    role: 'verify',
    argv: ['/bin/sh', '-c', wrapper, 'sh', step.run, step.report ?? ''],
    workdir: '/tree',
    mounts,
    // Test runners that would otherwise watch, ask or write snapshots heed this one.
    env: { CI: 'true', ...recipe.env },
    tools,
    hosts: step.network,
    limits: { ...recipe.limits, seconds: step.seconds },
  };
}

async function endOf(
  boxed: Boxed,
  output: ReturnType<typeof collect>,
  errors: ReturnType<typeof collect>,
  ms: Promise<number>,
): Promise<StepEnd> {
  const { survived: _, ...end } = await boxed.done;
  const said = (await errors).head.trim();
  return { ...end, ms: await ms, troubles: [...(said === '' ? [] : [said]), ...boxed.denials()], output: await output };
}

async function ended(boxed: Boxed, drained: Promise<boolean>, deadlineMs: number): Promise<string | null> {
  const late = after(deadlineMs, null, { ref: false });
  const end = await Promise.race([Promise.all([boxed.stop(0), drained]), late]);
  if (end === null) return `it did not end within ${deadlineMs / 1000} s`;
  const [{ survived }, closed] = end;
  if (survived) return 'a process outlived its end';
  return closed ? null : 'a process outlived its end, and holds its output open';
}

/** False where something still holds the stream open, which is then cut off; in a box nothing can. */
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

async function* tapped(stream: Readable, listeners: ((line: string) => void)[]): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (listeners.length > 0) tell(chunk, listeners);
    yield chunk;
  }
}

function tell(chunk: Buffer, listeners: ((line: string) => void)[]): void {
  const lines = plainText(chunk.subarray(-lineBytes)).split('\n');
  const line = lines.findLast((one) => one.trim() !== '');
  if (line !== undefined) for (const listener of listeners) listener(line.trim());
}
