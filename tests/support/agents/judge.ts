// Scripts that play judges in calibrations: each wake recognises a case by a line of the case's diff, and does what the
// test specifies.

import { caseClaim, caseRun } from '../../../agents/calibration/case.ts';
import type { CalibrationCase } from '../../../agents/calibration/set.ts';
import type { Script } from '../../../agents/scripted/script.ts';
import { calls, scriptOf } from '../phase/live.ts';

const filed = { gate: 'M1', claim: caseClaim, title: 'It is hollow', fix: ['it is not'], words: 'I saw it.' };

/** Files a finding. */
export function caseFinding(more: object = {}): unknown {
  return calls('finding', { ...filed, ...more }, { finding: { from: 'finding', match: '#(\\d+)' } });
}

/** Fails the claim because of the filed finding. */
export function caseFail(): unknown {
  return calls('verdict', { claim: caseClaim, verdict: 'FAIL', findings: ['{{ finding:number }}'], words: 'No.' });
}

export function caseFails(): unknown[] {
  return [caseFinding(), caseFail()];
}

export function casePasses({ clauses }: CalibrationCase): unknown[] {
  const checks = Object.keys(clauses).map((clause) => ({ clause, saw: 'it holds', cites: [{ run: caseRun }] }));
  return [calls('verdict', { claim: caseClaim, verdict: 'PASS', checks, words: 'Yes.' })];
}

/** A script whose judge takes `turnsOf(case)` in each of these cases. */
export function judgesOf(cases: CalibrationCase[], turnsOf: (one: CalibrationCase) => unknown[]): Script {
  const wakes = cases.map((one) => {
    const twin = cases.find((other) => other.title === one.title && other !== one);
    const own = linesOf(one).find((line) => line.trim().length > 12 && !(twin && linesOf(twin).includes(line)));
    return { name: one.name, when: { contains: `+${own}` }, turns: turnsOf(one) };
  });
  return scriptOf({ adversary: wakes });
}

function linesOf({ claim }: CalibrationCase): string[] {
  return Object.values(claim.files).flatMap((text) => text.split('\n'));
}
