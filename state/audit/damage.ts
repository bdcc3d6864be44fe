// Finds the damage in a hub whose trail cannot even be opened, because a commit is lost or the trail has two
// beginnings. Walks back from the end and names the place as closely as the remaining commits allow.

import type { Entry } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import { parseEntries } from '../entry/framing.ts';
import { Sha } from '../entry/ids.ts';
import { partOf, subjectFor } from '../entry/policy.ts';
import { type ObjectReader, openObjects } from '../git/catFile.ts';
import { parseCommit } from '../git/commits.ts';
import { listTree } from '../git/git.ts';
import { git, gitText } from '../git/process.ts';
import { gitObject } from '../git/trees.ts';
import { docs } from '../trail/history.ts';
import { trailRef } from '../trail/opening.ts';

export type Break = { commit: Sha; entry: number | null; what: string };

/** True if `coldpass init` made a hub at this path, even if it is damaged now. */
export async function isMarkedHub(dir: string): Promise<boolean> {
  const marker = await git(dir, ['config', '--local', 'coldpass.hub']).catch(() => null);
  return marker?.stdout.toString().trim() === '1';
}

/** The commit that the branch `trail` points to, readable or not; null if there is no such branch. */
export async function trailHead(dir: string): Promise<Sha | null> {
  const { stdout } = await git(dir, ['rev-parse', '--verify', '--quiet', trailRef]);
  const sha = Sha.safeParse(stdout.toString().trim());
  return sha.success ? sha.data : null;
}

/** The first place, seen from the end, where the chain of commits breaks or forks; null if it does neither. */
export async function findBreak(hub: string, head: Sha): Promise<Break | null> {
  const objects = openObjects(hub);
  let after: Sha | null = null;
  let at: Sha | undefined = head;
  try {
    while (at !== undefined) {
      const parents = await parentsOf(objects, at);
      if (parents === null) return brokenAt(hub, at, after);
      if (parents.length > 1) return mergedAt(hub, at);
      after = at;
      at = parents[0];
    }
    return null;
  } finally {
    objects.close();
  }
}

/** The commit's parents; null if the commit is lost or its content does not match its id. */
async function parentsOf(objects: ObjectReader, sha: Sha): Promise<Sha[] | null> {
  const object = await objects.read(sha).catch(() => null); // git exits at an object that it cannot unpack
  if (object?.type !== 'commit' || gitObject('commit', object.bytes).sha !== sha) return null;
  return parseCommit(object.bytes)?.parents ?? null;
}

async function brokenAt(hub: string, commit: Sha, after: Sha | null): Promise<Break> {
  const next = after === null ? null : await firstEntryOf(hub, after);
  return { commit, entry: next === null ? null : next - 1, what: 'this commit cannot be read' };
}

async function mergedAt(hub: string, commit: Sha): Promise<Break> {
  return { commit, entry: await firstEntryOf(hub, commit), what: 'this commit is a merge, which a trail never has' };
}

/**
 * The number of the first entry that a commit added, found without the commit's parent: the commit added the newest
 * entries, and its subject fits only the right number of them.
 */
async function firstEntryOf(hub: string, sha: Sha): Promise<number | null> {
  try {
    const entries = (await entriesAt(hub, sha)).sort((a, b) => a.id - b.id);
    const { stdout } = await git(hub, ['cat-file', 'commit', sha]);
    const subject = parseCommit(stdout)?.message.trimEnd();
    return entries.find((_, index) => subjectFor(entries.slice(index)) === subject)?.id ?? null;
  } catch (error) {
    if (error instanceof TrailError) return null;
    throw error;
  }
}

async function entriesAt(hub: string, sha: Sha): Promise<Entry[]> {
  const files = (await listTree(hub, sha, docs)).filter(({ path }) => partOf(path) !== null);
  const texts = await Promise.all(files.map(({ blob }) => gitText(hub, ['cat-file', 'blob', blob])));
  return texts.flatMap(parseEntries);
}
