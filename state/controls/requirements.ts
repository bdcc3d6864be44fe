// The controls of a claim: each must bite, or the claim's tests check nothing. Pure: computes which control runs a
// claim needs, and the result of the runs made so far. If a control is inconclusive, the next one is tried:
//
//   commands   revert, published → hollow, after a placebo that stays green → sabotage → the operator
//   apps       drills, which name the volume that no test checks → published, which counts their results → the operator
//
// Nothing of an app is emptied or patched: an app's behaviour is in its image, not in the claim's tree. For commands,
// at least one emptied function must be noticed even if the plan does not list `hollow`: code can disable the
// assertions of the process that tests it, and `revert`, which runs without that code, cannot show this.

import { DONE, type EntryId, type GateId, type Sha } from '../entry/ids.ts';
import { type Claim, type ClaimAt, isAppGate, type Phase, type Run, type Sabotage } from '../entry/phase.ts';
import { type ControlResult, type Purpose, uncounted } from '../entry/record.ts';
import { type ControlName, controlsOf, type DeclaredControl, Drill, type GateSpec, isDrill } from '../entry/spec.ts';
import { countsFor, isFresh } from '../fold/evidence.ts';
import {
  metRequirement,
  missingRequirement,
  type Requirement,
  type RunNeed,
  runNeed,
  unlessWaived,
  waiverOf,
} from '../fold/requirement.ts';
import { drawFunctions } from './hollow.ts';
import { sabotagesMax } from './sabotage.ts';

/** Runs of `hollow` that are wanted at once: if one emptied function goes unnoticed, no more runs are made. */
const hollowsAtOnce = 4;
/** If the plan does not declare `hollow`: the most functions that are emptied in turn until a test notices one. */
const noticedMax = 3;

/** The combined result of several runs. */
type Sum = { result: ControlResult | 'missing'; requirements: Requirement[]; why: string };

/** The requirements that the controls of a gate make; none if it has none. `ran`: a cold run of the claim exists. */
export function controlRequirements(at: ClaimAt, ran: boolean): Requirement[] {
  const { phase, gate } = at;
  const spec = phase.spec.gates[gate];
  if (!spec) return [];
  const isOfApp = isAppGate(phase, gate);
  const names = controlsOf(spec, isOfApp);
  if (!ran) return names.map((name) => missingRequirement(`control:${name}`, gate, []));
  const drills = names.filter(isDrill).map((name) => single(at, name));
  const others = names.filter((name) => !isDrill(name));
  if (drills.some(({ result }) => result === 'missing' || result === 'bad'))
    return [...drills, ...others.map((name) => missingRequirement(`control:${name}`, gate, []))];
  return [...drills, ...(isOfApp ? others.map((name) => single(at, name)) : compared(at, others))];
}

/** The controls of commands: reverts changes and, if that is inconclusive, empties or patches functions. */
function compared(at: ClaimAt, names: readonly DeclaredControl[]): Requirement[] {
  const { phase, claim, gate } = at;
  const reverts = names.filter((name) => name === 'revert' || name === 'published').map((name) => single(at, name));
  const isDeclared = names.includes('hollow');
  const isHollow = isDeclared || reverts.some(isHeld);
  const hasTargets = isHollow && hollowTargets(phase, claim, gate).length > 0;
  const placebo = names.includes('placebo') || hasTargets ? [single(at, 'placebo')] : [];
  if (!isHollow) return [...reverts, ...placebo, ...noticed(at, [...reverts, ...placebo])];
  if ([...reverts, ...placebo].some(({ result }) => result === 'missing' || result === 'bad'))
    return [...reverts, ...placebo, missingRequirement('control:hollow', gate, [])];
  const hollow = hollowOf(at);
  const held = isDeclared && hollow.result === 'INCONCLUSIVE' ? [heldHollow(at, hollow)] : [];
  return [...rescued(at, [...reverts, ...held], hollow), ...placebo, ...hollow.requirements];
}

/** The commit that a control compares a claim with at `gate`. */
export function comparedWith(phase: Phase, claim: Claim, gate: GateId, control: ControlName): Sha {
  return control === 'published' || isDrill(control) ? phase.base : (claim.references[gate] ?? phase.base);
}

/** The newest run of each drill for a gate, at the commit and under the recipe digest in `of`. */
export function drillRuns(phase: Phase, gate: GateId, of: Pick<Run, 'sha' | 'recipeDigest'>): Run[] {
  const runs = phase.runs.filter(
    ({ purpose, sha, recipeDigest, outcome }) =>
      purpose.kind === 'control' &&
      purpose.gate === gate &&
      isDrill(purpose.control) &&
      sha === of.sha &&
      recipeDigest === of.recipeDigest &&
      !uncounted.has(outcome),
  );
  return Drill.options.flatMap(
    (drill) => runs.findLast(({ purpose }) => purpose.kind === 'control' && purpose.control === drill) ?? [],
  );
}

/** Numbers of the functions that `hollow` tries for a claim, in order; empty until a cold run of its tree counts. */
export function hollowTargets(phase: Phase, claim: Claim, gate: GateId): number[] {
  // The first run of the tree for any claim decides the draw, so that withdrawing and claiming again does not redraw.
  const first = phase.runs.find(
    (run) =>
      run.purpose.kind === 'gate' && run.purpose.gate === gate && run.tree === claim.tree && countsFor(phase, run),
  );
  return first ? drawFunctions(claim.functions[gate] ?? 0, first.run) : [];
}

/** The gate for which a claim in this state needs a patch by the Adversary; null if none would help. */
export function sabotageGate(phase: Phase, claim: Claim, requirements: readonly Requirement[]): GateId | null {
  const helps: readonly Requirement['condition'][] = ['control:revert', 'control:published', 'control:hollow'];
  const held = requirements.find(
    ({ result, condition, gate }) =>
      result === 'held' &&
      helps.includes(condition) &&
      !isAppGate(phase, gate) &&
      sabotagesOf(phase, claim, gate).length < sabotagesMax,
  );
  return held?.gate ?? null;
}

/** Patches tried for a gate of this claim; for a claim of DONE, also patches of other claims at the same commit. */
export function sabotagesOf(phase: Phase, claim: Claim, gate: GateId): Sabotage[] {
  const isOf = (id: EntryId) =>
    id === claim.id || (claim.gate === DONE && phase.claims.find((one) => one.id === id)?.sha === claim.sha);
  return phase.sabotages.filter((sabotage) => sabotage.gate === gate && isOf(sabotage.claim));
}

function single(at: ClaimAt, control: DeclaredControl): Requirement {
  const { claim, gate } = at;
  const condition = `control:${control}` as const;
  const run = runOf(at, control);
  if (!run) return missingRequirement(condition, gate, [needOf(at, control)]);
  const requirement = metRequirement(condition, gate, run, claim);
  const result = run.control?.result ?? 'INCONCLUSIVE';
  if (result === 'BITES') return requirement;
  const why = `${gate}: control ${control} is ${result}: ${run.control?.why ?? run.reason}`;
  return unlessWaived(requirement, waiverOf(at, gate, condition), result === 'VACUOUS' ? 'bad' : 'held', why);
}

/** The result of all runs of `hollow`: BITES if tests noticed at least one emptied function and missed none. */
function hollowOf(at: ClaimAt): Sum {
  const { phase, claim, gate } = at;
  const targets = hollowTargets(phase, claim, gate).map((n) => ({ n, run: runOf(at, 'hollow', `${n}`) }));
  const runs = targets.flatMap(({ run }) => run ?? []);
  const waiver = waiverOf(at, gate, 'control:hollow');
  const requirements = runs.map((run) => {
    const requirement = metRequirement('control:hollow', gate, run, claim);
    if (run.control?.result !== 'VACUOUS') return requirement;
    return unlessWaived(requirement, waiver, 'bad', `${gate}: control hollow is VACUOUS: ${run.control.why}`);
  });
  const results = new Set(runs.map((run) => run.control?.result ?? 'INCONCLUSIVE'));
  const left = targets.filter(({ run }) => !run).slice(0, hollowsAtOnce);
  if (results.has('VACUOUS')) return { result: 'VACUOUS', requirements, why: '' };
  if (left.length > 0) {
    const needs = left.map(({ n }) => needOf(at, 'hollow', `${n}`));
    return {
      result: 'missing',
      requirements: [...requirements, missingRequirement('control:hollow', gate, needs)],
      why: '',
    };
  }
  if (results.has('BITES')) return { result: 'BITES', requirements, why: '' };
  return {
    result: 'INCONCLUSIVE',
    requirements,
    why: runs.at(-1)?.control?.why ?? 'The claim changes no function that can be emptied.',
  };
}

/** Requires that a test notices at least one emptied function; requires nothing while another control fails. */
function noticed(at: ClaimAt, others: Requirement[]): Requirement[] {
  const { phase, claim, gate } = at;
  const targets =
    controlsOf(phase.spec.gates[gate] as GateSpec, false).length === 0 ? [] : hollowTargets(phase, claim, gate);
  if (targets.length === 0 || others.some(({ result }) => result === 'bad')) return [];
  const tried = targets.slice(0, noticedMax).map((n) => ({ n, run: runOf(at, 'hollow', `${n}`) }));
  const biting = tried.find(({ run }) => run?.control?.result === 'BITES')?.run;
  if (biting) return [metRequirement('control:hollow', gate, biting, claim)];
  const next = tried.find(({ run }) => !run);
  if (next) {
    const ready = others.every(({ result }) => result !== 'missing');
    return [missingRequirement('control:hollow', gate, ready ? [needOf(at, 'hollow', `${next.n}`)] : [])];
  }
  const survivor = tried.findLast(({ run }) => run?.control?.result === 'VACUOUS')?.run;
  if (!survivor) return [];
  const why = `${gate}: control hollow is VACUOUS: of ${tried.length} emptied functions no test noticed one. ${survivor.control?.why}`;
  return [
    unlessWaived(
      metRequirement('control:hollow', gate, survivor, claim),
      waiverOf(at, gate, 'control:hollow'),
      'bad',
      why,
    ),
  ];
}

function heldHollow(at: ClaimAt, { why }: Sum): Requirement {
  const { claim, gate } = at;
  const requirement: Requirement = {
    ...missingRequirement('control:hollow', gate, []),
    result: 'good',
    at: claim.id,
    why: '',
  };
  const waiver = waiverOf(at, gate, 'control:hollow');
  return unlessWaived(requirement, waiver, 'held', `${gate}: control hollow is INCONCLUSIVE: ${why}`);
}

/** Takes an inconclusive control as good if `hollow`, or else a sabotage, shows that the tests check something. */
function rescued(at: ClaimAt, requirements: Requirement[], hollow: Sum): Requirement[] {
  if (hollow.result === 'VACUOUS' || !requirements.some(isHeld)) return requirements;
  const by = hollow.result === 'INCONCLUSIVE' ? sabotageOf(at) : { ...hollow, requirements: [] };
  const rescue = (requirement: Requirement): Requirement => {
    if (!isHeld(requirement)) return requirement;
    if (by.result === 'BITES') return { ...requirement, result: 'good', why: '' };
    if (by.result === 'missing')
      return {
        ...missingRequirement(requirement.condition, requirement.gate, []),
        at: requirement.at,
        run: requirement.run,
      };
    return { ...requirement, why: `${requirement.why}${by.why}` };
  };
  return [...requirements.map(rescue), ...by.requirements];
}

function sabotageOf(at: ClaimAt): Sum {
  const { phase, claim, gate } = at;
  const tried = sabotagesOf(phase, claim, gate).map(({ id }) => ({ id, run: runOf(at, 'sabotage', `${id}`) }));
  const biting = tried.find(({ run }) => run?.control?.result === 'BITES')?.run;
  if (biting)
    return { result: 'BITES', requirements: [metRequirement('control:sabotage', gate, biting, claim)], why: '' };
  const needs = tried.filter(({ run }) => !run).map(({ id }) => needOf(at, 'sabotage', `${id}`));
  if (needs.length > 0)
    return { result: 'missing', requirements: [missingRequirement('control:sabotage', gate, needs)], why: '' };
  const why = tried.map(({ id, run }) => ` Sabotage #${id}: ${run?.control?.why ?? run?.reason}`).join('');
  return { result: 'INCONCLUSIVE', requirements: [], why };
}

/** The newest run of a control that counts for the claim. */
function runOf(at: ClaimAt, control: ControlName, target?: string): Run | null {
  const { phase, claim, gate, nowMs } = at;
  const reference = comparedWith(phase, claim, gate, control);
  const fits = (run: Run): boolean => {
    const { purpose } = run;
    if (purpose.kind !== 'control' || purpose.gate !== gate || purpose.control !== control) return false;
    if (purpose.reference !== reference || purpose.target !== target || !countsFor(phase, run)) return false;
    return claim.gate === DONE ? isFresh(run, claim, nowMs) : purpose.claim === claim.id;
  };
  return phase.runs.findLast(fits) ?? null;
}

function needOf({ phase, claim, gate }: ClaimAt, control: ControlName, target?: string): RunNeed {
  const reference = comparedWith(phase, claim, gate, control);
  const purpose: Purpose = {
    kind: 'control',
    claim: claim.id,
    gate,
    control,
    reference,
    ...(target !== undefined && { target }),
  };
  return runNeed(phase, gate, purpose, claim.sha);
}

function isHeld({ result }: Requirement): boolean {
  return result === 'held';
}
