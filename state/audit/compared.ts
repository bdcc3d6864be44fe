// Rechecks runs that are judged by comparison with other runs: controls (in `controls.ts`) and earlier tests. Repeats
// each judgement from the records on the trail, with the functions that first made it.

import { judgeKept } from '../controls/earlierTests.ts';
import { earlierRuns, ownRuns } from '../controls/testRequirements.ts';
import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { Phase, Run } from '../entry/phase.ts';
import { type Purpose, type RunRecord, uncounted } from '../entry/record.ts';
import { judgedControlProblems } from './controls.ts';
import type { AuditStore } from './store.ts';

const candidatesMax = 4;

type RunEntry = EntryOf<'run'>;
type Using = { hub: string; store: AuditStore };

/** Everything wrong with the judgement of a run that is compared with other runs, in words. */
export async function comparedProblems(
  entry: RunEntry,
  phase: Phase,
  record: RunRecord,
  using: Using,
): Promise<string[]> {
  const [control, kept] = await Promise.all([
    judgedControlProblems(entry, phase, record, using),
    keptProblems(entry, phase, record, using),
  ]);
  return [...control, ...kept];
}

async function keptProblems(entry: RunEntry, phase: Phase, record: RunRecord, using: Using): Promise<string[]> {
  const { purpose, kept, outcome } = entry.facts;
  if (purpose.kind !== 'kept' || uncounted.has(outcome))
    return kept ? ['it has a judgement of earlier tests, but is not a counted run of earlier tests'] : [];
  if (!kept) return ['it is a run of earlier tests without a judgement'];
  const judgements = await keptJudgements(purpose, phase, record, using);
  if (judgements.some((judgement) => canonicalJson(judgement) === canonicalJson(kept))) return [];
  const [first] = judgements;
  if (first)
    return [`by its records the earlier tests are ${first.result} («${first.why}»), but the entry says ${kept.result}`];
  return kept.result === 'INCONCLUSIVE' ? [] : ['there are no runs to compare these earlier tests with'];
}

/**
 * For each recent run of the claim, newest first, the judgement of the earlier tests by comparison with that run. The
 * newest run may have been recorded after the judgement on the trail was made and before it was written, so that
 * judgement may rest on an older run.
 */
async function keptJudgements(
  purpose: Extract<Purpose, { kind: 'kept' }>,
  phase: Phase,
  kept: RunRecord,
  { store }: Using,
): Promise<ReturnType<typeof judgeKept>[]> {
  const claim = phase.claims.find(({ id }) => id === purpose.claim);
  const recordsOf = async (runs: Run[]) =>
    (await Promise.all(runs.map(({ run }) => store.record(run)))).flatMap((one) => one ?? []);
  const runs = earlierRuns(phase, purpose.recipe, purpose.from);
  const earlier = await recordsOf(runs);
  if (!claim || earlier.length === 0 || earlier.length < runs.length) return [];
  const own = await recordsOf(ownRuns(phase, claim, purpose.recipe).reverse().slice(0, candidatesMax));
  return own.map((one) => judgeKept({ earlier, claim: one, kept, supersedes: phase.spec.supersedes }));
}
