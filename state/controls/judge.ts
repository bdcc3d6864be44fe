// Judges the run of a control by the control's kind, from the records of three runs and what git shows of the claim.
// Pure: the loop uses it, and the audit uses it again.

import { isApp, type Recipe } from '../entry/recipe.ts';
import type { Purpose, RunRecord } from '../entry/record.ts';
import type { PhaseSpec } from '../entry/spec.ts';
import { judgeDrill } from './drill.ts';
import { type ChangedWork, changedFunctions, judgeHollow } from './hollow.ts';
import type { Judgement } from './judgement.ts';
import { judgePlacebo } from './placebo.ts';
import { isOfApp, judgePublished } from './published.ts';
import { judgeRevert } from './revert.ts';
import { judgeSabotage } from './sabotage.ts';

export type ControlPurpose = Extract<Purpose, { kind: 'control' }>;
/** `drills`: the claim's earlier drills; only the control `published` of an app uses them. */
export type ControlRuns = { reference: RunRecord; claim: RunRecord; control: RunRecord; drills: readonly RunRecord[] };

export function judgeControl(
  purpose: ControlPurpose,
  runs: ControlRuns,
  work: ChangedWork,
  { spec, recipe }: { spec: PhaseSpec; recipe: Recipe },
): Judgement {
  switch (purpose.control) {
    case 'revert':
    case 'published':
      if (isApp(recipe))
        return judgePublished({
          ...runs,
          changedTestFiles: work.testFiles,
          isReverted: work.reverted.some((path) => isOfApp(path, recipe)),
        });
      return judgeRevert({ ...runs, changedTestFiles: work.testFiles });
    case 'placebo':
      return judgePlacebo(runs, work);
    case 'hollow':
      return judgeHollow(runs, functionAt(purpose, work, spec));
    case 'sabotage':
      return judgeSabotage({ ...runs, changedTestFiles: work.testFiles });
    case 'omit-volume':
    case 'no-restore':
      return judgeDrill(purpose.control, runs);
    default:
      return purpose.control satisfies never;
  }
}

/** The function that a run of `hollow` empties; null if the claim has none with that number. */
export function functionAt({ gate, target }: ControlPurpose, work: ChangedWork, spec: PhaseSpec) {
  return changedFunctions(work, spec.gates[gate]?.exempt ?? [])[Number(target) - 1] ?? null;
}
