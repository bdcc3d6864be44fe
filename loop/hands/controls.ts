// Carries out a control: prepares its edits, and judges its run against the claim's own run and the reference's run.

import type { ColdRunRequest } from '../../runner/run/request.ts';
import { emptyFunction } from '../../state/controls/hollow.ts';
import { type ControlPurpose, functionAt, judgeControl as judge } from '../../state/controls/judge.ts';
import { inconclusive, type Judgement } from '../../state/controls/judgement.ts';
import { neutral } from '../../state/controls/placebo.ts';
import { drillRuns } from '../../state/controls/requirements.ts';
import { revertEdits } from '../../state/controls/revert.ts';
import { applyPatch } from '../../state/controls/sabotage.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { Phase, Run } from '../../state/entry/phase.ts';
import type { Recipe } from '../../state/entry/recipe.ts';
import { type RunRecord, uncounted } from '../../state/entry/record.ts';
import { testGlobsOf } from '../../state/entry/spec.ts';
import { isReference, type RunNeed } from '../../state/fold/requirement.ts';
import { changedPaths } from '../../state/git/git.ts';
import { patchableFiles, workFor } from '../../state/work/changed.ts';
import { recordOnTrail } from './log.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import type { Sources } from './world.ts';

type Edits = NonNullable<ColdRunRequest['edits']>;
type ControlJob = { world: Sources; phase: Phase; need: RunNeed; purpose: ControlPurpose; recipe: Recipe };

/** How a control's run differs from an ordinary one. */
export async function controlRequest(
  world: Sources,
  phase: Phase,
  need: RunNeed,
  purpose: ControlPurpose,
): Promise<Pick<ColdRunRequest, 'edits' | 'drill'>> {
  const job = { world, phase, need, purpose, recipe: await recipeOf(world, phase, need) };
  switch (purpose.control) {
    case 'revert':
    case 'published':
      return { edits: await revertedFiles(job) };
    case 'placebo':
    case 'hollow':
      return { edits: await rewrittenFiles(job) };
    case 'sabotage':
      return { edits: await sabotagedFiles(job) };
    case 'omit-volume':
    case 'no-restore':
      return { drill: purpose.control };
    default:
      return purpose.control satisfies never;
  }
}

/** Judges the control against the claim's own run and the reference's run, from the records of all three. */
export async function judgeControlRun(
  world: Sources,
  phase: Phase,
  need: RunNeed,
  control: RunRecord,
): Promise<Judgement> {
  const { purpose } = need;
  if (purpose.kind !== 'control') throw new Error(`${need.slot} is not a control`);
  const counted = (fits: (run: Run) => boolean) =>
    phase.runs.findLast((run) => !uncounted.has(run.outcome) && run.recipe === need.recipe && fits(run));
  const claimRun = counted(
    (run) => run.sha === need.sha && run.purpose.kind === 'gate' && run.purpose.gate === purpose.gate,
  );
  const referenceRun = counted((run) => run.sha === purpose.reference && isReference(run));
  const claim = claimRun && (await recordOnTrail(world.trail, claimRun.run));
  const reference = referenceRun && (await recordOnTrail(world.trail, referenceRun.run));
  if (!claim || !reference) return inconclusive('The runs to compare with are not on the trail.');
  const recipe = await recipeOf(world, phase, need);
  const work = await workFor(purpose.control, workSource({ world, phase, need, purpose, recipe }));
  const drills = purpose.control === 'published' ? await drillsOf(world, phase, need) : [];
  return judge(purpose, { reference, claim, control, drills }, work, { spec: phase.spec, recipe });
}

/**
 * The runs of the drills of the same claim: drills run before the control `published`, which counts those that were
 * noticed.
 */
async function drillsOf(world: Sources, phase: Phase, { purpose, sha, recipe }: RunNeed): Promise<RunRecord[]> {
  if (purpose.kind !== 'control') return [];
  const runs = drillRuns(phase, purpose.gate, { sha, recipeDigest: recipeDigest(phase.recipes, recipe) });
  const records = await Promise.all(runs.map(({ run }) => recordOnTrail(world.trail, run)));
  return records.flatMap((record) => record ?? []);
}

async function revertedFiles({ world, phase, need, purpose, recipe }: ControlJob): Promise<Edits> {
  const changed = await changedPaths(world.paths.hub, purpose.reference, need.sha);
  return revertEdits(changed, testGlobsOf(phase.spec, recipe), recipe.harness);
}

/** Every file that a placebo edits, or the file with the function that `hollow` empties. */
async function rewrittenFiles(job: ControlJob): Promise<Edits> {
  const { phase, purpose } = job;
  const work = await workFor(purpose.control, workSource(job));
  const tried = purpose.control === 'hollow' ? functionAt(purpose, work, phase.spec) : null;
  const files = purpose.control === 'hollow' ? (tried ? [tried.source] : []) : (work.sources ?? []);
  return files.flatMap(({ path, mode, after }) => {
    const text = tried ? emptyFunction(tried) : neutral({ path, after });
    return text === null ? [] : { path, mode, bytes: Buffer.from(text) };
  });
}

async function sabotagedFiles(job: ControlJob): Promise<Edits> {
  const { phase, purpose } = job;
  const edits = phase.sabotages.find(({ id }) => `${id}` === purpose.target)?.edits ?? [];
  const files = await patchableFiles(workSource(job));
  const result = applyPatch(edits, files);
  if ('refused' in result) throw new TrailError('bad-trail', `sabotage #${purpose.target}: ${result.refused}`);
  return [...result.files].map(([path, text]) => ({
    path,
    mode: files.get(path)?.mode ?? '',
    bytes: Buffer.from(text),
  }));
}

async function recipeOf(world: Sources, phase: Phase, need: RunNeed): Promise<Recipe> {
  return (await pinnedRecipe(world, recipeDigest(phase.recipes, need.recipe))).pinned.recipe;
}

function workSource({ world, phase, need, purpose, recipe }: ControlJob): Parameters<typeof workFor>[1] {
  return { hub: world.paths.hub, reference: purpose.reference, sha: need.sha, spec: phase.spec, recipe };
}
