// Sets up one calibration case as a phase would have it: a repository with the base and the claim, and what the judge
// is told when it wakes. Nothing that the judge is shown says which case this is, or that it is a case.

import { mkdir } from 'node:fs/promises';
import { TrailError } from '../../state/entry/errors.ts';
import { DONE, type EntryId, type GateId, type PhaseId, type RunId, Sha } from '../../state/entry/ids.ts';
import { git, gitText, whyFailed } from '../../state/git/process.ts';
import { workDiff } from '../../state/work/diff.ts';
import type { Fence } from '../text/fence.ts';
import { type Review, reviewOpening } from '../view/diffReview.ts';
import { openingOf, project } from '../view/projection.ts';
import type { PhaseView } from '../view/view.ts';
import type { CalibrationCase } from './set.ts';

export const casePhase = 'work' as PhaseId;
export const caseGate = 'M1' as GateId;
export const caseClaim = 4 as EntryId;
export const caseRun = 'r-4d1f0c2ab7e5' as RunId;

export type CaseRepository = { given: CalibrationCase; hub: string; base: Sha; sha: Sha; review: Review };

/** Makes the case's repository at `hub`, which must not exist yet. */
export async function setUpCase(given: CalibrationCase, hub: string): Promise<CaseRepository> {
  await mkdir(hub, { mode: 0o700 });
  await gitText(hub, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', hub], { checkout: true });
  const input = [
    commit('refs/heads/main', 'Begin', given.base, 1_790_000_000),
    commit(`refs/heads/phase/${casePhase}`, given.claim.message, given.claim.files, 1_790_003_600, 'refs/heads/main'),
  ].join('');
  const imported = await git(hub, [`fast-import`, '--quiet'], { input });
  if (imported.exit !== 0)
    throw new TrailError('io', `cannot set up a calibration case at ${hub}: ${whyFailed(imported)}`);
  const id = async (ref: string) => Sha.parse((await gitText(hub, ['rev-parse', '--verify', ref])).trim());
  const [base, sha] = [await id('refs/heads/main'), await id(`refs/heads/phase/${casePhase}`)];
  return { given, hub, base, sha, review: { claim: caseClaim, diff: await workDiff(hub, base, sha) } };
}

/** The first message of the session that judges the case. */
export function caseOpening(laid: CaseRepository, fence: Fence, leftUsd: number): string {
  return openingOf(
    planOf(laid.given),
    project(viewOf(laid, leftUsd), 'adversary', fence),
    fence,
    reviewOpening(laid.review),
  );
}

export function planOf({ title, clauses }: CalibrationCase): string {
  const lines = Object.entries(clauses).map(([id, text]) => `- **${id}** ${text}`);
  return [
    `# Plan: ${title}`,
    '',
    '## 2. Work requirements',
    '',
    ...lines,
    '',
    '## 3. Gates',
    '',
    `- **${caseGate}** Everything of section 2 holds, and tests under \`tests/\` show it (${Object.keys(clauses).join(', ')}).`,
  ].join('\n');
}

function viewOf({ given, base, sha }: CaseRepository, leftUsd: number): PhaseView {
  const claim = { id: caseClaim, title: '', words: given.claim.says, sha };
  const unclaimed = { claim: null, verdict: null, covers: [], requires: [] };
  return {
    phase: casePhase,
    title: given.title,
    head: sha,
    base,
    left: { usd: leftUsd, hours: 7, claims: 11 },
    woken: { reason: 'judge', about: caseClaim, gate: caseGate },
    gates: [
      {
        gate: caseGate,
        state: 'green',
        covers: Object.keys(given.clauses),
        requires: [],
        claim,
        verdict: null,
        unmet: [{ condition: 'verdict', why: 'the Adversary has not passed it on this evidence' }],
      },
      { ...unclaimed, gate: DONE, state: 'unclaimed', unmet: [{ condition: 'claim', why: 'nobody has claimed DONE' }] },
    ],
    runs: [
      {
        run: caseRun,
        purpose: `gate ${caseGate} for claim #${caseClaim}, run 1`,
        sha,
        outcome: 'PASS',
        level: 1,
        counts: { pass: given.claim.tests.length, fail: 0, skip: 0 },
        reason: 'every stage passed',
        shows: '',
        unmet: [],
        failing: [],
      },
    ],
    findings: [],
    vetoes: [],
    requests: [],
    waivers: [],
    operatorNotes: [],
    notes: [],
    items: [],
    journal: [],
  };
}

/** One commit, as input for `git fast-import`. */
function commit(ref: string, message: string, files: Record<string, string>, seconds: number, from?: string): string {
  const text = (value: string) => `data ${Buffer.byteLength(value)}\n${value}\n`;
  const changes = Object.entries(files).map(([path, content]) => `M 100644 inline ${path}\n${text(content)}`);
  const head = `commit ${ref}\ncommitter Builder <builder@coldpass> ${seconds} +0000\n${text(message)}`;
  return `${head}${from === undefined ? '' : `from ${from}\n`}${changes.join('')}\n`;
}
