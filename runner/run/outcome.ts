// Judges a run: turns how its stages ended into its outcome, a reason in words, rungs and a level. Pure. Except for a
// question, an exit code alone passes no run, and neither does a report; if the two disagree, the run is red.

import { type Outcome, type RunRecord, reasonCharsMax, type TestResult } from '../../state/entry/record.ts';
import { fitLine } from '../../state/entry/words.ts';
import { countsOf } from '../../state/fold/facts.ts';

const namesMax = 3;
const nameCharsMax = 90;
const troubleCharsMax = 160;
const commandNotFound = 127;
const notExecutable = 126;

/** A stage's JUnit report. `none`: the stage declares none. `lost`: it cannot be counted, for the reason `why`. */
export type StageReport = { kind: 'none' } | { kind: 'lost'; why: string } | { kind: 'read'; tests: TestResult[] };

/** How a stage ended. `started: false` means that the sandbox itself did not start. */
export type StageEnd = {
  name: string;
  started: boolean;
  exit: number | null;
  signal: string | null;
  timedOut: boolean;
  outOfMemory: boolean;
  /** Messages of the machinery: why the box was not made, which host was denied. */
  troubles: string[];
  /** The limits that the stage ran under. */
  seconds: number;
  memoryMb: number;
  report: StageReport;
  /** For an app's rung: why it failed, if no test shows that; why it was skipped. */
  rung?: { failed: string | null; skipped: string | null };
};

/** The rung whose failure lowers the level but does not make the run red. */
const advisory = 'lint';

export type RunObservation = {
  /** The recipe's stages, in ladder order. */
  declared: { name: string; report: boolean }[];
  setup: StageEnd | null;
  /** Stages that ran to an end, in order; after one that failed, only an app's lint can follow. */
  ended: StageEnd[];
  /** Why the run cannot be carried out as requested; none of the claim's stages ran. */
  refused: string | null;
  /** Why the machinery failed, outside any sandbox. */
  infra: string | null;
  cancelled: boolean;
  /** What was found after the last stage and makes the run red: a leaked secret, an unexpected deployment. */
  examined?: string | null;
  /** True if a command ran instead of the ladder: its exit code is the answer, and no tests are expected. */
  isQuestion?: boolean;
  /** What was left after teardown. */
  leak: string | null;
  testsCut: boolean;
};

export type RunVerdict = Pick<RunRecord, 'outcome' | 'reason' | 'level'> & {
  rungs: RunRecord['stages'][number]['rung'][];
};

type Trouble = { outcome: Outcome; reason: string };

/** Judges the whole run; `rungs` has one element per declared stage. */
export function judgeRun(seen: RunObservation): RunVerdict {
  const first = firstTrouble(seen);
  const trouble = seen.leak === null ? first : leaked(seen.leak, first);
  const none = first?.outcome === 'NO_TESTS';
  const rungs = seen.declared.map((stage) => rungOf(endOf(seen, stage.name), none && stage.report));
  const outcome = trouble?.outcome ?? 'PASS';
  const reason =
    trouble?.reason ?? (seen.isQuestion ? 'The command exited with 0.' : `${testCountWords(testsOf(seen))}.`);
  return { outcome, reason: fitLine(reason, reasonCharsMax), level: levelOf(rungs), rungs };
}

/** The highest passed rung with every lower one passed or skipped. */
export function levelOf(rungs: readonly RunRecord['stages'][number]['rung'][]): number {
  const stop = rungs.findIndex((rung) => rung !== 'pass' && rung !== 'skip');
  const climbed = stop < 0 ? rungs : rungs.slice(0, stop);
  return climbed.lastIndexOf('pass') + 1;
}

/** What keeps a stage, judged alone, from passing; null if it passed. */
export function stageTrouble(stage: StageEnd): Trouble | null {
  const at = `Stage "${stage.name}"`;
  if (stage.rung) return rungTrouble(stage, stage.rung);
  if (!stage.started)
    return { outcome: 'INFRA', reason: `${at} could not run: the sandbox did not start${troubleNote(stage)}.` };
  if (stage.timedOut)
    return { outcome: 'TIMEOUT', reason: `${at} ran longer than its limit of ${stage.seconds} s and was stopped.` };
  if (stage.exit !== 0)
    return {
      outcome: 'FAIL',
      reason: `${at} ${howEnded(stage)}${besides(stage)}${stage.exit === 0 ? '' : troubleNote(stage)}.`,
    };
  if (stage.report.kind === 'lost') {
    return { outcome: 'FAIL', reason: `${at} exited with 0, but its report cannot be counted: ${stage.report.why}.` };
  }
  const failing = stage.report.kind === 'read' ? stage.report.tests.filter((test) => test.status === 'fail') : [];
  if (failing.length === 0) return null;
  return { outcome: 'FAIL', reason: `${at} exited with 0 although its report has failures: ${failureWords(failing)}.` };
}

/** `41 tests passed, 2 skipped`. */
export function testCountWords(tests: readonly TestResult[]): string {
  const { pass, fail, skip } = countsOf(tests);
  const parts = [`${pass} ${pass === 1 ? 'test' : 'tests'} passed`];
  if (fail > 0) parts.push(`${fail} failed`);
  if (skip > 0) parts.push(`${skip} skipped`);
  return parts.join(', ');
}

function firstTrouble(seen: RunObservation): Trouble | null {
  if (seen.refused !== null) return { outcome: 'REFUSED', reason: `Refused: ${seen.refused}.` };
  if (seen.infra !== null) return { outcome: 'INFRA', reason: seen.infra };
  if (seen.cancelled) return { outcome: 'CANCELLED', reason: 'The run was cancelled.' };
  const setup = seen.setup && stageTrouble(seen.setup);
  if (setup) return setup;
  const examined: Trouble | null = seen.examined ? { outcome: 'FAIL', reason: seen.examined } : null;
  return ladderTrouble(seen) ?? examined ?? (seen.testsCut ? { outcome: 'FAIL', reason: tooMany } : null);
}

const tooMany = 'The reports list more tests than a record can hold; split the recipe.';

function ladderTrouble(seen: RunObservation): Trouble | null {
  const ran = countsOf(testsOf(seen));
  const none = !seen.isQuestion && ran.pass + ran.fail === 0;
  for (const stage of seen.ended) {
    const trouble = stageTrouble(stage);
    if (trouble === null || (stage.rung && stage.name === advisory)) continue;
    // pytest and vitest exit with an error if they find no tests; a report without a test that ran shows this.
    return none && trouble.outcome === 'FAIL' && stage.report.kind === 'read' ? noTests(seen, stage) : trouble;
  }
  return none ? noTests(seen, null) : null;
}

function noTests(seen: RunObservation, failed: StageEnd | null): Trouble {
  if (failed)
    return {
      outcome: 'NO_TESTS',
      reason: `Stage "${failed.name}" ${howEnded(failed)}; its report lists no test that ran.`,
    };
  if (!seen.declared.some((stage) => stage.report)) {
    return {
      outcome: 'NO_TESTS',
      reason: 'No stage declares `report:`, so no tests can be counted; name the JUnit file that a stage writes.',
    };
  }
  const { skip } = countsOf(testsOf(seen));
  const skipped = skip > 0 ? ` (${skip} skipped)` : '';
  return {
    outcome: 'NO_TESTS',
    reason: `Every stage exited with 0, but no test ran${skipped}. Does the command find the tests?`,
  };
}

function leaked(what: string, before: Trouble | null): Trouble {
  return { outcome: 'LEAK', reason: `${what}${before ? ` Before that: ${before.reason}` : ''}` };
}

/** How the stage `name` (unique in a recipe) ended; undefined if it was not reached. */
function endOf(seen: RunObservation, name: string): StageEnd | undefined {
  return seen.ended.find((stage) => stage.name === name);
}

function rungTrouble(stage: StageEnd, { failed }: { failed: string | null }): Trouble | null {
  const failing = stage.report.kind === 'read' ? stage.report.tests.filter((test) => test.status === 'fail') : [];
  if (failing.length > 0)
    return { outcome: 'FAIL', reason: `Rung "${stage.name}": ${failureWords(failing)}${failed ? `; ${failed}` : ''}.` };
  return failed === null ? null : { outcome: 'FAIL', reason: `Rung "${stage.name}": ${failed}.` };
}

function rungOf(stage: StageEnd | undefined, ranNothing: boolean): RunVerdict['rungs'][number] {
  if (!stage?.started) return 'unverified';
  if (stageTrouble(stage)) return 'fail';
  if (stage.rung?.skipped) return 'skip';
  return ranNothing ? 'unverified' : 'pass';
}

function howEnded({ exit, signal, outOfMemory, memoryMb }: StageEnd): string {
  if (outOfMemory) return `ran out of memory (its limit is ${memoryMb} MB)`;
  if (exit === commandNotFound)
    return "exited with 127: a command was not found; name one that the recipe's tools provide";
  if (exit === notExecutable) return 'exited with 126: a command could not be executed';
  if (exit === null || signal !== null) return `was killed by ${signal ?? 'a signal'}`;
  return `exited with ${exit}`;
}

function besides({ exit, report }: StageEnd): string {
  if (report.kind === 'none' || exit === commandNotFound || exit === notExecutable) return '';
  if (report.kind === 'lost') return `; its report cannot be counted: ${report.why}`;
  const failing = report.tests.filter((test) => test.status === 'fail');
  return failing.length > 0 ? `; ${failureWords(failing)}` : ', although no test in its report fails';
}

function troubleNote({ troubles }: StageEnd): string {
  return troubles[0] === undefined ? '' : ` (${troubles[0].slice(0, troubleCharsMax)})`;
}

function failureWords(failing: readonly TestResult[]): string {
  const names = failing.slice(0, namesMax).map(({ id }) => fitLine(id, nameCharsMax));
  const more = failing.length > namesMax ? ` and ${failing.length - namesMax} more` : '';
  return `${failing.length} ${failing.length === 1 ? 'test fails' : 'tests fail'}: ${names.join('; ')}${more}`;
}

function testsOf(seen: RunObservation): TestResult[] {
  return seen.ended.flatMap((stage) => (stage.report.kind === 'read' ? stage.report.tests : []));
}
