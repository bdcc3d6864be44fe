// Opens a queued phase: turns what the operator signed (digests of plan and recipes, and the base commit) into the
// entry `opened`, which pins it. Reads what was signed from the trail, never from a checkout.

import { digestOfJson } from '../../state/entry/digest.ts';
import type { Intent } from '../../state/entry/entry.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { Digest, EntryId, RecipeName } from '../../state/entry/ids.ts';
import { PinnedRecipe } from '../../state/entry/recipe.ts';
import { readPlan } from '../../state/plan/plan.ts';
import { startPhase } from '../../state/trail/hub.ts';
import type { Sources, World } from './world.ts';

/**
 * Appends `opened` for a queued phase, then makes the branch `phase/<id>`. `queue` is the entry of the phase's `queue`
 * act.
 */
export async function openQueued(world: World, queue: EntryId): Promise<void> {
  const queued = world.trail.state.queue.find((item) => item.id === queue);
  if (!queued) return; // an earlier process opened it
  const bytes = await storedBytes(world, queued.plan);
  const read = readPlan(bytes.toString('utf8'));
  if (!('spec' in read)) throw new TrailError('bad-file', `the queued plan of ${queued.phase} can no longer be read`);
  const intent: Intent = {
    kind: 'phase',
    role: 'supervisor',
    phase: queued.phase,
    facts: {
      event: 'opened',
      queue,
      plan: queued.plan,
      base: queued.baseSha,
      recipes: queued.recipes,
      ...(queued.apps.length > 0 && { apps: queued.apps }),
      holdout: queued.holdout,
      spec: read.spec,
      sandbox: world.sandbox.level,
      uid: world.sandbox.uid,
    },
    body: '',
    blobs: [{ path: `plan-phase-${queued.phase}.md`, bytes }],
  };
  await world.trail.append([intent]);
  await startPhase(world.paths.hub, queued.phase, queued.baseSha);
}

/** A recipe as it was pinned, with its harness files by digest. */
export async function pinnedRecipe(
  world: Sources,
  digest: Digest,
): Promise<{ pinned: PinnedRecipe; harness: Map<Digest, Buffer> }> {
  const pinned = PinnedRecipe.parse(JSON.parse((await storedBytes(world, digest)).toString('utf8')));
  if (digestOfJson(pinned) !== digest)
    throw new TrailError('bad-trail', `the recipe stored as ${digest} has another digest`);
  const wanted = pinned.harness.flatMap((item) => item.digest ?? []);
  const files = await Promise.all(
    wanted.map(async (file): Promise<[Digest, Buffer]> => [file, await storedBytes(world, file)]),
  );
  return { pinned, harness: new Map(files) };
}

/** The digest under which a phase pins a recipe. */
export function recipeDigest(recipes: Record<string, Digest>, name: RecipeName): Digest {
  const digest = recipes[name];
  if (!digest) throw new TrailError('bad-trail', `the phase pins no recipe ${name}`);
  return digest;
}

async function storedBytes(world: Sources, digest: Digest): Promise<Buffer> {
  const bytes = await world.trail.blob(digest);
  if (!bytes) throw new TrailError('bad-trail', `the trail has no bytes with digest ${digest}`);
  return bytes;
}
