// Judges one append: its intents become numbered entries, or it is refused as a whole. Everything that could make a
// trail unreadable is stopped here, since nothing appended can ever be taken back.

import { canonicalJson, digestOf } from '../entry/digest.ts';
import type { Entry, Intent, StoredBytes } from '../entry/entry.ts';
import { factsSchema } from '../entry/entry.ts';
import { Refused } from '../entry/errors.ts';
import { checkEntry, parseEntries, renderEntry } from '../entry/framing.ts';
import { type Digest, type EntryId, type Role, type Sha, stampOf } from '../entry/ids.ts';
import { committerOf, fileFor, mayWrite, partOf, signersOf } from '../entry/policy.ts';
import type { GitObject, GitTree, LoadTree } from '../git/trees.ts';
import { childAt, gitObject } from '../git/trees.ts';
import { docs } from './history.ts';

export const storedBytesMax = 8 * 1024 * 1024;
export const intentsMax = 64;

/**
 * The caller's own rules. `apply` does not modify its argument; `admit` returns why the entry is not allowed, or null.
 */
export type Rules<S> = {
  apply(state: S, entry: Entry): S;
  admit(state: S, entry: Entry): string | null;
  now(): Date;
};

/** Where an append would be written: the state, and the next number, after everything accepted before it. */
export type Position<S> = {
  state: S;
  nextId: number;
  root: GitTree;
  /** What earlier appends of this batch store: blob ids by path. */
  stored: ReadonlyMap<string, Sha>;
  /** The unsealed file of an earlier entry; undefined if there is no such entry. */
  fileOf(id: EntryId): string | undefined;
};

/** An entry, its text, and the unsealed file to which the entry is written. */
export type FiledEntry = { entry: Entry; text: string; file: string };

export type AcceptedAppend = {
  /** The role whose key signs the commit. */
  role: Role;
  entries: FiledEntry[];
  /** The bytes to store, by their path from the top of the tree. */
  stored: Map<string, GitObject>;
};

/** Judges one append. If it rejects with `Refused`, nothing of the append is kept. */
export async function judgeAppend<S>(
  intents: Intent[],
  position: Position<S>,
  rules: Rules<S>,
  load: LoadTree,
): Promise<{ accepted: AcceptedAppend; state: S }> {
  const role = roleOf(intents);
  const accepted: AcceptedAppend = { role, entries: [], stored: new Map() };
  let { state } = position;
  for (const intent of intents) {
    const entry = entryOf(intent, position.nextId + accepted.entries.length, rules.now());
    for (const stored of intent.blobs ?? []) await takeStored(stored, intent, accepted, position, load);
    const filed = { entry, text: textOf(entry), file: placeOf(entry, position, accepted.entries) };
    const reason = rules.admit(state, entry);
    if (reason !== null) throw new Refused(reason);
    state = rules.apply(state, entry);
    accepted.entries.push(filed);
  }
  return { accepted, state };
}

function roleOf(intents: Intent[]): Role {
  const [first] = intents;
  if (first === undefined) throw new Refused('An append needs at least one entry.');
  if (intents.length > intentsMax) throw new Refused(`An append has at most ${intentsMax} entries.`);
  if (intents.some((intent) => intent.role !== first.role))
    throw new Refused('All entries of an append must be of one role.');
  return committerOf(first.role);
}

function entryOf({ kind, role, phase, facts, body }: Intent, id: number, now: Date): Entry {
  const entry = { id: id as EntryId, at: stampOf(now), kind, role, phase, facts, body } as Entry;
  const signers = signersOf(kind);
  if (!signers.includes(role))
    throw new Refused(`A ${kind} is written by ${signers.join(' or ')}, not by the ${role}.`);
  const reason = checkEntry(entry);
  if (reason !== null) throw new Refused(reason);
  // Fills in the schema's defaults, because reading the entry back fills them in too.
  return { ...entry, facts: factsSchema(kind).parse(facts) } as Entry;
}

/** The unsealed file that the entry is written to; a close is written to the file of its target. */
function placeOf<S>(entry: Entry, position: Position<S>, before: FiledEntry[]): string {
  if (entry.kind !== 'close') return fileFor(entry);
  const { target } = entry.facts;
  return fileFor(entry, before.find((one) => one.entry.id === target)?.file ?? position.fileOf(target));
}

/**
 * The entry's text. Throws Refused if it would not read back exactly as written: that would make the whole trail
 * unreadable.
 */
function textOf(entry: Entry): string {
  const text = renderEntry(entry);
  const back = text.isWellFormed() ? readBack(text) : null;
  if (back !== null && canonicalJson(back) === canonicalJson(entry)) return text;
  throw new Refused(`This ${entry.kind} would not read back as it was written; leave out unusual characters.`);
}

function readBack(text: string): Entry | null {
  try {
    const entries = parseEntries(text);
    return entries.length === 1 ? (entries[0] as Entry) : null;
  } catch {
    return null;
  }
}

async function takeStored<S>(
  stored: StoredBytes,
  intent: Intent,
  accepted: AcceptedAppend,
  position: Position<S>,
  load: LoadTree,
): Promise<void> {
  const path = stored.path.startsWith(`${docs}/`) ? stored.path : `${docs}/${stored.path}`;
  if (partOf(path) !== null || !mayWrite(path, accepted.role))
    throw new Refused(`The ${accepted.role} may not store ${path}.`);
  if (stored.bytes.length > storedBytesMax)
    throw new Refused(`${path} has over ${storedBytesMax} bytes; it is not stored.`);
  const named = /^machine-docs\/blobs\/(.*)$/.exec(path)?.[1];
  if (named !== undefined && named !== digestOf(stored.bytes))
    throw new Refused(`The bytes for ${path} do not match its digest.`);
  if (!isNamed(digestOf(stored.bytes), intent))
    throw new Refused(`The ${intent.kind} does not name the bytes for ${path}.`);
  const object = gitObject('blob', stored.bytes);
  const there =
    position.stored.get(path) ?? accepted.stored.get(path)?.sha ?? (await childAt(position.root, path, load))?.sha;
  if (there === object.sha) return;
  if (there !== undefined)
    throw new Refused(`${path} is already on the trail with other bytes; stored files never change.`);
  accepted.stored.set(path, object);
}

/**
 * True if the digest is in the facts, or in other bytes of the same entry (a pinned recipe names its harness files).
 */
function isNamed(digest: Digest, { facts, blobs = [] }: Intent): boolean {
  const quoted = `"${digest}"`;
  return canonicalJson(facts).includes(quoted) || blobs.some(({ bytes }) => Buffer.from(bytes).includes(quoted));
}
