// What a cold run leaves behind: `results.json`. Written by the runner, digest-pinned by the run's entry, read by the gate
// rule and by any auditor. Reports inside it come from the process under test: testimony, which is why controls exist.

import { z } from 'zod';
import { Digest, EntryId, GateId, RecipeName, RunId, Sha } from './ids.ts';
import { type AppRung, appRungs } from './recipe.ts';
import { ControlName } from './spec.ts';

export const recordBytesMax = 256 * 1024;

/**
 * PASS · FAIL · INFRA (established outside the sandbox) · TIMEOUT · CANCELLED · LEAK (something outlived teardown) ·
 * NO_TESTS (exit 0 that ran nothing) · REFUSED (before anything ran) · LOST (our own crash; never counted).
 */
export const Outcome = z.enum(['PASS', 'FAIL', 'INFRA', 'TIMEOUT', 'CANCELLED', 'LEAK', 'NO_TESTS', 'REFUSED', 'LOST']);
export type Outcome = z.infer<typeof Outcome>;

/** Outcomes that say nothing about the claim: they are run again and never counted. */
export const uncounted: ReadonlySet<Outcome> = new Set(['INFRA', 'CANCELLED', 'LOST']);

export const Control = z.enum(['BITES', 'VACUOUS', 'INCONCLUSIVE']);
export type ControlResult = z.infer<typeof Control>;

/** Whether earlier tests still hold: BROKEN names one that was green and is not, was lost, or is skipped now. */
export const Kept = z.enum(['KEPT', 'BROKEN', 'INCONCLUSIVE']);
export type KeptResult = z.infer<typeof Kept>;

/** Why this run was made. A slot (purpose without attempt) is filled by at most one counted run. */
export const Purpose = z.discriminatedUnion('kind', [
  /** `gate` differs from the claim's own gate only where the claim is of DONE. k counts from 1 to `times`. */
  z.strictObject({ kind: z.literal('gate'), claim: EntryId, gate: GateId, k: z.number().int().positive() }),
  /** A run that must go red (`placebo`: stay green), or it shows that the tests look at nothing. */
  z.strictObject({
    kind: z.literal('control'),
    claim: EntryId,
    gate: GateId,
    control: ControlName,
    reference: Sha,
    /** Which of several: the function emptied, or the entry of the sabotage. */
    target: z.string().min(1).max(500).optional(),
  }),
  z.strictObject({ kind: z.literal('reproducer'), claim: EntryId, finding: EntryId }),
  /** The tests of an earlier commit (the base, or an accepted claim) over the claim's code. */
  z.strictObject({ kind: z.literal('kept'), claim: EntryId, recipe: RecipeName, from: Sha }),
  /** The operator's checks from outside the repository over the claim's tree; the record is blinded. */
  z.strictObject({ kind: z.literal('holdout'), claim: EntryId, recipe: RecipeName }),
  /** A deferral's command, to see whether it is green by now. */
  z.strictObject({ kind: z.literal('trigger'), deferral: EntryId }),
  z.strictObject({ kind: z.literal('base'), recipe: RecipeName, k: z.number().int().positive() }),
  z.strictObject({ kind: z.literal('trial'), by: z.enum(['builder', 'adversary', 'operator']) }),
]);
export type Purpose = z.infer<typeof Purpose>;

/** Of a run's reason, in its record and on the trail. */
export const reasonCharsMax = 500;

/** `id` is `<file or class> > <names…>`, unique in a run; `kind` says whether a failure was an assertion or anything else. */
export const TestResult = z.strictObject({
  id: z.string().max(500),
  status: z.enum(['pass', 'fail', 'skip', 'todo']),
  ms: z.number().nonnegative(),
  stage: z.string(),
  failure: z.strictObject({ kind: z.enum(['assertion', 'error']), message: z.string().max(500) }).optional(),
});
export type TestResult = z.infer<typeof TestResult>;

/** How ids of the harness's own checks in runs of apps begin, after their rung. A suite's tests begin with their file. */
const ownChecks = new RegExp(`^(${appRungs.join('|')}) > coldpass > `);

/** The id of a check of the harness's own. */
export function checkId(rung: AppRung, name: string): string {
  return `${rung} > coldpass > ${name}`;
}

/** True for a check of the harness's own, which no claim wrote. */
export function isCheck({ id }: Pick<TestResult, 'id'>): boolean {
  return ownChecks.test(id);
}

export const Rung = z.enum(['pass', 'fail', 'skip', 'unverified']);

export const StageResult = z.strictObject({
  name: z.string(),
  rung: Rung,
  exit: z.number().int().nullable(),
  signal: z.string().nullable(),
  ms: z.number().nonnegative(),
  tests: z.strictObject({ pass: z.number(), fail: z.number(), skip: z.number() }).nullable(),
  /** Head and tail of the stage's output, terminal escapes removed; `digest` and `bytes` are of the whole. */
  log: z.strictObject({ head: z.string(), tail: z.string(), bytes: z.number(), digest: Digest }),
  /** Why the rung was skipped, where it was. */
  skipped: z.string().max(500).optional(),
});
export type StageResult = z.infer<typeof StageResult>;

/** What a run of an app proved, besides its tests. Null where the run did not come so far. */
export const AppFacts = z.strictObject({
  /** Deployments made, needed apps included; `expected` of a run that goes to its end. */
  deploys: z.strictObject({ made: z.number().int().nonnegative(), expected: z.number().int().nonnegative() }),
  /** The version label before and after the upgrade, and the commit upgraded from. */
  crossover: z.strictObject({ from: z.string(), to: z.string(), sha: Sha }).nullable(),
  /** By service, under the version tested. */
  images: z.record(z.string(), z.string()),
  /** Volumes that the app's labels put into its backup. */
  backedUp: z.array(z.string()),
  /** Objects of others that stood beside the run, and how many were untouched after it. */
  witnesses: z.strictObject({ planted: z.number().int(), intact: z.number().int() }).nullable(),
  /** What was left of the run after teardown. */
  residue: z.number().int().nullable(),
  lint: z.array(
    z.strictObject({
      rule: z.string(),
      severity: z.enum(['error', 'warning']),
      where: z.string().max(300),
      what: z.string().max(300),
      fix: z.string().max(300),
    }),
  ),
  /** What hooks and tests asked for and were refused. */
  denied: z.array(z.string().max(300)).max(50),
});
export type AppFacts = z.infer<typeof AppFacts>;

export const RunRecord = z.strictObject({
  v: z.literal(1),
  run: RunId,
  purpose: Purpose,
  recipe: z.strictObject({ name: RecipeName, digest: Digest }),
  /** Commit that was cloned and its tree, per repository; `main` is the workspace's own. */
  shas: z.record(z.string(), Sha),
  trees: z.record(z.string(), Sha),
  startedAtMs: z.number(),
  endedAtMs: z.number(),
  outcome: Outcome,
  /** One line in words: what happened, for people. */
  reason: z.string().max(reasonCharsMax),
  /** Highest passed stage with every lower one passed or skipped; 0 where the first did not pass. */
  level: z.number().int().nonnegative(),
  stages: z.array(StageResult),
  /** The step before the ladder, where the recipe has one and this run carried it out. */
  setup: StageResult.optional(),
  tests: z.array(TestResult),
  /** True where `tests` was cut to fit; such a run is never PASS. */
  testsCut: z.boolean(),
  flags: z.record(z.string(), z.boolean()),
  app: AppFacts.optional(),
  sandbox: z.strictObject({
    level: z.enum(['bubblewrap', 'none']),
    uid: z.enum(['own', 'shared']),
    selfTest: Digest.nullable(),
  }),
  /** The reproducer's own result, where the purpose is one. */
  reproducer: z.enum(['green', 'red', 'inconclusive']).optional(),
  /** How its command ended and what it said. */
  reproducerStage: StageResult.optional(),
  artifacts: z.array(z.strictObject({ path: z.string(), digest: Digest, bytes: z.number() })),
  /** Harness items whose version in the tree differed from the operator's and was ignored. */
  overlaid: z.array(z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;
