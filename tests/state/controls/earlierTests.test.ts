import { describe, expect, it } from 'vitest';
import { judgeKept, keptEdits } from '../../../state/controls/earlierTests.ts';
import { Sha } from '../../../state/entry/ids.ts';
import type { RunRecord, TestResult } from '../../../state/entry/record.ts';
import { failed, passed, record, skipped } from '../../support/trail/records.ts';

const old = Sha.parse('1'.repeat(40));

describe('the edits that restore earlier tests', () => {
  it('restore changed and deleted tests, remove added tests, and do not touch code or the operator’s files', () => {
    const paths = [
      { path: 'tests/a.test.js', oldMode: '100644', oldBlob: old },
      { path: 'tests/conftest.py', oldMode: '000000', oldBlob: null },
      { path: 'tests/runner.cfg', oldMode: '100644', oldBlob: old },
      { path: 'lib/a.js', oldMode: '100644', oldBlob: old },
    ];
    expect(keptEdits(paths, ['tests/**'], ['tests/runner.cfg'])).toEqual([
      { path: 'tests/a.test.js', mode: '100644', blob: old },
      { path: 'tests/conftest.py', mode: '000000', blob: null },
    ]);
  });
});

describe('earlier tests', () => {
  const one = passed('t.js > one');
  const two = passed('t.js > two');

  function judge(
    kept: TestResult[],
    parts: {
      earlier?: TestResult[][];
      claim?: TestResult[];
      supersedes?: string[];
      kept?: Partial<RunRecord>;
    } = {},
  ) {
    return judgeKept({
      earlier: (parts.earlier ?? [[one, two]]).map((tests) => record({ tests })),
      claim: record({ tests: parts.claim ?? [one, two, passed('t.js > new')] }),
      kept: record({ tests: kept, ...parts.kept }),
      supersedes: parts.supersedes ?? [],
    });
  }

  it('are kept if all of them that were green are green on the claim’s code', () => {
    expect(judge([one, two])).toEqual({ result: 'KEPT', why: '2 earlier tests are green still.' });
  });

  it.each([
    ['fails', [one, failed('t.js > two')]],
    ['no longer loads', [one]],
    ['is skipped', [one, skipped('t.js > two')]],
  ])('are broken if one %s, and it is named', (_, kept) => {
    const judgement = judge(kept, { kept: { outcome: 'FAIL', reason: 'Stage "test" exited with 1.' } });
    expect(judgement.result).toBe('BROKEN');
    expect(judgement.why).toMatch(/"t\.js > two"/);
  });

  it('are broken if the id of one is missing in the gate run of the claim', () => {
    const judgement = judge([one, two], { claim: [one, passed('t.js > two, renamed')] });
    expect(judgement).toEqual({ result: 'BROKEN', why: 'These tests were green before and are gone: "t.js > two".' });
  });

  it('are broken if any test is skipped, even one that the claim adds, unless it was skipped before', () => {
    const later = skipped('t.js > later');
    expect(judge([one, two], { claim: [one, two, later] }).why).toMatch('skipped, and were not before: "t.js > later"');
    expect(judge([one, two], { claim: [one, two, later], earlier: [[one, two, later]] }).result).toBe('KEPT');
  });

  it('are those that passed in every run of the earlier commit', () => {
    const flaky = [
      [one, two],
      [one, failed('t.js > two')],
    ];
    expect(judge([one, failed('t.js > two')], { earlier: flaky }).result).toBe('KEPT');
    expect(judge([failed('t.js > one'), two], { earlier: flaky }).result).toBe('BROKEN');
  });

  it('do not include those that the plan allows to change, named by their id or its end', () => {
    const changed = { claim: [one], supersedes: ['two'] };
    expect(judge([one, failed('t.js > two')], changed).result).toBe('KEPT');
    expect(judge([one, failed('t.js > two')], { ...changed, supersedes: ['wo'] }).result).toBe('BROKEN');
  });

  it('are inconclusive if a record was truncated or they could not be restored', () => {
    expect(judge([one, two], { kept: { testsCut: true } }).result).toBe('INCONCLUSIVE');
    expect(judge([], { kept: { outcome: 'REFUSED', reason: 'Refused: no.' } }).result).toBe('INCONCLUSIVE');
  });
});
