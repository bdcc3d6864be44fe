// One requirement of a claim's evidence: its result so far, and which runs would complete it. Pure. Only
// `gate/standing.ts` and the files in `controls/` create requirements, so nothing else decides what a claim waits for.

import type { Waivable } from '../entry/act.ts';
import { DONE, type EntryId, type GateId, type RecipeName, type RunId, type Sha } from '../entry/ids.ts';
import type { Claim, Phase, PhaseAt, Run } from '../entry/phase.ts';
import type { Purpose } from '../entry/record.ts';
import { countsFor, evidenceMsMax } from './evidence.ts';

export type RunNeed = { slot: string; purpose: Purpose; recipe: RecipeName; sha: Sha };

export type Requirement = {
  condition: Exclude<Waivable, 'verdict' | 'findings' | 'requires' | 'flake' | 'all'> | 'reproducers';
  gate: GateId;
  result: 'good' | 'bad' | 'held' | 'missing';
  /** What is wrong or missing, in words, even if it is waived; empty if nothing is. */
  why: string;
  at: EntryId | 0;
  run: RunId | null;
  waived: EntryId | null;
  /** If the requirement is held because its runs disagree (a flake): the entry of the run that disagrees. */
  flake: EntryId | null;
  /** Runs to start now; empty while something else must come first. */
  needs: RunNeed[];
  /** When a DONE claim's evidence expires, in ms. */
  staleAtMs: number | null;
};

/** The waiver of this gate's condition that is in force at `nowMs`; one of `all` covers every condition. */
export function waiverOf({ phase, nowMs }: PhaseAt, gate: GateId, condition: Waivable): EntryId | null {
  const waiver = phase.waivers.findLast(
    (w) => w.gate === gate && (w.condition === condition || w.condition === 'all') && nowMs < w.untilMs,
  );
  return waiver?.id ?? null;
}

/** The name of the slot that a run fills: runs with the same slot replace each other. */
export function slotOf(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'gate':
      return `gate:${purpose.claim}:${purpose.gate}:${purpose.k}`;
    case 'control':
      return `control:${purpose.claim}:${purpose.gate}:${purpose.control}${purpose.target ? `:${purpose.target}` : ''}`;
    case 'reproducer':
      return `reproducer:${purpose.claim}:${purpose.finding}`;
    case 'base':
      return `base:${purpose.recipe}:${purpose.k}`;
    case 'kept':
      return `kept:${purpose.claim}:${purpose.recipe}:${purpose.from}`;
    case 'holdout':
      return `holdout:${purpose.claim}:${purpose.recipe}`;
    case 'trigger':
      return `trigger:${purpose.deferral}`;
    case 'trial':
      return 'trial';
    default:
      return purpose satisfies never;
  }
}

/**
 * The runs of the base with this recipe that are still missing. They show which tests the base has and which are green,
 * and are made once per phase.
 */
export function baseNeeds(phase: Phase, recipe: RecipeName): RunNeed[] {
  const gates = Object.values(phase.spec.gates).filter((gate) => gate.recipe === recipe);
  const times = Math.max(0, ...gates.map((gate) => gate.times));
  const runs = phase.runs.filter(
    (run) => run.purpose.kind === 'base' && run.recipe === recipe && countsFor(phase, run),
  );
  const isMade = (k: number) => runs.some(({ purpose }) => purpose.kind === 'base' && purpose.k === k);
  return Array.from({ length: times }, (_, i) => i + 1)
    .filter((k) => !isMade(k))
    .map((k) => {
      const purpose: Purpose = { kind: 'base', recipe, k };
      return { slot: slotOf(purpose), purpose, recipe, sha: phase.base };
    });
}

/** True for runs of the base and of gates: they show which tests a tree has. */
export function isReference(run: Run): boolean {
  return run.purpose.kind === 'base' || run.purpose.kind === 'gate';
}

export function runNeed(phase: Phase, gate: GateId, purpose: Purpose, sha: Sha): RunNeed {
  return { slot: slotOf(purpose), purpose, recipe: phase.spec.gates[gate]?.recipe as RecipeName, sha };
}

const blank = { why: '', at: 0, run: null, waived: null, flake: null, needs: [], staleAtMs: null } as const;

export function missingRequirement(condition: Requirement['condition'], gate: GateId, needs: RunNeed[]): Requirement {
  return { ...blank, condition, gate, result: 'missing', why: `${gate}: ${condition} not there yet`, needs };
}

export function metRequirement(condition: Requirement['condition'], gate: GateId, run: Run, claim: Claim): Requirement {
  const staleAtMs = claim.gate === DONE ? run.atMs + evidenceMsMax : null;
  return { ...blank, needs: [], condition, gate, result: 'good', at: run.id, run: run.run, staleAtMs };
}

export function unlessWaived(
  requirement: Requirement,
  waiver: EntryId | null,
  result: 'bad' | 'held',
  why: string,
): Requirement {
  if (waiver === null) return { ...requirement, result, why };
  return { ...requirement, waived: waiver, at: Math.max(requirement.at, waiver) as EntryId, why };
}
