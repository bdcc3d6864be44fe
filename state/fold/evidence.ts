// Which runs are evidence for a claim: counted, of the pinned recipe, not discounted by a lifted flake, and for DONE
// fresh. Pure; `standing.ts` derives a claim's standing from it.

import { DONE, type GateId, type Sha } from '../entry/ids.ts';
import type { Claim, ClaimAt, Phase, Run } from '../entry/phase.ts';
import { uncounted } from '../entry/record.ts';

/** How old evidence may be. Only for DONE. */
export const evidenceMsMax = 24 * 3600 * 1000;

/** A counted run for the slot. DONE takes any fresh run of exactly its SHA for the same gate, from any claim. */
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

/** The act that last amended what judges such a run: runs before it must be repeated. 0 if there is none. */
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

/** Runs before this entry do not count for the tree: the operator lifted their flake, so they rerun. */
export function discountedBefore(phase: Phase, gate: GateId, tree: Sha): number {
  let before = 0;
  for (const [run, act] of Object.entries(phase.lifted)) {
    const flaky = phase.runs.find((r) => r.id === Number(run));
    if (flaky?.purpose.kind === 'gate' && flaky.purpose.gate === gate && flaky.tree === tree)
      before = Math.max(before, act);
  }
  return before;
}
