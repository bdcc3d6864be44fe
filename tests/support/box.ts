// Real sandboxes for tests: makes a state folder with boxes in it and runs commands in them. Suites that need
// bubblewrap are listed as skipped if it is missing.

import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, onTestFinished } from 'vitest';
import { bubblewrap } from '../../runner/box/bubblewrap.ts';
import { type Collected, collect } from '../../runner/box/collect.ts';
import type { Protection } from '../../runner/box/profile.ts';
import type { BoxCommand, BoxEnd, BoxRole, RunningBox, Sandbox } from '../../runner/box/sandbox.ts';
import { unboxed } from '../../runner/box/unboxed.ts';
import { tempDir } from './temp.ts';

export const isRoot = process.getuid?.() === 0;
const hasBubblewrap = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some(existsSync);

/** `describe` for tests that need bubblewrap; without it they are skipped. */
export const describeBoxed = hasBubblewrap ? describe : describe.skip;

export const programs = join(import.meta.dirname, '..', 'fixtures', 'programs');
export const programsMount = { source: realpathSync(programs), target: '/programs', mode: 'ro' } as const;

type Opened = { sandbox: Sandbox; stateDir: string };
const opened = new Map<string, Promise<Opened>>();
let root: string | null = null;

afterAll(async () => {
  for (const each of opened.values()) await (await each).sandbox.close();
  if (root !== null) rmSync(root, { recursive: true, force: true });
});

/**
 * A bubblewrap sandbox without the self-test, one per test file (its /etc takes a moment to make). The caller's state
 * folder is below the sandbox's own. `without` leaves protections out.
 */
export async function openBoxes(without: Protection[] = []): Promise<Opened> {
  const key = without.join(',');
  const { sandbox, stateDir } = await (opened.get(key) ?? make(key, without));
  return { sandbox, stateDir: realpathSync(mkdtempSync(join(stateDir, 'test-'))) };
}

function make(key: string, without: Protection[]): Promise<Opened> {
  root ??= realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-')));
  const stateDir = join(root, `state-${opened.size}`);
  mkdirSync(stateDir, { mode: 0o700 });
  const opening = bubblewrap({ stateDir }, new Set(without)).then((result) => {
    if ('missing' in result) throw new Error(result.missing.join('; '));
    return { sandbox: result.sandbox, stateDir };
  });
  opened.set(key, opening);
  return opening;
}

export function openUnboxed(): { sandbox: Sandbox; stateDir: string } {
  const stateDir = join(realpathSync(tempDir()), 'state');
  mkdirSync(stateDir, { mode: 0o700 });
  const sandbox = unboxed({ stateDir });
  onTestFinished(() => sandbox.close());
  return { sandbox, stateDir };
}

/** In the state folder, makes a folder with these files; the role's user owns it and them. */
export async function treeOf(
  { sandbox, stateDir }: { sandbox: Sandbox; stateDir: string },
  files: Record<string, string> = {},
  options: { role?: BoxRole; name?: string } = {},
): Promise<string> {
  const { role = 'builder', name = 'tree' } = options;
  const dir = join(stateDir, name);
  mkdirSync(dir, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  await sandbox.give(role, dir);
  return dir;
}

const standard = { memoryMb: 1024, processes: 128, diskMb: 256, seconds: 20 };

/** A command with defaults for whatever the test leaves out. */
export function commandOf(argv: string[], more: Partial<BoxCommand> = {}): BoxCommand {
  return {
    role: 'builder',
    argv,
    workdir: '/tmp',
    mounts: [],
    env: {},
    tools: [],
    hosts: [],
    limits: standard,
    ...more,
  };
}

export function limitsWith(more: Partial<typeof standard>): typeof standard {
  return { ...standard, ...more };
}

export type Ran = BoxEnd & { out: string; err: string; output: Collected };

/** Runs a command in a box to its end, and returns all its output. */
export async function run(sandbox: Sandbox, argv: string[], more: Partial<BoxCommand> = {}): Promise<Ran> {
  const boxed = await sandbox.start(commandOf(argv, more), new AbortController().signal);
  return finish(boxed);
}

export async function finish(boxed: RunningBox): Promise<Ran> {
  boxed.stdin.end();
  const keep = { headBytes: 20_000, tailBytes: 1000 };
  const [output, errors, end] = await Promise.all([
    collect(boxed.stdout, keep),
    collect(boxed.stderr, keep),
    boxed.done,
  ]);
  return { ...end, out: output.head, err: errors.head, output };
}

/** Waits until the box has printed this text. */
export async function says(boxed: RunningBox, text: string): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    boxed.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(text)) resolve();
    });
    boxed.stdout.on('end', () => reject(new Error(`it ended without saying ${text}: ${output}`)));
  });
}
