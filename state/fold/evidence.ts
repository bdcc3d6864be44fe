// Decides which runs are evidence for a claim: those whose outcome counts, that ran the pinned recipe, that were not
// discounted when the operator lifted a flake and, for DONE, that are fresh. Pure; `standing.ts` derives a claim's
// standing from these runs.

import { DONE, type GateId, type Sha } from '../entry/ids.ts';
import type { Claim, ClaimAt, Phase, Run } from '../entry/phase.ts';
import { uncounted } from '../entry/record.ts';

/** How old evidence for DONE may be; for other gates, evidence does not expire. */
export const evidenceMsMax = 24 * 3600 * 1000;

/**
 * The last run that counts as the claim's run number `k` of this gate; null if there is none. For a claim of DONE, any
 * fresh run of this gate at exactly the claimed SHA counts, whichever claim it was started for.
 */
export function gateRun({ phase, claim, gate, nowMs }: ClaimAt, k: number): Run | null {
  const after = discountedBefore(phase, gate, claim.tree);
  const fits = (run: Run): boolean => {
    const { purpose } = run;
    if (purpose.kind !== 'gate' || purpose.gate !== gate || run.id < after || !countsFor(phase, run)) return false;
    return claim.gate === DONE ? isFresh(run, claim, nowMs) : purpose.claim === claim.id && purpose.k === k;
  };
  return phase.runs.findLast(fits) ?? null;
}

/** True if the run counts as evidence under the phase's current recipe and plan. */
export function countsFor(phase: Phase, run: Run): boolean {
  if (uncounted.has(run.outcome) || run.recipeDigest !== phase.recipes[run.recipe]) return false;
  return run.id > amendedAt(phase, run);
}

/** The last act that amended what judges this run, so that earlier runs must be repeated; 0 if there is none. */
function amendedAt({ amended }: Phase, { purpose }: Run): number {
  if ('gate' in purpose) return amended[purpose.gate] ?? 0;
  return (purpose.kind === 'kept' || purpose.kind === 'holdout' ? amended[DONE] : undefined) ?? 0;
}

/** True for a run of exactly the claim's SHA that is not too old for DONE. */
export function isFresh(run: Run, claim: Claim, nowMs: number): boolean {
  return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;
}

/** Why a counted run does not support its claim, in words; null if it does. */
export function whyNot(phase: Phase, run: Run): string | null {
  if (run.outcome !== 'PASS') return `ended ${run.outcome}: ${run.reason}`;
  if (run.unmet.length > 0) return `passed but not as expected: ${run.unmet.join('; ')}`;
  if (run.sandbox === 'none' && phase.sandbox !== 'none') return 'ran outside the sandbox, which satisfies no gate';
  return null;
}

/**
 * The last act that lifted a flake of this gate at this tree; 0 if there is none. The gate's runs of this tree before
 * that act do not count, so they are repeated.
 */
export function discountedBefore(phase: Phase, gate: GateId, tree: Sha): number {
  let before = 0;
  for (const [run, act] of Object.entries(phase.lifted)) {
    const flaky = phase.runs.find((r) => r.id === Number(run));
    if (flaky?.purpose.kind === 'gate' && flaky.purpose.gate === gate && flaky.tree === tree)
      before = Math.max(before, act);
  }
  return before;
}
