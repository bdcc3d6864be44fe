// What the records of a drill, or of `published` for an app, show together. The example is that of the seed mailu: two
// volumes, one with an account and one with a message, and a test that checks only the account.

import { describe, expect, it } from 'vitest';
import { idInTurn, judgeDrill, noticedIn, turnsOf, withAll } from '../../../state/controls/drill.ts';
import { isOfApp, judgePublished } from '../../../state/controls/published.ts';
import { type AppFacts, checkId, isCheck, type RunRecord, type TestResult } from '../../../state/entry/record.ts';
import { failed, passed, record, skipped } from '../../support/trail/records.ts';

const account = 'tests/restore.test.ts > restore > account';
const message = 'tests/restore.test.ts > restore > mail message';
const stands = checkId('backup_restore', 'every service stands');

function app(...backedUp: string[]): AppFacts {
  return {
    deploys: { made: 1, expected: 1 },
    crossover: null,
    images: {},
    backedUp,
    witnesses: null,
    residue: 0,
    lint: [],
    denied: [],
  };
}

function inTurn(turn: string, ...tests: TestResult[]): TestResult[] {
  return tests.map((test) => ({ ...test, id: idInTurn(turn, test.id) }));
}

const claim = record({ app: app('accounts', 'mail'), tests: [passed(stands), passed(account), passed(message)] });
const all = inTurn(withAll, passed(stands), passed(account), passed(message));
const withoutAccounts = inTurn('without accounts', passed(stands), failed(account), failed(message));
const withoutMail = inTurn('without mail', passed(stands), passed(account), failed(message));

function drill(tests: TestResult[], more: Partial<RunRecord> = {}): RunRecord {
  return record({ outcome: 'FAIL', reason: 'Tests fail.', app: app('accounts', 'mail'), ...more, tests });
}

function judge(tests: TestResult[], more: Partial<RunRecord> = {}, own: RunRecord = claim) {
  return judgeDrill('omit-volume', { claim: own, control: drill(tests, more) });
}

describe('omit-volume', () => {
  it('bites if in every turn an assertion fails in a test that is green with all restored', () => {
    const { result, why } = judge([...all, ...withoutAccounts, ...withoutMail]);
    expect(result).toBe('BITES');
    expect(why).toMatch(/"accounts" left out .*restore > account.*"mail" left out .*restore > mail message/);
  });

  it('is vacuous if a turn stays green, and names only the volume of that turn', () => {
    const shallow = [
      ...inTurn(withAll, passed(account)),
      ...inTurn('without accounts', failed(account)),
      ...inTurn('without mail', passed(account)),
    ];
    const { result, why } = judge(shallow);
    expect(result).toBe('VACUOUS');
    expect(why).toMatch(/stays green with the volume "mail" left out/);
    expect(why).not.toContain('accounts');
    const both = judge([
      ...inTurn(withAll, passed(account)),
      ...turnsOf('omit-volume', ['accounts', 'mail']).flatMap((turn) => inTurn(turn, passed(account))),
    ]);
    expect(both).toMatchObject({ result: 'VACUOUS', why: expect.stringMatching(/"accounts" .* and .*"mail"/) });
  });

  it('is vacuous for one volume even if the turn of another is missing', () => {
    const tests = [...all, ...inTurn('without accounts', passed(stands), passed(account), passed(message))];
    expect(judge(tests)).toMatchObject({ result: 'VACUOUS', why: expect.not.stringContaining('mail"') });
  });

  it.each([
    ['a turn is missing', [...all, ...withoutAccounts], /"mail" left out of the restore these did not run/],
    ['no turn restored everything', [...withoutAccounts, ...withoutMail], /With all restored no test of the claim ran/],
    [
      'a test fails with all restored',
      [...inTurn(withAll, passed(stands), passed(account), failed(message)), ...withoutAccounts, ...withoutMail],
      /With all restored these fail: ".*mail message"/,
    ],
    [
      'a turn has only errors',
      [
        ...all,
        ...withoutAccounts,
        ...inTurn('without mail', passed(stands), passed(account), failed(message, 'error')),
      ],
      /fail, but not on an assertion: ".*mail message"/,
    ],
    [
      'a test is skipped in its turn',
      [...all, ...withoutAccounts, ...inTurn('without mail', passed(stands), passed(account), skipped(message))],
      /these did not run: ".*mail message"/,
    ],
    [
      'the only test that fails was not green with all restored',
      [...all, ...withoutAccounts, ...inTurn('without mail', passed(stands), failed('tests/other.test.ts > x'))],
      /these did not run/,
    ],
  ])('is inconclusive if %s', (_, tests, why) => {
    expect(judge(tests)).toMatchObject({ result: 'INCONCLUSIVE', why: expect.stringMatching(why) });
  });

  it('ignores a test that exists only in drills', () => {
    const own = record({ app: app('accounts', 'mail'), tests: [passed(stands), passed(account)] });
    expect(judge([...all, ...withoutAccounts, ...withoutMail], {}, own)).toMatchObject({
      result: 'VACUOUS',
      why: expect.stringContaining('"mail"'),
    });
  });

  it('counts harness checks: an app that does not start without its volume is noticed', () => {
    const down = turnsOf('omit-volume', ['accounts', 'mail']).flatMap((turn) => inTurn(turn, failed(stands)));
    expect(judge([...all, ...down]).result).toBe('BITES');
  });

  it('needs a turn for each volume that the gate run of the claim backed up', () => {
    const { result } = judge([...all, ...withoutAccounts], { app: app('accounts') });
    expect(result).toBe('INCONCLUSIVE');
    const none = record({ app: app(), tests: [passed(account)] });
    expect(judge([...all], { app: app() }, none)).toMatchObject({
      result: 'INCONCLUSIVE',
      why: 'The app backs up no volume, so none can be left out.',
    });
  });

  it.each(['TIMEOUT', 'LEAK', 'REFUSED'] as const)('is inconclusive if the run ended %s', (outcome) => {
    expect(judge([...all, ...withoutAccounts, ...withoutMail], { outcome }).result).toBe('INCONCLUSIVE');
  });

  it('is inconclusive if the gate run of the claim is red or a record was truncated', () => {
    const red = { ...claim, outcome: 'FAIL' as const };
    expect(judge([...all, ...withoutAccounts, ...withoutMail], {}, red).result).toBe('INCONCLUSIVE');
    expect(judge([...all, ...withoutAccounts, ...withoutMail], { testsCut: true }).result).toBe('INCONCLUSIVE');
  });

  it('is inconclusive if the engine of the run has no drills', () => {
    const { app: _, ...plain } = record({ tests: claim.tests });
    expect(judgeDrill('omit-volume', { claim, control: plain }).result).toBe('INCONCLUSIVE');
  });
});

describe('no-restore', () => {
  const judgement = (tests: TestResult[]) => judgeDrill('no-restore', { claim, control: drill([...all, ...tests]) });

  it('bites if a test fails on an assertion with nothing restored', () => {
    expect(judgement(inTurn('without any', failed(account))).result).toBe('BITES');
  });

  it('is vacuous if every test stays green with nothing restored', () => {
    const green = inTurn('without any', passed(stands), passed(account), passed(message));
    expect(judgement(green)).toMatchObject({ result: 'VACUOUS', why: expect.stringMatching(/with nothing restored/) });
  });
});

describe('published of an app', () => {
  const reference = record({ app: app('accounts'), tests: [passed(stands), passed(account)] });
  const drilled = drill([...all, ...withoutAccounts, ...withoutMail]);
  const judgement = (more: Partial<Parameters<typeof judgePublished>[0]>) =>
    judgePublished({
      reference,
      claim,
      drills: [],
      isReverted: true,
      changedTestFiles: ['tests/restore.test.ts'],
      control: drill([passed(stands), passed(account), failed(message)]),
      ...more,
    });
  const green = record({ app: app('accounts'), tests: [passed(stands), passed(account), passed(message)] });

  it('bites if the claim’s test fails on the app without the change', () => {
    expect(judgement({})).toMatchObject({ result: 'BITES', why: expect.stringContaining('mail message') });
  });

  it('is vacuous if the claim’s test passes on that app and fails in no drill', () => {
    expect(judgement({ control: green }).result).toBe('VACUOUS');
    const shallow = drill([...all, ...withoutAccounts, ...inTurn('without mail', passed(account), passed(message))]);
    const looked = drill([
      ...all,
      ...inTurn('without accounts', failed(account)),
      ...inTurn('without mail', passed(message)),
    ]);
    expect(judgement({ control: green, drills: [looked] }).result).toBe('VACUOUS');
    expect(judgement({ control: green, drills: [shallow] }).result).toBe('BITES');
  });

  it('bites for a claim that adds nothing but tests, if each of these fails in a drill', () => {
    const alone = { control: green, isReverted: false };
    expect(judgement({ ...alone, drills: [drilled] })).toMatchObject({
      result: 'BITES',
      why: expect.stringMatching(/volume left out .*mail message/),
    });
    expect(judgement(alone)).toMatchObject({
      result: 'INCONCLUSIVE',
      why: 'The claim leaves the app as it was, so it cannot tell whether these look: "tests/restore.test.ts > restore > mail message".',
    });
    const idle = passed('tests/functional.test.ts > page > is there');
    const more = {
      claim: record({ ...claim, tests: [...claim.tests, idle] }),
      control: record({ ...green, tests: [...green.tests, idle] }),
    };
    expect(judgement({ ...alone, ...more, drills: [drilled] })).toMatchObject({
      result: 'INCONCLUSIVE',
      why: expect.stringMatching(/whether these look: "tests\/functional/),
    });
  });

  it('is inconclusive for a claim that changes neither app nor tests', () => {
    const same = { claim: reference, control: reference, isReverted: false, changedTestFiles: [] };
    expect(judgement(same)).toEqual({
      result: 'INCONCLUSIVE',
      why: 'The claim leaves the app as it was, and adds no test.',
    });
    expect(judgement({ ...same, isReverted: true }).result).toBe('VACUOUS');
  });

  it('expects nothing of harness checks that are new with the claim', () => {
    const check = passed(checkId('backup_restore', 'volume mail is filled again'));
    const own = record({ ...claim, tests: [...claim.tests, check] });
    expect(judgement({ claim: own }).result).toBe('BITES');
    expect(
      judgement({
        claim: own,
        control: record({ ...green, tests: [passed(stands), passed(account), passed(message)] }),
      }).result,
    ).toBe('VACUOUS');
  });

  it('is inconclusive if a test only crashes on the app without the change, unless that test fails in a drill', () => {
    const control = drill([passed(stands), passed(account), failed(message, 'error')]);
    expect(judgement({ control }).result).toBe('INCONCLUSIVE');
    expect(judgement({ control, drills: [drilled] }).result).toBe('BITES');
  });

  it.each(['TIMEOUT', 'REFUSED'] as const)(
    'is inconclusive if the run ended %s, whatever the drills show',
    (outcome) => {
      expect(judgement({ control: { ...green, outcome }, drills: [drilled] }).result).toBe('INCONCLUSIVE');
    },
  );
});

it('what a drill counts: tests that are green with all restored and fail on an assertion in some turn', () => {
  const tests = [...all, ...withoutMail, ...inTurn('without accounts', failed(account, 'error'), failed('x > y'))];
  expect(noticedIn(drill(tests))).toEqual(new Set([message]));
});

it('a harness check is recognised by the prefix of its id, which no file name can have', () => {
  expect(isCheck({ id: stands })).toBe(true);
  for (const id of [account, `tests/a.test.ts > ${stands}`, 'install > other', 'coldpass > x'])
    expect(isCheck({ id })).toBe(false);
});

it.each([
  ['compose.yml', '.', true],
  ['README.md', '.', false],
  ['apps/mail/compose.yml', 'apps/mail', true],
  ['apps/mailman/compose.yml', 'apps/mail', false],
])('%s belongs to an app at %s: %s', (path, at, is) => {
  expect(isOfApp(path, { app: at })).toBe(is);
});
