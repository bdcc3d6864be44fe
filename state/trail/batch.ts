// Drafts a batch of appends: decides which of them are accepted, and makes commits of the accepted ones, in order, each
// for one role. A draft does not change the tip that it starts from; a draft that cannot be written whole is dropped.
// If an act rotates a role's key, the commit with the act also changes allowed_signers, and the new key signs that
// role's next commit.

import type { Entry, Intent } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import type { EntryId, Role, Sha } from '../entry/ids.ts';
import { sealBytes, sealedName, subjectFor } from '../entry/policy.ts';
import { signedCommit } from '../git/commits.ts';
import type { GitObject, GitTree, LoadTree } from '../git/trees.ts';
import { childAt, gitObject, withFiles } from '../git/trees.ts';
import {
  type AllowedSigner,
  allowedSignersFile,
  formatAllowedSigners,
  rotationsIn,
  signersAfter,
} from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';
import type { AcceptedAppend, FiledEntry, Rules } from './accept.ts';
import { judgeAppend } from './accept.ts';
import type { Head } from './heads.ts';
import { docs } from './history.ts';

/** The current end of the trail: everything that the funnel knows, as one value. */
export type Tip<S> = {
  state: S;
  head: Sha;
  nextId: number;
  root: GitTree;
  /** The unsealed file of each entry, because a later close is written to its target's file. */
  files: ReadonlyMap<EntryId, string>;
  keys: SigningKeys;
};

/** The keys that count now, and the signers of the roles that sign here. */
export type SigningKeys = { allowed: AllowedSigner[]; signers: Partial<Record<Role, Signer>> };

export type DraftBatch<S> = {
  tip: Tip<S>;
  /** In the order of the appends: the entries, or why the append was refused. */
  answers: (Entry[] | Error)[];
  objects: GitObject[];
  heads: Head[];
  /** The accepted entries, in order. */
  filed: FiledEntry[];
};

export type BatchContext<S> = {
  rules: Rules<S>;
  /** Opens the private half of a role's new key. Throws TrailError 'bad-key' if the key is not here. */
  newSigner?: (role: Role, publicKey: string) => Signer;
  load: LoadTree;
  /** The bytes of this blob, which must exist. */
  readBlob(sha: Sha): Promise<Buffer>;
};

/** Drafts the batch on top of `tip`, and writes nothing. Rejects if git cannot be read. */
export async function draftBatch<S>(tip: Tip<S>, appends: Intent[][], using: BatchContext<S>): Promise<DraftBatch<S>> {
  const { answers, accepted, state } = await judgeAll(tip, appends, using);
  const filed = accepted.flatMap((one) => one.entries);
  const draft: DraftBatch<S> = { tip, answers, objects: [], heads: [], filed };
  for (const group of byRole(accepted)) await draftCommit(draft, group, { ...using, readBlob });
  draft.tip = { ...draft.tip, state };
  return draft;

  // A commit may extend a file of the commit before it, and that commit may be drafted but not yet written.
  async function readBlob(sha: Sha): Promise<Buffer> {
    const drafted = draft.objects.find((object) => object.sha === sha);
    return drafted === undefined ? using.readBlob(sha) : Buffer.from(drafted.bytes);
  }
}

async function judgeAll<S>(tip: Tip<S>, appends: Intent[][], using: BatchContext<S>) {
  const answers: (Entry[] | Error)[] = [];
  const accepted: AcceptedAppend[] = [];
  const stored = new Map<string, Sha>();
  const files = new Map<EntryId, string>();
  const fileOf = (id: EntryId) => files.get(id) ?? tip.files.get(id);
  let { state, nextId, keys } = tip;
  for (const intents of appends) {
    try {
      const position = { state, nextId, root: tip.root, stored, fileOf };
      const append = await judgeAppend(intents, position, using.rules, using.load);
      const { role, entries: filed } = append.accepted;
      const entries = filed.map(({ entry }) => entry);
      signerOf(keys, role);
      keys = keysAfter(keys, entries, using);
      state = append.state;
      nextId += entries.length;
      for (const [path, { sha }] of append.accepted.stored) stored.set(path, sha);
      for (const { entry, file } of filed) files.set(entry.id, file);
      accepted.push(append.accepted);
      answers.push(entries);
    } catch (error) {
      answers.push(error as Error);
    }
  }
  return { answers, accepted, state };
}

/** Consecutive appends of one role share a commit. */
function byRole(accepted: AcceptedAppend[]): AcceptedAppend[][] {
  const groups: AcceptedAppend[][] = [];
  for (const one of accepted) {
    const last = groups.at(-1);
    if (last?.[0]?.role === one.role) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

async function draftCommit<S>(draft: DraftBatch<S>, group: AcceptedAppend[], using: BatchContext<S>): Promise<void> {
  const { tip } = draft;
  const entries = group.flatMap((one) => one.entries.map(({ entry }) => entry));
  const last = entries.at(-1) as Entry;
  const role = (group[0] as AcceptedAppend).role;
  const blobs = new Map(group.flatMap((one) => [...one.stored]));
  for (const [path, blob] of await grownFiles(tip.root, group, using)) blobs.set(path, blob);
  const keys = keysAfter(tip.keys, entries, using);
  if (keys !== tip.keys)
    blobs.set(allowedSignersFile, gitObject('blob', Buffer.from(formatAllowedSigners(keys.allowed))));
  const files = new Map([...blobs].map(([path, blob]) => [path, blob.sha]));
  const trees = await withFiles(tip.root, files, using.load);
  const commit = signedCommit(
    { tree: trees.sha, parent: tip.head, role, atMs: Date.parse(last.at), subject: subjectFor(entries) },
    signerOf(tip.keys, role),
  );
  draft.objects.push(...blobs.values(), ...trees.objects, commit);
  draft.heads.push({ id: last.id, sha: commit.sha });
  draft.tip = { ...tip, head: commit.sha, nextId: last.id + 1, root: trees.tree, keys };
}

/**
 * The keys after a commit of these entries; the same object if no entry rotates a key. Throws Refused if a rotation
 * does not fit.
 */
function keysAfter<S>(keys: SigningKeys, entries: Entry[], using: BatchContext<S>): SigningKeys {
  const rotations = rotationsIn(entries);
  if (rotations.length === 0) return keys;
  const allowed = signersAfter(keys.allowed, entries);
  const signers = { ...keys.signers };
  for (const { rotation } of rotations) {
    const { role, publicKey } = rotation;
    if (signers[role] === undefined) continue; // a role that does not sign here, such as the operator
    delete signers[role];
    if (using.newSigner) signers[role] = using.newSigner(role, publicKey);
  }
  return { allowed, signers };
}

/**
 * The new content of the files that the entries are written to. An entry that would exceed the limit starts a new part.
 */
async function grownFiles<S>(
  root: GitTree,
  group: AcceptedAppend[],
  using: BatchContext<S>,
): Promise<Map<string, GitObject>> {
  const grown = new Map<string, Buffer>();
  for (const { file, text } of group.flatMap((one) => one.entries)) {
    await growFile(grown, root, file, Buffer.from(text), using);
  }
  return new Map([...grown].map(([path, bytes]) => [path, gitObject('blob', bytes)]));
}

async function growFile<S>(
  grown: Map<string, Buffer>,
  root: GitTree,
  file: string,
  text: Buffer,
  using: BatchContext<S>,
): Promise<void> {
  const inDocs = root.get(docs)?.tree;
  const isThere = (path: string) => grown.has(path) || inDocs?.has(path.slice(docs.length + 1)) === true;
  let part = 1;
  while (isThere(sealedName(file, part + 1))) part++;
  const path = sealedName(file, part);
  const child = grown.has(path) ? null : await childAt(root, path, using.load);
  const old = grown.get(path) ?? (child === null ? Buffer.alloc(0) : await using.readBlob(child.sha));
  const isFull = old.length > 0 && old.length + text.length > sealBytes;
  if (isFull) grown.set(sealedName(file, part + 1), text);
  else grown.set(path, Buffer.concat([old, text]));
}

function signerOf({ signers }: SigningKeys, role: Role): Signer {
  const signer = signers[role];
  if (signer === undefined) throw new TrailError('bad-key', `The ${role} has no key here, so it cannot append.`);
  return signer;
}
