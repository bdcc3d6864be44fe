// Accepts a patch by the Adversary: tries it on the claim's files, appends it to the trail, and waits for the result of
// its run.

import type { Submission, ToolReply } from '../../agents/tools/host.ts';
import { comparedWith, sabotagesOf } from '../../state/controls/requirements.ts';
import { applyPatch, sabotagesMax } from '../../state/controls/sabotage.ts';
import type { Entry, IntentOf } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { EntryId, RecipeName } from '../../state/entry/ids.ts';
import { phaseAt, type Run } from '../../state/entry/phase.ts';
import { uncounted } from '../../state/entry/record.ts';
import { wantedSabotage } from '../../state/gate/admitSabotage.ts';
import { patchableFiles } from '../../state/work/changed.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { type Author, phaseNow, untilTrail, type World } from './world.ts';

type Patch = Extract<Submission, { kind: 'sabotage' }>;

/** Replies `ok` if the claim's tests notice the patch. Throws Refused if the patch is not accepted. */
export async function sabotage(world: World, author: Author, patch: Patch, signal: AbortSignal): Promise<ToolReply> {
  const [entry] = (await world.trail.append([await intentOf(world, author, patch)])) as [Entry];
  const run = await countedRun(world, author, entry.id, signal);
  if (!run?.control) return { ok: false, text: `#${entry.id}: it did not finish.` };
  const { result, why } = run.control;
  if (result === 'BITES') return { ok: true, text: `#${entry.id}: the tests notice it (${run.run}). ${why}` };
  const phase = phaseNow(world, author.phase);
  const claim = phase.claims.find(({ id }) => id === patch.facts.claim);
  const tried = claim && entry.kind === 'sabotage' ? sabotagesOf(phase, claim, entry.facts.gate).length : sabotagesMax;
  const left = sabotagesMax - tried;
  const next = left > 0 ? `Try another way; ${left} of ${sabotagesMax} are left.` : 'The operator decides now.';
  return { ok: false, text: `#${entry.id}: it shows nothing (${run.run}). ${why} ${next}` };
}

async function intentOf(
  world: World,
  { role, session, phase: id }: Author,
  patch: Patch,
): Promise<IntentOf<'sabotage'>> {
  const phase = phaseNow(world, id);
  const claim = phase.claims.find((one) => one.id === patch.facts.claim);
  const gate = claim && wantedSabotage(phaseAt(phase, world.clock.nowMs()), claim);
  if (!claim || !gate) throw new Refused(`#${patch.facts.claim} is not a claim that needs a sabotage now`);
  const { pinned } = await pinnedRecipe(
    world,
    recipeDigest(phase.recipes, phase.spec.gates[gate]?.recipe as RecipeName),
  );
  const reference = comparedWith(phase, claim, gate, 'sabotage');
  const source = { hub: world.paths.hub, reference, sha: claim.sha, spec: phase.spec, recipe: pinned.recipe };
  const { edits } = patch.facts;
  const result = applyPatch(edits, await patchableFiles(source));
  if ('refused' in result) throw new Refused(result.refused);
  return { kind: 'sabotage', role, phase: id, body: patch.body, facts: { session, claim: claim.id, gate, edits } };
}

/** Waits for a run of the patch, until one counts; null if none is to come. */
async function countedRun(
  world: World,
  { phase: id }: Author,
  entry: EntryId,
  signal: AbortSignal,
): Promise<Run | null> {
  const newest = () => phaseNow(world, id).runs.find((run) => isOf(run, entry)) ?? null;
  const isWaiting = () => {
    const phase = phaseNow(world, id);
    const sabotage = phase.sabotages.find((one) => one.id === entry);
    const claim = phase.claims.findLast((one) => one.gate === phase.claims.find((c) => c.id === sabotage?.claim)?.gate);
    return phase.status === 'open' && newest() === null && claim?.id === sabotage?.claim && claim?.withdrawn === null;
  };
  await untilTrail(world, () => !isWaiting(), signal);
  return newest();
}

function isOf({ purpose, outcome }: Run, sabotage: EntryId): boolean {
  return (
    purpose.kind === 'control' &&
    purpose.control === 'sabotage' &&
    purpose.target === `${sabotage}` &&
    !uncounted.has(outcome)
  );
}
