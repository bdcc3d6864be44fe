// A look at the command of a trigger, carried out: where the newest work stands, in a cold run that asks it and nothing else.

import { TrailError } from '../../state/entry/errors.ts';
import type { EntryId, RecipeName, Sha } from '../../state/entry/ids.ts';
import { slotOf } from '../../state/fold/piece.ts';
import { branchHead, isAncestor } from '../../state/git/git.ts';
import { carryOutRun } from './runs.ts';
import { phaseNow, type World } from './world.ts';

/** Asks the command of the deferral's trigger and appends the run. It has the tools of the recipes of the phase that parked it. */
export async function lookAt(world: World, id: EntryId, signal: AbortSignal): Promise<void> {
  const deferral = world.trail.state.deferrals.find((one) => one.id === id);
  if (!deferral) throw new TrailError('bad-trail', `#${id} is no deferral`);
  const phase = phaseNow(world, deferral.phase);
  const purpose = { kind: 'trigger' as const, deferral: id };
  const names = Object.keys(phase.recipes) as RecipeName[];
  const recipe = (names.find((name) => !phase.apps.includes(name)) ?? names[0]) as RecipeName;
  const need = { slot: slotOf(purpose), purpose, recipe, sha: await newestWork(world) };
  await carryOutRun(world, { phase: phase.id, need }, signal);
}

/** The head of the newest phase's branch, unless the phase was dropped or its work is merged; then that of main. */
async function newestWork({ trail, paths: { hub } }: World): Promise<Sha> {
  const main = await branchHead(hub, 'main');
  if (main === null) throw new TrailError('bad-hub', `${hub} has no main`);
  const newest = Object.values(trail.state.phases).at(-1);
  const head = newest && newest.status !== 'abandoned' ? await branchHead(hub, `phase/${newest.id}`) : null;
  return head === null || (await isAncestor(hub, head, main)) ? main : head;
}
