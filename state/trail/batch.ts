// A batch of appends, drafted: which are accepted, and the commits that hold them, one role a commit, in order. A draft is
// a new value beside the tip it starts from; where it cannot be written whole it is dropped, and the tip stands. An act that
// rotates a key changes allowed_signers in its own commit, and the next commit of that role bears the new key.

import type { Entry, Intent } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import type { EntryId, Role, Sha } from '../entry/ids.ts';
import { sealBytes, sealedName, subjectFor } from '../entry/policy.ts';
import { signedCommit } from '../git/commits.ts';
import type { GitObject, LoadTree, Tree } from '../git/trees.ts';
import { childAt, gitObject, withFiles } from '../git/trees.ts';
import {
  type AllowedSigner,
  allowedSignersFile,
  formatAllowedSigners,
  rotationsIn,
  signersAfter,
} from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';
import type { Accepted, Filed, Rules } from './accept.ts';
import { takeIn } from './accept.ts';
import type { Head } from './heads.ts';
import { docs } from './history.ts';

/** Where the trail stands: all that the funnel knows, as one value. */
export type Tip<S> = {
  state: S;
  head: Sha;
  nextId: number;
  root: Tree;
  /** The unsealed file of each entry, for those that close one. */
  files: ReadonlyMap<EntryId, string>;
  keys: Keys;
};

/** Whose keys count now, and those of them that sign here. */
export type Keys = { allowed: AllowedSigner[]; signers: Partial<Record<Role, Signer>> };

export type Draft<S> = {
  tip: Tip<S>;
  /** In the order of the appends: its entries, or why it was turned down. */
  answers: (Entry[] | Error)[];
  objects: GitObject[];
  heads: Head[];
  /** What was accepted, in order. */
  filed: Filed[];
};

export type Drafting<S> = {
  rules: Rules<S>;
  /** The private half of a role's new key. Throws TrailError 'bad-key' where it is not here. */
  newSigner?: (role: Role, publicKey: string) => Signer;
  load: LoadTree;
  /** The bytes of a blob that must be there. */
  readBlob(sha: Sha): Promise<Buffer>;
};

/** Drafts the batch on top of `tip`. Nothing is written. Rejects where git cannot be read. */
export async function draftBatch<S>(tip: Tip<S>, appends: Intent[][], using: Drafting<S>): Promise<Draft<S>> {
  const { answers, accepted, state } = await judgeAll(tip, appends, using);
  const filed = accepted.flatMap((one) => one.entries);
  const draft: Draft<S> = { tip, answers, objects: [], heads: [], filed };
  for (const group of byRole(accepted)) await draftCommit(draft, group, { ...using, readBlob });
  draft.tip = { ...draft.tip, state };
  return draft;

  // A commit may grow a file of the commit before it, which is not written yet.
  async function readBlob(sha: Sha): Promise<Buffer> {
    const drafted = draft.objects.find((object) => object.sha === sha);
    return drafted === undefined ? using.readBlob(sha) : Buffer.from(drafted.bytes);
  }
}

async function judgeAll<S>(tip: Tip<S>, appends: Intent[][], using: Drafting<S>) {
  const answers: (Entry[] | Error)[] = [];
  const accepted: Accepted[] = [];
  const stored = new Map<string, Sha>();
  const files = new Map<EntryId, string>();
  const fileOf = (id: EntryId) => files.get(id) ?? tip.files.get(id);
  let { state, nextId, keys } = tip;
  for (const intents of appends) {
    try {
      const taken = await takeIn(intents, { state, nextId, root: tip.root, stored, fileOf }, using.rules, using.load);
      signerOf(keys, taken.accepted.role);
      keys = keysAfter(
        keys,
        taken.accepted.entries.map(({ entry }) => entry),
        using,
      );
      state = taken.state;
      nextId += taken.accepted.entries.length;
      for (const [path, { sha }] of taken.accepted.stored) stored.set(path, sha);
      for (const { entry, file } of taken.accepted.entries) files.set(entry.id, file);
      accepted.push(taken.accepted);
      answers.push(taken.accepted.entries.map(({ entry }) => entry));
    } catch (error) {
      answers.push(error as Error);
    }
  }
  return { answers, accepted, state };
}

/** Neighbours of one role go into one commit. */
function byRole(accepted: Accepted[]): Accepted[][] {
  const groups: Accepted[][] = [];
  for (const one of accepted) {
    const last = groups.at(-1);
    if (last?.[0]?.role === one.role) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

async function draftCommit<S>(draft: Draft<S>, group: Accepted[], using: Drafting<S>): Promise<void> {
  const { tip } = draft;
  const entries = group.flatMap((one) => one.entries.map(({ entry }) => entry));
  const last = entries.at(-1) as Entry;
  const role = (group[0] as Accepted).role;
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

/** The keys after a commit of these entries; the same where none of them rotates one. Throws Refused where that cannot be. */
function keysAfter<S>(keys: Keys, entries: Entry[], using: Drafting<S>): Keys {
  const rotations = rotationsIn(entries);
  if (rotations.length === 0) return keys;
  const allowed = signersAfter(keys.allowed, entries);
  const signers = { ...keys.signers };
  for (const { rotation } of rotations) {
    const { role, publicKey } = rotation;
    if (signers[role] === undefined) continue; // the operator's, say: it never signs here
    delete signers[role];
    if (using.newSigner) signers[role] = using.newSigner(role, publicKey);
  }
  return { allowed, signers };
}

/** The files that the entries go to, old bytes first. A file that an entry would take over the limit goes on as the next. */
async function grownFiles<S>(root: Tree, group: Accepted[], using: Drafting<S>): Promise<Map<string, GitObject>> {
  const grown = new Map<string, Buffer>();
  for (const { file, text } of group.flatMap((one) => one.entries)) {
    await growFile(grown, root, file, Buffer.from(text), using);
  }
  return new Map([...grown].map(([path, bytes]) => [path, gitObject('blob', bytes)]));
}

async function growFile<S>(
  grown: Map<string, Buffer>,
  root: Tree,
  file: string,
  text: Buffer,
  using: Drafting<S>,
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

function signerOf({ signers }: Keys, role: Role): Signer {
  const signer = signers[role];
  if (signer === undefined) throw new TrailError('bad-key', `No key of the ${role} was given, so it cannot append.`);
  return signer;
}
