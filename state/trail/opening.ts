// Opens a trail for writing: reads it whole, compares it with heads.log, and repairs what a crash may leave (a torn
// last line, or a batch that is on the trail but not yet in heads.log). Any other mismatch is an error, and is not
// repaired.

import { join } from 'node:path';
import { TrailError } from '../entry/errors.ts';
import type { Role, Sha } from '../entry/ids.ts';
import type { ObjectStore } from '../git/objects.ts';
import { mustRead, objectStore } from '../git/objects.ts';
import type { Branch } from '../git/refs.ts';
import { openBranch } from '../git/refs.ts';
import { type AllowedSigner, currentKey, parseAllowedSigners } from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';
import type { HeadsLog } from './heads.ts';
import { openHeadsLog } from './heads.ts';
import type { History } from './history.ts';
import { docs, readHistory } from './history.ts';

export const trailRef = 'refs/heads/trail';

/** `allowed`: the keys in the trail's allowed_signers at the head. */
export type OpenTrail = {
  history: History;
  store: ObjectStore;
  branch: Branch;
  log: HeadsLog;
  allowed: AllowedSigner[];
};

/** Opens the trail of `hub`, with its heads.log in `stateDir`. If it rejects with TrailError, nothing stays open. */
export async function openTrail(
  hub: string,
  stateDir: string,
  signers: Partial<Record<Role, Signer>>,
): Promise<OpenTrail> {
  const store = objectStore(hub);
  let log: HeadsLog | null = null;
  try {
    const branch = await openBranch(hub, trailRef);
    const head = await branch.read();
    if (head === null)
      throw new TrailError('bad-hub', `${hub} has no trail; is it a Coldpass hub? (coldpass init makes one)`);
    const history = await readHistory(hub, store, head);
    const allowed = await checkSigners(store, history, signers);
    log = await openHeadsLog(join(stateDir, 'heads.log'));
    await checkWitness(hub, history, store, log);
    return { history, store, branch, log, allowed };
  } catch (error) {
    store.close();
    await log?.close();
    throw error;
  }
}

async function checkSigners(
  store: ObjectStore,
  history: History,
  signers: Partial<Record<Role, Signer>>,
): Promise<AllowedSigner[]> {
  const child = history.root.get(docs)?.tree?.get('allowed_signers');
  if (child === undefined)
    throw new TrailError('bad-trail', `The trail has no ${docs}/allowed_signers at ${history.head}.`);
  const allowed = parseAllowedSigners((await mustRead(store, child.sha, 'blob')).toString('utf8'));
  for (const [role, signer] of Object.entries(signers)) {
    if (currentKey(allowed, role as Role) === signer.publicKey) continue;
    throw new TrailError(
      'bad-key',
      `The ${role}'s key (${signer.fingerprint}) is not the one in the trail's allowed_signers.`,
    );
  }
  return allowed;
}

async function checkWitness(hub: string, history: History, store: ObjectStore, log: HeadsLog): Promise<void> {
  const positions = new Map(history.chain.map((sha, index) => [sha, index]));
  let before = -1;
  for (const line of log.lines) {
    const position = positions.get(line.sha);
    if (position === undefined) throw await tailCut(hub, line, history, store);
    if (position <= before) throw new TrailError('bad-trail', `heads.log is out of order at entry #${line.id}.`);
    before = position;
  }
  if (before < history.chain.length - 1) await log.append([{ id: history.entries.length, sha: history.head }]);
}

async function tailCut(
  hub: string,
  line: { id: number; sha: Sha },
  history: History,
  store: ObjectStore,
): Promise<TrailError> {
  const isKept = (await store.read(line.sha)) !== null;
  const remedy = isKept
    ? `The commit is still in the hub: git --git-dir=${hub} update-ref ${trailRef} <the last commit in heads.log>`
    : 'The commit is gone from the hub: restore it from a backup';
  const end = `the trail ends at #${history.entries.length} (${history.head}) without it`;
  return new TrailError(
    'bad-trail',
    `heads.log has entry #${line.id} (${line.sha}) as acknowledged, but ${end}: its tail was cut off. ${remedy}.`,
  );
}
