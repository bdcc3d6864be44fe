// Decides which runs should be under way, and whether a claim is still current for a session that judges it. Pure.

import type { EntryId } from '../../state/entry/ids.ts';
import type { Claim, Phase, PhaseAt } from '../../state/entry/phase.ts';
import { uncounted } from '../../state/entry/record.ts';
import { gatesAndDone } from '../../state/entry/spec.ts';
import { baseNeeds, type RunNeed, slotOf } from '../../state/fold/requirement.ts';
import { currentClaim, effectiveVerdict } from '../../state/gate/gate.ts';
import { lateReproducers, standingOf } from '../../state/gate/standing.ts';

/** Every run that an open phase needs now, each slot once. */
export function runsWanted(at: PhaseAt): RunNeed[] {
  const { phase } = at;
  const needs = [...baseline(phase), ...currentClaims(phase).flatMap((claim) => claimNeeds(at, claim))];
  return [...new Map(needs.map((need) => [need.slot, need])).values()];
}

export function isWanted(at: PhaseAt, need: RunNeed): boolean {
  return runsWanted(at).some((wanted) => wanted.slot === need.slot);
}

/** True while the claim is the current one of its gate and is green. */
export function isCurrentGreen(at: PhaseAt, id: EntryId): boolean {
  const { phase } = at;
  const claim = phase.claims.find((c) => c.id === id);
  if (!claim || currentClaim(phase, claim.gate)?.id !== id) return false;
  const standing = standingOf(at, claim);
  return standing.state === 'green';
}

/** True while the claim is the current one of its gate and is not red. */
export function isUndecided(at: PhaseAt, id: EntryId): boolean {
  const { phase } = at;
  const claim = phase.claims.find((c) => c.id === id);
  return claim !== undefined && currentClaim(phase, claim.gate)?.id === id && standingOf(at, claim).state !== 'red';
}

/** The newest claim of each gate and of DONE, unless that claim was withdrawn. */
export function currentClaims(phase: Phase): Claim[] {
  return gatesAndDone(phase.spec).flatMap((gate) => currentClaim(phase, gate) ?? []);
}

/** How many runs for this need did not count (INFRA, or lost) since the phase was last opened or resumed. */
export function uncountedRuns(phase: Phase, need: RunNeed): { infra: number; lost: number } {
  const runs = phase.runs.filter(
    (run) => run.id > phase.resumed && uncounted.has(run.outcome) && slotOf(run.purpose) === need.slot,
  );
  const count = (outcome: string) => runs.filter((run) => run.outcome === outcome).length;
  return { infra: count('INFRA'), lost: count('LOST') };
}

/** The runs of the base. They are wanted from the start: they show which tests are new, and which must stay green. */
function baseline(phase: Phase): RunNeed[] {
  const recipes = new Set(Object.values(phase.spec.gates).map((gate) => gate.recipe));
  return [...recipes].flatMap((recipe) => baseNeeds(phase, recipe));
}

function claimNeeds(at: PhaseAt, claim: Claim): RunNeed[] {
  const { phase } = at;
  const standing = standingOf(at, claim);
  if (effectiveVerdict(phase, claim, standing)?.verdict === 'FAIL') return [];
  const late = standing.state === 'red' ? [] : lateReproducers(phase, claim);
  return standing.state === 'running'
    ? [...standing.requirements.flatMap((requirement) => requirement.needs), ...late]
    : late;
}
