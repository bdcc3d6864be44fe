// What the trail says of the work, against git: that each claim's commit is there with its tree and all that it holds, where it
// lies on its phase's branch, and which claims come before it. Asked once for all claims of a phase, however many.

import { type ObjectReader, openObjects } from './catFile.ts';
import { parseCommit } from './commits.ts';
import type { EntryOf } from './entry.ts';
import { branchHead, isAncestor, listingBytesMax } from './git.ts';
import { git, gitText, whyFailed } from './gitProcess.ts';
import type { EntryId, PhaseId, Sha } from './ids.ts';
import { protectedChanges } from './protectedPaths.ts';
import type { PhaseSpec } from './spec.ts';
import { gitObject } from './trees.ts';

/** What one phase says of commits, gathered from its entries. */
export type PhaseWork = {
  phase: PhaseId;
  opened: EntryId;
  base: Sha;
  spec: PhaseSpec;
  claims: EntryOf<'claim'>[];
  /** The entry `done`, its time, and the commit that it names. */
  done: { id: EntryId; at: string; sha: Sha } | null;
};

type Fault = { entry: EntryId; what: string };

/** Everything that git tells otherwise. */
export async function workFaults(hub: string, work: PhaseWork): Promise<Fault[]> {
  const objects = openObjects(hub);
  const faults: Fault[] = [];
  const there: EntryOf<'claim'>[] = [];
  try {
    if ((await commitTree(objects, work.base)) === null)
      return [{ entry: work.opened, what: `its base ${work.base} is no commit of the hub` }];
    for (const claim of work.claims) {
      const what = await commitFault(objects, claim);
      if (what === null) there.push(claim);
      else faults.push({ entry: claim.id, what });
    }
  } finally {
    objects.close();
  }
  return [...faults, ...(await contentFaults(hub, work, there)), ...(await placeFaults(hub, work, there))];
}

/** The base, or the first claim, of which something is lost or spoilt: what it adds to those before it. */
async function contentFaults(hub: string, { base, opened }: PhaseWork, claims: EntryOf<'claim'>[]): Promise<Fault[]> {
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

/** Where the claims that are there lie: on their phase's branch, and beside each other. */
async function placeFaults(hub: string, work: PhaseWork, claims: EntryOf<'claim'>[]): Promise<Fault[]> {
  const branch = `phase/${work.phase}`;
  const head = await branchHead(hub, branch);
  const isBefore = await ancestry(hub, [...shasOf(claims), ...(head === null ? [] : [head])], work.base);
  const faults: Fault[] = [];
  for (const [index, claim] of claims.entries()) {
    const isOff = head !== null && !(await isBefore(shaOf(claim), head));
    if (isOff) faults.push({ entry: claim.id, what: `${shaOf(claim)} is not on ${branch}` });
    const what = (await orderFault(claim, claims.slice(0, index), isBefore)) ?? (await touchesFault(hub, claim, work));
    if (what !== null) faults.push({ entry: claim.id, what });
  }
  const { done } = work;
  if (done !== null && head !== null && head !== done.sha)
    faults.push({ entry: done.id, what: `${branch} stands at ${head}; what was judged is ${done.sha}` });
  return faults;
}

/** The tree of a commit that is there under its true id; null otherwise. */
async function commitTree(objects: ObjectReader, sha: Sha): Promise<Sha | null> {
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

async function commitFault(objects: ObjectReader, { facts }: EntryOf<'claim'>): Promise<string | null> {
  const sha = facts.shas.main;
  if (sha === undefined) return 'it names no commit of main';
  const tree = await commitTree(objects, sha);
  if (tree === null) return `${sha} is no commit of the hub`;
  return tree === facts.trees.main ? null : `the tree of ${sha} is ${tree}, not ${facts.trees.main}`;
}

type IsBefore = (one: Sha, other: Sha) => Promise<boolean>;

/** `descends` and `precedes` must name exactly the earlier claims that git knows to be before and after. */
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
    return `git knows ${named(descends)} to come before it, not ${named(facts.descends)}`;
  if (!isSame(precedes, facts.precedes))
    return `git knows ${named(precedes)} to come after it, not ${named(facts.precedes)}`;
  return null;
}

async function touchesFault(
  hub: string,
  { facts }: EntryOf<'claim'>,
  { base, spec }: PhaseWork,
): Promise<string | null> {
  const touched = await protectedChanges(hub, spec, base, facts.shas.main as Sha);
  const untold = touched.find((path) => !facts.touches.includes(path));
  if (untold !== undefined) return `it changes the protected path ${untold}, and does not say so`;
  return facts.touches.length === touched.length ? null : 'it names protected paths that it does not change';
}

function isSame(one: EntryId[], other: EntryId[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}

function named(claims: EntryId[]): string {
  return claims.length === 0 ? 'no claim' : claims.map((id) => `#${id}`).join(', ');
}

/**
 * Ancestry (or equality) among some commits, from one listing of what lies between them and the base. Those that the base
 * itself holds are not in it; git is asked about each of them.
 */
async function ancestry(hub: string, shas: Sha[], base: Sha): Promise<IsBefore> {
  const bits = new Map(shas.map((sha, index) => [sha, 1n << BigInt(index)]));
  const input = [...shas, `^${base}`].join('\n');
  const args = ['rev-list', '--topo-order', '--parents', '--stdin'];
  const text = shas.length === 0 ? '' : await gitText(hub, args, { input, outputBytesMax: listingBytesMax });
  const holds = new Map<string, bigint>();
  for (const row of text.split('\n').filter(Boolean).reverse()) {
    const [sha = '', ...parents] = row.split(' ');
    holds.set(
      sha,
      parents.reduce((all, parent) => all | (holds.get(parent) ?? 0n), bits.get(sha as Sha) ?? 0n),
    );
  }
  return (one, other) => {
    const held = holds.get(other);
    if (!holds.has(one) || held === undefined) return isAncestor(hub, one, other);
    return Promise.resolve((held & (bits.get(one) ?? 0n)) !== 0n);
  };
}
