// The trail as it is in git, read once at opening: the chain of commits, the newest tree, every entry in order. Entries
// are parsed from the files at the head, since files only grow; the audit checks signatures and prefixes.

import type { Entry } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import { parseEntries } from '../entry/framing.ts';
import type { EntryId, Sha } from '../entry/ids.ts';
import { committerOf, misplaced, partOf } from '../entry/policy.ts';
import { parseCommit } from '../git/commits.ts';
import type { ObjectStore } from '../git/objects.ts';
import { mustRead, mustReadTree } from '../git/objects.ts';
import { gitText } from '../git/process.ts';
import type { GitTree } from '../git/trees.ts';

export const docs = 'machine-docs';
export const chainBytesMax = 256 * 1024 * 1024;

export type History = {
  head: Sha;
  /** From the first commit to the head. */
  chain: Sha[];
  root: GitTree;
  /** Ids 1, 2, 3, … */
  entries: Entry[];
  /** The unsealed file of each entry, by id. */
  files: Map<EntryId, string>;
};

/**
 * Reads the trail that ends at `head`. Throws TrailError 'bad-trail' if git has something that no honest writer
 * creates; the message names the place.
 */
export async function readHistory(hub: string, store: ObjectStore, head: Sha): Promise<History> {
  const chain = await readChain(hub, head);
  const root = await rootOf(store, head);
  const placed = await readEntries(store, root);
  placed.sort((a, b) => a.entry.id - b.entry.id);
  const files = new Map(placed.map(({ entry, path }) => [entry.id, partOf(path)?.file ?? path]));
  const entries = placed.map(({ entry }) => entry);
  checkDense(entries);
  for (const { entry, path } of placed) checkPlace(entry, path, files);
  return { head, chain, root, entries, files };
}

async function readChain(hub: string, head: Sha): Promise<Sha[]> {
  const text = await gitText(hub, ['rev-list', '--parents', head], { outputBytesMax: chainBytesMax });
  const rows = text.trimEnd().split('\n').reverse();
  const odd = rows.find((row, index) => row.split(' ').length !== (index === 0 ? 1 : 2));
  if (odd !== undefined) {
    throw new TrailError(
      'bad-trail',
      `Trail commit ${odd.slice(0, 40)} is a merge or a second root; a trail has neither.`,
    );
  }
  return rows.map((row) => row.slice(0, 40) as Sha);
}

async function rootOf(store: ObjectStore, head: Sha): Promise<GitTree> {
  const commit = parseCommit(await mustRead(store, head, 'commit'));
  if (commit === null) throw new TrailError('bad-trail', `Trail commit ${head} cannot be read.`);
  const root = new Map(await mustReadTree(store, commit.tree));
  const folder = root.get(docs);
  if (folder === undefined) throw new TrailError('bad-trail', `The trail has no ${docs} folder at ${head}.`);
  root.set(docs, { ...folder, tree: await mustReadTree(store, folder.sha) });
  return root;
}

type PlacedEntry = { entry: Entry; path: string };

async function readEntries(store: ObjectStore, root: GitTree): Promise<PlacedEntry[]> {
  const placed: PlacedEntry[] = [];
  for (const [name, child] of root.get(docs)?.tree ?? []) {
    const path = `${docs}/${name}`;
    if (partOf(path) === null) continue;
    const text = (await mustRead(store, child.sha, 'blob')).toString('utf8');
    for (const entry of parseFile(text, path)) placed.push({ entry, path });
  }
  return placed;
}

function parseFile(text: string, path: string): Entry[] {
  try {
    return parseEntries(text);
  } catch (cause) {
    throw new TrailError('bad-trail', `${path} on the trail cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function checkPlace(entry: Entry, path: string, files: Map<EntryId, string>): void {
  const target = entry.kind === 'close' ? files.get(entry.facts.target) : undefined;
  const reason = misplaced(entry, path, committerOf(entry.role), target);
  if (reason !== null) throw new TrailError('bad-trail', `On the trail, ${reason}. Run coldpass audit.`);
}

function checkDense(entries: Entry[]): void {
  const wrong = entries.findIndex((entry, index) => entry.id !== index + 1);
  if (wrong < 0) return;
  const id = entries[wrong]?.id;
  throw new TrailError(
    'bad-trail',
    `Entry #${wrong + 1} is missing or duplicated: #${id} is in its place. Run coldpass audit.`,
  );
}
