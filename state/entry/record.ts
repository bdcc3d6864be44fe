// What a cold run leaves behind: `results.json`. The runner writes it, the run's entry pins its digest, and the gate
// rule and any auditor read it. The test reports in it come from the process under test, which could make them up: that
// is why controls exist.

import { z } from 'zod';
import { Digest, EntryId, GateId, RecipeName, RunId, Sha } from './ids.ts';
import { type AppRung, appRungs } from './recipe.ts';
import { ControlName } from './spec.ts';

export const recordBytesMax = 256 * 1024;

/**
 * PASS · FAIL · INFRA (the machine's fault, decided outside the sandbox) · TIMEOUT · CANCELLED · LEAK (something
 * outlived teardown) · NO_TESTS (exit 0, but no test ran) · REFUSED (before anything ran) · LOST (the supervisor
 * crashed; never counted).
 */
export const Outcome = z.enum(['PASS', 'FAIL', 'INFRA', 'TIMEOUT', 'CANCELLED', 'LEAK', 'NO_TESTS', 'REFUSED', 'LOST']);
export type Outcome = z.infer<typeof Outcome>;

/** Outcomes that show nothing about the claim: such runs are repeated and never counted. */
export const uncounted: ReadonlySet<Outcome> = new Set(['INFRA', 'CANCELLED', 'LOST']);

export const Control = z.enum(['BITES', 'VACUOUS', 'INCONCLUSIVE']);
export type ControlResult = z.infer<typeof Control>;

/** Whether earlier tests still pass: BROKEN if one that was green now fails, is missing or is skipped. */
export const Kept = z.enum(['KEPT', 'BROKEN', 'INCONCLUSIVE']);
export type KeptResult = z.infer<typeof Kept>;

/** Why a run was made. However many attempts there are, at most one run counts for each purpose. */
export const Purpose = z.discriminatedUnion('kind', [
  /** `gate` differs from the claim's own gate only if the claim is for DONE. `k` counts from 1 to `times`. */
  z.strictObject({ kind: z.literal('gate'), claim: EntryId, gate: GateId, k: z.number().int().positive() }),
  /** A run that must go red (for `placebo`: stay green). If it does not, the tests check nothing. */
  z.strictObject({
    kind: z.literal('control'),
    claim: EntryId,
    gate: GateId,
    control: ControlName,
    reference: Sha,
    /** Set if the control has several runs: the function emptied, or the entry of the sabotage. */
    target: z.string().min(1).max(500).optional(),
  }),
  z.strictObject({ kind: z.literal('reproducer'), claim: EntryId, finding: EntryId }),
  /** The tests of an earlier commit (the base, or an accepted claim) over the claim's code. */
  z.strictObject({ kind: z.literal('kept'), claim: EntryId, recipe: RecipeName, from: Sha }),
  /**
   * The operator's checks from outside the repository, run over the claim's tree. The record leaves out all details.
   */
  z.strictObject({ kind: z.literal('holdout'), claim: EntryId, recipe: RecipeName }),
  /** A deferral's command, to see whether it is green yet. */
  z.strictObject({ kind: z.literal('trigger'), deferral: EntryId }),
  z.strictObject({ kind: z.literal('base'), recipe: RecipeName, k: z.number().int().positive() }),
  z.strictObject({ kind: z.literal('trial'), by: z.enum(['builder', 'adversary', 'operator']) }),
]);
export type Purpose = z.infer<typeof Purpose>;

/** Maximum length of a run's reason, in its record and on the trail. */
export const reasonCharsMax = 500;

/** `id` is `<file or class> > <names…>`, unique in a run; `kind` tells failed assertions from all other failures. */
export const TestResult = z.strictObject({
  id: z.string().max(500),
  status: z.enum(['pass', 'fail', 'skip', 'todo']),
  ms: z.number().nonnegative(),
  stage: z.string(),
  failure: z.strictObject({ kind: z.enum(['assertion', 'error']), message: z.string().max(500) }).optional(),
});
export type TestResult = z.infer<typeof TestResult>;

/**
 * Matches ids of the harness's own checks in app runs, which begin with the rung. Ids of a suite's tests begin with
 * their file.
 */
const ownChecks = new RegExp(`^(${appRungs.join('|')}) > coldpass > `);

/** The id of one of the harness's own checks. */
export function checkId(rung: AppRung, name: string): string {
  return `${rung} > coldpass > ${name}`;
}

/** True for one of the harness's own checks, which no claim wrote. */
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
  /** Head and tail of the stage's output, without terminal escapes; `digest` and `bytes` are of the whole output. */
  log: z.strictObject({ head: z.string(), tail: z.string(), bytes: z.number(), digest: Digest }),
  /** Why the rung was skipped, if it was. */
  skipped: z.string().max(500).optional(),
});
export type StageResult = z.infer<typeof StageResult>;

/** What an app run showed besides its tests. A member is null if the run did not get that far. */
export const AppFacts = z.strictObject({
  /** How many deployments were made, needed apps included, and how many a run makes that reaches its end. */
  deploys: z.strictObject({ made: z.number().int().nonnegative(), expected: z.number().int().nonnegative() }),
  /** The version label before and after the upgrade, and the commit that the upgrade started from. */
  crossover: z.strictObject({ from: z.string(), to: z.string(), sha: Sha }).nullable(),
  /** The images of the version under test, by service. */
  images: z.record(z.string(), z.string()),
  /** Volumes that the app's labels include in its backup. */
  backedUp: z.array(z.string()),
  /** Decoy objects planted beside the run, and how many were intact after it. */
  witnesses: z.strictObject({ planted: z.number().int(), intact: z.number().int() }).nullable(),
  /** How many objects of the run were left after teardown. */
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
  /** What hooks and tests asked for and were denied. */
  denied: z.array(z.string().max(300)).max(50),
});
export type AppFacts = z.infer<typeof AppFacts>;

export const RunRecord = z.strictObject({
  v: z.literal(1),
  run: RunId,
  purpose: Purpose,
  recipe: z.strictObject({ name: RecipeName, digest: Digest }),
  /** The cloned commit and its tree, per repository; `main` is the workspace's own. */
  shas: z.record(z.string(), Sha),
  trees: z.record(z.string(), Sha),
  startedAtMs: z.number(),
  endedAtMs: z.number(),
  outcome: Outcome,
  /** One line for people: what happened. */
  reason: z.string().max(reasonCharsMax),
  /** The highest passed stage below which every stage passed or was skipped; 0 if there is none. */
  level: z.number().int().nonnegative(),
  stages: z.array(StageResult),
  /** The step before the ladder, if the recipe has one and this run executed it. */
  setup: StageResult.optional(),
  tests: z.array(TestResult),
  /** True if `tests` was cut to fit; such a run is never PASS. */
  testsCut: z.boolean(),
  flags: z.record(z.string(), z.boolean()),
  app: AppFacts.optional(),
  sandbox: z.strictObject({
    level: z.enum(['bubblewrap', 'none']),
    uid: z.enum(['own', 'shared']),
    selfTest: Digest.nullable(),
  }),
  /** The result of the reproducer itself, if this is a run of one. */
  reproducer: z.enum(['green', 'red', 'inconclusive']).optional(),
  /** How the reproducer's command ended, and its output. */
  reproducerStage: StageResult.optional(),
  artifacts: z.array(z.strictObject({ path: z.string(), digest: Digest, bytes: z.number() })),
  /** Harness items whose version in the tree was ignored because it differed from the operator's. */
  overlaid: z.array(z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;
