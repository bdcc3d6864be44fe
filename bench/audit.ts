// The audit of a long trail, every entry in a commit of its own: `node bench/audit.ts [entries]`, or `benchAudit()` for the
// figures. The trail is an honest phase, with as many notes by both agents after it as are asked for.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { audit } from '../state/audit.ts';
import type { EntryOf, Intent } from '../state/entry.ts';
import type { AgentRole } from '../state/ids.ts';
import { openPhase, openWriter, phaseId } from '../tests/support/phase.ts';
import { makeHub } from '../tests/support/repo.ts';

const entriesDefault = 500;
const goal = { entries: 10_000, ms: 10_000 };
/** What an audit takes before its first entry: thirty children of git. */
const startMs = 1000;
const roles: AgentRole[] = ['builder', 'adversary'];

export type AuditFigures = {
  entries: number;
  commits: number;
  ok: boolean;
  ms: number;
  perSecond: number;
  /** In the time that this share of `goal.entries` has, besides the start. */
  meetsGoal: boolean;
};

/** Audits a new trail of about `entries` entries, which is removed afterwards. */
export async function benchAudit(entries = entriesDefault): Promise<AuditFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'coldpass-bench-'));
  try {
    return await measure(dir, entries);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, entries: number): Promise<AuditFigures> {
  const made = await makeHub(undefined, dir);
  await writeTrail(made, entries);
  const startedAtMs = performance.now();
  const report = await audit({ hub: made.hub.dir, root: made.hub.root, headsLog: join(made.stateDir, 'heads.log') });
  const ms = Math.round(performance.now() - startedAtMs);
  const perSecond = Math.round(report.entries / (ms / 1000));
  const allowedMs = startMs + (report.entries / goal.entries) * (goal.ms - startMs);
  const meetsGoal = report.ok && ms <= allowedMs;
  return { entries: report.entries, commits: report.commits, ok: report.ok, ms, perSecond, meetsGoal };
}

/** Builder and Adversary in turn, so that no two entries share a commit. */
async function writeTrail(made: Awaited<ReturnType<typeof makeHub>>, entries: number): Promise<void> {
  const writer = await openWriter(made);
  try {
    await openPhase(writer);
    const sessions = [await writer.wake('builder', { kind: 'work' }), await writer.wake('adversary', { kind: 'work' })];
    const left = entries - writer.trail.nextId + 1;
    const notes = Array.from({ length: Math.max(0, left) }, (_, n): Intent => {
      const facts = { session: sessions[n % 2], title: `note ${n}` } as EntryOf<'note'>['facts'];
      return {
        kind: 'note',
        role: roles[n % 2] as AgentRole,
        phase: phaseId,
        facts,
        body: 'Seen with my own eyes.\n\n- One.\n- Two.',
      };
    });
    for (let at = 0; at < notes.length; at += 1000)
      await Promise.all(notes.slice(at, at + 1000).map((note) => writer.trail.append([note])));
  } finally {
    await writer.trail.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { entries, commits, ok, ms, perSecond, meetsGoal } = await benchAudit(Number(process.argv[2] ?? goal.entries));
  console.log(
    `audit of ${entries} entries in ${commits} commits: ${ms} ms, ${perSecond} entries/s, ${ok ? 'in order' : 'NOT in order'}`,
  );
  console.log(`goal (${goal.entries} entries in ${goal.ms} ms): ${meetsGoal ? 'met' : 'missed'}`);
  process.exitCode = meetsGoal ? 0 : 1;
}
