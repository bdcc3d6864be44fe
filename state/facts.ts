// From a run's record to the facts of its entry on the trail. Pure, and used twice: when the run is appended, and by the
// audit, which recomputes them from `results.json`.

import { canonicalJson, digestOf, digestOfJson } from './digest.ts';
import type { RunFacts } from './entry.ts';
import type { Digest } from './ids.ts';
import type { RunRecord, TestResult } from './record.ts';
import type { Expect } from './spec.ts';

const unmetMax = 50;
const unmetCharsMax = 500;

/** `expect`: what the gate asks of this run. `control`: how it was judged, where it is a control. */
export type FactsOptions = { expect?: Expect; control?: NonNullable<RunFacts['control']> };

/** The facts of the run's entry; `unmet` is empty without `expect`. */
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
    reason: record.reason,
    results: digestOf(recordBytes(record)),
    unmet: options.expect ? unmetOf(record, options.expect) : [],
    ...(options.control && { control: options.control }),
    ...(record.reproducer && { reproducer: record.reproducer }),
    sandbox: record.sandbox.level,
  };
}

/** The facts of a run that was lost in a crash of ours: all that its intent tells. It counts for nothing. */
export function lostFacts(
  { run, purpose, recipe, shas }: Pick<RunRecord, 'run' | 'purpose' | 'recipe' | 'shas'>,
  sandbox: RunFacts['sandbox'],
): RunFacts {
  return {
    ...{ run, purpose, recipe: recipe.name, recipeDigest: recipe.digest, shas, trees: {}, outcome: 'LOST', level: 0 },
    ...{ counts: countsOf([]), alike: alikeOf([]), reason: 'Coldpass itself ended while this run was on its way.' },
    ...{ results: null, unmet: [], sandbox },
  };
}

/** The bytes of `results.json`: canonical JSON and a line end, so that a parsed record gives the same bytes again. */
export function recordBytes(record: RunRecord): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(record)}\n`);
}

/** Equal for runs that agree test by test, in whatever order and time. */
export function alikeOf(tests: readonly TestResult[]): Digest {
  const pairs = tests.map((test) => [test.id, test.status] as const);
  return digestOfJson(pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What the gate expects and this record does not show, in words. */
export function unmetOf(record: RunRecord, expect: Expect): string[] {
  const unmet: string[] = [];
  if (expect.level !== undefined && record.level < expect.level)
    unmet.push(`level ${expect.level} is asked for, it reached ${record.level}`);
  for (const name of expect.pass) {
    const problem = passProblem(record.tests, name);
    if (problem) unmet.push(problem);
  }
  for (const flag of expect.flags) {
    if (record.flags[flag] !== true)
      unmet.push(`flag ${flag} is ${record.flags[flag] === false ? 'false' : 'not established'}`);
  }
  return unmet.slice(0, unmetMax).map((line) => line.slice(0, unmetCharsMax));
}

/** Null where a test of this id, or with an id that ends in it after a ` > `, passed, and none such failed. */
function passProblem(tests: readonly TestResult[], name: string): string | null {
  const meant = tests.filter((test) => test.id === name || test.id.endsWith(` > ${name}`));
  if (meant.length === 0) return `no test is called "${name}"`;
  const other = meant.find((test) => test.status !== 'pass');
  return other ? `"${other.id}" did not pass: ${other.status}` : null;
}

/** `skip` counts todos too: neither was carried out. */
export function countsOf(tests: readonly TestResult[]): { pass: number; fail: number; skip: number } {
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  for (const test of tests) counts[test.status] += 1;
  return { pass: counts.pass, fail: counts.fail, skip: counts.skip + counts.todo };
}
