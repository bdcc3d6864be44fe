// Carries out the runs that condition 4 needs: earlier tests over a claim's code, and the operator's hold-outs.

import type { ColdRunRequest } from '../../runner/run/request.ts';
import { judgeKept, keptEdits } from '../../state/controls/earlierTests.ts';
import { earlierRuns, ownRuns } from '../../state/controls/testRequirements.ts';
import type { Facts } from '../../state/entry/entry.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { Phase } from '../../state/entry/phase.ts';
import type { Purpose, RunRecord } from '../../state/entry/record.ts';
import type { RunNeed } from '../../state/fold/requirement.ts';
import { changedPaths } from '../../state/git/git.ts';
import { readHoldOuts } from '../../state/work/holdout.ts';
import { recordOnTrail } from './log.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { testGlobs } from './submit.ts';
import type { Sources } from './world.ts';

type KeptPurpose = Extract<Purpose, { kind: 'kept' }>;
type Edits = NonNullable<ColdRunRequest['edits']>;

/** Edits that restore each changed test to its version at the earlier commit. */
export async function earlierTests(world: Sources, phase: Phase, need: RunNeed, { from }: KeptPurpose): Promise<Edits> {
  const changed = await changedPaths(world.paths.hub, from, need.sha);
  const { pinned } = await pinnedRecipe(world, recipeDigest(phase.recipes, need.recipe));
  return keptEdits(changed, await testGlobs(world, phase, need.recipe), pinned.recipe.harness);
}

/** Judges the run against runs of the earlier commit and of the claim, from the records of all of them. */
export async function judgeEarlierTests(
  world: Sources,
  phase: Phase,
  { recipe, purpose }: RunNeed,
  kept: RunRecord,
): Promise<NonNullable<Facts<'run'>['kept']>> {
  const claim = purpose.kind === 'kept' ? phase.claims.find(({ id }) => id === purpose.claim) : undefined;
  if (purpose.kind !== 'kept' || !claim) throw new Error('not a run of earlier tests');
  const own = ownRuns(phase, claim, recipe).at(-1);
  const earlier = earlierRuns(phase, recipe, purpose.from);
  const records = await Promise.all(
    [...earlier, ...(own ? [own] : [])].map(({ run }) => recordOnTrail(world.trail, run)),
  );
  const earlierRecords = records.flatMap((record) => record ?? []);
  const claimRecord = own && earlierRecords.pop();
  if (!claimRecord || earlierRecords.length === 0 || earlierRecords.length < earlier.length)
    return { result: 'INCONCLUSIVE', why: 'The runs to compare with are not on the trail.' };
  return judgeKept({ earlier: earlierRecords, claim: claimRecord, kept, supersedes: phase.spec.supersedes });
}

/**
 * The hold-outs that are in their folder now. Throws TrailError 'bad-file' if they are not what the operator queued.
 */
export function holdOuts({ spec, holdout }: Phase): Edits {
  const { files, digest } = readHoldOuts(spec.holdout ?? '');
  if (digest !== holdout)
    throw new TrailError('bad-file', `the hold-outs in ${spec.holdout} are not those that were queued`);
  return files.map(({ path, bytes, mode }) => ({ path, mode, bytes }));
}
