// What a plan binds to code: the front matter, plus the clauses and Definition of Done read from its text. `opened` carries
// it whole, so that fold, gate rule and audit need no Markdown.

import { z } from 'zod';
import { DONE, GateId, PhaseId, RecipeName } from './ids.ts';

export const gatesMax = 24;
export const timesMax = 5;

const Glob = z.string().min(1).max(200);

/** The control that needs no app: the claim's tests over the reference's production code must fail. */
export const ControlName = z.enum(['revert']);
export type ControlName = z.infer<typeof ControlName>;

export const Expect = z.strictObject({
  level: z.number().int().positive().optional(),
  /** Test ids, or endings of ids from a ` > ` on, that must have passed. */
  pass: z.array(z.string().min(1)).max(200).default([]),
  /** Flags of the record that must be true, such as `clean_teardown`. */
  flags: z.array(z.string().min(1)).max(20).default([]),
});
export type Expect = z.infer<typeof Expect>;

export const GateSpec = z.strictObject({
  recipe: RecipeName,
  covers: z.array(z.string().min(1)).min(1),
  times: z.number().int().min(1).max(timesMax).default(1),
  /** `revert` is added to those named unless the plan says `{ none: reason }`. */
  controls: z.union([z.array(ControlName), z.strictObject({ none: z.string().min(10).max(500) })]).default([]),
  requires: z.array(GateId).default([]),
  expect: Expect.prefault({}),
});
export type GateSpec = z.infer<typeof GateSpec>;

export const Budget = z.strictObject({
  usd: z.number().positive().default(20),
  hours: z.number().positive().default(8),
  claims: z.number().int().positive().max(1000).default(12),
});

/** The YAML between the first two `---` lines of a plan. */
export const FrontMatter = z.strictObject({
  phase: PhaseId,
  base: z.string().min(1).max(200).default('main'),
  gates: z
    .record(GateId, GateSpec)
    .refine((gates) => Object.keys(gates).length > 0, 'a plan needs one gate at least')
    .refine((gates) => Object.keys(gates).length <= gatesMax, `${gatesMax} gates at most`)
    .refine((gates) => !(DONE in gates), 'DONE is built in and cannot be declared'),
  tests: z.array(Glob).default([]),
  protected: z.array(Glob).default([]),
  budget: Budget.prefault({}),
});
export type FrontMatter = z.infer<typeof FrontMatter>;

export const Clause = z.strictObject({ id: z.string().min(1).max(20), text: z.string().max(2000) });
export type Clause = z.infer<typeof Clause>;

/** A plan as the code knows it. Definition-of-Done lines have the ids `DoD.1`, `DoD.2`, … in `clauses`' manner. */
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

/** Globs of a phase's protected paths. */
export function protectedBy(spec: PhaseSpec): string[] {
  return [...alwaysProtected, ...spec.protected];
}

/** Names of the controls that a gate's claims must pass: those declared plus `revert`; none where the plan gave a reason. */
export function controlsOf(spec: GateSpec): ControlName[] {
  if (!Array.isArray(spec.controls)) return [];
  return [...new Set<ControlName>([...spec.controls, 'revert'])];
}

/** The clauses a verdict on `gate` must check: its `covers`; for DONE every clause and Definition-of-Done line. */
export function coveredBy(spec: PhaseSpec, gate: GateId): string[] {
  if (gate === DONE) return [...spec.clauses, ...spec.dod].map((clause) => clause.id);
  return spec.gates[gate]?.covers ?? [];
}
