// Which files and functions `hollow`, `placebo` and sabotage change, and what the records of their runs show together.

import { describe, expect, it } from 'vitest';
import { functionsIn } from '../../../state/controls/functions.ts';
import {
  type ChangedSource,
  changedFunctions,
  drawFunctions,
  emptyFunction,
  hollowRunsMax,
  judgeHollow,
} from '../../../state/controls/hollow.ts';
import { isSource, judgePlacebo, neutral } from '../../../state/controls/placebo.ts';
import { applyPatch, judgeSabotage } from '../../../state/controls/sabotage.ts';
import type { RunRecord, TestResult } from '../../../state/entry/record.ts';
import { fc } from '../../support/property.ts';
import { failed, passed, record, skipped } from '../../support/trail/records.ts';

function source(path: string, before: string | null, after: string): ChangedSource {
  return { path, mode: '100644', before, after };
}

function work(...sources: ChangedSource[]) {
  return { testFiles: [], sources, gone: [] as { path: string; before: string }[], others: [] as string[] };
}

const old = passed('t.js > old');
const added = passed('t.js > new');
const red: Partial<RunRecord> = { outcome: 'FAIL', reason: 'Tests fail.' };

describe('the functions that a claim changes', () => {
  const before = 'export function kept() { return 1; }\nexport function changed() { return 2; }\n';

  it('are those that are new or edited, not those that only moved or that the plan exempts', () => {
    const after = `export function added() { return 4; }\nexport function changed() { return 3; }\nexport function kept() { return 1; }\n`;
    const found = (exempt: string[] = []) =>
      changedFunctions(work(source('a.js', before, after)), exempt).map(({ found }) => found.name);
    expect(found()).toEqual(['added', 'changed']);
    expect(found(['added'])).toEqual(['changed']);
    expect(found(['a.js:added'])).toEqual(['changed']);
    expect(found(['b.js:added', 'add', 'a.js:add', 'a.js'])).toEqual(['added', 'changed']);
  });

  it('are not those that were copied or moved from another file', () => {
    const here = source('b.js', null, before);
    const names = (gone: { path: string; before: string }[], ...sources: ChangedSource[]) =>
      changedFunctions({ sources, gone }, []).map(({ found }) => found.name);
    expect(names([], here)).toEqual(['kept', 'changed']);
    expect(names([{ path: 'a.js', before }], here)).toEqual([]);
    expect(names([], here, source('a.js', before, ''))).toEqual([]);
  });

  it('are all functions of a new file except empty ones', () => {
    const file = source('a.js', null, `${before}export function nothing() {}\n`);
    expect(changedFunctions(work(file), []).map(({ found }) => found.name)).toEqual(['kept', 'changed']);
  });

  it('are none if the claim changes too much text to search', () => {
    expect(changedFunctions({ sources: null, gone: [] }, [])).toEqual([]);
  });

  it('are drawn by a nonce: each at most once and only up to a limit; another nonce draws others', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.string(), (count, nonce) => {
        const lots = drawFunctions(count, nonce);
        expect(lots).toHaveLength(Math.min(count, hollowRunsMax));
        expect(new Set(lots).size).toBe(lots.length);
        expect(lots.every((n) => n >= 1 && n <= count)).toBe(true);
      }),
    );
    expect(drawFunctions(100, 'one')).toEqual(drawFunctions(100, 'one'));
    expect(drawFunctions(100, 'one')).not.toEqual(drawFunctions(100, 'other'));
  });
});

describe('an emptied function', () => {
  const [tried = null] = changedFunctions(work(source('src/a.js', null, 'function store(x) {\n  return x;\n}\n')), []);

  function judge(tests: TestResult[], control: Partial<RunRecord> = red, claim: Partial<RunRecord> = {}) {
    return judgeHollow(
      { claim: record({ tests: [old, added], ...claim }), control: record({ tests, ...control }) },
      tried,
    );
  }

  it('bites if a green test fails in any way', () => {
    expect(emptyFunction(tried as NonNullable<typeof tried>)).toBe('function store(x) { return;\n  return x;\n}\n');
    expect(judge([old, failed('t.js > new')])).toEqual({
      result: 'BITES',
      why: 'With store (src/a.js:1) emptied these fail: "t.js > new".',
    });
    expect(judge([failed('t.js > old', 'error'), added]).result).toBe('BITES');
  });

  it('is vacuous if every test stays green, and names the function', () => {
    expect(judge([old, added], { outcome: 'PASS' })).toEqual({
      result: 'VACUOUS',
      why: 'With store (src/a.js:1) emptied every test stays green. Test what it does, or leave it out.',
    });
  });

  it.each([
    ['a test did not run', [old], red],
    ['a test was skipped', [old, skipped('t.js > new')], red],
    ['no test was found', [], { outcome: 'NO_TESTS' as const }],
    ['a stage without tests failed', [old, added], red],
    ['it took too long', [], { outcome: 'TIMEOUT' as const }],
    ['the record was truncated', [failed('t.js > old')], { ...red, testsCut: true }],
  ])('is inconclusive if %s', (_, tests, control) => {
    expect(judge(tests, control).result).toBe('INCONCLUSIVE');
  });

  it('is inconclusive if the claim was not green or there is no such function', () => {
    expect(judge([failed('t.js > old')], red, { outcome: 'FAIL' }).result).toBe('INCONCLUSIVE');
    expect(judgeHollow({ claim: record(), control: record() }, null).result).toBe('INCONCLUSIVE');
  });
});

describe('a neutral edit', () => {
  it('adds a comment at the end of the file and at the start of each function of several lines', () => {
    const js = 'export function a() {\n  return 1;\n}\nexport const b = (x) => x;';
    expect(neutral({ path: 'a.js', after: js })).toBe(
      'export function a() {\n  //\n  return 1;\n}\nexport const b = (x) => x;\n//\n',
    );
    const py = 'def a():\n    """Words."""\n    return 1\n';
    expect(neutral({ path: 'a.py', after: py })).toBe('def a():\n    #\n    """Words."""\n    return 1\n#\n');
    expect(neutral({ path: 'run.sh', after: 'echo\r\n' })).toBe('echo\r\n#\r\n');
  });

  it('is null for a file where a comment might mean something', () => {
    for (const path of ['README.md', 'data.json', 'page.html', 'notes', 'x.constructor']) {
      expect(neutral({ path, after: 'text' })).toBeNull();
      expect(isSource(path)).toBe(false);
    }
  });

  it('leaves the functions as they are', () => {
    const files = fc.array(
      fc.constantFrom('function f() {\n  return 1;\n}', 'const g = () => {\n\n  h();\n};', 'k();'),
    );
    fc.assert(
      fc.property(files, (parts) => {
        const after = parts.join('\n');
        const edited = neutral({ path: 'a.js', after }) ?? '';
        expect(edited).not.toBe(after);
        expect(edited.replace(/^\s*\/\/\n/gm, '').trimEnd()).toBe(after.trimEnd());
        expect(functionsIn('a.js', edited).map(({ name }) => name)).toEqual(
          functionsIn('a.js', after).map(({ name }) => name),
        );
      }),
    );
  });
});

describe('a placebo', () => {
  const files = work(source('a.js', null, ''));

  function judge(control: Partial<RunRecord> & { tests?: TestResult[] }, of = files, claim: Partial<RunRecord> = {}) {
    return judgePlacebo({ claim: record({ tests: [old, added], ...claim }), control: record(control) }, of);
  }

  it('bites if every test gives the same result, and names the files that could not be edited', () => {
    const tests = [added, old];
    expect(judge({ tests }, { ...files, others: ['README.md'] })).toEqual({
      result: 'BITES',
      why: 'With comments added to 1 changed file every test came out the same. Not edited: README.md.',
    });
    expect(judge({ tests }, work())).toEqual({ result: 'BITES', why: 'There is nothing to edit.' });
  });

  it.each([
    ['a test fails', { ...red, tests: [old, failed('t.js > new')] }, /"t.js > new"/],
    ['a test is missing', { tests: [old] }, /"t.js > new"/],
    ['a test is new', { tests: [old, added, passed('t.js > other')] }, /"t.js > other"/],
    ['a stage fails', { ...red, tests: [old, added] }, /the run is FAIL: Tests fail/],
  ])('is vacuous if %s', (_, control, why) => {
    expect(judge(control)).toMatchObject({ result: 'VACUOUS', why: expect.stringMatching(why) });
  });

  it('is inconclusive if its run did not finish, the claim was red, or there is too much text to edit', () => {
    const tests = [old, added];
    expect(judge({ tests, outcome: 'TIMEOUT' }).result).toBe('INCONCLUSIVE');
    expect(judge({ tests }, files, { outcome: 'FAIL' }).result).toBe('INCONCLUSIVE');
    expect(judgePlacebo({ claim: record(), control: record() }, { sources: null, others: [] }).result).toBe(
      'INCONCLUSIVE',
    );
  });
});

describe('a sabotage', () => {
  function judge(tests: TestResult[], control: Partial<RunRecord> = red, changedTestFiles: string[] = []) {
    const runs = { reference: record({ tests: [old] }), claim: record({ tests: [old, added] }) };
    return judgeSabotage({ ...runs, control: record({ tests, ...control }), changedTestFiles });
  }

  it('bites if a test of the claim fails on an assertion', () => {
    expect(judge([old, failed('t.js > new')])).toMatchObject({ result: 'BITES', why: expect.stringContaining('new') });
    expect(judge([failed('t.js > old'), added], red, ['t.js']).result).toBe('BITES');
  });

  it.each([
    ['survives', [old, added], { outcome: 'PASS' as const }, /Every test stays green/],
    ['stops the tests from loading', [], red, /What went red: "t.js > old", "t.js > new"/],
    ['makes a test fail with an error', [old, failed('t.js > new', 'error')], red, /"t.js > new"/],
    ['makes a test fail that the claim did not touch', [failed('t.js > old'), added], red, /"t.js > old"/],
    ['makes a stage without tests fail', [old, added], red, /but no test: Tests fail/],
    ['takes too long', [], { outcome: 'TIMEOUT' as const }, /TIMEOUT/],
  ])('is inconclusive, and does not make the claim red, if it %s', (_, tests, control, why) => {
    expect(judge(tests, control)).toMatchObject({ result: 'INCONCLUSIVE', why: expect.stringMatching(why) });
  });

  it('is applied edit by edit, and refused if a text does not occur exactly once or nothing changes', () => {
    const files = new Map([['a.js', { after: 'one two one' }]]);
    const apply = (...edits: [find: string, replace: string, path?: string][]) =>
      applyPatch(
        edits.map(([find, replace, path = 'a.js']) => ({ path, find, replace })),
        files,
      );
    expect(apply(['two', 'three'], ['three', '$&'])).toEqual({ files: new Map([['a.js', 'one $& one']]) });
    expect(apply(['one', ''])).toEqual({ refused: 'a.js holds this more than once: "one"' });
    expect(apply(['four', ''])).toEqual({ refused: 'a.js holds this nowhere: "four"' });
    expect(apply(['two', 'two'])).toEqual({ refused: 'nothing would change in a.js' });
    expect(apply(['two', '', 'tests/a.js'])).toEqual({
      refused: 'tests/a.js is no production file that the claim adds or changes',
    });
  });
});
