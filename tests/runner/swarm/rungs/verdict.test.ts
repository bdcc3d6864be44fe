// Judging an app by its rungs: the verdict and the level are separate results, and one table covers both.

import { describe, expect, it } from 'vitest';
import { judgeRun, levelOf, type RunObservation, type StageEnd } from '../../../../runner/run/outcome.ts';
import { appRungs } from '../../../../state/entry/recipe.ts';
import type { TestResult } from '../../../../state/entry/record.ts';

type Told = 'pass' | 'fails a test' | 'fails' | 'skip';

function rung(name: string, told: Told): StageEnd {
  const test = (status: TestResult['status']): TestResult => ({ id: `${name} > works`, status, ms: 1, stage: name });
  const tests = told === 'skip' ? [] : [test(told === 'fails a test' ? 'fail' : 'pass')];
  return {
    name,
    started: true,
    exit: 0,
    signal: null,
    timedOut: false,
    outOfMemory: false,
    troubles: [],
    seconds: 60,
    memoryMb: 512,
    report: told === 'skip' ? { kind: 'none' } : { kind: 'read', tests },
    rung: {
      failed: told === 'fails' ? 'nothing was seeded' : null,
      skipped: told === 'skip' ? 'it keeps nothing' : null,
    },
  };
}

function judge(told: Partial<Record<string, Told>>, more: Partial<RunObservation> = {}) {
  const declared = appRungs.map((name) => ({ name, report: true }));
  const ended = appRungs.flatMap((name) => (told[name] ? [rung(name, told[name])] : []));
  return judgeRun({
    declared,
    setup: null,
    ended,
    refused: null,
    infra: null,
    cancelled: false,
    leak: null,
    testsCut: false,
    ...more,
  });
}

const allPass = { install: 'pass', upgrade: 'pass', backup_restore: 'pass', functional: 'pass', lint: 'pass' } as const;

describe('the verdict and the level of an app', () => {
  const cases: [string, Partial<Record<string, Told>>, Partial<RunObservation>, string, number, RegExp][] = [
    ['all rungs pass', allPass, {}, 'PASS', 5, /4 tests passed|5 tests passed/],
    ['a rung is skipped for a reason', { ...allPass, upgrade: 'skip' }, {}, 'PASS', 5, /passed/],
    ['the last rung is a skipped one', { install: 'pass', upgrade: 'skip' }, {}, 'PASS', 1, /1 test passed/],
    ['lint fails, which limits only the level', { ...allPass, lint: 'fails' }, {}, 'PASS', 4, /passed/],
    [
      'a test of the upgrade fails',
      { install: 'pass', upgrade: 'fails a test', lint: 'pass' },
      {},
      'FAIL',
      1,
      /Rung "upgrade": 1 test fails: upgrade > works/,
    ],
    [
      'a rung fails by itself',
      { install: 'pass', upgrade: 'pass', backup_restore: 'fails', lint: 'pass' },
      {},
      'FAIL',
      2,
      /Rung "backup_restore": nothing was seeded/,
    ],
    ['the install fails', { install: 'fails a test', lint: 'pass' }, {}, 'FAIL', 0, /install/],
    [
      'a secret leaked',
      allPass,
      { examined: 'A secret of the run leaked: db in the log of app.' },
      'FAIL',
      5,
      /secret/,
    ],
    [
      'a red rung is reported before the examination',
      { install: 'fails a test' },
      { examined: 'A secret …' },
      'FAIL',
      0,
      /install/,
    ],
    [
      'something outlived teardown',
      allPass,
      { leak: 'Teardown left something behind. A volume.' },
      'LEAK',
      5,
      /volume/,
    ],
    ['the engine broke', {}, { infra: 'Docker does not answer.' }, 'INFRA', 0, /Docker/],
    ['the compose file is refused', {}, { refused: 'compose.yml:3: a bind mount' }, 'REFUSED', 0, /bind mount/],
  ];

  for (const [name, rungs, more, outcome, level, reason] of cases) {
    it(`${name}: ${outcome}, level ${level}`, () => {
      const judged = judge(rungs, more);
      expect(judged).toMatchObject({ outcome, level });
      expect(judged.reason).toMatch(reason);
    });
  }

  it('a rung that was not reached is unverified, even if a later one was reached', () => {
    expect(judge({ install: 'fails a test', lint: 'pass' }).rungs).toEqual([
      'fail',
      'unverified',
      'unverified',
      'unverified',
      'pass',
    ]);
  });

  it('the level ends below the first unverified or failed rung', () => {
    expect(levelOf(['pass', 'unverified', 'pass', 'pass', 'pass'])).toBe(1);
    expect(levelOf(['pass', 'skip', 'skip', 'pass', 'fail'])).toBe(4);
    expect(levelOf(['skip', 'skip'])).toBe(0);
  });
});
