// Condition 4 of a claim, except protected paths: earlier tests and the operator's hold-outs pass over the claim's
// code. Pure: computes which runs show this, and their result. Required once per recipe, however many gates use the
// recipe.

import { DONE, type RecipeName, type Sha } from '../entry/ids.ts';
import type { Claim, ClaimAt, Phase, Run } from '../entry/phase.ts';
import type { Purpose } from '../entry/record.ts';
import { countsFor, isFresh } from '../fold/evidence.ts';
import {
  metRequirement,
  missingRequirement,
  type Requirement,
  runNeed,
  unlessWaived,
  waiverOf,
} from '../fold/requirement.ts';

type EarlierPurpose = Extract<Purpose, { kind: 'kept' | 'holdout' }>;

/** A requirement per earlier commit whose tests must pass, and one for hold-outs. `ready`: runs to compare exist. */
export function testRequirements(at: ClaimAt, ready: boolean): Requirement[] {
  const { phase, claim, gate } = at;
  const recipe = phase.spec.gates[gate]?.recipe;
  if (!recipe || !isFirst(at)) return [];
  const purposes: EarlierPurpose[] = (claim.keeps[recipe] ?? []).map((from) => ({
    kind: 'kept',
    claim: claim.id,
    recipe,
    from,
  }));
  if (phase.spec.holdout !== null) purposes.push({ kind: 'holdout', claim: claim.id, recipe });
  return purposes.map((purpose) => requirementOf(at, purpose, ready));
}

/** Counted runs that show what was green at an earlier commit: all runs of the base, or a claim's newest gate run. */
export function earlierRuns(phase: Phase, recipe: RecipeName, sha: Sha): Run[] {
  const counted = phase.runs.filter((run) => run.sha === sha && run.recipe === recipe && countsFor(phase, run));
  const ofBase = counted.filter(({ purpose }) => purpose.kind === 'base');
  return ofBase.length > 0 ? ofBase : counted.filter(({ purpose }) => purpose.kind === 'gate').slice(-1);
}

/** Counted gate runs of exactly the claim's commit. */
export function ownRuns(phase: Phase, claim: Claim, recipe: RecipeName): Run[] {
  return phase.runs.filter(
    (run) => run.sha === claim.sha && run.recipe === recipe && run.purpose.kind === 'gate' && countsFor(phase, run),
  );
}

/** True for the first judged gate that uses this recipe. */
function isFirst({ phase, claim, gate }: ClaimAt): boolean {
  if (claim.gate !== DONE) return true;
  const gates = Object.entries(phase.spec.gates);
  return gates.find(([, spec]) => spec.recipe === phase.spec.gates[gate]?.recipe)?.[0] === gate;
}

function requirementOf(at: ClaimAt, purpose: EarlierPurpose, ready: boolean): Requirement {
  const { phase, claim, gate } = at;
  const condition = purpose.kind === 'kept' ? 'tests' : 'holdout';
  const run = phase.runs.findLast((one) => answers(at, purpose, one));
  if (!run) return missingRequirement(condition, gate, ready ? [runNeed(phase, gate, purpose, claim.sha)] : []);
  const requirement = metRequirement(condition, gate, run, claim);
  const [result, why] = purpose.kind === 'kept' ? keptWords(run) : holdoutWords(run);
  if (result === 'good') return requirement;
  return unlessWaived(requirement, waiverOf(at, gate, condition), result, `${gate}: ${why}`);
}

/**
 * True if the run counts for the wanted purpose. A claim of DONE accepts any fresh run for the same purpose at exactly
 * its SHA, whichever claim it was started for.
 */
function answers({ phase, claim, nowMs }: ClaimAt, wanted: EarlierPurpose, run: Run): boolean {
  const { purpose } = run;
  if (purpose.kind !== wanted.kind || purpose.recipe !== wanted.recipe || !countsFor(phase, run)) return false;
  if (purpose.kind === 'kept' && wanted.kind === 'kept' && purpose.from !== wanted.from) return false;
  return claim.gate === DONE ? isFresh(run, claim, nowMs) : purpose.claim === claim.id;
}

function keptWords({ kept, reason, run }: Run): ['good' | 'bad' | 'held', string] {
  if (kept?.result === 'KEPT') return ['good', ''];
  const result = kept?.result === 'BROKEN' ? 'bad' : 'held';
  return [result, `earlier tests (${run}): ${kept?.why ?? reason}`];
}

/** Tells only outcome and counts: nothing else about hold-outs is ever disclosed. */
function holdoutWords({ outcome, counts, run }: Run): ['good' | 'bad', string] {
  if (outcome === 'PASS') return ['good', ''];
  return ['bad', `the hold-outs (${run}) ended ${outcome}: ${counts.pass} passed, ${counts.fail} failed`];
}
