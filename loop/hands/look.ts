// Carries out a look at a deferral's trigger: a cold run, at the newest work, of the trigger's command and nothing
// else.

import { TrailError } from '../../state/entry/errors.ts';
import type { EntryId, RecipeName, Sha } from '../../state/entry/ids.ts';
import { slotOf } from '../../state/fold/requirement.ts';
import { branchHead, isAncestor } from '../../state/git/git.ts';
import { carryOutRun } from './runs.ts';
import { phaseNow, type World } from './world.ts';

/**
 * Runs the trigger's command and appends the run. The tools are those of a recipe of the phase that deferred the work.
 */
export async function lookAt(world: World, id: EntryId, signal: AbortSignal): Promise<void> {
  const deferral = world.trail.state.deferrals.find((one) => one.id === id);
  if (!deferral) throw new TrailError('bad-trail', `#${id} is not a deferral`);
  const phase = phaseNow(world, deferral.phase);
  const purpose = { kind: 'trigger' as const, deferral: id };
  const names = Object.keys(phase.recipes) as RecipeName[];
  const recipe = (names.find((name) => !phase.apps.includes(name)) ?? names[0]) as RecipeName;
  const need = { slot: slotOf(purpose), purpose, recipe, sha: await newestWork(world) };
  await carryOutRun(world, { phase: phase.id, need }, signal);
}

/** The head of the newest phase's branch; if that phase was abandoned or its work is merged, the head of main. */
async function newestWork({ trail, paths: { hub } }: World): Promise<Sha> {
  const main = await branchHead(hub, 'main');
  if (main === null) throw new TrailError('bad-hub', `${hub} has no main branch`);
  const newest = Object.values(trail.state.phases).at(-1);
  const head = newest && newest.status !== 'abandoned' ? await branchHead(hub, `phase/${newest.id}`) : null;
  return head === null || (await isAncestor(hub, head, main)) ? main : head;
}
