// `coldpass run` is killed with -9 at seeded moments, then typed again. It must resume from the trail and reach DONE,
// with nothing lost, doubled or left behind. A moment is a number of durable entries or of tool calls started, plus a
// seeded delay, so that kills fall into cold runs, publishes, sessions and appends. Some runs are killed twice.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scripted, startScripted } from '../../agents/scripted/scripted.ts';
import { canonicalJson } from '../../state/entry/digest.ts';
import type { Entry } from '../../state/entry/entry.ts';
import { uncounted } from '../../state/entry/record.ts';
import { slotOf } from '../../state/fold/requirement.ts';
import { statePaths, type Workspace, writeWorkspace } from '../../state/trail/workspace.ts';
import { describeBoxed } from '../support/box.ts';
import { isLong } from '../support/long.ts';
import {
  adderScript,
  auditOf,
  cli,
  entriesOf,
  type Ground,
  groundEnv,
  layGround,
  leavings,
  plainGit,
} from '../support/phase/live.ts';
import { seed } from '../support/property.ts';

const byEntryCount = 17;
/** Kills come at most after this many entries. The story has about 41, the last few of them in one batch. */
const entriesMax = 36;
const tools = ['publish', 'publish', 'publish', 'shell', 'claim', 'finding', 'verdict', 'hand_off'];
const delayMsMax = 300;
const callDelayMsMax = 120;
const secondKillEvery = 5;
const atOnce = 3;
/** The suite takes one in this many moments, which still covers every kind of moment. */
const partOf = 3;
const restSecondsMax = 300;
/** First of the user ids for boxes; they are outside those that `init` assigns and differ for each moment. */
const uidFirst = 61_100;

type When = ({ entries: number } | { tool: string; n: number }) & { delayMs: number };
type Moment = { name: string; at: When[] };
type Outcome = {
  name: string;
  killed: number;
  exit: number | null;
  said: string;
  entries: Entry[];
  problems: unknown[];
  left: string[];
  refs: string[];
  fsck: string;
};

describeBoxed('kill -9 of the supervisor at seeded moments', () => {
  const moments = seededMoments().filter((_, index) => isLong || index % partOf === 0);
  const outcomes: Outcome[] = [];
  let root: string;
  let server: Scripted;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-kill-')));
    // The endpoint runs in this process, so that it survives a kill as a model's service would.
    server = await startScripted(adderScript());
    const template = await layGround({ dir: root });
    const todo = moments.map((moment, index) => async () => {
      outcomes.push(await lived(copied(template, index), server.url, moment));
    });
    const worker = async () => {
      for (let next = todo.shift(); next; next = todo.shift()) await next();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }, 1_200_000);

  afterAll(async () => {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  });

  test('interrupts each run, and the same command then ends DONE', () => {
    expect(outcomes).toHaveLength(isLong ? 25 : 9);
    const short = outcomes.map(({ name, killed, exit, said }) => ({
      name,
      killed,
      exit,
      said: exit === 0 ? '' : said,
    }));
    const wanted = moments.map(({ name, at }) => ({ name, killed: at.length, exit: 0, said: '' }));
    expect(inOrder(short)).toEqual(inOrder(wanted));
    expect(faulty(({ entries }) => (entries.some(isDone) ? [] : ['no done on the trail']))).toEqual({});
  });

  test('leaves a trail in which the audit, with heads.log as its witness, finds no problem', () => {
    expect(faulty(({ problems }) => problems)).toEqual({});
  });

  test('leaves entries that are numbered without a gap and never doubled', () => {
    expect(faulty(({ entries }) => entries.filter(({ id }, index) => id !== index + 1))).toEqual({});
    expect(faulty(({ entries }) => doubles(entries.map(saying)))).toEqual({});
  });

  test('leaves no slot with two counted runs, and no gate for which one commit was claimed twice', () => {
    expect(faulty(({ entries }) => doubles(countedSlots(entries)))).toEqual({});
    expect(faulty(({ entries }) => doubles(claimsOf(entries)))).toEqual({});
  });

  test('leaves exactly one end for each session that started', () => {
    expect(faulty(({ entries }) => unpaired(entries))).toEqual({});
  });

  test('leaves nothing running, and no tree, copy, mount, cgroup or quarantined ref', () => {
    expect(faulty(({ left }) => left)).toEqual({});
    expect(faulty(({ refs }) => refs.filter((ref) => !['main', 'trail', 'phase/adder'].includes(ref)))).toEqual({});
    expect(faulty(({ fsck }) => (fsck === '' ? [] : [fsck]))).toEqual({});
  });

  test('hits sessions and cold runs, among other moments', () => {
    const all = outcomes.flatMap(({ entries }) => entries);
    const lost = {
      sessions: all.filter(({ kind, facts }) => kind === 'session' && facts.event === 'ended' && facts.end === 'lost'),
      runs: all.filter(({ kind, facts }) => kind === 'run' && facts.outcome === 'LOST'),
    };
    const least = isLong ? 4 : 1;
    expect(lost.sessions.length).toBeGreaterThanOrEqual(least);
    expect(lost.runs.length).toBeGreaterThanOrEqual(least);
  });

  /** Returns the faults of each moment that has any. */
  function faulty(faultsOf: (outcome: Outcome) => unknown[]): Record<string, unknown[]> {
    const faultsByName = outcomes.map((outcome) => [outcome.name, faultsOf(outcome)] as const);
    return Object.fromEntries(faultsByName.filter(([, faults]) => faults.length > 0));
  }
});

/** Copies the template for one moment, with a separate folder and separate box users. */
function copied(template: Ground, index: number): Ground {
  const dir = join(template.dir, `moment-${index}`);
  const inside = (path: string) => path.replace(template.dir, dir);
  for (const part of ['adder', 'workspaces', 'plan.md', 'config'])
    cpSync(join(template.dir, part), join(dir, part), { recursive: true });
  const paths = statePaths(inside(template.paths.stateDir));
  const workspace = JSON.parse(readFileSync(paths.workspace, 'utf8')) as Workspace;
  const uids = workspace.uids && uidsOf(index);
  writeWorkspace(paths.stateDir, { ...workspace, repo: inside(workspace.repo), uids });
  return { ...template, dir, repo: inside(template.repo), plan: inside(template.plan), paths };
}

function uidsOf(index: number): NonNullable<Workspace['uids']> {
  const first = uidFirst + 3 * index;
  return { builder: first, adversary: first + 1, verify: first + 2 };
}

/** Runs one moment: kills the command as often as the moment says, then lets it finish. */
async function lived(ground: Ground, url: string, { name, at }: Moment): Promise<Outcome> {
  const pids: number[] = [];
  let killed = 0;
  for (const when of at) {
    const child = coldpass(ground, url);
    pids.push(child.process.pid as number);
    await Promise.race([reached(ground, when), child.closed]);
    await Promise.race([after(when.delayMs), child.closed]);
    child.process.kill('SIGKILL');
    await child.closed;
    if (child.process.signalCode === 'SIGKILL') killed += 1;
    if ('tool' in when && when.tool === 'shell') leaveLock(ground);
  }
  const last = coldpass(ground, url);
  pids.push(last.process.pid as number);
  const late = setTimeout(() => last.process.kill('SIGKILL'), restSecondsMax * 1000);
  await last.closed;
  clearTimeout(late);
  const left = leavings(ground.paths, uidsIn(ground), pids);
  const { problems } = await auditOf(ground.paths);
  return {
    name,
    killed,
    exit: last.process.exitCode,
    said: last.said(),
    left,
    problems,
    entries: await entriesOf(ground.paths.hub),
    refs: plainGit(ground.paths.hub, ['for-each-ref', '--format=%(refname:lstrip=2)']).split('\n'),
    fsck: plainGit(ground.paths.hub, ['fsck', '--no-dangling']),
  };
}

/**
 * Leaves the lock that a git killed in the clone would leave: real kills rarely hit the short time for which it exists.
 */
function leaveLock({ paths }: Ground): void {
  writeFileSync(join(paths.clones, 'builder', '.git', 'index.lock'), '');
}

function uidsIn({ paths }: Ground): number[] {
  const { uids } = JSON.parse(readFileSync(paths.workspace, 'utf8')) as Workspace;
  return uids ? Object.values(uids) : [];
}

/** `coldpass run plan.md`, as you would type it. */
function coldpass(ground: Ground, url: string): { process: ChildProcess; closed: Promise<unknown>; said(): string } {
  const args = [cli, 'run', ground.plan, '--state', ground.paths.stateDir];
  const child = spawn(process.execPath, args, {
    cwd: ground.repo,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: groundEnv(ground.dir, url) as NodeJS.ProcessEnv,
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk) => chunks.push(chunk));
  child.stderr?.on('data', (chunk) => chunks.push(chunk));
  return { process: child, closed: once(child, 'close'), said: () => Buffer.concat(chunks).toString() };
}

/** Resolves when that many more entries are durable, or when the n-th call of the tool in this process has started. */
function reached({ paths }: Ground, when: When): Promise<void> {
  const folder = 'tool' in when ? paths.transcripts : paths.stateDir;
  const count = () => ('tool' in when ? callsOf(folder, when.tool) : lines(paths.headsLog));
  const wanted = count() + ('tool' in when ? when.n : when.entries);
  return new Promise((resolve) => {
    const watcher = watch(folder, () => look());
    const look = () => {
      if (count() < wanted) return;
      watcher.close();
      resolve();
    };
    look();
  });
}

function callsOf(transcripts: string, tool: string): number {
  const texts = readdirSync(transcripts).map((name) => readFileSync(join(transcripts, name), 'utf8'));
  return texts
    .join('')
    .split(`"kind":"intent"`)
    .filter((part, at) => at > 0 && part.includes(`"tool":"${tool}"`)).length;
}

function lines(file: string): number {
  try {
    return readFileSync(file, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

function seededMoments(): Moment[] {
  const random = seeded(seed);
  const delayMs = (most: number) => Math.floor(random() * most);
  const byEntry = Array.from({ length: byEntryCount }, (_, index): When => {
    const entries = Math.floor((entriesMax * (index + random())) / byEntryCount);
    return { entries, delayMs: delayMs(delayMsMax) };
  });
  const byCall = tools.map((tool, index): When => {
    const n = tools.slice(0, index).filter((earlier) => earlier === tool).length + 1;
    return { tool, n, delayMs: delayMs(callDelayMsMax) };
  });
  return [...byEntry, ...byCall].map((first, index) => {
    const again: When[] =
      index % secondKillEvery === 0 ? [{ entries: 1 + Math.floor(random() * 2), delayMs: delayMs(delayMsMax) }] : [];
    const at = [first, ...again];
    return { name: `${index}: ${at.map(wordsFor).join(', then ')}`, at };
  });
}

function wordsFor(when: When): string {
  const what = 'tool' in when ? `call ${when.n} of ${when.tool}` : `entry ${when.entries}`;
  return `${what} + ${when.delayMs} ms`;
}

function seeded(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function inOrder<T extends { name: string }>(list: T[]): T[] {
  return list.toSorted((a, b) => Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10));
}

function isDone(entry: Entry): boolean {
  return entry.kind === 'phase' && entry.facts.event === 'done';
}

/** Returns an entry's content without the session that wrote it. If two are the same, the entry was doubled. */
function saying({ kind, role, facts, body }: Entry): string {
  const { session, ...rest } = facts as { session?: string };
  return canonicalJson({ kind, role, body, ...(kind === 'session' ? facts : rest) });
}

function countedSlots(entries: Entry[]): string[] {
  const runs = entries.filter((entry) => entry.kind === 'run');
  const counted = runs.filter(({ facts }) => facts.purpose.kind !== 'trial' && !uncounted.has(facts.outcome));
  return counted.map(({ facts }) => slotOf(facts.purpose));
}

function claimsOf(entries: Entry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'claim' ? `${entry.facts.gate} ${entry.facts.shas.main}` : []));
}

function unpaired(entries: Entry[]): string[] {
  const sessions = entries
    .filter((entry) => entry.kind === 'session')
    .map(({ facts }) => `${facts.session} ${facts.event}`);
  const ids = [...new Set(sessions.map((line) => line.split(' ')[0] as string))];
  return ids.filter((id) => sessions.filter((line) => line.startsWith(id)).join() !== `${id} started,${id} ended`);
}

function doubles(list: string[]): string[] {
  return list.filter((one, at) => list.indexOf(one) !== at);
}
