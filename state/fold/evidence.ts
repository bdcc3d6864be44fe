// Which runs are evidence for a claim: counted, of the pinned recipe, not discounted by a lifted flake, and for DONE fresh.
// Pure; `standing.ts` makes of it what a claim comes to.

import { DONE, type GateId, type Sha } from '../entry/ids.ts';
import type { Claim, Phase, Run } from '../entry/phase.ts';
import { uncounted } from '../entry/record.ts';

/** For DONE alone: how old evidence may be. */
export const evidenceMsMax = 24 * 3600 * 1000;

/** A counted run for the slot. DONE takes any fresh run of exactly its SHA for the same gate, whoever asked for it. */
export function gateRun(phase: Phase, claim: Claim, gate: GateId, k: number, nowMs: number): Run | null {
  const after = discountedBefore(phase, gate, claim.tree);
  const fits = (run: Run): boolean => {
    const { purpose } = run;
    if (purpose.kind !== 'gate' || purpose.gate !== gate || run.id < after || !countsFor(phase, run)) return false;
    return claim.gate === DONE ? isFresh(run, claim, nowMs) : purpose.claim === claim.id && purpose.k === k;
  };
  return phase.runs.findLast(fits) ?? null;
}

/** A run that says something about what it ran, under the recipe and the plan that the phase has now. */
export function countsFor(phase: Phase, run: Run): boolean {
  if (uncounted.has(run.outcome) || run.recipeDigest !== phase.recipes[run.recipe]) return false;
  return run.id > amendedAt(phase, run);
}

/** The act that amended what judges such a run: those before it are made again. 0 where there is none. */
function amendedAt({ amended }: Phase, { purpose }: Run): number {
  if ('gate' in purpose) return amended[purpose.gate] ?? 0;
  return (purpose.kind === 'kept' || purpose.kind === 'holdout' ? amended[DONE] : undefined) ?? 0;
}

/** Of exactly the claim's SHA, and not too old for DONE. */
export function isFresh(run: Run, claim: Claim, nowMs: number): boolean {
  return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;
}

/** Why a counted run does not speak for its claim, in words; null where it does. */
export function whyNot(phase: Phase, run: Run): string | null {
  if (run.outcome !== 'PASS') return `ended ${run.outcome}: ${run.reason}`;
  if (run.unmet.length > 0) return `passed but not as expected: ${run.unmet.join('; ')}`;
  if (run.sandbox === 'none' && phase.sandbox !== 'none') return 'ran outside the sandbox, which satisfies no gate';
  return null;
}

/** Runs before this entry do not count for the tree: the operator closed their flake, so they are made again. */
export function discountedBefore(phase: Phase, gate: GateId, tree: Sha): number {
  let before = 0;
  for (const [run, act] of Object.entries(phase.lifted)) {
    const flaky = phase.runs.find((r) => r.id === Number(run));
    if (flaky?.purpose.kind === 'gate' && flaky.purpose.gate === gate && flaky.tree === tree)
      before = Math.max(before, act);
  }
  return before;
}
