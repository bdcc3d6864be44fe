// Reads a JUnit XML report, as written by vitest, node:test, pytest, mocha (xunit) and others, into test results. Pure.
// A report is written by the process under test, so it is never trusted: it must keep to limits and is unreadable if
// anything is odd. Not here: whether the run passed (outcome.ts) and what counts as an assertion (assertion.ts).

import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { digestOf } from '../../state/entry/digest.ts';
import { withoutInvisible } from '../../state/entry/invisible.ts';
import type { TestResult } from '../../state/entry/record.ts';
import { failureKind, type ReportedFailure, type Writer } from './assertion.ts';

export const reportBytesMax = 8 * 1024 * 1024;
export const reportTestsMax = 20_000;
const nestingMax = 40;
const idCharsMax = 400;
const messageCharsMax = 300;

export type ReportReading = { tests: TestResult[] } | { unreadable: string };

/**
 * Returns test results in the report's order. `stage` is the stage that wrote it; `root` is the tree's path as that
 * stage saw it, removed from the front of file names. A report without tests is readable; one that is not well-formed
 * XML, declares entities or exceeds a limit is not, and `unreadable` has the reason. Pass the same `unique` for all
 * reports of a run.
 */
export function readReport(bytes: Uint8Array, stage: string, root: string, unique = uniqueIds()): ReportReading {
  if (bytes.byteLength > reportBytesMax) return { unreadable: `it is larger than ${reportBytesMax / 1024 / 1024} MB` };
  const text = new TextDecoder().decode(bytes);
  // Refused inside CDATA too: there it is harmless, but parsers often miss the difference, and no report needs it.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) return { unreadable: 'it declares a DOCTYPE or entities' };
  const wellFormed = XMLValidator.validate(text);
  if (wellFormed !== true)
    return { unreadable: `it is not well-formed XML (line ${wellFormed.err.line}: ${wellFormed.err.msg})` };
  let document: Element;
  try {
    document = parser.parse(text);
  } catch (cause) {
    return { unreadable: `it cannot be read safely as XML (${cause instanceof Error ? cause.message : cause})` };
  }
  if (document.testsuites === undefined && document.testsuite === undefined) {
    return { unreadable: 'it has neither <testsuites> nor <testsuite> at its top' };
  }
  const writer = writerOf(document);
  const cases = casesOf(document, root).filter((test) => !isFileWithoutTests(writer, test));
  if (cases.length > reportTestsMax) return { unreadable: `it lists more than ${reportTestsMax} tests` };
  return { tests: cases.map((test) => resultOf(writer, test, stage, unique)) };
}

type Element = { [name: string]: unknown; testsuites?: unknown; testsuite?: unknown };
type Case = {
  /** Names of the suites around the test, outermost first. */
  suites: string[];
  file: string;
  classname: string;
  name: string;
  ms: number;
  skipped: string | null;
  failures: ReportedFailure[];
};

const lists = new Set(['testsuite', 'testcase', 'failure', 'error', 'skipped']);
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  cdataPropName: '#cdata',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Entities are decoded by `decodeEntities`, once: the parser would skip numeric ones.
  processEntities: false,
  maxNestedTags: nestingMax,
  isArray: (name) => lists.has(name),
});

function writerOf(document: Element): Writer {
  const top = elements(document.testsuites)[0];
  const name = top === undefined ? '' : attribute(top, 'name');
  if (name === 'vitest tests') return 'vitest';
  const first = elements(top?.testsuite)[0];
  if (name === 'pytest tests' || (first !== undefined && attribute(first, 'name') === 'pytest')) return 'pytest';
  if (top === undefined || '@name' in top || '@tests' in top) return 'other';
  const cases = casesOf(document, '');
  return cases.every((test) => test.classname === (test.suites.join('.') || 'test')) ? 'node' : 'other';
}

function casesOf(document: Element, root: string): Case[] {
  const cases: Case[] = [];
  const visit = (suite: Element, suites: string[]): void => {
    for (const test of elements(suite.testcase)) cases.push(caseOf(test, suites, root));
    for (const inner of elements(suite.testsuite)) visit(inner, [...suites, attribute(inner, 'name')]);
  };
  for (const top of elements(document.testsuites)) visit(top, []);
  if (document.testsuites === undefined) visit(document, []);
  return cases;
}

function caseOf(test: Element, suites: string[], root: string): Case {
  const skipped = elements(test.skipped)[0];
  const ms = Math.round(Number(attribute(test, 'time')) * 1000);
  const failures = [
    ...elements(test.failure).map((element) => failureOf('failure', element)),
    ...elements(test.error).map((element) => failureOf('error', element)),
  ];
  return {
    suites,
    file: inTree(attribute(test, 'file'), root),
    classname: inTree(attribute(test, 'classname'), root),
    name: attribute(test, 'name'),
    ms: Number.isSafeInteger(ms) && ms > 0 ? ms : 0,
    skipped: skipped === undefined ? null : attribute(skipped, 'type'),
    failures,
  };
}

function failureOf(element: 'failure' | 'error', inner: Element): ReportedFailure {
  const text = [inner['#text']].flat().filter((part) => typeof part === 'string');
  const cdata = [inner['#cdata']].flat().filter((part) => typeof part === 'string');
  const body = `${decodeEntities(text.join(''))}${cdata.join('')}`;
  return { element, type: attribute(inner, 'type'), message: attribute(inner, 'message'), body };
}

/** node:test lists a file that declared no test (or called process.exit) as one passed test named by its path. */
function isFileWithoutTests(writer: Writer, test: Case): boolean {
  return writer === 'node' && test.failures.length === 0 && test.skipped === null && isWholeFile(writer, test);
}

/** True for an entry that stands for a whole file: it could not be loaded, or did not end through its tests. */
function isWholeFile(writer: Writer, test: Case): boolean {
  if (writer === 'vitest') return test.name === test.classname;
  if (writer !== 'node' || test.suites.length > 0) return false;
  if (test.file === '') return /\.[cm]?[jt]sx?$/.test(test.name);
  return test.file === test.name || test.file.endsWith(`/${test.name}`);
}

function resultOf(writer: Writer, test: Case, stage: string, unique: (id: string) => string): TestResult {
  const whole = isWholeFile(writer, test);
  const result = { id: unique(idOf(writer, test, whole)), status: statusOf(test), ms: test.ms, stage };
  if (result.status !== 'fail') return result;
  const kinds = test.failures.map((failure) => failureKind(writer, failure));
  const kind = !whole && kinds.includes('assertion') ? 'assertion' : 'error';
  const first = test.failures[0];
  const message = clean(unquote(writer, first?.message || first?.body || '')).slice(0, messageCharsMax);
  return { ...result, failure: { kind, message } };
}

function statusOf(test: Case): TestResult['status'] {
  // node:test marks a failing todo as both skipped and failed; pytest calls a todo an expected failure.
  if (test.skipped === 'todo' || test.skipped === 'pytest.xfail') return 'todo';
  if (test.failures.length > 0) return 'fail';
  return test.skipped === null ? 'pass' : 'skip';
}

function idOf(writer: Writer, test: Case, whole: boolean): string {
  const parts = whole ? [test.file || test.classname] : partsOf(writer, test);
  const id = parts
    .map((part) => clean(unquote(writer, part)))
    .filter((part, at, all) => part !== '' && part !== all[at - 1]);
  const joined = id.join(' > ') || '(unnamed)';
  if (joined.length <= idCharsMax) return joined;
  return `${joined.slice(0, idCharsMax - 13)}… ${digestOf(joined).slice(0, 10)}`;
}

function partsOf(writer: Writer, test: Case): string[] {
  if (writer === 'node') return [test.file, ...test.suites, test.name];
  return [test.file, test.classname, test.name];
}

/** Numbers repeated ids: `adds`, `adds #2`, `adds #3`. */
export function uniqueIds(): (id: string) => string {
  const seen = new Map<string, number>();
  return (id) => {
    let count = seen.get(id) ?? 0;
    let name = id;
    do {
      count += 1;
      name = count === 1 ? id : `${id} #${count}`;
    } while (count > 1 && seen.has(name));
    seen.set(id, count);
    if (name !== id) seen.set(name, 1);
    return name;
  };
}

function inTree(file: string, root: string): string {
  return root !== '' && file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
}

/** One line without escapes, control, bidi or zero-width characters: ids reach the trail, prompts and terminals. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const plain = text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/\s+/g, ' ');
  return withoutInvisible(plain)
    .replace(/\p{Co}/gu, '')
    .trim();
}

/** node:test escapes quotes twice. */
function unquote(writer: Writer, text: string): string {
  return writer === 'node' ? text.replaceAll('&quot;', '"') : text;
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

function elements(value: unknown): Element[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map((one) => (typeof one === 'string' ? { '#text': one } : one));
}

function attribute(element: Element, name: string): string {
  const value = element[`@${name}`];
  return typeof value === 'string' ? decodeEntities(value) : '';
}
