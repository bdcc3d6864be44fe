// Decides what one commit of the trail may be, compared with the commit before it. The hub's hook applies this rule to
// every push to the trail, and the audit applies it to the whole trail. Pure: bytes in, problems out, each with the
// rule that was broken. The fold and the gate rule check what an entry's references mean.
//
// Does not judge the first commit, which has no entries and is signed by the operator: `openHub` checks it.

import { canonicalJson, digestOf } from '../entry/digest.ts';
import type { Entry } from '../entry/entry.ts';
import { Refused } from '../entry/errors.ts';
import { entryAt, parseEntries } from '../entry/framing.ts';
import { Role, type Sha } from '../entry/ids.ts';
import { committerOf, mayWrite, misplaced, partOf } from '../entry/policy.ts';
import { parseCommit, verifyCommit } from '../git/commits.ts';
import type { PathChange } from '../git/git.ts';
import { authorityOf } from '../keys/authority.ts';
import {
  type AllowedSigner,
  allowedSignersFile,
  currentSigners,
  formatAllowedSigners,
  rotationsIn,
  signersAfter,
} from '../keys/signers.ts';

/**
 * What each rule demands. linear: the commit's only parent is the previous commit · signature: a key of allowed_signers
 * signed it · path: it only adds or extends plain files, in their places · stored: an entry of the same commit names
 * the stored bytes, and they never change · prefix: a file's new bytes begin with the old ones · framing: the appended
 * text consists of entries · density: entry numbers continue by one · role: signer, file and kind agree · act: an act
 * has the operator's signature inside · signers: allowed_signers becomes what the commit's acts make of it.
 */
export type CommitRule =
  | 'linear'
  | 'signature'
  | 'path'
  | 'stored'
  | 'prefix'
  | 'framing'
  | 'density'
  | 'role'
  | 'act'
  | 'signers';

export type CommitProblem = { rule: CommitRule; commit: Sha; entry: number | null; what: string };

export type TrailChange = PathChange & {
  /** Null if the path did not exist before the commit, or does not exist after it. */
  before: Buffer | null;
  after: Buffer | null;
};

export type TrailCommit = { sha: Sha; bytes: Buffer; changes: TrailChange[] };

/** Everything that the check needs to know about earlier commits. */
export type TrailPlace = {
  head: Sha;
  nextId: number;
  /** How many parts each file has, by the file's unsealed name: 2 if `STATUS-x.2.md` is the newest part. */
  parts: ReadonlyMap<string, number>;
  /**
   * The file of entry n is at index n - 1. All places of one walk share one growing list; each uses only the part below
   * its `nextId`.
   */
  files: string[];
  /** The signers in allowed_signers at `head`. */
  signers: AllowedSigner[];
};

export type CommitReport = { problems: CommitProblem[]; entries: Entry[]; next: TrailPlace };

/**
 * Judges one commit. `next` is the place from which to judge the following commit, so that one fault does not hide
 * another.
 */
export function checkCommit(previous: TrailPlace, commit: TrailCommit): CommitReport {
  const problems: CommitProblem[] = [];
  const report: Report = (rule, what, entry = null) => problems.push({ rule, commit: commit.sha, entry, what });
  checkParent(previous, commit, report);
  const role = signerRole(previous, commit, report);
  const parts = new Map(previous.parts);
  const placed = commit.changes
    .toSorted((a, b) => (partOf(a.path)?.n ?? 0) - (partOf(b.path)?.n ?? 0))
    .flatMap((change) => checkChange(change, role, parts, report))
    .toSorted((a, b) => a.entry.id - b.entry.id);
  checkEntries(previous, placed, role, report);
  const entries = placed.map(({ entry }) => entry);
  for (const change of commit.changes) checkStored(change, commit.changes, entries, report);
  const nextId = Math.max(previous.nextId, (entries.at(-1)?.id ?? 0) + 1);
  const signers = checkSigners(previous, commit, entries, report);
  return { problems, entries, next: { ...previous, head: commit.sha, nextId, parts, signers } };
}

type Placed = { entry: Entry; path: string };

type Report = (rule: CommitRule, what: string, entry?: number | null) => void;

function checkParent(previous: TrailPlace, commit: TrailCommit, report: Report): void {
  const parents = parseCommit(commit.bytes)?.parents ?? [];
  if (parents.length === 1 && parents[0] === previous.head) return;
  if (parents.length > 1) report('linear', 'it is a merge: a trail has no merges');
  else report('linear', `it does not follow ${previous.head}`);
}

function signerRole(previous: TrailPlace, commit: TrailCommit, report: Report): Role | null {
  const principal = verifyCommit(commit.bytes, currentSigners(previous.signers));
  const role = Role.safeParse(principal?.replace(/@coldpass$/, ''));
  if (role.success) return role.data;
  report('signature', 'it is not signed, or not by a key that is valid here');
  return null;
}

/** Judges one path, and returns the entries that were appended there. */
function checkChange(change: TrailChange, role: Role | null, parts: Map<string, number>, report: Report): Placed[] {
  const { path, status } = change;
  const shape = shapeFault(change);
  if (shape !== null) {
    report('path', shape);
    return [];
  }
  if (role !== null && !mayWrite(path, role)) report('role', `${role} may not write ${path}`);
  const part = partOf(path);
  if (part === null) {
    const isFixed = path !== allowedSignersFile;
    if (isFixed && status !== 'A') report('stored', `${path} is changed: stored files never change`);
    return [];
  }
  const newest = parts.get(part.file) ?? 0;
  if (part.n !== (status === 'A' ? newest + 1 : newest)) report('path', `${path} is not the next part`);
  parts.set(part.file, Math.max(newest, part.n));
  return appended(change, report).map((entry) => ({ entry, path }));
}

function shapeFault({ path, status, newMode }: TrailChange): string | null {
  if (status === 'D') return `${path} is removed or renamed: a trail only grows`;
  return newMode === '100644' ? null : `${path} has the mode ${newMode}: only 100644 is allowed`;
}

function appended({ path, before, after }: TrailChange, report: Report): Entry[] {
  const old = before ?? Buffer.alloc(0);
  if (after === null) return [];
  if (after.length <= old.length || !after.subarray(0, old.length).equals(old)) {
    const firstChanged = old.findIndex((byte, index) => byte !== after[index]);
    const at = firstChanged < 0 ? after.length : firstChanged;
    report('prefix', `${path} does not begin with its old bytes: it differs at byte ${at}`, entryAt(old, at));
    return [];
  }
  try {
    return parseEntries(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(after.subarray(old.length)));
  } catch (error) {
    report('framing', `${path}: ${(error as Error).message}`);
    return [];
  }
}

function checkEntries(previous: TrailPlace, placed: Placed[], role: Role | null, report: Report): void {
  if (placed.length === 0) report('framing', 'it appends no entry');
  for (const [index, { entry, path }] of placed.entries()) {
    const due = previous.nextId + index;
    if (entry.id !== due) report('density', `it has the number ${entry.id}, but ${due} comes next`, entry.id);
    const place = misplaced(entry, path, role ?? committerOf(entry.role), targetFile(entry, previous.files));
    if (place !== null) report('role', place, entry.id);
    previous.files[entry.id - 1] = partOf(path)?.file ?? path;
    const refused = entry.kind === 'act' ? authorityOf(entry.facts, previous.signers).refused : null;
    if (refused !== null) report('act', refused, entry.id);
  }
}

function targetFile(entry: Entry, files: string[]): string | undefined {
  return entry.kind === 'close' && entry.facts.target < entry.id ? files[entry.facts.target - 1] : undefined;
}

/** The keys that count after this commit: only the operator's acts change them, and exactly as those acts say. */
function checkSigners(
  { signers }: TrailPlace,
  { changes }: TrailCommit,
  entries: Entry[],
  report: Report,
): AllowedSigner[] {
  const change = changes.find(({ path }) => path === allowedSignersFile);
  const [rotation] = rotationsIn(entries);
  if (rotation === undefined) {
    if (change) report('signers', 'allowed_signers is changed, but no act of this commit rotates a key');
    return signers;
  }
  // An act that is not the operator's was reported already; its change does not take effect.
  if (entries.some((entry) => entry.kind === 'act' && authorityOf(entry.facts, signers).refused !== null))
    return signers;
  const after = rotatedBy(signers, entries);
  if (typeof after === 'string') report('signers', after, rotation.id);
  else if (change?.after?.toString() !== formatAllowedSigners(after))
    report('signers', 'allowed_signers does not match this rotation', rotation.id);
  return typeof after === 'string' ? signers : after;
}

/** The signers after the rotations in these entries, or why a rotation does not fit. */
function rotatedBy(signers: AllowedSigner[], entries: Entry[]): AllowedSigner[] | string {
  try {
    return signersAfter(signers, entries);
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

/**
 * Checks that stored bytes match their name, and that an entry of the same commit names them by digest, either itself
 * or through other bytes that the entry names (a pinned recipe names its harness files).
 */
function checkStored({ path, after, status }: TrailChange, all: TrailChange[], entries: Entry[], report: Report): void {
  if (status !== 'A' || after === null || partOf(path) !== null) return;
  const digest = digestOf(after);
  const [, blob] = /^machine-docs\/blobs\/(.*)$/.exec(path) ?? [];
  if (blob !== undefined && blob !== digest) report('stored', `${path} contains bytes with the digest ${digest}`);
  const isNamed = (name: string) => entries.some((entry) => canonicalJson(entry.facts).includes(`"${name}"`));
  if (isNamed(digest) || all.some((other) => other.after?.includes(`"${digest}"`) && isNamed(digestOf(other.after))))
    return;
  report('stored', `no entry of its commit names ${path}`);
}
