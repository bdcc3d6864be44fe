// The trail's commits for the audit: each object held against its own id (git does not do that for packed ones), and where git
// cannot read on, the commit at which that is, so that what came before is still judged.

import { openObjects } from './catFile.ts';
import type { TrailCommit } from './commitRule.ts';
import { TrailError } from './errors.ts';
import { gitText } from './gitProcess.ts';
import { chainBytesMax } from './history.ts';
import type { Sha } from './ids.ts';
import { gitObject, type ObjectType } from './trees.ts';
import { walkTrail } from './walk.ts';

const readPortion = 256;

/** A commit of which something cannot be read; the walk ends there. */
export type Damage = { damaged: Sha; why: string };

/** The commits after `from` up to `to`, oldest first; at most one `Damage`, which is the last. */
export async function* readTrail(hub: string, from: Sha, to: Sha): AsyncGenerator<TrailCommit | Damage> {
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
    if (damaged === null) throw error; // it can be read now: the machine's trouble, not the trail's
    const before = chain[chain.indexOf(damaged) - 1];
    if (before !== undefined) yield* walkTrail(hub, last, before);
    yield { damaged, why: error.message };
  }
}

/** Objects that a commit brings and whose bytes are not those that its id stands for. */
export function falseObjects(commit: TrailCommit): Sha[] {
  const blobs = commit.changes.filter(({ after, newBlob }) => after !== null && !isItself('blob', newBlob, after));
  return [
    ...(isItself('commit', commit.sha, commit.bytes) ? [] : [commit.sha]),
    ...blobs.map((one) => one.newBlob as Sha),
  ];
}

/**
 * The same for what lies in no change: by commit, the false folder (git's tree) that it is the first to name. And for whatever
 * the first commit holds, which no rule for commits looks at.
 */
export async function falseTrees(hub: string, genesis: Sha, head: Sha): Promise<Map<Sha, Sha>> {
  const found = new Map<Sha, Sha>();
  const listing = ['rev-list', '--objects', '--in-commit-order', '--reverse'];
  const options = { outputBytesMax: chainBytesMax };
  const first = await gitText(hub, [...listing, genesis], options);
  const rest = await gitText(hub, [...listing, '--filter=blob:none', `${genesis}..${head}`], options);
  const ids = `${first}${rest}`.split('\n').filter(Boolean);
  const objects = openObjects(hub);
  try {
    let commit = genesis;
    for (let at = 0; at < ids.length; at += readPortion) {
      const portion = ids.slice(at, at + readPortion).map((row) => row.slice(0, 40) as Sha);
      const read = await Promise.all(portion.map((id) => objects.read(id)));
      for (const [index, object] of read.entries()) {
        const id = portion[index] as Sha;
        const isLater = object?.type === 'commit' && id !== genesis;
        if (isLater) commit = id;
        else if (object === null || !isItself(object.type as ObjectType, id, object.bytes)) found.set(commit, id);
      }
    }
    return found;
  } finally {
    objects.close();
  }
}

function isItself(type: ObjectType, id: Sha | null, bytes: Buffer): boolean {
  return id === null || gitObject(type, bytes).sha === id;
}

async function chainOf(hub: string, from: Sha, to: Sha): Promise<Sha[]> {
  const args = ['rev-list', '--reverse', '--topo-order', `${from}..${to}`];
  const text = await gitText(hub, args, { outputBytesMax: chainBytesMax });
  return text.split('\n').filter(Boolean) as Sha[];
}

/** By halves: a walk that fails says that something is wrong, not where. */
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
