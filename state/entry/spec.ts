// The part of a plan that code enforces: the front matter, plus the clauses and Definition of Done read from its text.
// The `opened` entry contains all of it, so that the fold, the gate rule and the audit need no Markdown.

import { z } from 'zod';
import { DONE, GateId, PhaseId, RecipeName } from './ids.ts';
import { HarnessItem, harnessFilesMax } from './recipe.ts';

export const gatesMax = 24;
export const timesMax = 5;

const Glob = z.string().min(1).max(200);

/**
 * Controls of an app's backup. `omit-volume` restores all labelled volumes but one, leaving out each in turn;
 * `no-restore` restores none.
 */
export const Drill = z.enum(['omit-volume', 'no-restore']);
export type Drill = z.infer<typeof Drill>;

/**
 * `revert`: the claim's tests over the reference's production code · `published`: the claim's tests over the production
 * code of the phase's base · `placebo`: a neutral edit of each changed file, which must stay green · `hollow`: changed
 * functions emptied one at a time · the others: see `Drill`.
 */
export const DeclaredControl = z.enum(['revert', 'published', 'placebo', 'hollow', ...Drill.options]);
export type DeclaredControl = z.infer<typeof DeclaredControl>;

/** `sabotage`, a patch by the Adversary, is never declared; it is requested if the other controls are inconclusive. */
export const ControlName = z.enum([...DeclaredControl.options, 'sabotage']);
export type ControlName = z.infer<typeof ControlName>;

export const Expect = z.strictObject({
  level: z.number().int().positive().optional(),
  /** Tests that must have passed: their ids, or the ends of their ids after a ` > `. */
  pass: z.array(z.string().min(1)).max(200).default([]),
  /** Flags of the record that must be true, such as `clean_teardown`. */
  flags: z.array(z.string().min(1)).max(20).default([]),
  /** Deferrals (by name) or items (by title) that an entry must have closed. */
  closed: z.array(z.string().min(1).max(300)).max(20).default([]),
});
export type Expect = z.infer<typeof Expect>;

/** The part of a claim's EXPECTED that code can compare. `looksBad`: log lines that may look bad but are not. */
export const ClaimExpects = z.strictObject({
  level: z.number().int().positive().optional(),
  pass: z.array(z.string().min(1).max(500)).max(50).default([]),
  /** Minimum number of tests that pass. */
  tests: z.number().int().nonnegative().optional(),
  looksBad: z.array(z.string().min(1).max(300)).max(20).default([]),
});
export type ClaimExpects = z.infer<typeof ClaimExpects>;

export const GateSpec = z.strictObject({
  recipe: RecipeName,
  covers: z.array(z.string().min(1)).min(1),
  times: z.number().int().min(1).max(timesMax).default(1),
  /**
   * Gates of commands always have `revert` too, and gates of apps `published`, unless the plan says `{ none: reason }`.
   */
  controls: z.union([z.array(DeclaredControl), z.strictObject({ none: z.string().min(10).max(500) })]).default([]),
  /** Functions that `hollow` leaves alone: by name, wherever they are, or as `path:name`. */
  exempt: z.array(z.string().min(1).max(200)).max(50).default([]),
  requires: z.array(GateId).default([]),
  expect: Expect.prefault({}),
});
export type GateSpec = z.infer<typeof GateSpec>;

export const Budget = z.strictObject({
  usd: z.number().positive().default(20),
  hours: z.number().positive().default(8),
  claims: z.number().int().positive().max(1000).default(12),
});

/**
 * What the Adversary must reach before any agent is woken: the least share of bad claims detected, and the largest
 * share of good claims failed.
 */
export const CalibrationFloor = z.strictObject({
  detects: z.number().min(0).max(1),
  alarms: z.number().min(0).max(1).default(1),
});
export type CalibrationFloor = z.infer<typeof CalibrationFloor>;

/** The YAML between the first two `---` lines of a plan. */
export const FrontMatter = z.strictObject({
  phase: PhaseId,
  base: z.string().min(1).max(200).default('main'),
  gates: z
    .record(GateId, GateSpec)
    .refine((gates) => Object.keys(gates).length > 0, 'a plan needs at least one gate')
    .refine((gates) => Object.keys(gates).length <= gatesMax, `at most ${gatesMax} gates`)
    .refine((gates) => !(DONE in gates), 'DONE is built in and cannot be declared'),
  tests: z.array(Glob).default([]),
  protected: z.array(Glob).default([]),
  /** Earlier tests that the phase is meant to change: their ids, or the ends of their ids after a ` > `. */
  supersedes: z.array(z.string().min(1).max(500)).max(200).default([]),
  /** Harness items taken from the claim, not from the operator. A claim that changes one waits for the operator. */
  harness_from_claim: z.array(HarnessItem).max(harnessFilesMax).default([]),
  /** A folder of checks outside the repository that only the verifying sandbox sees. */
  holdout: z.string().min(1).max(500).nullable().default(null),
  calibration: CalibrationFloor.optional(),
  budget: Budget.prefault({}),
});
export type FrontMatter = z.infer<typeof FrontMatter>;

export const Clause = z.strictObject({ id: z.string().min(1).max(20), text: z.string().max(2000) });
export type Clause = z.infer<typeof Clause>;

/** A plan as the code knows it. Definition-of-Done lines are stored like clauses, with the ids `DoD.1`, `DoD.2`, … */
export const PhaseSpec = z.strictObject({
  ...FrontMatter.shape,
  title: z.string().max(300),
  clauses: z.array(Clause).max(300),
  dod: z.array(Clause).max(100),
});
export type PhaseSpec = z.infer<typeof PhaseSpec>;

/** What counts as a test in a phase: the recipe's globs and the plan's. */
export function testGlobsOf(spec: PhaseSpec, recipe: { tests: string[] }): string[] {
  return [...new Set([...recipe.tests, ...spec.tests])];
}

/** Paths that no claim may change without the operator, besides those that the plan names. */
export const alwaysProtected = ['coldpass.yml', 'recipes/*/recipe.yml'];

/** The globs of a phase's protected paths. */
export function protectedBy(spec: PhaseSpec): string[] {
  const fromClaim = spec.harness_from_claim.map((item) => item.split('#', 1)[0] ?? item);
  return [...alwaysProtected, ...spec.protected, ...fromClaim];
}

export function isDrill(control: ControlName): control is Drill {
  return Drill.safeParse(control).success;
}

/** True if a gate can have the control, given whether the gate's recipe is for an app or for commands. */
export function isFit(control: ControlName, isOfApp: boolean): boolean {
  if (control === 'published' || control === 'placebo') return true;
  return isDrill(control) === isOfApp;
}

/**
 * The first control that does not suit the recipe of the gate that declares it; null if all do. `apps`: names of app
 * recipes.
 */
export function unfitControl({ gates }: Pick<FrontMatter, 'gates'>, apps: readonly string[]): string | null {
  for (const [name, { recipe, controls }] of Object.entries(gates)) {
    const isOfApp = apps.includes(recipe);
    const unfit = Array.isArray(controls) ? controls.find((control) => !isFit(control, isOfApp)) : undefined;
    if (unfit) return `${name} declares ${unfit}, but recipe ${recipe} is for ${isOfApp ? 'an app' : 'commands'}`;
  }
  return null;
}

/**
 * The controls that a gate's claims must pass: those declared plus `revert`, or `published` for an app; none if the
 * plan gave a reason.
 */
export function controlsOf(spec: GateSpec, isOfApp: boolean): DeclaredControl[] {
  if (!Array.isArray(spec.controls)) return [];
  if (isOfApp) return [...new Set<DeclaredControl>([...spec.controls, 'published'])];
  return [...new Set<DeclaredControl>([...spec.controls, 'revert'])];
}

/**
 * The clauses that a verdict on `gate` must check: those that the gate covers; for DONE, every clause and
 * Definition-of-Done line.
 */
export function coveredBy(spec: PhaseSpec, gate: GateId): string[] {
  if (gate === DONE) return [...spec.clauses, ...spec.dod].map((clause) => clause.id);
  return spec.gates[gate]?.covers ?? [];
}

/** The gates that the plan names, in the plan's order. */
export function gatesOf({ gates }: Pick<PhaseSpec, 'gates'>): GateId[] {
  return Object.keys(gates) as GateId[];
}

/** Every gate of a phase, DONE last. */
export function gatesAndDone(spec: Pick<PhaseSpec, 'gates'>): GateId[] {
  return [...gatesOf(spec), DONE];
}

/** The gates that a claim of `gate` must pass: that gate, or all of them for DONE. */
export function gatesUnder(spec: Pick<PhaseSpec, 'gates'>, gate: GateId): GateId[] {
  return gate === DONE ? gatesOf(spec) : [gate];
}
