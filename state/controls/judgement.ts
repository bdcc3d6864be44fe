// The judgement of a control, as data, and the wording that judgements share. Pure.

import type { ControlResult, RunRecord, TestResult } from '../entry/record.ts';
import { fitLine } from '../entry/words.ts';

const namesMax = 5;
const nameCharsMax = 100;
const whyCharsMax = 1000;

export type Judgement = { result: ControlResult; why: string };

export function judged(result: ControlResult, why: string): Judgement {
  return { result, why: fitLine(why, whyCharsMax) };
}

export function inconclusive(why: string): Judgement {
  return judged('INCONCLUSIVE', why);
}

/** Why a control run cannot be compared with the claim's own run; null if it can. `what`: what the control ran over. */
export function unlike(claim: RunRecord, control: RunRecord, what: string): string | null {
  if (claim.outcome !== 'PASS') return `The claim's own run is ${claim.outcome}.`;
  const comparable = ['PASS', 'FAIL', 'NO_TESTS'];
  if (!comparable.includes(control.outcome)) return `The run over ${what} is ${control.outcome}: ${control.reason}`;
  const cut = [claim, control].find((record) => record.testsCut);
  return cut ? `The record of ${cut.run} does not hold all its tests.` : null;
}

/** The ids of the first few of these tests, and how many more there are. */
export function names(tests: readonly Pick<TestResult, 'id'>[]): string {
  const shown = tests.slice(0, namesMax).map((test) => `"${test.id.slice(0, nameCharsMax)}"`);
  return `${shown.join(', ')}${tests.length > namesMax ? ` and ${tests.length - namesMax} more` : ''}`;
}

export function byId(tests: readonly TestResult[]): Map<string, TestResult> {
  return new Map(tests.map((test) => [test.id, test]));
}
