// Lays the operator's files over a fresh clone: whatever the claim changed in them is ignored, and listed. It works on
// the disk directly, which is safe only at this moment: no boxed process has seen the tree yet, so nothing can move
// underneath. It follows no link: a link in a parent's place is a reason to refuse, a link in the file's place is
// replaced.

import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../state/entry/digest.ts';
import type { Digest } from '../../state/entry/ids.ts';
import type { PinnedRecipe } from '../../state/entry/recipe.ts';
import { harnessBytesMax, splitItem, valueAt } from './pinned.ts';

export type OverlayResult = { overlaid: string[] } | { refused: string };

/**
 * Sets every harness item in the clone at `tree` to the operator's version; `files` has their bytes by digest. Returns
 * the items that differed, or why one cannot be laid.
 */
export function layHarness(
  tree: string,
  harness: PinnedRecipe['harness'],
  files: ReadonlyMap<Digest, Uint8Array>,
): OverlayResult {
  const overlaid: string[] = [];
  for (const { item, digest } of harness) {
    const bytes = digest === null ? null : files.get(digest);
    const result =
      bytes === undefined
        ? { refused: `the bytes of harness item "${item}" are not stored` }
        : layItem(tree, item, bytes);
    if (typeof result === 'object') return result;
    if (result) overlaid.push(item);
  }
  return { overlaid };
}

/**
 * A JSON file's text with one member set to `value` (undefined removes it); the same text if nothing changes, null if
 * it is not a JSON object.
 */
export function withMember(text: string, keys: readonly string[], value: unknown): string | null {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(whole)) return null;
  const there = valueAt(whole, keys);
  if (there === undefined ? value === undefined : value !== undefined && canonicalJson(there) === canonicalJson(value))
    return text;
  return `${JSON.stringify(withValue(whole, keys, value), null, 2)}\n`;
}

/** Lays one item, or removes it if `bytes` is null. Returns true if the item differed. */
function layItem(tree: string, item: string, bytes: Uint8Array | null): boolean | { refused: string } {
  const { path, keys } = splitItem(item);
  const behind = linkOnTheWay(tree, path);
  if (behind !== null)
    return { refused: `harness item "${item}" is below "${behind}", which is not a folder in this tree` };
  return keys.length === 0 ? layFile(join(tree, path), bytes) : layMember(join(tree, path), path, keys, bytes);
}

function layFile(path: string, bytes: Uint8Array | null): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined && bytes === null) return false;
  if (there?.isFile() && bytes !== null && there.size === bytes.byteLength && readFileSync(path).equals(bytes))
    return false;
  // Removed first, so that a link's target, or a hard link's other name, stays as it is.
  rmSync(path, { recursive: true, force: true });
  if (bytes === null) return true;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes, { mode: there?.isFile() ? there.mode & 0o777 : 0o644, flag: 'wx' });
  return true;
}

function layMember(
  path: string,
  name: string,
  keys: string[],
  bytes: Uint8Array | null,
): boolean | { refused: string } {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined && bytes === null) return false;
  if (there !== undefined && !there.isFile())
    return { refused: `"${name}" is not a plain file in this tree, so "${keys.join('.')}" cannot be laid over it` };
  if (there && there.size > harnessBytesMax)
    return { refused: `"${name}" is larger than ${harnessBytesMax / 1024} KiB in this tree` };
  const text = there ? readFileSync(path, 'utf8') : '{}';
  const wanted = bytes === null ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  const newText = withMember(text, keys, wanted);
  if (newText === null)
    return { refused: `"${name}" is not a JSON object in this tree, so "${keys.join('.')}" cannot be laid over it` };
  if (newText === text) return false;
  layFile(path, new TextEncoder().encode(newText));
  return true;
}

/** The first parent in `path` that exists but is not a folder (a link, say); null if there is none. */
function linkOnTheWay(tree: string, path: string): string | null {
  const parts = path.split('/');
  for (let count = 1; count < parts.length; count++) {
    const part = parts.slice(0, count).join('/');
    const there = lstatSync(join(tree, part), { throwIfNoEntry: false });
    if (there === undefined) return null;
    if (!there.isDirectory()) return part;
  }
  return null;
}

function withValue(inner: unknown, keys: readonly string[], value: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  const members = Object.entries(isObject(inner) ? inner : {});
  const at = members.findIndex(([name]) => name === key);
  const next = withValue(at < 0 ? undefined : members[at]?.[1], rest, value);
  if (at < 0) members.push([key, next]);
  else members[at] = [key, next];
  // Made from entries, not by assignment, so that a key named __proto__ stays a key. JSON omits undefined values.
  return Object.fromEntries(members);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
