// The control `published` for apps: runs the claim's tests over the app as it was at the start of the phase. Each test
// that the claim adds must fail on an assertion in that run, or in a drill of the same claim: a test of something that
// already worked, such as a stricter check of a restore, can fail only in a drill. Pure. The Builder reads the
// messages.

import type { AppRecipe } from '../entry/recipe.ts';
import { isCheck, type RunRecord } from '../entry/record.ts';
import { noticedIn } from './drill.ts';
import { byId, inconclusive, type Judgement, judged, names } from './judgement.ts';
import { judgeRevert, type RevertRuns } from './revert.ts';

/** `drills`: the claim's drills. `isReverted`: the claim changes the app, so the control reverted something. */
export type PublishedRuns = RevertRuns & { drills: readonly RunRecord[]; isReverted: boolean };

export function judgePublished({ drills, isReverted, ...runs }: PublishedRuns): Judgement {
  const before = byId(runs.reference.tests);
  const noticed = new Set(drills.flatMap((drill) => [...noticedIn(drill)]));
  const passed = runs.claim.tests.filter(({ status }) => status === 'pass');
  const added = passed.filter((test) => !before.has(test.id) && !isCheck(test));
  const shown = added.filter(({ id }) => noticed.has(id));
  const others = added.filter(({ id }) => !noticed.has(id));
  // A new check by the harness is not one of the claim's tests: the harness adds checks for a new volume or service.
  const left = passed.filter((test) => before.has(test.id) || others.includes(test));
  const judgement = judgeRevert({ ...runs, claim: { ...runs.claim, tests: left } });
  if (judgement.result !== 'VACUOUS') return judgement;
  if (shown.length > 0 && others.length === 0)
    return judged('BITES', `With a volume left out of the restore these fail on an assertion: ${names(shown)}.`);
  if (isReverted) return judgement;
  const which = others.length > 0 ? `, so it cannot tell whether these look: ${names(others)}` : ', and adds no test';
  return inconclusive(`The claim leaves the app as it was${which}.`);
}

/** True for a path that can affect the app: in its folder, and not just documentation. */
export function isOfApp(path: string, { app }: Pick<AppRecipe, 'app'>): boolean {
  return (app === '.' || path.startsWith(`${app}/`)) && !path.endsWith('.md');
}
