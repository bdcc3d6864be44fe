import { describe, expect, it } from 'vitest';
import { type ChangedPath, changedTests, judgeRevert, revertEdits } from '../../../state/controls/revert.ts';
import { Sha } from '../../../state/entry/ids.ts';
import type { RunRecord, TestResult } from '../../../state/entry/record.ts';
import { failed, passed, record, skipped } from '../../support/trail/records.ts';

const old = Sha.parse('1'.repeat(40));

function changed(path: string, oldMode = '100644'): ChangedPath {
  return { path, oldMode, oldBlob: oldMode === '000000' ? null : old };
}

describe('the edits of a revert', () => {
  it("restore production files, remove added ones, and do not touch tests or the operator's files", () => {
    const paths = [
      changed('lib/a.js'),
      changed('lib/new.js', '000000'),
      changed('bin/run', '100755'),
      changed('tests/a.test.js'),
      changed('tests/.hidden/fixture.json'),
      changed('vitest.config.ts'),
      changed('package.json'),
      changed('vendor', '160000'),
    ];
    expect(revertEdits(paths, ['tests/**'], ['vitest.config.ts', 'package.json#scripts'])).toEqual([
      { path: 'lib/a.js', mode: '100644', blob: old },
      { path: 'lib/new.js', mode: '000000', blob: null },
      { path: 'bin/run', mode: '100755', blob: old },
      { path: 'package.json', mode: '100644', blob: old },
    ]);
    expect(changedTests(paths, ['tests/**'])).toEqual(['tests/a.test.js', 'tests/.hidden/fixture.json']);
  });
});

describe('a revert', () => {
  const kept = passed('t.js > old');
  const added = passed('t.js > new');

  function judge(
    control: TestResult[],
    parts: {
      reference?: TestResult[];
      claim?: TestResult[];
      control?: Partial<RunRecord>;
      base?: Partial<RunRecord>;
      files?: string[];
    } = {},
  ) {
    return judgeRevert({
      reference: record({ tests: parts.reference ?? [kept], ...parts.base }),
      claim: record({ tests: parts.claim ?? [kept, added] }),
      control: record({ tests: control, outcome: 'FAIL', ...parts.control }),
      changedTestFiles: parts.files ?? ['t.js'],
    });
  }

  it('bites if the added test fails on an assertion without the change', () => {
    expect(judge([kept, failed('t.js > new')])).toEqual({
      result: 'BITES',
      why: 'Without the change these fail on an assertion: "t.js > new".',
    });
  });

  it('is vacuous if an added test passes without the change, and names it', () => {
    const two = judge([kept, failed('t.js > new'), passed('t.js > lazy')], {
      claim: [kept, added, passed('t.js > lazy')],
    });
    expect(two.result).toBe('VACUOUS');
    expect(two.why).toContain('"t.js > lazy"');
    expect(two.why).not.toContain('"t.js > new"');
  });

  it('is inconclusive if an added test fails without the change, but not on an assertion', () => {
    expect(judge([kept, failed('t.js > new', 'error')])).toMatchObject({
      result: 'INCONCLUSIVE',
      why: expect.stringContaining('not on an assertion: "t.js > new"'),
    });
  });

  it.each([
    ['missing there', [kept]],
    ['skipped there', [kept, skipped('t.js > new')]],
  ])('is inconclusive if an added test is %s', (_, control) => {
    expect(judge(control)).toMatchObject({ result: 'INCONCLUSIVE', why: expect.stringContaining('did not run') });
  });

  it('names the stage at which the control stopped', () => {
    const log = record().stages[0]?.log;
    if (!log) throw new Error('a record has a stage');
    const built = { name: 'build', rung: 'fail', exit: 1, signal: null, ms: 1, tests: null, log } as const;
    const unreached = { ...built, name: 'test', rung: 'unverified', exit: null } as const;
    const { result, why } = judge([], { control: { stages: [built, unreached] } });
    expect(result).toBe('INCONCLUSIVE');
    expect(why).toContain('ended at stage "build"');
  });

  it('bites if a changed test fails and no test was added', () => {
    expect(judge([failed('t.js > old')], { claim: [kept] }).result).toBe('BITES');
  });

  it('finds the file of a pytest test by the module in its id', () => {
    const test = passed('sub.test_b.TestC > test_in');
    const parts = { reference: [test], claim: [test] };
    expect(judge([failed(test.id)], { ...parts, files: ['sub/test_b.py'] }).result).toBe('BITES');
    expect(judge([failed(test.id)], { ...parts, files: ['sub/test_c.py'] }).result).toBe('VACUOUS');
  });

  it('bites if a test that the claim turned green fails', () => {
    expect(judge([failed('t.js > old')], { reference: [failed('t.js > old')], claim: [kept], files: [] }).result).toBe(
      'BITES',
    );
  });

  it('is vacuous if the claim adds no test', () => {
    expect(judge([kept], { claim: [kept], control: { outcome: 'PASS' } })).toEqual({
      result: 'VACUOUS',
      why: 'The claim adds no test that fails without its change.',
    });
  });

  it.each(['TIMEOUT', 'INFRA', 'CANCELLED', 'LEAK', 'LOST', 'REFUSED'] as const)(
    'is inconclusive if the control is %s',
    (outcome) => {
      expect(judge([failed('t.js > new')], { control: { outcome } }).result).toBe('INCONCLUSIVE');
    },
  );

  it('is inconclusive if the reference does not show which tests are new, unless every test fails', () => {
    const stage = record().stages[0];
    if (!stage) throw new Error('a record has a stage');
    const base: Partial<RunRecord> = { stages: [{ ...stage, tests: null }], outcome: 'FAIL' };
    const unknown = { reference: [], base };
    expect(judge([passed('t.js > old'), failed('t.js > new')], unknown)).toMatchObject({
      result: 'INCONCLUSIVE',
      why: expect.stringContaining('never came to stage "test"'),
    });
    expect(judge([failed('t.js > old'), failed('t.js > new')], unknown).result).toBe('BITES');
  });

  it('is inconclusive if a record was truncated', () => {
    expect(judge([failed('t.js > new')], { control: { testsCut: true } }).result).toBe('INCONCLUSIVE');
  });
});
