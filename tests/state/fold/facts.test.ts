import { describe, expect, it } from 'vitest';
import { judged } from '../../../state/controls/judgement.ts';
import { checkFacts } from '../../../state/entry/body.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { factsSchema } from '../../../state/entry/entry.ts';
import { RunRecord } from '../../../state/entry/record.ts';
import { Expect } from '../../../state/entry/spec.ts';
import { alikeOf, lostFacts, recordBytes, runFacts } from '../../../state/fold/facts.ts';
import { fc } from '../../support/property.ts';
import { failed, passed, record, skipped } from '../../support/trail/records.ts';

describe('the facts of a run', () => {
  it('contain the members of the record, the counts of its tests, and the digest of its bytes', () => {
    const run = record({ tests: [passed('a > b'), skipped('c')] });
    const facts = runFacts(run);
    expect(factsSchema('run').parse(facts)).toEqual(facts);
    expect(facts).toMatchObject({ run: run.run, outcome: 'PASS', counts: { pass: 1, fail: 0, skip: 1 }, unmet: [] });
    expect(facts.results).toBe(digestOf(recordBytes(run)));
  });

  it('are the same for a record that was read back from its bytes', () => {
    const run = record({ tests: [failed('z'), passed('a > b')], outcome: 'FAIL' });
    const read = RunRecord.parse(JSON.parse(new TextDecoder().decode(recordBytes(run))));
    expect(runFacts(read)).toEqual(runFacts(run));
  });

  it('name no results if the run was lost', () => {
    const { run, purpose, recipe, shas } = record();
    const facts = lostFacts({ run, purpose, recipe, shas }, 'bubblewrap');
    expect(factsSchema('run').parse(facts)).toMatchObject({
      run,
      outcome: 'LOST',
      results: null,
      recipeDigest: recipe.digest,
    });
  });

  it('are allowed on the trail, whatever the names of the tests are', () => {
    const odd = fc.constantFrom('e\u0301', '\u3164', '\u202e', '\u200b', '\ud83d', '😀', '\0', '\n', '\u2028');
    const words = fc.string({ unit: fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 2 })), maxLength: 700 });
    const may = (facts: object) =>
      expect(checkFacts(facts) ?? factsSchema('run').safeParse(facts).error).toBe(undefined);
    fc.assert(
      fc.property(words, (name) => {
        const run = record({ tests: [failed(name)], outcome: 'FAIL', reason: name.slice(0, 500) });
        may(runFacts(run, { asks: [{ by: 'gate', expect: { pass: [name] } }], control: judged('VACUOUS', name) }));
      }),
    );
  });

  it('include what a control or a reproducer showed', () => {
    const control = { result: 'BITES', why: 'It does.' } as const;
    expect(runFacts(record({ reproducer: 'red' }), { control })).toMatchObject({ control, reproducer: 'red' });
  });
});

describe('runs are alike', () => {
  it('only if their tests have the same names and statuses, whatever their order and times', () => {
    const tests = fc.uniqueArray(fc.tuple(fc.string(), fc.boolean()), { selector: ([id]) => id, minLength: 1 });
    fc.assert(
      fc.property(tests, fc.nat(), (pairs, pick) => {
        const results = pairs.map(([id, ok]) => (ok ? passed(id) : failed(id)));
        const later = results.map((test) => ({ ...test, ms: test.ms + 7 })).reverse();
        expect(alikeOf(later)).toBe(alikeOf(results));
        const at = pick % results.length;
        const other = results.map((test, n) => (n === at ? skipped(test.id) : test));
        expect(alikeOf(other)).not.toBe(alikeOf(results));
        expect(alikeOf(results.toSpliced(at, 1))).not.toBe(alikeOf(results));
      }),
    );
  });
});

describe('what a gate expects', () => {
  const run = record({
    tests: [passed('t.js > restore > mail message'), failed('t.js > other'), skipped('t.js > later')],
    level: 2,
  });
  const unmet = (expected: object) => runFacts(run, { asks: [{ by: 'gate', expect: Expect.parse(expected) }] }).unmet;

  it('is met by the level, by tests that an id or the end of an id names, and by flags', () => {
    expect(
      unmet({
        level: 2,
        pass: ['t.js > restore > mail message', 'mail message', 'restore > mail message'],
        flags: ['clean_teardown'],
      }),
    ).toEqual([]);
  });

  it.each([
    [{ level: 3 }, 'level 3 is asked for, it reached 2'],
    [{ pass: ['message'] }, 'no test is called "message"'],
    [{ pass: ['other'] }, '"t.js > other" did not pass: fail'],
    [{ pass: ['later'] }, '"t.js > later" did not pass: skip'],
    [{ flags: ['no_secret_leak'] }, 'flag no_secret_leak is not established'],
  ])('%j is reported as unmet, with the reason', (expected, words) => {
    expect(unmet(expected)).toEqual([words]);
  });

  it('is unmet if a flag is false', () => {
    const leaky = record({ flags: { clean_teardown: false } });
    expect(
      runFacts(leaky, { asks: [{ by: 'gate', expect: Expect.parse({ flags: ['clean_teardown'] }) }] }).unmet,
    ).toEqual(['flag clean_teardown is false']);
  });
});
