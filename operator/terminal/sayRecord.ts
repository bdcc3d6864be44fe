// A run's record in words: the outcome in one line and, unless it is green, what failed, the end of the failing stage's
// output, and what to do about it.

import type { Outcome, RunRecord, StageResult } from '../../state/entry/record.ts';
import { countWords, short } from './lines.ts';
import { clean, cleanLine, duration, type Painted, type Screen, styled } from './print.ts';
import { sayApp } from './sayApp.ts';

const failuresShown = 20;
const messageCharsMax = 300;
const tailLinesMax = 25;

/** What to do about each outcome. */
const advice: Record<Outcome, string> = {
  PASS: '',
  FAIL: 'fix what failed and commit it; a cold run sees only what is committed',
  TIMEOUT: 'something waits or loops; if it is merely slow, raise `seconds:` of that stage in coldpass.yml',
  NO_TESTS: 'a command that ran no tests proves nothing: check `run:`, `report:` and `tests:` in coldpass.yml',
  INFRA: 'the machine failed, not the work; type: coldpass doctor',
  LEAK: 'something outlived the run; look for processes that it started and did not stop',
  CANCELLED: 'the run was cancelled, so the result is unknown; run it again',
  REFUSED: 'nothing ran: fix the problem above, then run it again',
  LOST: 'Coldpass died during the run; run it again',
};

/** The result of `coldpass try`. */
export function sayTry({ record, logs }: { record: RunRecord; logs: string }, out: Screen): void {
  sayRecord(record, out, logs);
}

/** `logs`: the folder with the full output; null if missing. */
export function sayRecord(record: RunRecord, out: Screen, logs: string | null): void {
  out.line(headline(record, out));
  sayApp(record, out);
  if (record.outcome === 'PASS') return;
  out.line(`  ${record.reason}`);
  sayFailures(record, out);
  const stage = failedStage(record);
  if (stage) sayOutput(stage, out);
  out.line(styled`  ${out.paint.dim('→')} ${advice[record.outcome]}`);
  if (logs && stage) out.line(styled`  ${out.paint.dim('→')} full output: ${logs}`);
}

/** `PASS  41 tests  12 s  (recipe unit, commit 3f2a…)`. */
export function headline(record: RunRecord, { paint }: Screen): Painted {
  const { outcome, recipe, shas, startedAtMs, endedAtMs } = record;
  const took = duration(endedAtMs - startedAtMs);
  const where = `(recipe ${recipe.name}, commit ${short(shas.main ?? 'unknown')})`;
  return styled`${paint.outcome(outcome)}  ${countWords(recordCounts(record))}  ${took}  ${paint.dim(where)}`;
}

export function recordCounts({ tests }: RunRecord): { pass: number; fail: number; skip: number } {
  const of = (...status: string[]) => tests.filter((test) => status.includes(test.status)).length;
  return { pass: of('pass'), fail: of('fail'), skip: of('skip', 'todo') };
}

function sayFailures({ tests }: RunRecord, out: Screen): void {
  const failed = tests.filter((test) => test.status === 'fail');
  for (const { id, failure } of failed.slice(0, failuresShown)) {
    out.line(styled`  ${out.paint.bad('✗')} ${cleanLine(id)}`);
    const message = cleanLine(failure?.message ?? '', messageCharsMax);
    if (message !== '') out.line(`      ${message}`);
  }
  if (failed.length > failuresShown) out.line(`  and ${failed.length - failuresShown} more`);
}

/** The stage (or setup) that did not pass. */
function failedStage({ setup, stages, outcome }: RunRecord): StageResult | null {
  if (setup && setup.rung !== 'pass') return setup;
  const ran = stages.filter((stage) => stage.log.bytes > 0 || stage.exit !== null || stage.signal !== null);
  return (
    ran.find((stage) => stage.rung === 'fail') ??
    (outcome === 'FAIL' || outcome === 'NO_TESTS' ? ran.at(-1) : null) ??
    null
  );
}

function sayOutput({ name, log }: StageResult, out: Screen): void {
  const { paint } = out;
  const text = clean(log.tail || log.head).trim();
  const lines = text === '' ? [] : text.split('\n');
  const shown = lines.slice(-tailLinesMax);
  const isWhole = shown.length === lines.length && log.tail === '';
  const title = text === '' ? `${name} printed nothing` : isWhole ? `output of ${name}:` : `last output of ${name}:`;
  out.line(styled`  ${paint.dim(title)}`);
  for (const line of shown) out.line(styled`  ${paint.dim('│')} ${line}`);
}
