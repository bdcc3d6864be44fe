// Runs earlier tests over a claim's code: every test that was green on the base, or at an accepted claim, must still be
// green; none may be missing or newly skipped. Pure: computes which files are restored, and what the records show
// together. The Builder reads the messages.

import type { KeptResult, RunRecord, TestResult } from '../entry/record.ts';
import { fitLine } from '../entry/words.ts';
import { type ChangedPath, changedTests, type TreeEdit } from './revert.ts';

const namesMax = 5;
const nameCharsMax = 100;
const whyCharsMax = 1000;

/**
 * Restores every changed test to its earlier version, except the operator's files; removes tests that the claim added.
 */
export function keptEdits(
  changed: readonly ChangedPath[],
  tests: readonly string[],
  harness: readonly string[],
): TreeEdit[] {
  const isTest = new Set(changedTests(changed, tests));
  const operators = new Set(harness);
  return changed
    .filter(({ path }) => isTest.has(path) && !operators.has(path))
    .map(({ path, oldMode, oldBlob }) => ({ path, mode: oldMode, blob: oldBlob }));
}

export type KeptRuns = {
  /** Runs of the earlier commit; a test counts as green there if it passed in each of them. */
  earlier: readonly RunRecord[];
  /** The claim's own run. */
  claim: RunRecord;
  /** The run of the earlier tests over the claim's code. */
  kept: RunRecord;
  /** Ids of tests, or endings of ids after a ` > `, that the plan intends to change. */
  supersedes: readonly string[];
};

/**
 * KEPT if every test that was green before is green over the claim's code and still exists, and none is newly skipped.
 */
export function judgeKept({ earlier, claim, kept, supersedes }: KeptRuns): { result: KeptResult; why: string } {
  const isMeant = (test: TestResult) => !supersedes.some((name) => test.id === name || test.id.endsWith(` > ${name}`));
  const [first, ...others] = earlier.map((record) => record.tests.filter(passed));
  const green = (first ?? [])
    .filter((test) => others.every((tests) => tests.some(({ id }) => id === test.id)))
    .filter(isMeant);
  const cut = [...earlier, claim, kept].find((record) => record.testsCut);
  if (cut) return judged('INCONCLUSIVE', `The record of ${cut.run} does not hold all its tests.`);
  if (kept.outcome === 'REFUSED') return judged('INCONCLUSIVE', `The earlier tests could not be laid: ${kept.reason}`);
  const broken = missingFrom(green, kept);
  if (broken.length > 0)
    return judged(
      'BROKEN',
      `These were green before and, as they were, are not over this code: ${names(broken)}. ${kept.reason}`,
    );
  const lost = missingFrom(green, claim, present);
  if (lost.length > 0) return judged('BROKEN', `These tests were green before and are gone: ${names(lost)}.`);
  const before = new Set(earlier.flatMap((record) => record.tests.filter(skipped).map(({ id }) => id)));
  const newly = claim.tests.filter((test) => skipped(test) && !before.has(test.id) && isMeant(test));
  if (newly.length > 0) return judged('BROKEN', `These are skipped, and were not before: ${names(newly)}.`);
  return judged('KEPT', `${green.length} earlier ${green.length === 1 ? 'test is' : 'tests are'} green still.`);
}

function missingFrom(green: readonly TestResult[], { tests }: RunRecord, isThere = passed): TestResult[] {
  const there = new Set(tests.filter(isThere).map(({ id }) => id));
  return green.filter(({ id }) => !there.has(id));
}

function passed({ status }: TestResult): boolean {
  return status === 'pass';
}

function present(): boolean {
  return true;
}

function skipped({ status }: TestResult): boolean {
  return status === 'skip' || status === 'todo';
}

function names(tests: readonly TestResult[]): string {
  const shown = tests.slice(0, namesMax).map((test) => `"${test.id.slice(0, nameCharsMax)}"`);
  return `${shown.join(', ')}${tests.length > namesMax ? ` and ${tests.length - namesMax} more` : ''}`;
}

function judged(result: KeptResult, why: string): { result: KeptResult; why: string } {
  return { result, why: fitLine(why, whyCharsMax) };
}
