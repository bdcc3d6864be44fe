// Reads the trail's commits for the audit. Checks each object against its id, which git does not do for packed objects.
// If git cannot read on, names the commit where reading stopped, so that everything before it is still judged.

import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import type { ObjectStore } from '../git/objects.ts';
import { gitText } from '../git/process.ts';
import { gitObject, type ObjectType } from '../git/trees.ts';
import type { TrailCommit } from '../trail/commitRule.ts';
import { chainBytesMax } from '../trail/history.ts';
import type { Hub } from '../trail/hub.ts';
import { walkTrail } from '../trail/walk.ts';

/** A hub, a reader of its objects, and the head of each branch. */
export type AuditTrail = Hub & { objects: ObjectStore; heads: ReadonlyMap<string, Sha> };

const readPortion = 256;
const shaDigits = 40;

/** The head of each branch of a hub, by name. */
export async function branchHeads(hub: string): Promise<Map<string, Sha>> {
  const text = await gitText(hub, ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads/']);
  const rows = text.split('\n').filter(Boolean);
  return new Map(rows.map((row) => [row.slice(shaDigits + 1), row.slice(0, shaDigits) as Sha]));
}

/** A commit that cannot be read completely; the walk ends there. */
export type Damage = { damaged: Sha; why: string };

/** The commits after `from` up to `to`, oldest first; at most one `Damage`, always last. */
export async function* trailCommits(hub: string, from: Sha, to: Sha): AsyncGenerator<TrailCommit | Damage> {
  let last = from;
  try {
    for await (const commit of walkTrail(hub, from, to)) {
      last = commit.sha;
      yield commit;
    }
  } catch (error) {
    if (!(error instanceof TrailError)) throw error;
    const chain = await chainOf(hub, last, to);
    const damaged = await firstUnreadable(hub, last, chain);
    if (damaged === null) throw error; // it can be read now: the machine failed, not the trail
    const before = chain[chain.indexOf(damaged) - 1];
    if (before !== undefined) yield* walkTrail(hub, last, before);
    yield { damaged, why: error.message };
  }
}

/** Ids of objects whose bytes were checked against their ids. */
export type Held = Set<string>;

/** Of the objects that a commit adds or replaces, those whose bytes do not match their ids; skips objects in `held`. */
export function falseObjects(commit: TrailCommit, held: Held): Sha[] {
  const objects: [ObjectType, Sha | null, Buffer | null][] = [
    ['commit', commit.sha, commit.bytes],
    ...commit.changes.map(({ oldBlob, before }) => ['blob', oldBlob, before] as ['blob', Sha | null, Buffer | null]),
    ...commit.changes.map(({ newBlob, after }) => ['blob', newBlob, after] as ['blob', Sha | null, Buffer | null]),
  ];
  return objects.flatMap(([type, id, bytes]) => (id && bytes && !isItself(type, id, bytes, held) ? [id] : []));
}

/** Lists all objects after `from` (null: from the start) up to `to`, each after the first commit that contains it. */
export async function listObjects(hub: string, from: Sha | null, to: Sha): Promise<string> {
  const args = ['rev-list', '--objects', '--in-commit-order', '--reverse', to, ...(from === null ? [] : [`^${from}`])];
  return gitText(hub, args, { outputBytesMax: chainBytesMax });
}

/**
 * Checks the objects that no commit lists as a change: folders (git trees) and the content of the first commit. The
 * commit rule covers neither. A false object belongs to the first commit that contains it; returns one false object for
 * each commit that has any.
 */
export async function falseRest(objects: ObjectStore, listing: string, held: Held): Promise<Map<Sha, Sha>> {
  const falseByCommit = new Map<Sha, Sha>();
  const rest = restOf(listing, held);
  for (let at = 0; at < rest.length; at += readPortion) {
    const read = rest.slice(at, at + readPortion).map(async (one) => ({ ...one, object: await objects.read(one.id) }));
    for (const { id, commit, object } of await Promise.all(read))
      if (object === null || !isItself(object.type as ObjectType, id, object.bytes, held))
        falseByCommit.set(commit, id);
  }
  return falseByCommit;
}

/** The rows of a listing, each with its commit; leaves out objects that were already checked. */
function restOf(listing: string, held: Held): { id: Sha; commit: Sha }[] {
  let commit = '' as Sha;
  return listing.split('\n').flatMap((row) => {
    if (row.length === shaDigits) commit = row as Sha; // rows of other objects have a path
    const id = row.slice(0, shaDigits) as Sha;
    return row === '' || held.has(id) ? [] : [{ id, commit }];
  });
}

function isItself(type: ObjectType, id: Sha, bytes: Buffer, held: Held): boolean {
  if (held.has(id)) return true;
  held.add(id);
  return gitObject(type, bytes).sha === id;
}

async function chainOf(hub: string, from: Sha, to: Sha): Promise<Sha[]> {
  const args = ['rev-list', '--reverse', '--topo-order', `${from}..${to}`];
  const text = await gitText(hub, args, { outputBytesMax: chainBytesMax });
  return text.split('\n').filter(Boolean) as Sha[];
}

/** Bisects, because a walk that fails shows that something is wrong, but not where. */
async function firstUnreadable(hub: string, from: Sha, chain: Sha[]): Promise<Sha | null> {
  let good = 0;
  let bad = chain.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await isReadable(hub, chain[good - 1] ?? from, chain[middle - 1] as Sha)) good = middle;
    else bad = middle;
  }
  const last = chain[bad - 1];
  if (last === undefined || (await isReadable(hub, chain[bad - 2] ?? from, last))) return null;
  return last;
}

async function isReadable(hub: string, from: Sha, to: Sha): Promise<boolean> {
  try {
    for await (const commit of walkTrail(hub, from, to)) void commit;
    return true;
  } catch (error) {
    if (error instanceof TrailError) return false;
    throw error;
  }
}
