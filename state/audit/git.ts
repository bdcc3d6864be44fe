// Checks what the trail says about the work against git: that each claim's commit exists with its tree and all its
// content, that claimed and published commits are on their phase's branch, and that claims descend from each other as
// their entries say. Asks git once for all claims of a phase.

import type { Entry, EntryOf, Facts } from '../entry/entry.ts';
import type { EntryId, PhaseId, Sha } from '../entry/ids.ts';
import type { PhaseSpec } from '../entry/spec.ts';
import { parseCommit } from '../git/commits.ts';
import { isAncestor, listingBytesMax } from '../git/git.ts';
import type { ObjectStore } from '../git/objects.ts';
import { git, gitText, whyFailed } from '../git/process.ts';
import { gitObject } from '../git/trees.ts';
import { protectedChanges } from '../work/protectedPaths.ts';
import type { AuditTrail } from './trail.ts';

/** What the entries of one phase say about commits. Plain data. */
export type PhaseWork = {
  phase: PhaseId;
  opened: EntryId;
  /** The phase's newest entry. */
  newest: EntryId;
  base: Sha;
  /** The spec of the first plan and of each amended plan; each is valid from the entry `since` on. */
  specs: { since: EntryId; spec: PhaseSpec }[];
  claims: EntryOf<'claim'>[];
  /** The commits that sessions published on the phase's branch. */
  published: { id: EntryId; sha: Sha }[];
  /** The entry `done`, its time, and the commit that it names. */
  done: { id: EntryId; at: string; sha: Sha } | null;
};

type Fault = { entry: EntryId; what: string };

/** Adds what one more entry says about commits. */
export function noteWork(all: Map<PhaseId, PhaseWork>, entry: Entry): void {
  if (entry.kind === 'phase' && entry.facts.event === 'opened') noteOpening(all, entry.id, entry.facts);
  const work = entry.phase === null ? undefined : all.get(entry.phase);
  if (!work) return;
  work.newest = entry.id;
  if (entry.kind === 'claim') work.claims.push(entry);
  if (entry.kind === 'act') noteAmendment(work, entry);
  if (entry.kind === 'session' && entry.facts.event === 'ended' && entry.facts.published !== null)
    work.published.push({ id: entry.id, sha: entry.facts.published });
  if (entry.kind === 'phase' && entry.facts.event === 'done')
    work.done = { id: entry.id, at: entry.at, sha: entry.facts.sha };
}

function noteOpening(
  all: Map<PhaseId, PhaseWork>,
  opened: EntryId,
  { base, spec }: Extract<Facts<'phase'>, { event: 'opened' }>,
): void {
  const { phase } = spec;
  const work = { phase, opened, newest: opened, base, specs: [{ since: opened, spec }] };
  if (!all.has(phase)) all.set(phase, { ...work, claims: [], published: [], done: null });
}

function noteAmendment({ specs }: PhaseWork, { id, facts }: EntryOf<'act'>): void {
  const { payload } = facts.act;
  if (payload.act === 'amend') specs.push({ since: id, spec: payload.spec });
}

/**
 * Everything in the work that git contradicts. An earlier audit checked the commits of entries up to `upTo`, so only
 * their place on the branch is checked again, since branches move.
 */
export async function workFaults(trail: AuditTrail, work: PhaseWork, upTo = 0): Promise<Fault[]> {
  const { dir, objects, heads } = trail;
  if (work.opened > upTo && (await commitTree(objects, work.base)) === null)
    return [{ entry: work.opened, what: `its base ${work.base} is not a commit in the hub` }];
  const [existing, faults] = await existingWork(objects, work, upTo);
  const content = await contentFaults(dir, existing, upTo);
  const head = heads.get(`phase/${work.phase}`) ?? null;
  return [...faults, ...content, ...(await placeFaults(dir, head, existing, upTo))];
}

/** The work, from which missing and false commits are left out; and a fault for each commit left out. */
async function existingWork(objects: ObjectStore, work: PhaseWork, upTo: number): Promise<[PhaseWork, Fault[]]> {
  const [claims, published]: [PhaseWork['claims'], PhaseWork['published']] = [[], []];
  const faults: Fault[] = [];
  for (const claim of work.claims) {
    const what = claim.id > upTo ? await commitFault(objects, claim) : null;
    if (what === null) claims.push(claim);
    else faults.push({ entry: claim.id, what });
  }
  for (const one of work.published) {
    if ((await commitTree(objects, one.sha)) !== null) published.push(one);
    else faults.push({ entry: one.id, what: `${one.sha}, which it published, is not a commit in the hub` });
  }
  return [{ ...work, claims, published }, faults];
}

/** Reports lost or damaged objects: those of the base, or those of the first claim that adds such objects. */
async function contentFaults(hub: string, { base, opened, claims }: PhaseWork, upTo: number): Promise<Fault[]> {
  if (opened <= upTo && claims.every(({ id }) => id <= upTo)) return [];
  const verify = (args: string[]) => git(hub, ['rev-list', '--quiet', '--verify-objects', ...args]);
  const whole = await verify(['--no-walk', base]);
  if (whole.exit !== 0) return [{ entry: opened, what: `the work at the base is damaged: ${whyFailed(whole)}` }];
  if (claims.length === 0 || (await verify([...shasOf(claims), `^${base}`])).exit === 0) return [];
  for (const [index, claim] of claims.entries()) {
    const known = [base, ...shasOf(claims.slice(0, index))].map((sha) => `^${sha}`);
    const part = await verify([shaOf(claim), ...known]);
    if (part.exit === 0) continue;
    return [{ entry: claim.id, what: `the work at ${shaOf(claim)} is damaged: ${whyFailed(part)}` }];
  }
  return [];
}

/** Checks the ancestry of the existing claims, and their place on their phase's branch. */
async function placeFaults(hub: string, head: Sha | null, work: PhaseWork, upTo: number): Promise<Fault[]> {
  const { claims, published, base } = work;
  const known = [...shasOf(claims), ...published.map(({ sha }) => sha), ...(head === null ? [] : [head])];
  const isBefore = await ancestry(hub, [...new Set(known)], base);
  const faults = await branchFaults(work, head, isBefore);
  for (const [index, claim] of claims.entries()) {
    if (claim.id <= upTo) continue;
    const what = (await orderFault(claim, claims.slice(0, index), isBefore)) ?? (await touchesFault(hub, claim, work));
    if (what !== null) faults.push({ entry: claim.id, what });
  }
  return faults;
}

/**
 * Checks that a phase's branch was neither deleted nor moved back: it must contain every published or claimed commit
 * and, if the phase is done, end at the commit that `done` names.
 */
async function branchFaults(
  { phase, opened, newest, base, claims, published, done }: PhaseWork,
  head: Sha | null,
  isBefore: IsBefore,
): Promise<Fault[]> {
  const branch = `phase/${phase}`;
  // A crash may come between the entry `opened` and the making of the branch; but no other entry is written before
  // there is a branch.
  if (head === null) return newest === opened ? [] : [{ entry: opened, what: `its branch ${branch} is gone` }];
  const faults: Fault[] = [];
  const commits = [...published, ...claims.map((claim) => ({ id: claim.id, sha: shaOf(claim) }))];
  for (const { id, sha } of commits.length > 0 ? commits : [{ id: opened, sha: base }])
    if (!(await isBefore(sha, head))) faults.push({ entry: id, what: `${sha} is not on ${branch}` });
  if (done !== null && head !== done.sha)
    faults.push({ entry: done.id, what: `${branch} is at ${head}, but the commit judged is ${done.sha}` });
  return faults;
}

/** The tree of a commit; null if it is missing, or its content does not match its id. */
async function commitTree(objects: ObjectStore, sha: Sha): Promise<Sha | null> {
  const object = await objects.read(sha);
  if (object?.type !== 'commit' || gitObject('commit', object.bytes).sha !== sha) return null;
  return parseCommit(object.bytes)?.tree ?? null;
}

function shaOf(claim: EntryOf<'claim'>): Sha {
  return claim.facts.shas.main as Sha;
}

function shasOf(claims: EntryOf<'claim'>[]): Sha[] {
  return [...new Set(claims.map(shaOf))];
}

async function commitFault(objects: ObjectStore, { facts }: EntryOf<'claim'>): Promise<string | null> {
  const sha = facts.shas.main;
  if (sha === undefined) return 'it names no commit for main';
  const tree = await commitTree(objects, sha);
  if (tree === null) return `${sha} is not a commit in the hub`;
  return tree === facts.trees.main ? null : `the tree of ${sha} is ${tree}, not ${facts.trees.main}`;
}

type IsBefore = (one: Sha, other: Sha) => Promise<boolean>;

/** Checks that a claim's `descends` and `precedes` name exactly its ancestors and descendants among earlier claims. */
async function orderFault(
  { facts }: EntryOf<'claim'>,
  earlier: EntryOf<'claim'>[],
  isBefore: IsBefore,
): Promise<string | null> {
  const sha = facts.shas.main as Sha;
  const descends: EntryId[] = [];
  const precedes: EntryId[] = [];
  for (const other of earlier) {
    if (await isBefore(shaOf(other), sha)) descends.push(other.id);
    else if (await isBefore(sha, shaOf(other))) precedes.push(other.id);
  }
  if (!isSame(descends, facts.descends))
    return `in git it descends from ${named(descends)}, but the entry names ${named(facts.descends)}`;
  if (!isSame(precedes, facts.precedes))
    return `in git it precedes ${named(precedes)}, but the entry names ${named(facts.precedes)}`;
  return null;
}

async function touchesFault(
  hub: string,
  { id, facts }: EntryOf<'claim'>,
  { base, specs }: PhaseWork,
): Promise<string | null> {
  const spec = specs.findLast(({ since }) => since < id)?.spec;
  if (!spec) return 'it was made before its phase was opened';
  const touched = await protectedChanges(hub, spec, base, facts.shas.main as Sha);
  const unlisted = touched.find((path) => !facts.touches.includes(path));
  if (unlisted !== undefined) return `it changes the protected path ${unlisted}, but does not list it`;
  return facts.touches.length === touched.length ? null : 'it lists protected paths that it does not change';
}

function isSame(one: EntryId[], other: EntryId[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}

function named(claims: EntryId[]): string {
  return claims.length === 0 ? 'no claim' : claims.map((id) => `#${id}`).join(', ');
}

/**
 * Tells whether one commit is an ancestor of another, or equal to it, from one listing of the commits between them and
 * the base. The listing lacks the base's own history, so git is asked about each commit that is in that history.
 */
async function ancestry(hub: string, shas: Sha[], base: Sha): Promise<IsBefore> {
  const bits = new Map(shas.map((sha, index) => [sha, 1n << BigInt(index)]));
  const input = [...shas, `^${base}`].join('\n');
  const args = ['rev-list', '--topo-order', '--parents', '--stdin'];
  const text = shas.length < 2 ? '' : await gitText(hub, args, { input, outputBytesMax: listingBytesMax });
  const holds = new Map<string, bigint>();
  for (const row of text.split('\n').filter(Boolean).reverse()) {
    const [sha = '', ...parents] = row.split(' ');
    holds.set(
      sha,
      parents.reduce((all, parent) => all | (holds.get(parent) ?? 0n), bits.get(sha as Sha) ?? 0n),
    );
  }
  return async (one, other) => {
    if (one === other) return true;
    const held = holds.get(other);
    if (!holds.has(one) || held === undefined) return isAncestor(hub, one, other);
    return (held & (bits.get(one) ?? 0n)) !== 0n;
  };
}
