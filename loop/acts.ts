// The operator's inbox: signed acts that lie there are verified, appended and taken away, oldest first; what is refused is put
// aside with its reason in the log and in a file beside it. A watcher only rings the bell; what counts is the folder.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { watch } from 'chokidar';
import type { ActPayload, SignedAct } from '../state/act.ts';
import { readActs, refuseAct, removeAct, targetDigestOf, verifyAct } from '../state/acts.ts';
import { digestOf } from '../state/digest.ts';
import type { Intent } from '../state/entry.ts';
import { Refused } from '../state/errors.ts';
import type { Digest, PhaseId } from '../state/ids.ts';
import type { AllowedSigner } from '../state/keys.ts';
import { livePhase } from '../state/phase.ts';
import { readPlan } from '../state/plan.ts';
import { PinnedRecipe } from '../state/recipe.ts';
import type { World } from './world.ts';

export type Inbox = { close(): Promise<void> };

/** Takes in what lies there now, then whatever comes, one at a time. `onBroken` is told when the machine is. */
export async function openInbox(
  world: World,
  operators: AllowedSigner[],
  onBroken: (error: unknown) => void,
): Promise<Inbox> {
  let busy = takeAll(world, operators);
  await busy;
  const ring = () => {
    busy = busy.then(() => takeAll(world, operators)).catch(onBroken);
  };
  const watcher = watch(world.paths.inbox, { depth: 0, ignoreInitial: false });
  watcher.on('add', ring);
  return {
    close: async () => {
      await watcher.close();
      await busy;
    },
  };
}

/** Everything in the inbox, once. */
export async function takeAll(world: World, operators: AllowedSigner[]): Promise<void> {
  const { acts, refused } = await readActs(world.paths.inbox);
  for (const { file, reason } of refused) world.log.warn({ file, reason }, 'an act was refused');
  const inOrder = acts.toSorted((a, b) => (a.act.at < b.act.at ? -1 : a.act.at > b.act.at ? 1 : 0));
  for (const signed of inOrder) await takeOne(world, operators, signed);
}

async function takeOne(world: World, operators: AllowedSigner[], signed: SignedAct): Promise<void> {
  const { inbox } = world.paths;
  const { nonce } = signed.act;
  if (world.trail.state.nonces[nonce] !== undefined) return removeAct(inbox, nonce); // appended before we died
  const rules = {
    workspace: world.workspace.name,
    root: world.workspace.root,
    operators,
    now: new Date(world.clock.nowMs()),
    seenNonces: new Set<string>(),
  };
  const verified = verifyAct(signed, rules);
  const reason = 'refused' in verified ? verified.refused : await append(world, signed);
  if (reason === null) return removeAct(inbox, nonce);
  world.log.warn({ nonce, act: signed.act.payload.act, reason }, 'an act was refused');
  await refuseAct(inbox, nonce);
  await writeFile(join(inbox, `${nonce}.reason`), `${reason}\n`, { mode: 0o600 });
}

async function append(world: World, signed: SignedAct): Promise<string | null> {
  const fault = queueFault(signed) ?? targetFault(world, signed);
  if (fault) return fault;
  const blobs = Object.values(signed.blobs).map((base64) => {
    const bytes = Buffer.from(base64, 'base64');
    return { path: `blobs/${digestOf(bytes)}`, bytes };
  });
  const phase = phaseOf(world, signed.act.payload);
  const intent: Intent = {
    kind: 'act',
    role: 'operator',
    phase,
    facts: { act: signed.act, signature: signed.signature },
    body: '',
    blobs,
  };
  try {
    await world.trail.append([intent]);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

/** A queued phase must be one that can be opened: its plan reads, and every byte that it pins came with the act. */
function queueFault({ act, blobs }: SignedAct): string | null {
  const { payload } = act;
  if (payload.act !== 'queue') return null;
  const bytesOf = (digest: Digest) =>
    blobs[digest] === undefined ? null : Buffer.from(blobs[digest], 'base64').toString('utf8');
  const text = bytesOf(payload.plan);
  if (text === null) return 'the act does not bring its plan';
  const read = readPlan(text);
  if (!('spec' in read) || read.spec.phase !== payload.phase)
    return `the plan is not a complete plan of phase ${payload.phase}`;
  const unpinned = Object.values(read.spec.gates).find((gate) => payload.recipes[gate.recipe] === undefined);
  if (unpinned) return `the act pins no recipe ${unpinned.recipe}`;
  for (const [name, digest] of Object.entries(payload.recipes)) {
    const pinned = PinnedRecipe.safeParse(parsed(bytesOf(digest)));
    if (!pinned.success || pinned.data.name !== name) return `the act does not bring recipe ${name}`;
    const absent = pinned.data.harness.find((item) => item.digest !== null && blobs[item.digest] === undefined);
    if (absent) return `the act does not bring ${absent.item} of recipe ${name}`;
  }
  return null;
}

/** Null for what is no JSON: the act is then refused, not the supervisor broken by it. */
function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** An act on an entry was signed over that entry's text: what he read is what he decides on. */
function targetFault(world: World, { act: { payload } }: SignedAct): string | null {
  if (!('targetDigest' in payload)) return null;
  const target = world.entries.entry(payload.target);
  if (target && targetDigestOf(target) === payload.targetDigest) return null;
  return `#${payload.target} is not the entry that the act was signed over; look at it again, then sign anew`;
}

/** The phase an act belongs to: the one it names, or the one whose entry it targets. */
function phaseOf(world: World, payload: ActPayload): PhaseId | null {
  if (payload.act === 'queue') return null;
  if ('phase' in payload) return payload.phase;
  return livePhase(world.trail.state)?.id ?? null;
}
