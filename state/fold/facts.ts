// Derives the facts of a run's entry on the trail from its record. Pure, and used twice: when the run is appended, and
// by the audit, which recomputes them from `results.json`.

import { canonicalJson, digestOf, digestOfJson } from '../entry/digest.ts';
import type { RunFacts } from '../entry/entry.ts';
import type { Digest } from '../entry/ids.ts';
import type { Phase } from '../entry/phase.ts';
import { type Purpose, type RunRecord, reasonCharsMax, type TestResult } from '../entry/record.ts';
import type { Expect } from '../entry/spec.ts';
import { fitLine } from '../entry/words.ts';

const unmetMax = 50;
const unmetCharsMax = 500;

/** `asks`: what gate and claim expect of the run. `control`, `kept`: how it compares with other runs, if judged so. */
export type FactsOptions = {
  asks?: readonly RunQuestion[];
  control?: RunFacts['control'] | undefined;
  kept?: RunFacts['kept'] | undefined;
};
export type RunQuestion = {
  by: 'gate' | 'claim';
  expect: Pick<Expect, 'pass'> & { level?: number | undefined; tests?: number | undefined; flags?: string[] };
};

/** What the gate of a run expects of it, and what the claim expects of it if it claims exactly that gate. */
export function asksOf(phase: Pick<Phase, 'spec' | 'claims'>, purpose: Purpose): RunQuestion[] {
  if (purpose.kind !== 'gate') return [];
  const gate = phase.spec.gates[purpose.gate]?.expect;
  const claim = phase.claims.find(({ id }) => id === purpose.claim);
  return [
    ...(gate ? [{ by: 'gate' as const, expect: gate }] : []),
    ...(claim?.gate === purpose.gate ? [{ by: 'claim' as const, expect: claim.expects }] : []),
  ];
}

/**
 * The facts of the run's entry; `unmet` is empty without `asks`. Text that contains test names is cleaned: if the
 * funnel refused a run because of a test's name, the run would not be on record and the supervisor would end.
 */
export function runFacts(record: RunRecord, options: FactsOptions = {}): RunFacts {
  return {
    run: record.run,
    purpose: record.purpose,
    recipe: record.recipe.name,
    recipeDigest: record.recipe.digest,
    shas: record.shas,
    trees: record.trees,
    outcome: record.outcome,
    level: record.level,
    counts: countsOf(record.tests),
    alike: alikeOf(record.tests),
    reason: fitLine(record.reason, reasonCharsMax),
    results: digestOf(recordBytes(record)),
    unmet: (options.asks ?? []).flatMap((ask) => unmetOf(record, ask)).slice(0, unmetMax),
    ...(options.control && { control: options.control }),
    ...(options.kept && { kept: options.kept }),
    ...(record.reproducer && { reproducer: record.reproducer }),
    sandbox: record.sandbox.level,
  };
}

/** The facts of a run that was lost when Coldpass crashed, as far as its intent shows them. It counts for nothing. */
export function lostFacts(
  { run, purpose, recipe, shas }: Pick<RunRecord, 'run' | 'purpose' | 'recipe' | 'shas'>,
  sandbox: RunFacts['sandbox'],
): RunFacts {
  return {
    run,
    purpose,
    recipe: recipe.name,
    recipeDigest: recipe.digest,
    shas,
    trees: {},
    outcome: 'LOST',
    level: 0,
    counts: countsOf([]),
    alike: alikeOf([]),
    reason: 'Coldpass itself ended while this run was on its way.',
    results: null,
    unmet: [],
    sandbox,
  };
}

/** The bytes of `results.json`: canonical JSON and a newline, so that a parsed record gives the same bytes again. */
export function recordBytes(record: RunRecord): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(record)}\n`);
}

/** A digest that is equal for runs with the same result for each test, in any order and at any speed. */
export function alikeOf(tests: readonly TestResult[]): Digest {
  const pairs = tests.map((test) => [test.id, test.status] as const);
  return digestOfJson(pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What the gate or the claim expects and this record does not show, in words. */
export function unmetOf(record: RunRecord, { by, expect }: RunQuestion): string[] {
  const { pass } = countsOf(record.tests);
  const { level = 0, tests = 0, flags = [] } = expect;
  const unmet = [
    record.level < level ? `level ${level} is asked for, it reached ${record.level}` : null,
    pass < tests ? `${tests} tests are asked for, ${pass} passed` : null,
    ...expect.pass.map((name) => passProblem(record.tests, name)),
    ...flags.map((flag) => flagProblem(record.flags, flag)),
  ];
  const whose = by === 'claim' ? 'by its own EXPECTED ' : '';
  return unmet.flatMap((line) => (line === null ? [] : fitLine(`${whose}${line}`, unmetCharsMax)));
}

function flagProblem(flags: RunRecord['flags'], flag: string): string | null {
  if (flags[flag] === true) return null;
  return `flag ${flag} is ${flags[flag] === false ? 'false' : 'not established'}`;
}

/** Null if every test with this id, or with an id that ends in it after a ` > `, passed, and there is at least one. */
function passProblem(tests: readonly TestResult[], name: string): string | null {
  const meant = tests.filter((test) => test.id === name || test.id.endsWith(` > ${name}`));
  if (meant.length === 0) return `no test is called "${name}"`;
  const other = meant.find((test) => test.status !== 'pass');
  return other ? `"${other.id}" did not pass: ${other.status}` : null;
}

/** `skip` also counts tests marked as todo, because they did not run either. */
export function countsOf(tests: readonly TestResult[]): { pass: number; fail: number; skip: number } {
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  for (const test of tests) counts[test.status] += 1;
  return { pass: counts.pass, fail: counts.fail, skip: counts.skip + counts.todo };
}
