import { describe, expect, it } from 'vitest';
import { type Entry, type Kind, kinds } from '../../../state/entry/entry.ts';
import { Refused } from '../../../state/entry/errors.ts';
import { Role } from '../../../state/entry/ids.ts';
import {
  fileFor,
  mayWrite,
  misplaced,
  partOf,
  sealedName,
  signersOf,
  subjectFor,
} from '../../../state/entry/policy.ts';

const digest = 'a'.repeat(64);
const run = 'r-0123456789ab';
const session = 's-0123456789ab';

function entry(kind: Kind, role: string, facts: object = {}, id = 41): Entry {
  const body = '';
  return {
    id,
    at: '2026-06-11T20:58:03Z',
    kind,
    role,
    phase: 'mailu',
    facts: { session, ...facts },
    body,
  } as unknown as Entry;
}

describe('an entry goes', () => {
  it.each<[Kind, string, string]>([
    ['phase', 'supervisor', 'STATUS-mailu'],
    ['session', 'supervisor', 'SESSIONS-mailu'],
    ['run', 'runner', 'RUNS-mailu'],
    ['claim', 'builder', 'STATUS-mailu'],
    ['blocked', 'builder', 'STATUS-mailu'],
    ['note', 'builder', 'STATUS-mailu'],
    ['note', 'adversary', 'REVIEW-mailu'],
    ['item', 'builder', 'BACKLOG-mailu'],
    ['journal', 'builder', 'JOURNAL-mailu'],
    ['verdict', 'adversary', 'REVIEW-mailu'],
    ['advice', 'adversary', 'REVIEW-mailu'],
    ['finding', 'adversary', 'BACKLOG-mailu'],
    ['veto', 'adversary', 'REVIEW-mailu'],
    ['decision', 'builder', 'DECISIONS'],
    ['decision', 'adversary', 'DECISIONS'],
    ['deferral', 'adversary', 'DEFERRED'],
    ['reentry', 'supervisor', 'DEFERRED'],
    ['act', 'operator', 'OPERATOR'],
    ['refusal', 'supervisor', 'OPERATOR'],
  ])('%s by the %s to %s.md', (kind, role, file) => {
    expect(fileFor(entry(kind, role))).toBe(`machine-docs/${file}.md`);
    expect(signersOf(kind)).toContain(role);
  });

  it('to no file if its role may not write that kind', () => {
    for (const kind of kinds.filter((one) => one !== 'close')) {
      for (const role of Role.options.filter((one) => !signersOf(kind).includes(one))) {
        expect(() => fileFor(entry(kind, role)), `${kind} by ${role}`).toThrow(Refused);
      }
    }
  });

  it('to no file if it lacks the phase that its file is named after', () => {
    expect(() => fileFor({ ...entry('claim', 'builder'), phase: null })).toThrow('a claim belongs to a phase');
    expect(fileFor({ ...entry('decision', 'builder'), phase: null })).toBe('machine-docs/DECISIONS.md');
  });

  it('to the file of its target if it closes an entry', () => {
    const close = entry('close', 'adversary');
    expect(fileFor(close, 'machine-docs/BACKLOG-mailu.3.md')).toBe('machine-docs/BACKLOG-mailu.md');
    expect(fileFor(close, 'machine-docs/REVIEW-mailu.md')).toBe('machine-docs/REVIEW-mailu.md');
    expect(() => fileFor(close, 'machine-docs/JOURNAL-mailu.md')).toThrow('the adversary has nothing to close in');
    expect(() => fileFor(close)).toThrow("its target's file");
    expect(signersOf('close')).toEqual(['builder', 'adversary']);
  });
});

describe('a path', () => {
  it.each<[string, string[]]>([
    ['machine-docs/STATUS-mailu.md', ['supervisor', 'builder']],
    ['machine-docs/STATUS-mailu.2.md', ['supervisor', 'builder']],
    ['machine-docs/SESSIONS-mailu.md', ['supervisor']],
    ['machine-docs/RUNS-mailu.12.md', ['runner']],
    ['machine-docs/BACKLOG-mailu.md', ['builder', 'adversary']],
    ['machine-docs/JOURNAL-mailu.md', ['builder']],
    ['machine-docs/REVIEW-mailu.md', ['adversary']],
    ['machine-docs/DECISIONS.2.md', ['builder', 'adversary']],
    ['machine-docs/DEFERRED.md', ['supervisor', 'builder', 'adversary']],
    ['machine-docs/OPERATOR.md', ['supervisor']],
    [`machine-docs/blobs/${digest}`, ['supervisor', 'runner', 'builder', 'adversary']],
    [`machine-docs/runs/${run}/results.json`, ['runner']],
    ['machine-docs/plan-phase-mailu.md', ['supervisor']],
    ['machine-docs/allowed_signers', ['supervisor']],
    ['machine-docs/STATUS-mailu.1.md', []],
    ['machine-docs/STATUS-mailu.02.md', []],
    ['machine-docs/STATUS-Mailu.md', []],
    ['machine-docs/STATUS-.md', []],
    ['machine-docs/STATUS.md', []],
    ['machine-docs/DECISIONS-mailu.md', []],
    ['machine-docs/status-mailu.md', []],
    ['machine-docs/x/STATUS-mailu.md', []],
    ['machine-docs/../STATUS-mailu.md', []],
    ['STATUS-mailu.md', []],
    ['/machine-docs/STATUS-mailu.md', []],
    ['machine-docs/STATUS-mailu.md\n', []],
    ['machine-docs/blobs/abc', []],
    [`machine-docs/blobs/${digest.toUpperCase()}`, []],
    [`machine-docs/runs/${run}/other.json`, []],
    ['machine-docs/runs/../results.json', []],
    [`machine-docs/x/runs/${run}/results.json`, []],
    ['machine-docs/plan-phase-mailu.2.md', []],
    ['machine-docs/README.md', []],
    ['.gitattributes', []],
  ])('%j may be written only by %j', (path, roles) => {
    expect(Role.options.filter((role) => mayWrite(path, role))).toEqual(
      Role.options.filter((role) => roles.includes(role)),
    );
  });

  it('has parts, numbered from 2', () => {
    expect(sealedName('machine-docs/STATUS-mailu.md', 1)).toBe('machine-docs/STATUS-mailu.md');
    expect(sealedName('machine-docs/STATUS-mailu.md', 2)).toBe('machine-docs/STATUS-mailu.2.md');
    expect(partOf('machine-docs/STATUS-mailu.2.md')).toEqual({ file: 'machine-docs/STATUS-mailu.md', n: 2 });
    expect(partOf('machine-docs/OPERATOR.md')).toEqual({ file: 'machine-docs/OPERATOR.md', n: 1 });
    expect(partOf('machine-docs/plan-phase-mailu.md')).toBeNull();
  });
});

describe('an entry in a commit is misplaced', () => {
  const verdict = entry('verdict', 'adversary');
  it.each<[string, Entry, string, Role, RegExp]>([
    [
      'in another file',
      verdict,
      'machine-docs/STATUS-mailu.md',
      'adversary',
      /#41 belongs in machine-docs\/REVIEW-mailu.md/,
    ],
    ['in another phase', verdict, 'machine-docs/REVIEW-other.md', 'adversary', /belongs in/],
    [
      'under another key',
      verdict,
      'machine-docs/REVIEW-mailu.md',
      'builder',
      /is the adversary's, but the builder signed it/,
    ],
    [
      'by a role that may not write it',
      entry('verdict', 'builder'),
      'machine-docs/REVIEW-mailu.md',
      'builder',
      /the builder may not write a verdict/,
    ],
    [
      'in a file that is not for entries',
      verdict,
      'machine-docs/plan-phase-mailu.md',
      'adversary',
      /not a file of entries/,
    ],
    [
      "under the operator's key, which signs acts and not commits",
      entry('act', 'operator'),
      'machine-docs/OPERATOR.md',
      'operator',
      /the operator signed it/,
    ],
    [
      'with no target to close',
      entry('close', 'adversary'),
      'machine-docs/REVIEW-mailu.md',
      'adversary',
      /no such target/,
    ],
    [
      'in another file than its target',
      entry('close', 'adversary'),
      'machine-docs/REVIEW-mailu.md',
      'adversary',
      /belongs in machine-docs\/BACKLOG-mailu.md/,
    ],
  ])('%s', (name, one, path, signer, message) => {
    expect(
      misplaced(
        one,
        path,
        signer,
        name === 'in another file than its target' ? 'machine-docs/BACKLOG-mailu.md' : undefined,
      ),
    ).toMatch(message);
  });

  it('in no other case', () => {
    expect(misplaced(verdict, 'machine-docs/REVIEW-mailu.7.md', 'adversary')).toBeNull();
    expect(misplaced(entry('act', 'operator'), 'machine-docs/OPERATOR.md', 'supervisor')).toBeNull();
    const backlog = 'machine-docs/BACKLOG-mailu.md';
    expect(misplaced(entry('close', 'adversary'), backlog, 'adversary', backlog)).toBeNull();
  });
});

describe('the subject of a commit', () => {
  const gate = { kind: 'gate', claim: 38, gate: 'M1', k: 1 };
  it.each<[Entry, string]>([
    [entry('verdict', 'adversary', { gate: 'M1', verdict: 'FAIL' }), 'review(M1): FAIL, #41'],
    [entry('claim', 'builder', { gate: 'M1', shas: { main: 'b'.repeat(40) } }), 'claim(M1): bbbbbbbbbb, #41'],
    [entry('run', 'runner', { purpose: gate, outcome: 'PASS', level: 2 }), 'run(M1): PASS, level 2, #41'],
    [entry('run', 'runner', { purpose: gate, outcome: 'NO_TESTS', level: 0 }), 'run(M1): NO_TESTS, #41'],
    [
      entry('run', 'runner', {
        purpose: { ...gate, kind: 'control', control: 'revert' },
        outcome: 'FAIL',
        control: { result: 'BITES' },
      }),
      'run(M1): control revert BITES, #41',
    ],
    [
      entry('run', 'runner', { purpose: { kind: 'reproducer', finding: 40 }, outcome: 'FAIL', reproducer: 'red' }),
      'run(mailu): reproducer of #40 red, #41',
    ],
    [entry('phase', 'supervisor', { event: 'done' }), 'status(mailu): DONE, #41'],
    [entry('phase', 'supervisor', { event: 'parked', reason: 'idle' }), 'status(mailu): parked, idle, #41'],
    [
      entry('session', 'supervisor', { event: 'started', for: 'builder', reason: { kind: 'work' } }),
      `session(mailu): builder ${session} started, work, #41`,
    ],
    [
      entry('finding', 'adversary', { gate: 'M1', title: 'restore forgets mail' }),
      'backlog(M1): finding restore forgets mail, #41',
    ],
    [entry('close', 'adversary', { target: 40, as: 'fixed' }), 'backlog(mailu): #40 fixed, #41'],
    [entry('note', 'adversary', { title: 'Looked around' }), 'review(mailu): note Looked around, #41'],
    [entry('veto', 'adversary', { title: 'Data is lost' }), 'review(mailu): VETO Data is lost, #41'],
    [
      entry('blocked', 'builder', { blocks: ['M1', 'M2'], action: 'Open a port' }),
      'status(M1,M2): BLOCKED Open a port, #41',
    ],
    [entry('decision', 'builder', { title: 'Use maildir' }), 'decisions(mailu): Use maildir, #41'],
    [entry('deferral', 'builder', { title: 'DKIM' }), 'deferred(mailu): DKIM, #41'],
    [entry('journal', 'builder', { title: 'Day one' }), 'journal(mailu): Day one, #41'],
    [
      entry('act', 'operator', { act: { payload: { act: 'waive', phase: 'mailu', gate: 'M1', condition: 'runs' } } }),
      'operator(M1): waive runs, #41',
    ],
    [entry('act', 'operator', { act: { payload: { act: 'queue', phase: 'mailu' } } }), 'operator(mailu): queue, #41'],
  ])('%#: %s', (one, subject) => {
    expect(subjectFor([one])).toBe(subject);
  });

  it('names as many entries as fit on a line, and the prefix only once', () => {
    const runs = [39, 40].map((id) => entry('run', 'runner', { purpose: gate, outcome: 'PASS', level: 1 }, id));
    expect(subjectFor(runs)).toBe('run(M1): PASS, level 1, #39; PASS, level 1, #40');
    const many = Array.from({ length: 30 }, (_, i) => entry('item', 'builder', { title: 'something to do' }, i + 1));
    expect(subjectFor(many)).toMatch(/; 2\d more$/);
    expect(subjectFor(many).length).toBeLessThanOrEqual(110);
    const long = entry('item', 'builder', { title: '👍'.repeat(500) });
    expect(subjectFor([long]).isWellFormed()).toBe(true);
    expect(subjectFor([long]).length).toBeLessThan(160);
  });
});
