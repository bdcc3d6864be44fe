// Processes the operator's inbox. Signed acts in it are verified, appended and removed, oldest first. A refused act is
// recorded, and put aside with the reason in a file next to it. The watcher only triggers a look; the folder itself is
// what counts.

import { watch } from 'chokidar';
import type { SignedAct } from '../../state/entry/act.ts';
import { digestOf } from '../../state/entry/digest.ts';
import type { Facts, Intent } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import { stampOf } from '../../state/entry/ids.ts';
import { isLastOn } from '../../state/entry/refusal.ts';
import { fitLine } from '../../state/entry/words.ts';
import { verifyAct } from '../../state/trail/acts.ts';
import {
  type InboxFile,
  putAside,
  type ReadableAct,
  readInbox,
  removeAct,
  settleTaken,
  takeUp,
} from '../../state/trail/inboxFolder.ts';
import { actFault, phaseOf } from './actFault.ts';
import type { World } from './world.ts';

const reasonCharsMax = 500;

export type Inbox = { close(): Promise<void> };

/** Processes what is in the inbox, then whatever arrives, one at a time. `onBroken` is called if the machine fails. */
export async function openInbox(world: World, onBroken: (error: unknown) => void): Promise<Inbox> {
  await settleTaken(world.paths.inbox, (nonce) => world.trail.state.nonces[nonce] !== undefined);
  let busy = takeAll(world);
  await busy;
  const ring = () => {
    busy = busy.then(() => takeAll(world)).catch(onBroken);
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

/** Processes everything in the inbox, once. */
export async function takeAll(world: World): Promise<void> {
  const { acts, unreadable } = await readInbox(world.paths.inbox);
  for (const { name, file, reason } of unreadable) await refuse(world, name, file, { reason, ...unknownAct });
  for (const one of acts.toSorted(bySigning)) await takeOne(world, one);
}

function bySigning(one: ReadableAct, other: ReadableAct): number {
  const [first, second] = [one.signed.act.at, other.signed.act.at];
  return first === second ? one.writtenMs - other.writtenMs : first < second ? -1 : 1;
}

async function takeOne(world: World, { name, file, signed }: ReadableAct): Promise<void> {
  const { inbox } = world.paths;
  const { nonce, payload } = signed.act;
  const { signer, refused } = verifyAct(signed, {
    workspace: world.workspace.name,
    root: world.workspace.root,
    signers: world.trail.allowed,
    now: new Date(world.clock.nowMs()),
    seenNonces: new Set(Object.keys(world.trail.state.nonces)),
  });
  const origin = { act: payload.act, nonce, signer };
  if (refused !== null) return refuse(world, name, file, { reason: refused, ...origin });
  if (!(await takeUp(inbox, nonce))) return;
  const reason = await append(world, signed);
  if (reason === null) await removeAct(inbox, nonce);
  else await refuse(world, `${nonce}.taken`, file, { reason, ...origin });
}

async function append(world: World, signed: SignedAct): Promise<string | null> {
  const fault = actFault(world, signed);
  if (fault) return fault;
  const blobs = Object.values(signed.blobs).map((base64) => {
    const bytes = Buffer.from(base64, 'base64');
    return { path: `blobs/${digestOf(bytes)}`, bytes };
  });
  const facts = { act: signed.act, signature: signed.signature };
  return refusalOf(world, {
    kind: 'act',
    role: 'operator',
    phase: phaseOf(world, signed.act.payload),
    facts,
    body: '',
    blobs,
  });
}

type RefusedAct = Pick<Facts<'refusal'>, 'act' | 'nonce' | 'signer' | 'reason'>;
const unknownAct = { act: null, nonce: null, signer: null };

/**
 * Records the refusal, then puts the file aside. After a crash in between, the file is found again, and its digest is
 * already on the trail.
 */
async function refuse(world: World, name: string, file: InboxFile, refused: RefusedAct): Promise<void> {
  world.log.warn({ name, ...refused }, 'an act was refused');
  const at = stampOf(new Date(world.clock.nowMs()));
  const facts: Facts<'refusal'> = {
    file: file?.digest ?? null,
    ...refused,
    reason: fitLine(refused.reason, reasonCharsMax),
    isLast: isLastOn(world.trail.state.refusals, at),
  };
  const blobs = file?.bytes ? [{ path: `blobs/${file.digest}`, bytes: file.bytes }] : [];
  const unrecorded = await refusalOf(world, {
    kind: 'refusal',
    role: 'supervisor',
    phase: null,
    facts,
    body: '',
    blobs,
  });
  if (unrecorded !== null) world.log.info({ name, why: unrecorded }, 'this refusal is not recorded');
  await putAside(world.paths.inbox, name, refused.reason);
}

/** Appends an entry; returns null if that worked, else why the rules refuse the entry. */
async function refusalOf(world: World, intent: Intent): Promise<string | null> {
  try {
    await world.trail.append([intent]);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}
