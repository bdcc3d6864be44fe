import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readReport, reportBytesMax } from '../../../runner/run/report.ts';
import { TestResult } from '../../../state/entry/record.ts';

function read(text: string): TestResult[] {
  const reading = readReport(new TextEncoder().encode(text), 'test', '/tree');
  if ('unreadable' in reading) throw new Error(reading.unreadable);
  return reading.tests;
}

function fixture(name: string): TestResult[] {
  return read(readFileSync(new URL(`../../fixtures/reports/${name}.xml`, import.meta.url), 'utf8'));
}

/** `<status or kind of failure> <id>` for each test. */
function lines(tests: TestResult[]): string[] {
  return tests.map((test) => `${test.failure?.kind ?? test.status} ${test.id}`);
}

function whyUnreadable(text: string): string {
  const reading = readReport(new TextEncoder().encode(text), 'test', '/tree');
  return 'unreadable' in reading ? reading.unreadable : 'it was read';
}

describe('a report of node:test', () => {
  it('makes ids from file, suites and name; tells assertions apart from errors, and todos from failures', () => {
    expect(lines(fixture('node'))).toEqual([
      'pass test/a.test.js > top',
      'error test/load.test.js',
      'error test/throws.test.js',
      'pass test/a.test.js > sum > adds',
      'pass test/a.test.js > sum > says "hi" & <b>',
      'assertion test/a.test.js > sum > is wrong',
      'assertion test/a.test.js > sum > assert.ok',
      'assertion test/a.test.js > sum > deepEqual',
      'error test/a.test.js > sum > throws type',
      'error test/a.test.js > sum > throws ref',
      'error test/a.test.js > sum > throws own error',
      'error test/a.test.js > sum > throws string',
      'assertion test/a.test.js > sum > rejects',
      'skip test/a.test.js > sum > skipped',
      'skip test/a.test.js > sum > skipped why',
      'todo test/a.test.js > sum > todo',
      'todo test/a.test.js > sum > todo failing',
      'pass test/a.test.js > sum > adds #2',
      'error test/a.test.js > sum > times out',
      'pass test/a.test.js > sum > inner > deep',
      'pass test/a.test.js > with subtests > sub a',
      'assertion test/a.test.js > with subtests > sub b',
      'error test/hook.test.js > h > x',
    ]);
  });

  it('recognises an assertion (also of chai, a subclass or a property) by its cause, not by words in a message', () => {
    expect(lines(fixture('node-failures'))).toEqual([
      'assertion b.test.js > property assert',
      'error b.test.js > property type',
      'assertion b.test.js > property false',
      'assertion b.test.js > chai',
      'error b.test.js > multi',
      'assertion b.test.js > own subclass',
      'error b.test.js > wrapped',
      'assertion b.test.js > throws',
      'assertion b.test.js > throws wrong',
      'assertion b.test.js > doesNotThrow',
      'assertion b.test.js > ifError',
      'error b.test.js > plan',
      'assertion b.test.js > uncaught',
      'assertion b.test.js > be > x',
      'pass b.test.js > parent fails itself > sub ok',
    ]);
  });

  it('has no test for a file that ended before its tests', () => {
    expect(fixture('node-exit')).toEqual([]);
    expect(fixture('node-empty')).toEqual([]);
  });
});

describe('a report of vitest', () => {
  it('tells assertions, snapshots and properties apart from errors, and tests from files that cannot load', () => {
    expect(lines(fixture('vitest'))).toEqual([
      'pass tests/a.test.ts > sum > adds',
      'pass tests/a.test.ts > sum > says "hi" & <b> > x',
      'assertion tests/a.test.ts > sum > is wrong',
      'assertion tests/a.test.ts > sum > node assert',
      'assertion tests/a.test.ts > sum > deep',
      'error tests/a.test.ts > sum > throws type',
      'error tests/a.test.ts > sum > throws ref',
      'error tests/a.test.ts > sum > throws error',
      'error tests/a.test.ts > sum > throws string',
      'assertion tests/a.test.ts > sum > rejects',
      'assertion tests/a.test.ts > sum > toThrow',
      'assertion tests/a.test.ts > sum > expect.fail',
      'assertion tests/a.test.ts > sum > unreachable',
      'assertion tests/a.test.ts > sum > assertions',
      'assertion tests/a.test.ts > sum > hasAssertions',
      'assertion tests/a.test.ts > sum > soft',
      'assertion tests/a.test.ts > sum > snapshot',
      'assertion tests/a.test.ts > sum > both',
      'error tests/a.test.ts > sum > times out',
      'skip tests/a.test.ts > sum > skipped',
      'skip tests/a.test.ts > sum > todo',
      'skip tests/a.test.ts > sum > ctx skip',
      'pass tests/a.test.ts > sum > expected fail',
      'error tests/a.test.ts > sum > unexpected pass',
      'pass tests/a.test.ts > sum > adds #2',
      'pass tests/a.test.ts > sum > each 1',
      'pass tests/a.test.ts > sum > each 2',
      'assertion tests/a.test.ts > fast > property',
      'assertion tests/a.test.ts > fast > property with expect',
      'error tests/empty.test.ts',
      'error tests/exit.test.ts > exits',
      'skip tests/hook.test.ts > h > x',
      'error tests/hook.test.ts > h',
      'error tests/load.test.ts',
      'error tests/throws.test.ts',
      'pass tests/unhandled.test.ts > leaves rejection',
      'error vitest unhandled errors > Unhandled Rejection: late',
    ]);
  });
});

describe('a report of pytest', () => {
  it('distinguishes failed asserts, other exceptions, and errors in fixtures or collection', () => {
    expect(lines(fixture('pytest'))).toEqual([
      'error test_load',
      'pass sub.test_b > test_b',
      'pass test_a > test_ok',
      'assertion test_a > test_assert',
      'assertion test_a > test_assert_msg',
      'error test_a > test_type',
      'error test_a > test_value',
      'assertion test_a > test_raise_assert',
      'assertion test_a > test_no_raise',
      'assertion test_a > test_fail',
      'skip test_a > test_skip',
      'todo test_a > test_xfail',
      'error test_a > test_xpass_strict',
      'pass test_a > test_xpass',
      'pass test_a > test_param[a "q"]',
      'pass test_a > test_param[<b>&]',
      'pass test_a.TestC > test_in',
      'assertion test_a.TestC > test_in_fail',
      'assertion test_a.TestU > test_eq',
      'assertion test_a.TestU > test_sub',
      'error test_a > test_fix',
      'error test_a > test_fix_assert',
      'error test_a > test_teardown',
      'error test_a > test_myerr',
    ]);
    expect(lines(fixture('pytest-collection'))).toEqual(['error test_load']);
    expect(fixture('pytest-empty')).toEqual([]);
  });

  it("does not treat a time-out of pytest's plug-in as an assertion", () => {
    const failure = '<failure message="Failed: Timeout &gt;1.0s">E  Failed: Timeout</failure>';
    const report = `<testsuites name="pytest tests"><testsuite name="pytest"><testcase classname="t" name="a">${failure}</testcase></testsuite></testsuites>`;
    expect(lines(read(report))).toEqual(['error t > a']);
  });
});

describe("a report of mocha's xunit reporter", () => {
  it('names the class of an error only in the stack below the message, and we find it there', () => {
    expect(lines(fixture('mocha'))).toEqual([
      'pass test/a.js > sum > adds',
      'pass test/a.js > sum > says "hi" & <b>',
      'assertion test/a.js > sum > wrong',
      'error test/a.js > sum > type',
      'error test/a.js > sum > err',
      'assertion test/a.js > sum > own',
      'skip test/a.js > sum > skip',
      'skip test/a.js > sum > pending',
      'error test/a.js > sum > times out',
      'pass test/a.js > sum > adds #2',
      'pass test/a.js > sum inner > x',
      'error test/a.js > hook > "before all" hook for "x"',
    ]);
  });
});

describe('any report', () => {
  it.each(['1e306', '1e400', '-1', 'NaN', 'soon', ''])('gives 0 ms to a test with the time %j', (time) => {
    const [test] = read(`<testsuites><testsuite name="a"><testcase name="b" time="${time}"/></testsuite></testsuites>`);
    expect(TestResult.parse(test).ms).toBe(0);
  });

  it('is unreadable if it is cut short, not XML, not a report, too deep, too large, or declares entities', () => {
    expect(whyUnreadable('<testsuites><testsuite name="a">')).toContain('not well-formed');
    expect(whyUnreadable('')).toContain('not well-formed');
    expect(whyUnreadable('ok 1 - all good')).toContain('not well-formed');
    expect(whyUnreadable('<html/>')).toContain('neither <testsuites>');
    expect(whyUnreadable('<!DOCTYPE a [<!ENTITY b "c">]><testsuites/>')).toContain('DOCTYPE');
    expect(whyUnreadable('<testsuites>&lt;<!entity b "c"></testsuites>')).toContain('DOCTYPE');
    const deep = 60;
    expect(whyUnreadable(`${'<testsuite>'.repeat(deep)}${'</testsuite>'.repeat(deep)}`)).toContain('nested');
    expect(whyUnreadable(`<testsuites>${' '.repeat(reportBytesMax)}</testsuites>`)).toContain('larger than 8 MB');
    expect(whyUnreadable('<testsuites><__proto__ x="1"/></testsuites>')).toContain('read safely');
    expect(whyUnreadable(`<testsuites>${'<testcase name="a"/>'.repeat(20_001)}</testsuites>`)).toContain('20000 tests');
  });

  it('has each entity decoded once', () => {
    const [test] = read(
      '<testsuite name="s" tests="1"><testcase classname="c" name="&amp;lt; &#x41;&#66; &#9999999;"/></testsuite>',
    );
    expect(test?.id).toBe('c > &lt; AB &#9999999;');
  });

  it('has distinct ids, each on one line, without terminal escapes or invisible characters', () => {
    const name = 'a\u202eb\u200b &#x1b;[31mred&#10;next';
    const report = `<testsuite name="s" tests="1">${`<testcase name="${name}"/>`.repeat(2)}<testcase name="ab rednext #2"/></testsuite>`;
    const ids = read(report.replaceAll('&#10;', ' ')).map((test) => test.id);
    expect(ids).toEqual(['ab red next', 'ab red next #2', 'ab rednext #2']);
    const clash = read(
      '<testsuite tests="3"><testcase name="x"/><testcase name="x #2"/><testcase name="x"/></testsuite>',
    );
    expect(clash.map((test) => test.id)).toEqual(['x', 'x #2', 'x #3']);
  });

  it('has its long ids shortened, and no two of them merged', () => {
    const long = 'n'.repeat(600);
    const ids = read(`<testsuite tests="2"><testcase name="${long}a"/><testcase name="${long}b"/></testsuite>`).map(
      (test) => test.id,
    );
    expect(new Set(ids).size).toBe(2);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(400);
  });

  it('has its text in CDATA read literally', () => {
    const failure = '<failure type="java.lang.AssertionError"><![CDATA[a &lt; b]]></failure>';
    const [test] = read(`<testsuite tests="1"><testcase classname="T" name="a">${failure}</testcase></testsuite>`);
    expect(test?.failure).toEqual({ kind: 'assertion', message: 'a &lt; b' });
  });
});
