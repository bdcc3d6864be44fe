// Before an act is appended, checks everything but its signature: the plan and recipes that the act pins, the text of
// the entry that it is about, and the private half of a new key. Each fault is one line for the operator.

import { type ActPayload, type SignedAct, targetOf } from '../../state/entry/act.ts';
import { canonicalJson } from '../../state/entry/digest.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { Digest, PhaseId } from '../../state/entry/ids.ts';
import { livePhase } from '../../state/entry/phase.ts';
import { isApp, PinnedRecipe } from '../../state/entry/recipe.ts';
import { unfitControl } from '../../state/entry/spec.ts';
import { roleSigner } from '../../state/keys/keys.ts';
import { rotationFault } from '../../state/keys/signers.ts';
import { readPlan } from '../../state/plan/plan.ts';
import { targetDigestOf } from '../../state/trail/acts.ts';
import type { World } from './world.ts';

/** Why the act cannot be appended as it is; null if it can. */
export function actFault(world: World, signed: SignedAct): string | null {
  return planFault(signed) ?? targetFault(world, signed) ?? keyFault(world, signed);
}

/** The phase that an act belongs to: the phase that it names, else the phase of its target, else the live phase. */
export function phaseOf(world: World, payload: ActPayload): PhaseId | null {
  if (payload.act === 'queue' || payload.act === 'rotate') return null;
  if ('phase' in payload) return payload.phase;
  const about = targetOf(payload);
  return (about && world.entries.entry(about.target)?.phase) ?? livePhase(world.trail.state)?.id ?? null;
}

/** Why a plan cannot be used; null if it parses, matches what was signed, and comes with everything that it pins. */
function planFault({ act, blobs }: SignedAct): string | null {
  const { payload } = act;
  if (payload.act !== 'queue' && payload.act !== 'amend') return null;
  const text = textOf(blobs, payload.plan);
  if (text === null) return 'the act does not include its plan';
  const read = readPlan(text);
  if (!('spec' in read) || read.spec.phase !== payload.phase)
    return `the plan is not a complete plan of phase ${payload.phase}`;
  if (payload.act === 'amend' && canonicalJson(read.spec) !== canonicalJson(payload.spec))
    return 'the act does not match its plan';
  const unpinned = Object.values(read.spec.gates).find((gate) => payload.recipes[gate.recipe] === undefined);
  if (unpinned) return `the act pins no recipe ${unpinned.recipe}`;
  return recipesFault(payload, blobs) ?? unfitControl(read.spec, payload.apps ?? []);
}

type Pinning = { recipes: Record<string, Digest>; apps?: readonly string[] | undefined };

function recipesFault({ recipes, apps = [] }: Pinning, blobs: SignedAct['blobs']): string | null {
  for (const [name, digest] of Object.entries(recipes)) {
    const pinned = PinnedRecipe.safeParse(parsed(textOf(blobs, digest)));
    if (!pinned.success || pinned.data.name !== name) return `the act does not include recipe ${name}`;
    const missing = pinned.data.harness.find((item) => item.digest !== null && blobs[item.digest] === undefined);
    if (isApp(pinned.data.recipe) !== apps.includes(name))
      return `the act and recipe ${name} disagree on whether it is for an app`;
    if (missing) return `the act does not include ${missing.item} of recipe ${name}`;
  }
  return null;
}

function textOf(blobs: SignedAct['blobs'], digest: Digest): string | null {
  return blobs[digest] === undefined ? null : Buffer.from(blobs[digest], 'base64').toString('utf8');
}

/** The JSON value in a text; null if it is not JSON, so that the act is refused and does not break the supervisor. */
function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** Checks that the target of an act still has the text that the operator read: the act was signed over that text. */
function targetFault(world: World, { act: { payload } }: SignedAct): string | null {
  const about = targetOf(payload);
  if (!about) return null;
  const target = world.entries.entry(about.target);
  if (target && targetDigestOf(target) === about.targetDigest) return null;
  return `#${about.target} is not the entry that the act was signed over; look at it again, then sign again`;
}

/**
 * Checks that the private half of a role's new key is in place, because the role could not go on without it. Nobody but
 * the operator has the private half of the operator's key, so that one is not checked.
 */
function keyFault(world: World, { act: { payload } }: SignedAct): string | null {
  if (payload.act !== 'rotate') return null;
  const fault = rotationFault(world.trail.allowed, payload);
  if (fault !== null || payload.role === 'operator') return fault;
  try {
    roleSigner(world.paths.keys, payload.role, payload.publicKey);
    return null;
  } catch (error) {
    if (error instanceof TrailError) return error.message;
    throw error;
  }
}
