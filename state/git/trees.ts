// Git's objects as bytes: their ids, trees, and the one change that a trail makes to a tree, which is to put files into
// it. Trees are never changed in place, so a batch that fails leaves the old one intact.

import { createHash } from 'node:crypto';
import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';

export type ObjectType = 'blob' | 'tree' | 'commit';
export type GitObject = { sha: Sha; type: ObjectType; bytes: Uint8Array };

export const folderMode = '40000';
export const fileMode = '100644';
const shaBytes = 20;

/** `tree` is set once the folder has been read. */
export type Child = { mode: string; sha: Sha; tree?: GitTree };
export type GitTree = ReadonlyMap<string, Child>;

/** Returns the children of a tree object; rejects if there is none with that id. */
export type LoadTree = (sha: Sha) => Promise<GitTree>;

/** An object with the id that git gives it. */
export function gitObject(type: ObjectType, bytes: Uint8Array): GitObject {
  const sha = createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes).digest('hex') as Sha;
  return { sha, type, bytes };
}

/** Parses a tree object. Throws TrailError 'bad-trail' if the bytes are not one. */
export function parseTree(bytes: Buffer): GitTree {
  const tree = new Map<string, Child>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    if (space < 0 || nul < 0 || nul + shaBytes >= bytes.length)
      throw new TrailError('bad-trail', 'A tree object is cut short.');
    const sha = bytes.toString('hex', nul + 1, nul + 1 + shaBytes) as Sha;
    tree.set(bytes.toString('utf8', space + 1, nul), { mode: bytes.toString('latin1', at, space), sha });
    at = nul + 1 + shaBytes;
  }
  return tree;
}

/** The object of a tree, its children in git's order (a folder sorts as if its name ended in a slash). */
export function treeObject(tree: GitTree): GitObject {
  const rows = [...tree].map(([name, { mode, sha }]) => {
    const key = Buffer.from(mode === folderMode ? `${name}/` : name);
    return { key, bytes: Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex')]) };
  });
  rows.sort((a, b) => Buffer.compare(a.key, b.key));
  return gitObject('tree', Buffer.concat(rows.map((row) => row.bytes)));
}

/** What is at `path`, or null. Reads folders through `load`. */
export async function childAt(tree: GitTree, path: string, load: LoadTree): Promise<Child | null> {
  let child: Child = { mode: folderMode, sha: '' as Sha, tree };
  for (const name of path.split('/')) {
    if (child.mode !== folderMode) return null;
    const next: Child | undefined = (child.tree ?? (await load(child.sha))).get(name);
    if (next === undefined) return null;
    child = next;
  }
  return child;
}

/** Puts `files` (path → blob id) into `tree`. `objects` has each new tree object; the new root comes last. */
export async function withFiles(
  tree: GitTree,
  files: ReadonlyMap<string, Sha>,
  load: LoadTree,
): Promise<{ tree: GitTree; sha: Sha; objects: GitObject[] }> {
  const next = new Map(tree);
  const objects: GitObject[] = [];
  const folders = new Map<string, Map<string, Sha>>();
  for (const [path, sha] of files) {
    const slash = path.indexOf('/');
    if (slash < 0) next.set(path, { mode: fileMode, sha });
    else inFolder(folders, path.slice(0, slash)).set(path.slice(slash + 1), sha);
  }
  for (const [name, inside] of folders) {
    const old = next.get(name);
    const before = old === undefined ? new Map() : (old.tree ?? (await load(old.sha)));
    const after = await withFiles(before, inside, load);
    objects.push(...after.objects);
    next.set(name, { mode: folderMode, sha: after.sha, tree: after.tree });
  }
  const object = treeObject(next);
  objects.push(object);
  return { tree: next, sha: object.sha, objects };
}

function inFolder(folders: Map<string, Map<string, Sha>>, name: string): Map<string, Sha> {
  const files = folders.get(name) ?? new Map<string, Sha>();
  folders.set(name, files);
  return files;
}
