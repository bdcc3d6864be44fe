// Valid run records, for tests of what is computed from records. The given parts override the defaults.

import { digestOf } from '../../../state/entry/digest.ts';
import { RunRecord, type TestResult } from '../../../state/entry/record.ts';

type Parts = Partial<Omit<RunRecord, 'tests'>> & { tests?: TestResult[] };

export function record(parts: Parts = {}): RunRecord {
  const tests = parts.tests ?? [];
  return RunRecord.parse({
    v: 1,
    run: 'r-000000000001',
    purpose: { kind: 'trial', by: 'operator' },
    recipe: { name: 'app', digest: digestOf('recipe') },
    shas: { main: 'a'.repeat(40) },
    trees: { main: 'b'.repeat(40) },
    startedAtMs: 1000,
    endedAtMs: 2000,
    outcome: 'PASS',
    reason: 'As told.',
    level: 1,
    stages: [
      {
        name: 'test',
        rung: 'pass',
        exit: 0,
        signal: null,
        ms: 5,
        tests: { pass: tests.length, fail: 0, skip: 0 },
        log: noLog,
      },
    ],
    testsCut: false,
    flags: { clean_teardown: true },
    sandbox: { level: 'bubblewrap', uid: 'own', selfTest: null },
    artifacts: [],
    overlaid: [],
    ...parts,
    tests,
  });
}

const noLog = { head: '', tail: '', bytes: 0, digest: digestOf('') };

export function passed(id: string, stage = 'test'): TestResult {
  return { id, status: 'pass', ms: 1, stage };
}

export function failed(id: string, kind: 'assertion' | 'error' = 'assertion', stage = 'test'): TestResult {
  return { id, status: 'fail', ms: 1, stage, failure: { kind, message: 'no' } };
}

export function skipped(id: string): TestResult {
  return { id, status: 'skip', ms: 0, stage: 'test' };
}
