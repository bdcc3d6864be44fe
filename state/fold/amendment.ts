// Applies an `amend` act: replaces the whole plan of a phase under way. Each gate has a digest of everything that
// judges it. If that changes, its verdicts and runs no longer count; those of other gates still do. A claim is void if
// facts in it (what it compares with, what it touches) depend on parts of the plan that changed; a claim of DONE is
// void after any amendment. Pure.

import type { ActPayload } from '../entry/act.ts';
import { canonicalJson, digestOfJson } from '../entry/digest.ts';
import { type Digest, DONE, type EntryId, type GateId } from '../entry/ids.ts';
import { isAppGate, type Phase } from '../entry/phase.ts';

export type Amendment = Extract<ActPayload, { act: 'amend' }>;

/** The parts of a plan, and of what it pins, that judge its gates. */
type Judging = Pick<Phase, 'spec' | 'recipes' | 'apps' | 'holdout'>;

/** Why the phase cannot accept it; null if it can. Others, who have the plan's text, check that the spec matches it. */
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

/** What the act with that entry id changes in the phase. */
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

/** Gates that `next` judges differently, adds or removes; DONE if something that judges every gate changed. */
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

/** The parts that judge every gate: all except those of a single gate, the texts for people, and the budget. */
function wholeOf({ spec, holdout }: Judging): object {
  const { gates: _gates, budget: _budget, title: _title, clauses: _clauses, dod: _dod, ...whole } = spec;
  return { whole, holdout };
}

/** What the facts of a claim depend on, besides its commit. */
function groundOf(judging: Judging, name: GateId): object | null {
  const gate = judging.spec.gates[name];
  if (!gate) return null;
  const { requires, recipe, exempt } = gate;
  return { whole: wholeOf(judging), requires, recipe, exempt, isOfApp: isAppGate(judging, name) };
}

function isEqual(one: unknown, other: unknown): boolean {
  return canonicalJson([one]) === canonicalJson([other]);
}
