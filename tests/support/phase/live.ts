// Whole phases for tests: a real repository and workspace in their own folder, the real `coldpass run` in this process
// or as a program, and a scripted endpoint that plays the agents. Afterwards the results are read back from trail and
// transcripts.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../agents/model/clock.ts';
import { readScript, Script } from '../../../agents/scripted/script.ts';
import { startScripted } from '../../../agents/scripted/scripted.ts';
import { readTranscript } from '../../../agents/session/transcript.ts';
import { type ActDecision, type ActReport, decideAct } from '../../../operator/acts/act.ts';
import { type RunEnd, run } from '../../../operator/runs/run.ts';
import { init } from '../../../operator/setup/init.ts';
import { here } from '../../../operator/workspace/here.ts';
import { drop, signed } from '../../../operator/workspace/sign.ts';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { ActPayload } from '../../../state/entry/act.ts';
import type { Entry, EntryOf, Kind } from '../../../state/entry/entry.ts';
import type { AgentRole } from '../../../state/entry/ids.ts';
import { makeRepository } from '../../../state/git/checkout.ts';
import { withTrail } from '../../../state/trail/read.ts';
import { type StatePaths, statePaths } from '../../../state/trail/workspace.ts';
import { cliEnv } from './cliEnv.ts';

export const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'live');
export const cli = join(import.meta.dirname, '..', '..', '..', 'cli.ts');
export const adder = join(fixtures, 'adder');

/** A repository with its workspace; no plan is queued yet. */
export type Ground = { dir: string; repo: string; paths: StatePaths; plan: string; operatorKey: string };

export type GroundOptions = {
  /** Files that are added to the adder's, or replace them, before the first commit; null leaves a file out. */
  files?: Record<string, string | null>;
  plan?: string;
  dir?: string;
};

/** Lays out the adder's repository and workspace, in a folder that is removed after the test. */
export async function layGround(options: GroundOptions = {}): Promise<Ground> {
  const dir = options.dir ?? liveDir();
  const repo = join(dir, 'adder');
  cpSync(join(adder, 'repo'), repo, { recursive: true });
  for (const [path, text] of Object.entries(options.files ?? {})) {
    rmSync(join(repo, path), { force: true });
    if (text === null) continue;
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), text);
  }
  await makeRepository(repo, 'Two programs that are not written');
  const plan = join(dir, 'plan.md');
  writeFileSync(plan, options.plan ?? readFileSync(join(adder, 'plan.md')));
  const stateDir = join(dir, 'workspaces', 'adder');
  mkdirSync(dirname(stateDir));
  const { workspace } = await init({
    dir: repo,
    env: groundEnv(dir),
    home: dir,
    uid: process.getuid?.() ?? -1,
    nodePath: process.execPath,
    now: new Date(),
    stateDir,
  });
  return { dir, repo, paths: statePaths(stateDir), plan, operatorKey: workspace.operator.key.path };
}

/** A folder with no link in its path, removed after the test. */
export function liveDir(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-live-')));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The environment that a command of Coldpass gets. */
export function groundEnv(dir: string, url?: string): Record<string, string | undefined> {
  const model = url === undefined ? {} : { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'a-script-needs-no-key' };
  return { PATH: process.env.PATH, HOME: dir, XDG_CONFIG_HOME: join(dir, 'config'), ...cliEnv, ...model };
}

/** The adder's own story, to DONE. */
export function adderScript(): Script {
  return readScript(readFileSync(join(adder, 'script.yml'), 'utf8'), 'script.yml');
}

/** A script from the wakes of the two roles, in the form of docs/scripts.md; a role that is left out only waits. */
export function scriptOf(roles: { builder?: unknown[]; adversary?: unknown[] }): Script {
  const idle = { name: 'nothing more', turns: [calls('wait', { why: 'there is nothing more to do' })] };
  const { builder = [], adversary = [] } = roles;
  return Script.parse({ roles: { builder: [...builder, idle], adversary: [...adversary, idle] } });
}

/** A turn that makes one tool call. */
export function calls(tool: string, input: Record<string, unknown> = {}, save?: Record<string, unknown>): unknown {
  return { call: [{ tool, input }], ...(save && { save }) };
}

/** A wake that takes these turns if its first message matches the pattern. */
export function wake(matches: string, turns: unknown[], save: Record<string, string> = {}): unknown {
  return { name: matches.slice(0, 60), when: { matches }, save, turns };
}

/** Turns that run `command` in the clone, commit the result and publish it; the commit's id is saved under `name`. */
export function committed(name: string, command: string, message = 'Work'): unknown[] {
  const commit = `${command}\ngit add -A; git commit -qm '${message}'; git rev-parse HEAD`;
  const sha = (from: string) => ({ [name]: { from, match: '\\b[0-9a-f]{40}\\b' } });
  return [calls('shell', { command: commit }, sha('shell')), calls('publish')];
}

export function claimOf(gate: string, sha: string): unknown {
  return calls('claim', { gate, sha, what: 'It is written.', how: 'sh run-tests.sh', expected: 'All pass.' });
}

export type Played = {
  end: RunEnd;
  entries: Entry[];
  of<K extends Kind>(kind: K): EntryOf<K>[];
  calls: ToolCall[];
  /** Results of a tool, in order; a refusal begins with its reason. */
  said(tool: string): string[];
};

/** `plan: null` resumes the current phase. */
export type PlayOptions = { plan?: string | null; clock?: Clock };

/**
 * Plays a script through `coldpass run`, in this process, until the phase rests. `env`: environment variables for the
 * command.
 */
export async function play(
  ground: Ground,
  script: Script,
  env: Record<string, string> = {},
  more: PlayOptions = {},
): Promise<Played> {
  const server = await startScripted(script);
  try {
    const asked = askedAt(ground, server.url, env);
    const { plan = ground.plan, clock = systemClock() } = more;
    const named = plan === null ? {} : { plan };
    const end = await run({ asked, ...named, clock, signal: new AbortController().signal });
    return await readPlayed(ground, end);
  } finally {
    await server.close();
  }
}

async function readPlayed(ground: Ground, end: RunEnd): Promise<Played> {
  const entries = await entriesOf(ground.paths.hub);
  const toolResults = toolCalls(ground.paths);
  return {
    end,
    entries,
    of: <K extends Kind>(kind: K) => entries.filter((entry): entry is EntryOf<K> & Entry => entry.kind === kind),
    calls: toolResults,
    said: (tool) => toolResults.filter((call) => call.tool === tool).map((call) => call.text),
  };
}

export function askedAt({ dir, repo, paths }: Ground, url?: string, env = {}): Parameters<typeof here>[0] {
  return {
    dir: repo,
    env: { ...groundEnv(dir, url), ...env },
    home: dir,
    uid: process.getuid?.() ?? -1,
    stateDir: paths.stateDir,
  };
}

/** Signs an act as the operator and drops it into the inbox. */
export async function operate(ground: Ground, payload: ActPayload): Promise<void> {
  const place = await here(askedAt(ground));
  await drop(place, signed(place, payload, { env: groundEnv(ground.dir), now: new Date() }));
}

/** Takes a decision as the operator's command does. */
export async function decided(ground: Ground, decision: ActDecision): Promise<ActReport> {
  const place = await here(askedAt(ground));
  return decideAct(decision, { place, dir: ground.dir, env: groundEnv(ground.dir), now: new Date() });
}

export function entriesOf(hub: string): Promise<Entry[]> {
  return withTrail(hub, (trail) => trail.entries);
}

/** Audits the hub, and compares it with everything that the workspace has for that purpose. */
export function auditOf(paths: Pick<StatePaths, 'hub' | 'headsLog'>): Promise<AuditReport> {
  return audit({ hub: paths.hub, headsLog: paths.headsLog });
}

export type ToolCall = { role: AgentRole; tool: string; input: unknown; ok: boolean; text: string };

/** Every finished tool call, session by session, in the order in which the sessions started. */
export function toolCalls({ transcripts }: Pick<StatePaths, 'transcripts'>): ToolCall[] {
  const sessions = readdirSync(transcripts)
    .map((name) => readTranscript(readFileSync(join(transcripts, name))).lines)
    .filter((lines) => lines.length > 0)
    .sort((a, b) => (a[0]?.atMs ?? 0) - (b[0]?.atMs ?? 0));
  return sessions.flatMap((lines) => {
    const role = lines.find((line) => line.kind === 'session')?.role as AgentRole;
    const results = new Map(lines.flatMap((line) => (line.kind === 'result' ? [[line.call, line] as const] : [])));
    return lines.flatMap((line): ToolCall[] => {
      const result = line.kind === 'intent' ? results.get(line.call) : undefined;
      if (line.kind !== 'intent' || result === undefined) return [];
      const text = result.text.replace(/^\[call \d+\]\n/, '');
      return [{ role, tool: line.tool, input: line.input, ok: result.ok, text }];
    });
  });
}

/** Runs plain git and returns its output, trimmed; throws if git fails. */
export function plainGit(dir: string, args: string[]): string {
  return execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/**
 * Everything that a run or a kill left behind: trees and copies in runs' folders, processes, mounts and cgroups. The
 * list is empty if nothing was left.
 */
export function leavings(paths: StatePaths, uids: number[], pids: number[]): string[] {
  const trees = readdirSync(paths.runs).flatMap((run) =>
    readdirSync(join(paths.runs, run))
      .filter((name) => name.startsWith('tree') || name === 'copy')
      .map((name) => `runs/${run}/${name}`),
  );
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(paths.stateDir));
  return [...trees, ...processesOf(paths.stateDir, uids), ...mounts, ...cgroupsOf(pids)];
}

/** Live processes that belong to the box users, or whose arguments contain the state folder. */
function processesOf(stateDir: string, uids: number[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const status = read(`/proc/${pid}/status`);
      if (status === '' || /^State:\s+[ZX]/m.test(status)) return [];
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
      const words = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      return uids.includes(uid) || words.includes(stateDir) ? [`process ${pid} of ${uid}: ${words}`] : [];
    });
}

function cgroupsOf(pids: number[]): string[] {
  if (pids.length === 0) return [];
  const names = pids.flatMap((pid) => ['-o', '-name', `coldpass-${pid}-*`]).slice(1);
  // Other processes add and remove cgroups meanwhile, which makes `find` fail: only its output counts.
  const { stdout } = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '(', ...names, ')'], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
