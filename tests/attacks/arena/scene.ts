// A phase with a claim of M1 on its trail, for attacks by somebody at the machine who has every key of the loop: a new
// hub with the real admission, and runs as the runner would have recorded them. The entry under test is the last one
// that a case appends.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { reviewOf, servedFacts } from '../../../agents/view/diffReview.ts';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import { judgeKept } from '../../../state/controls/earlierTests.ts';
import { changedTests, judgeRevert } from '../../../state/controls/revert.ts';
import type { Facts, Intent } from '../../../state/entry/entry.ts';
import { Refused } from '../../../state/entry/errors.ts';
import type { EntryId, RunId, SessionId, Sha } from '../../../state/entry/ids.ts';
import { type Claim, type Phase, phaseAt } from '../../../state/entry/phase.ts';
import type { RunRecord } from '../../../state/entry/record.ts';
import { gateReport } from '../../../state/gate/gate.ts';
import { changedPaths } from '../../../state/git/git.ts';
import { addCommits, type Files, makeHub } from '../../support/repo.ts';
import { failed, passed, record } from '../../support/trail/records.ts';
import { harnessText, M1, openPhase, openWriter, phaseId, pinned, type Writer } from '../../support/trail/writer.ts';
import type { Outcome, Refusal } from '../case.ts';

const before = { 'src/keep.js': 'export {};\n', 'tests/old.test.js': '// old\n', 'runner.config.js': harnessText };
const work = { 'src/keep.js': 'export const one = 1;\n', 'tests/new.test.js': '// new\n' };
const old = passed('tests/old.test.js > stays');
const fresh = passed('tests/new.test.js > both are kept');

/** A phase with a claim of M1 on its trail, and what a case needs to append entries about that claim. */
export type Scene = {
  writer: Writer;
  builder: SessionId;
  claim: EntryId;
  sha: Sha;
  /** The runs that the claim depends on; empty until `green` has recorded them. */
  runs: RunId[];
  /** The run of the phase's base. */
  reference: RunRecord;
  green(parts?: { sandbox?: RunRecord['sandbox'] }): Promise<void>;
};

export type Seen = Pick<Outcome, 'accepted' | 'refusals'>;

/** Appends entries, all of which must be accepted, and returns one more, which is under test. */
export type Tale = (scene: Scene) => Promise<Intent>;

/** Plays on a scene with a new hub, then audits the hub. */
export async function staged(dir: string, play: (scene: Scene) => Promise<Seen>): Promise<Outcome> {
  const made = await makeHub([before], mkdtempSync(join(dir, 'machine-')));
  const writer = await openWriter(made);
  try {
    await openPhase(writer);
    const seen = await play(await sceneOf(writer));
    return { ...seen, audit: await auditOf(writer) };
  } finally {
    await writer.trail.close();
  }
}

/** Counts as accepted if the funnel accepts the entry and, for `asks` 'gate', M1 then lacks at most a verdict. */
export function told(dir: string, tale: Tale, asks: 'words' | 'gate' = 'words'): Promise<Outcome> {
  return staged(dir, async (scene) => {
    const { writer } = scene;
    const why = await refusalOf(writer, await tale(scene));
    const report = gateReport(phaseAt(phaseOf(writer), Date.parse('2026-06-11T22:00:00Z')), M1);
    const unmet = report.conditions.filter(({ met }) => !met);
    const refusals: Refusal[] = [
      ...(why === null ? [] : [{ by: 'funnel' as const, why }]),
      ...unmet.map((one) => ({ by: `gate: ${one.name}` as Refusal['by'], why: one.unmet.join('; ') })),
    ];
    const isGreen = unmet.every(({ name }) => name === 'verdict');
    return { accepted: why === null && (asks === 'words' || isGreen), refusals };
  });
}

export function auditOf({ made }: Writer): Promise<AuditReport> {
  return audit({ hub: made.hub.dir, headsLog: join(made.stateDir, 'heads.log') });
}

/** Claims M1 again at another commit. */
export async function reclaimed(scene: Scene, files: Files): Promise<Scene> {
  const { writer, builder, sha } = scene;
  const [next] = addCommits(writer.made.hub.dir, `refs/heads/phase/${phaseId}`, [files], sha) as [Sha];
  const descends = phaseOf(writer).claims.map(({ id }) => id);
  const claim = await writer.claim(builder, M1, next, { descends });
  return sceneAt(writer, { builder, claim, sha: next }, scene.reference);
}

async function refusalOf(writer: Writer, intent: Intent): Promise<string | null> {
  try {
    await writer.append(intent);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

async function sceneOf(writer: Writer): Promise<Scene> {
  const { made, run, wake } = writer;
  const [sha] = addCommits(made.hub.dir, `refs/heads/phase/${phaseId}`, [work], made.base) as [Sha];
  const builder = await wake('builder', { kind: 'work' });
  const claim = await writer.claim(builder, M1, sha);
  const reference = await run({ kind: 'base', recipe: pinned.name, k: 1 }, made.base, { tests: [old] });
  return sceneAt(writer, { builder, claim, sha }, reference);
}

function sceneAt(writer: Writer, on: Pick<Scene, 'builder' | 'claim' | 'sha'>, reference: RunRecord): Scene {
  const { made, run } = writer;
  const { claim, sha } = on;
  const runs: RunId[] = [];
  const green: Scene['green'] = async (parts = {}) => {
    const own = await run({ kind: 'gate', claim, gate: M1, k: 1 }, sha, { tests: [old, fresh], ...parts });
    const changed = await changedPaths(made.hub.dir, made.base, sha);
    const changedTestFiles = changedTests(changed, pinned.recipe.tests);
    const tests = [old, failed(fresh.id)];
    const purpose = { kind: 'control' as const, claim, gate: M1, control: 'revert' as const, reference: made.base };
    const asRun = record({ purpose, outcome: 'FAIL', tests });
    const control = judgeRevert({ reference, claim: own, control: asRun, changedTestFiles });
    const reverted = await run(purpose, sha, { outcome: 'FAIL', tests, control });
    const keeps = { kind: 'kept' as const, claim, recipe: pinned.name, from: made.base };
    const again = record({ purpose: keeps, tests: [old] });
    const kept = judgeKept({ earlier: [reference], claim: own, kept: again, supersedes: [] });
    const held = await run(keeps, sha, { tests: [old], kept });
    runs.push(own.run, reverted.run, held.run);
  };
  return { writer, ...on, reference, runs, green };
}

export function phaseOf({ trail }: Writer): Phase {
  return trail.state.phases[phaseId] as Phase;
}

/** A session of the Adversary that was shown the runs that the claim depends on. */
export function judge({ writer, claim, runs }: Scene): Promise<SessionId> {
  return writer.wake('adversary', { kind: 'judge', claim }, runs);
}

export function verdict({ claim }: Scene, session: SessionId, more: Partial<Facts<'verdict'>> = {}): Intent {
  const facts = {
    session,
    gate: M1,
    claim,
    verdict: 'UNVERIFIED' as const,
    runs: [],
    findings: [],
    checks: [],
    closes: [],
    ...more,
  };
  return { kind: 'verdict', role: 'adversary', phase: phaseId, facts, body: 'Fine.' };
}

/** A PASS by an honest session: it was served the whole diff, and its check of each clause cites a run. */
export async function passing(scene: Scene, session: SessionId, clauses = ['1.1']): Promise<Intent> {
  const { writer, claim, runs } = scene;
  const phase = phaseOf(writer);
  const judged = phase.claims.find(({ id }) => id === claim) as Claim;
  const cites = [{ run: runs[0] as RunId }];
  const checks = clauses.map((clause) => ({ clause, saw: 'it', cites }));
  const pass = { verdict: 'PASS' as const, claim };
  const served = servedFacts(await reviewOf(writer.made.hub.dir, phase, judged), pass, []);
  return verdict(scene, session, { ...pass, gate: judged.gate, checks, runs, ...served });
}
