// What a control's run shows, by its kind, from the records of three runs and what git tells of the claim. Pure: the loop judges
// by it, and the audit again.

import { type ChangedWork, changedFunctions, judgeHollow } from './hollow.ts';
import type { Judgement } from './judgement.ts';
import { judgePlacebo } from './placebo.ts';
import type { Purpose, RunRecord } from './record.ts';
import { judgeRevert } from './revert.ts';
import { judgeSabotage } from './sabotage.ts';
import type { PhaseSpec } from './spec.ts';

export type ControlPurpose = Extract<Purpose, { kind: 'control' }>;
export type ControlRuns = { reference: RunRecord; claim: RunRecord; control: RunRecord };

export function judgeControl(
  purpose: ControlPurpose,
  runs: ControlRuns,
  work: ChangedWork,
  spec: PhaseSpec,
): Judgement {
  switch (purpose.control) {
    case 'revert':
    case 'published':
      return judgeRevert({ ...runs, changedTestFiles: work.testFiles });
    case 'placebo':
      return judgePlacebo(runs, work);
    case 'hollow':
      return judgeHollow(runs, functionAt(purpose, work, spec));
    case 'sabotage':
      return judgeSabotage({ ...runs, changedTestFiles: work.testFiles });
    default:
      return purpose.control satisfies never;
  }
}

/** The function that a run of `hollow` is made for; null where the claim has none of that number. */
export function functionAt({ gate, target }: ControlPurpose, work: ChangedWork, spec: PhaseSpec) {
  return changedFunctions(work, spec.gates[gate]?.exempt ?? [])[Number(target) - 1] ?? null;
}
