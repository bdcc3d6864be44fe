// Applies an `amend` act: replaces the whole plan of a phase under way. Each gate has a digest of everything that
// judges it. If an amendment changes that digest, earlier verdicts and runs of the gate no longer count; gates whose
// digest stays the same keep theirs. A claim becomes void if its facts (what it compares with, what it touches) depend
// on parts of the plan that changed; a claim of DONE becomes void at any amendment. Pure.

import type { ActPayload } from '../entry/act.ts';
import { canonicalJson, digestOfJson } from '../entry/digest.ts';
import { type Digest, DONE, type EntryId, type GateId } from '../entry/ids.ts';
import { isAppGate, type Phase } from '../entry/phase.ts';

export type Amendment = Extract<ActPayload, { act: 'amend' }>;

/** The parts of a plan, and of what it pins, that judge its gates. */
type Judging = Pick<Phase, 'spec' | 'recipes' | 'apps' | 'holdout'>;

/** Why the phase cannot accept the amendment; null if it can. Its spec is checked against the plan's text elsewhere. */
export function amendmentFault(phase: Phase, amendment: Amendment): string | null {
  const { spec, recipes, replaces, plan, holdout = null } = amendment;
  if (replaces !== phase.plan) return `the plan of ${phase.id} is another one by now; look at it again, then sign anew`;
  if (spec.phase !== phase.id) return `the plan is that of phase ${spec.phase}`;
  if (spec.base !== phase.spec.base)
    return `the base of ${phase.id} is ${phase.spec.base} and stays so; drop the phase to begin at ${spec.base}`;
  const unpinned = Object.values(spec.gates).find((gate) => recipes[gate.recipe] === undefined);
  if (unpinned) return `the act pins no recipe ${unpinned.recipe}`;
  const isSame = plan === phase.plan && holdout === phase.holdout && isEqual(recipes, phase.recipes);
  return isSame ? 'it changes nothing' : null;
}

/** What the amendment changes in the phase; `id` is the entry of its act. */
export function amend(phase: Phase, id: EntryId, amendment: Amendment): Partial<Phase> {
  const { plan, spec, recipes, apps = [], holdout = null } = amendment;
  const next: Judging = { spec, recipes, apps, holdout };
  const changed = changedGates(phase, next).map((gate) => [gate, id]);
  const isVoid = (gate: GateId) => gate === DONE || !isEqual(groundOf(phase, gate), groundOf(next, gate));
  return {
    plan,
    spec,
    recipes,
    apps,
    holdout,
    barChanged: id,
    pinned: [...new Set([...phase.pinned, ...Object.values(recipes)])],
    amended: { ...phase.amended, ...Object.fromEntries(changed) },
    claims: phase.claims.map((claim) =>
      claim.withdrawn === null && isVoid(claim.gate) ? { ...claim, withdrawn: id } : claim,
    ),
  };
}

/** Gates that `next` judges differently, adds or removes; also DONE if something that judges every gate changed. */
export function changedGates(phase: Judging, next: Judging): GateId[] {
  const gates = [...new Set([...Object.keys(phase.spec.gates), ...Object.keys(next.spec.gates)])] as GateId[];
  const changed = gates.filter((gate) => gateDigest(phase, gate) !== gateDigest(next, gate));
  return isEqual(wholeOf(phase), wholeOf(next)) ? changed : [...changed, DONE];
}

/** Digest of everything that judges the gate; null if there is no such gate. */
function gateDigest(judging: Judging, name: GateId): Digest | null {
  const { spec, recipes } = judging;
  const gate = spec.gates[name];
  if (!gate) return null;
  const clauses = [...spec.clauses, ...spec.dod].filter((clause) => gate.covers.includes(clause.id));
  return digestOfJson({ whole: wholeOf(judging), gate, recipe: recipes[gate.recipe] ?? null, clauses });
}

/** What judges every gate: the hold-outs, and the spec without its gates, budget, title, requirements and DoD. */
function wholeOf({ spec, holdout }: Judging): object {
  const { gates: _gates, budget: _budget, title: _title, clauses: _clauses, dod: _dod, ...whole } = spec;
  return { whole, holdout };
}

/** What the facts of a claim of this gate depend on, besides the claimed commit. */
function groundOf(judging: Judging, name: GateId): object | null {
  const gate = judging.spec.gates[name];
  if (!gate) return null;
  const { requires, recipe, exempt } = gate;
  return { whole: wholeOf(judging), requires, recipe, exempt, isOfApp: isAppGate(judging, name) };
}

function isEqual(one: unknown, other: unknown): boolean {
  return canonicalJson([one]) === canonicalJson([other]);
}
