// Runs that are judged beside others (controls: `auditControls.ts`; earlier tests): the judgement is made anew from the records
// on the trail, by the same functions that made it.

import { judgeKept } from '../controls/kept.ts';
import { earlierRuns, ownRuns } from '../controls/keptPieces.ts';
import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { Phase, Run } from '../entry/phase.ts';
import { type Purpose, type RunRecord, uncounted } from '../entry/record.ts';
import { controlProblems } from './controls.ts';
import type { AuditStore } from './store.ts';

const candidatesMax = 4;

type RunEntry = EntryOf<'run'>;
type Using = { hub: string; store: AuditStore };

/** What is wrong with the judgement of a run that is compared with others, in words. */
export async function comparedProblems(
  entry: RunEntry,
  phase: Phase,
  record: RunRecord,
  using: Using,
): Promise<string[]> {
  const [control, kept] = await Promise.all([
    controlProblems(entry, phase, record, using),
    keptProblems(entry, phase, record, using),
  ]);
  return [...control, ...kept];
}

async function keptProblems(entry: RunEntry, phase: Phase, record: RunRecord, using: Using): Promise<string[]> {
  const { purpose, kept, outcome } = entry.facts;
  if (purpose.kind !== 'kept' || uncounted.has(outcome))
    return kept ? ['it has the judgement of earlier tests, and is no counted run of such'] : [];
  if (!kept) return ['it is a run of earlier tests without a judgement'];
  const right = await keptJudgements(purpose, phase, record, using);
  if (right.some((judgement) => canonicalJson(judgement) === canonicalJson(kept))) return [];
  const [first] = right;
  if (first)
    return [`its records make the earlier tests ${first.result} («${first.why}»), the entry says ${kept.result}`];
  return kept.result === 'INCONCLUSIVE' ? [] : ['there are no runs to compare these earlier tests with'];
}

/** Newest run of the claim first; older ones too: another may have been written between the judgement and its entry. */
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
