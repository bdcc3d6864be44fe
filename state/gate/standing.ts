// A claim's standing before any verdict: the evidence it needs, the evidence it has, and the result. Pure. The gate
// rule reads the standing for conditions 2 to 4; the supervisor reads it to see which runs to start. Both use one list
// of requirements, so what is run and what is required cannot differ.
//
//   running → red            a requirement failed
//           → held           none failed, but one needs the operator: a flake, an inconclusive control, protected paths
//           → green          every requirement is met; `at` is the entry that completed them

import { controlRequirements } from '../controls/requirements.ts';
import { testRequirements } from '../controls/testRequirements.ts';
import { DONE, type EntryId, type GateId, type RunId } from '../entry/ids.ts';
import type { Claim, ClaimAt, Finding, Phase, PhaseAt, Run } from '../entry/phase.ts';
import { type Purpose, uncounted } from '../entry/record.ts';
import { gatesUnder } from '../entry/spec.ts';
import { countsFor, discountedBefore, gateRun, whyNot } from '../fold/evidence.ts';
import {
  baseNeeds,
  metRequirement,
  missingRequirement,
  type Requirement,
  type RunNeed,
  runNeed,
  unlessWaived,
  waiverOf,
} from '../fold/requirement.ts';

export type Standing =
  | { state: 'running'; requirements: Requirement[] }
  | { state: 'red'; at: EntryId; why: string[]; requirements: Requirement[] }
  | { state: 'held'; at: EntryId; why: string[]; flakes: EntryId[]; requirements: Requirement[] }
  | { state: 'green'; at: EntryId; runs: RunId[]; staleAtMs: number | null; requirements: Requirement[] };

/** The standing of the claim at the time in `at`. */
export function standingOf(at: PhaseAt, claim: Claim): Standing {
  const known = at.known.get(claim) as Standing | undefined;
  if (known) return known;
  const standing = findStanding(at, claim);
  at.known.set(claim, standing);
  return standing;
}

function findStanding(at: PhaseAt, claim: Claim): Standing {
  const requirements = requirementsOf(at, claim);
  const bad = requirements.filter((requirement) => requirement.result === 'bad');
  const newest = (of: Requirement[]) => Math.max(claim.id, ...of.map((requirement) => requirement.at)) as EntryId;
  if (bad.length > 0)
    return {
      state: 'red',
      at: newest(bad),
      why: bad.map((requirement) => requirement.why),
      requirements,
    };
  if (requirements.some((requirement) => requirement.result === 'missing')) return { state: 'running', requirements };
  const held = requirements.filter((requirement) => requirement.result === 'held');
  if (held.length > 0) {
    const flakes = held.flatMap((requirement) => requirement.flake ?? []);
    return {
      state: 'held',
      at: newest(held),
      why: held.map((requirement) => requirement.why),
      flakes: [...new Set(flakes)],
      requirements,
    };
  }
  const stale = requirements.flatMap((requirement) => requirement.staleAtMs ?? []);
  const runs = [...new Set(requirements.flatMap((requirement) => requirement.run ?? []))];
  return {
    state: 'green',
    at: newest(requirements),
    runs,
    staleAtMs: stale.length > 0 ? Math.min(...stale) : null,
    requirements,
  };
}

/** The newest counted run of the finding's reproducer at this claim; null if there is none. */
export function reproducerRun(phase: Phase, claim: Claim, finding: Finding): Run | null {
  const fits = (run: Run) =>
    run.purpose.kind === 'reproducer' && run.purpose.claim === claim.id && run.purpose.finding === finding.id;
  return phase.runs.findLast((run) => fits(run) && !uncounted.has(run.outcome)) ?? null;
}

/** Runs of the reproducers of findings that were filed after this claim was made, if they have not run yet. */
export function lateReproducers(phase: Phase, claim: Claim): RunNeed[] {
  return openFindings(phase, claim.gate)
    .filter((finding) => finding.reproducer && finding.id > claim.id && !reproducerRun(phase, claim, finding))
    .map((finding) => reproducerNeed(phase, claim, finding));
}

/** The open findings about a gate; for DONE, all open findings of the phase. */
export function openFindings(phase: Phase, gate: GateId): Finding[] {
  return phase.findings.filter((finding) => finding.closed === null && (gate === DONE || finding.gate === gate));
}

function requirementsOf(at: PhaseAt, claim: Claim): Requirement[] {
  const { phase } = at;
  const requirements = gatesUnder(phase.spec, claim.gate).flatMap((gate) => gateRequirements({ ...at, claim, gate }));
  const ran = requirements.every((requirement) => requirement.result !== 'missing');
  return [...requirements, ...reproducerRequirements(phase, claim, ran), ...protectedRequirements(at, claim)];
}

function gateRequirements(at: ClaimAt): Requirement[] {
  const { phase, claim, gate } = at;
  const spec = phase.spec.gates[gate];
  if (!spec) return [];
  const times = claim.gate === DONE ? 1 : spec.times;
  const runs = Array.from({ length: times }, (_, i) => gateRun(at, i + 1));
  const requirements = runs.map((run, i) => runRequirement(at, i + 1, run));
  const flake = flakeRequirement(at, runs);
  // A red run decides the claim, and a flake holds it, so no more runs are needed: a comparison with an unreliable run
  // would show nothing.
  if (flake?.result === 'held' || requirements.some((requirement) => requirement.result === 'bad'))
    return [...requirements, ...(flake ? [flake] : [])];
  const base = baseNeeds(phase, spec.recipe);
  const ready = runs.every((run) => run !== null) && base.length === 0;
  return [
    ...requirements,
    ...(flake ? [flake] : []),
    ...(base.length > 0 ? [missingRequirement('tests', gate, base)] : []),
    ...controlRequirements(at, ready),
    ...testRequirements(at, ready),
  ];
}

function runRequirement(at: ClaimAt, k: number, run: Run | null): Requirement {
  const { phase, claim, gate } = at;
  if (!run) {
    const purpose: Purpose = { kind: 'gate', claim: claim.id, gate, k };
    return missingRequirement('runs', gate, [runNeed(phase, gate, purpose, claim.sha)]);
  }
  const requirement = metRequirement('runs', gate, run, claim);
  const why = whyNot(phase, run);
  if (why === null) return requirement;
  return unlessWaived(requirement, waiverOf(at, gate, 'runs'), 'bad', `${gate}: cold run ${run.run} ${why}`);
}

/** Runs for any claims of one tree, recipe and gate that disagree are a flake, which only the operator can lift. */
function flakeRequirement(at: ClaimAt, own: (Run | null)[]): Requirement | null {
  const { phase, claim, gate } = at;
  const first = own.flatMap((run) => run ?? []).sort((a, b) => a.id - b.id)[0];
  if (!first || whyNot(phase, first) !== null) return null;
  const after = discountedBefore(phase, gate, claim.tree);
  const same = phase.runs.filter(
    (run) =>
      run.purpose.kind === 'gate' &&
      run.purpose.gate === gate &&
      run.tree === claim.tree &&
      run.id > after &&
      countsFor(phase, run),
  );
  const other = same.findLast((run) => run.outcome !== first.outcome || run.alike !== first.alike);
  if (!other) return null;
  const requirement = { ...metRequirement('runs', gate, other, claim), run: null, staleAtMs: null, flake: other.id };
  const why = `${gate}: ${first.run} and ${other.run} disagree on one tree (flake #${other.id})`;
  return unlessWaived(requirement, waiverOf(at, gate, 'flake'), 'held', why);
}

function reproducerRequirements(phase: Phase, claim: Claim, ran: boolean): Requirement[] {
  const earlier = openFindings(phase, claim.gate).filter((finding) => finding.reproducer && finding.id < claim.id);
  return earlier.map((finding) => {
    const run = reproducerRun(phase, claim, finding);
    if (!run) return missingRequirement('reproducers', claim.gate, ran ? [reproducerNeed(phase, claim, finding)] : []);
    const requirement = { ...metRequirement('reproducers', claim.gate, run, claim), staleAtMs: null };
    if (run.reproducer !== 'red') return requirement;
    return {
      ...requirement,
      result: 'bad',
      why: `finding #${finding.id} (${finding.title}) still reproduces: ${run.run}`,
    };
  });
}

/**
 * Holds a claim that changes protected paths for the operator. A claim of DONE is held only for paths that no claim of
 * a gate with a waiver has changed.
 */
function protectedRequirements(at: PhaseAt, claim: Claim): Requirement[] {
  const { phase } = at;
  const allowed = (gate: GateId) => waiverOf(at, gate, 'protected') !== null;
  const passed = phase.claims.filter((other) => allowed(other.gate)).flatMap((other) => other.touches);
  const touched = claim.touches.filter((path) => claim.gate !== DONE || !passed.includes(path));
  if (touched.length === 0) return [];
  const requirement: Requirement = { ...missingRequirement('protected', claim.gate, []), result: 'good', at: claim.id };
  const why = `${claim.gate}: the claim changes protected paths: ${touched.join(', ')}`;
  return [unlessWaived(requirement, waiverOf(at, claim.gate, 'protected'), 'held', why)];
}

function reproducerNeed(phase: Phase, claim: Claim, finding: Finding): RunNeed {
  // Neither DONE nor a gate that an amendment removed has a recipe, so the recipe of the first gate is used.
  const gate = phase.spec.gates[finding.gate] ? finding.gate : (Object.keys(phase.spec.gates)[0] as GateId);
  return runNeed(phase, gate, { kind: 'reproducer', claim: claim.id, finding: finding.id }, claim.sha);
}
