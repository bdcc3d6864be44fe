// Audits a long trail that has one entry per commit, both from scratch and from where the last audit ended, and times
// stock git on the same trail for comparison: `node bench/audit.ts [entries]`, or `benchAudit()` for the figures. The
// trail is an honest phase, followed by notes of both agents up to the given number of entries.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AuditOptions, audit } from '../state/audit/audit.ts';
import type { EntryOf, Intent } from '../state/entry/entry.ts';
import type { AgentRole, SessionId } from '../state/entry/ids.ts';
import { makeHub } from '../tests/support/repo.ts';
import { type Made, openPhase, openWriter, phaseId, type Writer } from '../tests/support/trail/phase.ts';

const entriesDefault = 10_000;
const goal = { entries: 10_000, wholeMs: 10_000, sinceMs: 500 };
const rounds = { whole: 3, since: 5 };
/** How many entries are written between two audits; the second audit begins where the first ended. */
const sinceEntries = 10;
/** Git checks only this many of the newest commits: to check all would take minutes, and each commit costs the same. */
const gitCommitsMax = 1000;
const roles: AgentRole[] = ['builder', 'adversary'];
/** The most notes written in a pair of sessions (one session of each role). */
const notesMax = 60;

export type AuditFigures = {
  entries: number;
  ok: boolean;
  /** Median of an audit from scratch. */
  wholeMs: number;
  /** Median of an audit of ten more entries, from where the last one ended. */
  sinceMs: number;
  sinceEntries: number;
  /** How long `git log --show-signature` took for this many commits, and how long it would take for all. */
  git: { commits: number; ms: number; allMs: number };
  meetsGoal: boolean;
};

/** Audits a new trail of `entries` entries, which is removed afterwards. */
export async function benchAudit(entries = entriesDefault): Promise<AuditFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'coldpass-bench-'));
  try {
    return await measure(dir, entries);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, wanted: number): Promise<AuditFigures> {
  const made = await makeHub(undefined, dir);
  const options = {
    hub: made.hub.dir,
    root: made.hub.root,
    headsLog: join(made.stateDir, 'heads.log'),
    mark: join(dir, 'audit.mark'),
  };
  const writer = await openWriter(made);
  try {
    await openPhase(writer);
    await speak(writer, wanted);
    const entries = writer.trail.nextId - 1;
    const whole: Timed[] = [];
    const since: Timed[] = [];
    for (let round = 0; round < rounds.whole; round++) whole.push(await timed(options, 0));
    const git = gitTime(made, dir, entries + 1);
    for (let round = 0; round < rounds.since; round++) {
      const from = writer.trail.nextId - 1;
      await speak(writer, from + sinceEntries);
      since.push(await timed({ ...options, sinceMark: true }, from));
    }
    const [wholeMs, sinceMs] = [median(whole), median(since)];
    const ok = [...whole, ...since].every((one) => one.ok);
    // A shorter trail must be audited in proportionally less time.
    const meetsGoal = ok && wholeMs <= goal.wholeMs * (entries / goal.entries) && sinceMs <= goal.sinceMs;
    return { entries, ok, wholeMs, sinceMs, sinceEntries, git, meetsGoal };
  } finally {
    await writer.trail.close();
  }
}

type Timed = { ms: number; ok: boolean };

/** Times an audit, which must begin after entry `from`. */
async function timed(options: AuditOptions, from: number): Promise<Timed> {
  const startedAtMs = performance.now();
  const { ok, since } = await audit(options);
  return { ms: performance.now() - startedAtMs, ok: ok && (since?.entry ?? 0) === from };
}

/**
 * Writes notes up to entry `last`, in short sessions, with the roles taking turns so that no two entries share a
 * commit.
 */
async function speak(writer: Writer, last: number): Promise<void> {
  const body = 'Seen with my own eyes.\n\n- One.\n- Two.';
  for (let left = 1; left > 0; ) {
    const sessions = [await writer.wake('builder', { kind: 'work' }), await writer.wake('adversary', { kind: 'work' })];
    left = last - writer.trail.nextId + 1 - sessions.length;
    const notes = Array.from({ length: Math.max(0, Math.min(left, notesMax)) }, (_, n): Intent => {
      const facts = { session: sessions[n % 2], title: `note ${n}` } as EntryOf<'note'>['facts'];
      return { kind: 'note', role: roles[n % 2] as AgentRole, phase: phaseId, facts, body };
    });
    await Promise.all(notes.map((note) => writer.trail.append([note])));
    left -= notes.length;
    for (const [n, role] of roles.entries()) await writer.end(sessions[n] as SessionId, role);
  }
}

/** Times stock git. It checks only signatures, and starts `ssh-keygen` for every commit. */
function gitTime({ hub }: Made, dir: string, all: number): AuditFigures['git'] {
  const run = (args: string[]) => execFileSync('git', ['-C', hub.dir, ...args], { maxBuffer: 256 * 1024 * 1024 });
  const allowed = join(dir, 'allowed_signers');
  writeFileSync(allowed, run(['show', 'trail:machine-docs/allowed_signers']));
  const commits = Math.min(all, gitCommitsMax);
  const startedAtMs = performance.now();
  const trusting = ['-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'log', `-${commits}`, '--show-signature', 'trail'];
  const good = run(trusting)
    .toString()
    .match(/Good "git" signature/g)?.length;
  const ms = performance.now() - startedAtMs;
  if (good !== commits) throw new Error(`git finds ${good} good signatures on ${commits} commits`);
  return { commits, ms, allMs: (ms / commits) * all };
}

function median(values: Timed[]): number {
  return values.map(({ ms }) => ms).toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** Lines of subject, figures and goal. */
export function auditLines({ entries, ok, wholeMs, sinceMs, git }: AuditFigures): [string, string, string][] {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const perSecond = Math.round(entries / (wholeMs / 1000));
  const times = (git.allMs / wholeMs).toFixed(1);
  const sample = git.commits <= entries ? ` (${seconds(git.ms)} for ${git.commits} of them)` : '';
  return [
    [`audit of ${entries} entries`, `${seconds(wholeMs)}, ${perSecond}/s${ok ? '' : ', NOT sound'}`, '≤ 10 s'],
    [
      `audit since the last, ${sinceEntries} more`,
      `${seconds(sinceMs)}, ${(wholeMs / sinceMs).toFixed(0)}× less`,
      '≤ 0.5 s',
    ],
    ['git log --show-signature, same trail', `${seconds(git.allMs)}${sample}: ${times}× the audit`, ''],
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const figures = await benchAudit(Number(process.argv[2] ?? entriesDefault));
  for (const [what, line, aim] of auditLines(figures))
    console.log(`${what.padEnd(46)} ${line}${aim === '' ? '' : `   (goal: ${aim})`}`);
  process.exitCode = figures.meetsGoal ? 0 : 1;
}
