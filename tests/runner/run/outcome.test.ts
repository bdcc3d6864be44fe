import { describe, expect, it } from 'vitest';
import {
  judgeRun,
  levelOf,
  type RunObservation,
  type StageEnd,
  type StageReport,
} from '../../../runner/run/outcome.ts';
import type { TestResult } from '../../../state/entry/record.ts';
import { failed, passed, skipped } from '../../support/trail/records.ts';

function report(...tests: TestResult[]): StageReport {
  return { kind: 'read', tests };
}

function stage(parts: Partial<StageEnd> = {}): StageEnd {
  const report: StageReport = { kind: 'none' };
  return {
    name: 'test',
    started: true,
    exit: 0,
    signal: null,
    timedOut: false,
    outOfMemory: false,
    troubles: [],
    seconds: 60,
    memoryMb: 512,
    report,
    ...parts,
  };
}

function judge(ended: StageEnd[], parts: Partial<RunObservation> = {}) {
  const declared = ended.map(({ name, report }) => ({ name, report: report.kind !== 'none' }));
  return judgeRun({
    declared,
    setup: null,
    ended,
    refused: null,
    infra: null,
    cancelled: false,
    leak: null,
    testsCut: false,
    ...parts,
  });
}

const good = stage({ report: report(passed('a'), passed('b'), skipped('c')) });

describe('the outcome of a run', () => {
  it('is PASS if every stage exits with 0 and a report shows that tests ran and none failed', () => {
    expect(judge([stage({ name: 'build' }), good])).toEqual({
      outcome: 'PASS',
      reason: '2 tests passed, 1 skipped.',
      level: 2,
      rungs: ['pass', 'pass'],
    });
  });

  const lost: StageReport = { kind: 'lost', why: 'it is not there' };
  const red: [string, StageEnd[], Partial<RunObservation>, string, RegExp][] = [
    [
      'a stage exits with 1 though no test fails',
      [stage({ exit: 1, report: report(passed('a')) })],
      {},
      'FAIL',
      /exited with 1, although no test/,
    ],
    [
      'a test fails',
      [stage({ exit: 1, report: report(passed('a'), failed('t > b')) })],
      {},
      'FAIL',
      /exited with 1; 1 test fails: t > b/,
    ],
    [
      'a test fails but the exit is 0',
      [stage({ report: report(failed('t > b')) })],
      {},
      'FAIL',
      /exited with 0 although .* t > b/,
    ],
    [
      'the report is lost',
      [stage({ report: lost })],
      {},
      'FAIL',
      /exited with 0, but its report cannot be counted: it is not there/,
    ],
    ['a command is missing', [stage({ exit: 127, report: lost })], {}, 'FAIL', /a command was not found/],
    [
      'a stage uses too much memory',
      [stage({ exit: 137, outOfMemory: true })],
      {},
      'FAIL',
      /ran out of memory \(its limit is 512 MB\)/,
    ],
    ['a stage dies of a signal', [stage({ exit: null, signal: 'SIGSEGV' })], {}, 'FAIL', /killed by SIGSEGV/],
    [
      'a stage runs too long',
      [stage({ exit: null, timedOut: true })],
      {},
      'TIMEOUT',
      /"test" ran longer than its limit of 60 s/,
    ],
    ['nothing ran', [stage({ report: report() })], {}, 'NO_TESTS', /no test ran\. Does the command find the tests/],
    ['all tests were skipped', [stage({ report: report(skipped('a')) })], {}, 'NO_TESTS', /no test ran \(1 skipped\)/],
    [
      'the runner found no test and reported it by its exit code',
      [stage({ exit: 5, report: report() })],
      {},
      'NO_TESTS',
      /exited with 5; its report lists no test/,
    ],
    ['no stage declares a report', [stage()], {}, 'NO_TESTS', /No stage declares `report:`/],
    [
      'the sandbox did not start',
      [stage({ started: false, exit: null, troubles: ['no userns'] })],
      {},
      'INFRA',
      /sandbox did not start \(no userns\)/,
    ],
    ['the machinery failed', [], { infra: 'The hub could not be cloned.' }, 'INFRA', /hub could not be cloned/],
    ['it is refused', [], { refused: 'no such tool' }, 'REFUSED', /^Refused: no such tool\.$/],
    ['it was cancelled', [], { cancelled: true }, 'CANCELLED', /cancelled/],
    ['setup failed', [], { setup: stage({ name: 'setup', exit: 1 }) }, 'FAIL', /"setup" exited with 1/],
    ['setup ran too long', [], { setup: stage({ name: 'setup', timedOut: true }) }, 'TIMEOUT', /"setup"/],
    ['something outlived teardown', [good], { leak: '1 process outlived it.' }, 'LEAK', /^1 process outlived it\.$/],
    [
      'a stage failed and something outlived teardown',
      [stage({ exit: 2 })],
      { leak: '1 process.' },
      'LEAK',
      /Before that: Stage "test" exited with 2/,
    ],
    [
      'there are more tests than a record holds',
      [good],
      { testsCut: true },
      'FAIL',
      /more tests than a record can hold/,
    ],
  ];
  it.each(red)('is not PASS if %s', (_, ended, parts, outcome, words) => {
    const judged = judge(ended, parts);
    expect(judged.outcome).toBe(outcome);
    expect(judged.reason).toMatch(words);
  });

  it('counts tests over all stages: a stage that reports none is fine if another ran some', () => {
    expect(judge([good, stage({ name: 'more', report: report() })]).outcome).toBe('PASS');
  });

  it('has a reason of one short line', () => {
    const many = Array.from({ length: 40 }, (_, n) => failed(`${'x'.repeat(300)}\n${n}`));
    const { reason } = judge([stage({ exit: 1, report: report(...many) })]);
    expect(reason.length).toBeLessThanOrEqual(500);
    expect(reason).not.toContain('\n');
    expect(reason).toContain('37 more');
  });
});

describe('the rungs of a run', () => {
  it('are unverified after the first one that fails', () => {
    const declared = ['build', 'test', 'lint'].map((name) => ({ name, report: name === 'test' }));
    const ended = [stage({ name: 'build' }), stage({ exit: 1, report: report(failed('a')) })];
    expect(judge(ended, { declared })).toMatchObject({ level: 1, rungs: ['pass', 'fail', 'unverified'] });
  });

  it('do not raise the level past a stage that ran no test', () => {
    expect(judge([stage({ name: 'build' }), stage({ report: report() })])).toMatchObject({
      level: 1,
      rungs: ['pass', 'unverified'],
    });
  });

  it.each([
    [['pass', 'pass'], 2],
    [['pass', 'skip', 'pass'], 3],
    [['pass', 'skip'], 1],
    [['skip', 'skip'], 0],
    [['fail', 'pass'], 0],
    [['pass', 'unverified', 'pass'], 1],
    [[], 0],
  ] as const)('give, if they are %j, level %i', (rungs, level) => {
    expect(levelOf(rungs)).toBe(level);
  });
});
