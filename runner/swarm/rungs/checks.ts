// The results of a rung so far: the harness's own checks, the suite's tests, and the log that people read. Times are
// wall-clock milliseconds of this machine.

import { digestOf } from '../../../state/entry/digest.ts';
import type { AppRung } from '../../../state/entry/recipe.ts';
import { checkId, type TestResult } from '../../../state/entry/record.ts';
import type { RungEnd, StepEnd } from '../../run/engine.ts';

const logCharsMax = 768 * 1024;
const messageCharsMax = 300;
const lineCharsMax = 400;

/**
 * Why a check fails. `unclear`: the machine may be the cause, for instance of a timeout; the check then makes no
 * control bite.
 */
export type CheckFault = string | { unclear: string } | null;

export interface Checks {
  /** Records a check, which passes if `look` returns null and fails with its fault otherwise. True if it passed. */
  check(name: string, look: () => Promise<CheckFault>): Promise<boolean>;
  /** Adds the tests and the output of a box that ran the suite. */
  take(tests: TestResult[], output: string): void;
  say(line: string): void;
  /** The checks of one of several turns: the name of each check and test begins with the turn's name. */
  turn(name: string): Checks;
  end(rest?: { failed?: string | null; skipped?: string | null }): RungEnd;
}

export type CheckLog = { checks: Checks; output(): StepEnd['output'] };

/** `stage` is the rung's name, which every result has. */
export function openChecks(stage: AppRung | 'drill', onLine: (line: string) => void): CheckLog {
  const tests: TestResult[] = [];
  let log = '';

  function write(text: string): void {
    if (log.length < logCharsMax) log += text.slice(0, logCharsMax - log.length);
    const last = text.trimEnd().split('\n').at(-1);
    if (last) onLine(last.slice(0, lineCharsMax));
  }

  function within(prefix: string): Checks {
    return {
      async check(name, look) {
        const startedAtMs = performance.now();
        const fault = await look();
        const ms = Math.round(performance.now() - startedAtMs);
        const id = `${prefix}${checkId(stage === 'drill' ? 'backup_restore' : stage, name)}`;
        if (fault === null) {
          tests.push({ id, ms, stage, status: 'pass' });
          write(`ok    ${prefix}${name} (${ms} ms)\n`);
          return true;
        }
        const failure = failureOf(fault);
        tests.push({ id, ms, stage, status: 'fail', failure });
        write(`FAIL  ${prefix}${name}: ${failure.message} (${ms} ms)\n`);
        return false;
      },
      take(more, output) {
        tests.push(...more.map((test) => ({ ...test, stage, id: `${prefix}${test.id}` })));
        if (output.trim() !== '') write(output.endsWith('\n') ? output : `${output}\n`);
      },
      say: (line) => write(`      ${prefix}${line}\n`),
      turn: (name) => within(`${prefix}${name} > `),
      end: ({ failed = null, skipped = null } = {}) => ({ tests, failed, skipped }),
    };
  }

  return {
    checks: within(''),
    output: () => ({ head: log, tail: '', bytes: Buffer.byteLength(log), digest: digestOf(Buffer.from(log)) }),
  };
}

function failureOf(fault: Exclude<CheckFault, null>): NonNullable<TestResult['failure']> {
  if (typeof fault === 'string') return { kind: 'assertion', message: fault.slice(0, messageCharsMax) };
  return { kind: 'error', message: fault.unclear.slice(0, messageCharsMax) };
}
