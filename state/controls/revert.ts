// The control `revert`: runs the claim's tests over the reference's production code, where they must fail on
// assertions, or they check nothing. Pure: computes which files are restored, and what the three runs (reference,
// claim, control) show together. The Builder reads the messages.

import picomatch from 'picomatch';
import type { Sha } from '../entry/ids.ts';
import type { RunRecord, TestResult } from '../entry/record.ts';
import { byId, inconclusive, type Judgement, judged, names } from './judgement.ts';

/** What to put at one path before the first stage: a git blob of the hub (null removes the path), or bytes. */
export type TreeEdit = { path: string; mode: string } & ({ blob: Sha | null } | { bytes: Uint8Array });

/** How one path differs between reference and claim, as git lists it. */
export type ChangedPath = { path: string; oldMode: string; oldBlob: Sha | null };

/**
 * Restores every changed path that is neither a test (by the globs) nor an operator's file to the reference's version:
 * removes added files and restores deleted ones. If the harness names only `package.json#scripts`, the rest of
 * `package.json` is the claim's, so that file is restored too.
 */
export function revertEdits(
  changed: readonly ChangedPath[],
  tests: readonly string[],
  harness: readonly string[],
): TreeEdit[] {
  const isTest = testMatcher(tests);
  const operators = new Set(harness);
  return changed
    .filter(({ path, oldMode }) => !isTest(path) && !operators.has(path) && oldMode !== submodule)
    .map(({ path, oldMode, oldBlob }) => ({ path, mode: oldMode, blob: oldBlob }));
}

/** Which of the changed paths are tests. */
export function changedTests(changed: readonly ChangedPath[], tests: readonly string[]): string[] {
  return changed.map(({ path }) => path).filter(testMatcher(tests));
}

export type RevertRuns = {
  reference: RunRecord;
  claim: RunRecord;
  control: RunRecord;
  /** Paths of tests that differ between reference and claim. */
  changedTestFiles: readonly string[];
};

/** BITES if the claim adds at least one test, and each of them fails on an assertion without the claim's change. */
export function judgeRevert(runs: RevertRuns): Judgement {
  const spoilt = unusable(runs);
  if (spoilt) return inconclusive(spoilt);
  const groups = sortTests(runs);
  if (groups.passing.length > 0) {
    return judged(
      'VACUOUS',
      `These tests are new and pass without the change too: ${names(groups.passing)}. Make them look at what the change does.`,
    );
  }
  const notAsserted = [...groups.missing, ...groups.errors];
  if (notAsserted.length > 0) {
    const how = [
      ...(groups.missing.length > 0 ? [`did not run over the reference's code: ${names(groups.missing)}`] : []),
      ...(groups.errors.length > 0 ? [`failed there, but not on an assertion: ${names(groups.errors)}`] : []),
    ];
    return inconclusive(
      `New tests ${how.join('; and ')}. ${stoppedWords(runs.control)}A test that cannot load or crashes there shows nothing.`,
    );
  }
  if (groups.unsure.length > 0) {
    return inconclusive(
      `The reference's own run never came to ${stagesOf(groups.unsure)}, so which tests there are new cannot be told.`,
    );
  }
  if (groups.biting.length > 0) {
    return judged('BITES', `Without the change these fail on an assertion: ${names(groups.biting)}.`);
  }
  return judged('VACUOUS', 'The claim adds no test that fails without its change.');
}

const submodule = '160000';

function testMatcher(tests: readonly string[]): (path: string) => boolean {
  return picomatch([...tests], { dot: true, nonegate: true });
}

/** Why the three runs cannot be compared at all; null if they can. */
function unusable({ reference, claim, control }: RevertRuns): string | null {
  if (claim.outcome !== 'PASS') return `The claim's own run is ${claim.outcome}.`;
  const comparable = ['PASS', 'FAIL', 'NO_TESTS'];
  if (!comparable.includes(reference.outcome))
    return `The reference's own run is ${reference.outcome}: ${reference.reason}`;
  if (!comparable.includes(control.outcome))
    return `The run over the reference's code is ${control.outcome}: ${control.reason}`;
  const cut = [reference, control].find((record) => record.testsCut);
  return cut ? `The record of ${cut.run} does not hold all its tests.` : null;
}

type Groups = Record<'biting' | 'passing' | 'missing' | 'errors' | 'unsure', TestResult[]>;

function sortTests({ reference, claim, control, changedTestFiles }: RevertRuns): Groups {
  const before = byId(reference.tests);
  const without = byId(control.tests);
  const reported = new Set(reference.stages.filter((stage) => stage.tests !== null).map((stage) => stage.name));
  const groups: Groups = { biting: [], passing: [], missing: [], errors: [], unsure: [] };
  for (const test of claim.tests.filter((one) => one.status === 'pass')) {
    const old = before.get(test.id);
    const there = without.get(test.id);
    if (old === undefined) groups[groupOf(there, reported.has(test.stage))].push(test);
    // This is not a new test, but the claim changed its file or turned it green.
    else if (bites(there) && isClaims(test, old, changedTestFiles)) groups.biting.push(test);
  }
  return groups;
}

/**
 * True for a test that the claim added, turned green, or whose file it changed; `old` is its result on the reference.
 */
export function isClaims(test: TestResult, old: TestResult | undefined, changedTestFiles: readonly string[]): boolean {
  return old?.status !== 'pass' || changedTestFiles.some((file) => liesIn(test.id, file));
}

function groupOf(there: TestResult | undefined, known: boolean): keyof Groups {
  if (bites(there)) return 'biting';
  if (!known) return 'unsure';
  if (there?.status === 'pass') return 'passing';
  return there?.status === 'fail' ? 'errors' : 'missing';
}

/** True if the test failed on an assertion. */
export function bites(there: TestResult | undefined): boolean {
  return there?.failure?.kind === 'assertion';
}

/** Ids begin with the test's file, or (pytest) with its module: `sub.test_b.TestC` for `sub/test_b.py`. */
function liesIn(id: string, file: string): boolean {
  const first = id.split(' > ', 1)[0] ?? '';
  const module = file.replace(/\.\w+$/, '').replaceAll('/', '.');
  return first === file || first === module || first.startsWith(`${module}.`);
}

function stoppedWords(control: RunRecord): string {
  const failed = control.stages.find((stage) => stage.rung === 'fail');
  const unreached = control.stages.some((stage) => stage.rung === 'unverified');
  return failed && unreached ? `That run ended at stage "${failed.name}". ` : '';
}

function stagesOf(tests: readonly TestResult[]): string {
  return [...new Set(tests.map((test) => `stage "${test.stage}"`))].join(', ');
}
