// Pins a recipe as `queue` signs it: the recipe and the operator's version of every harness item, by digest. A claim
// may change whatever is not pinned here. The caller reads the files; nothing here touches the disk.

import { canonicalJson, digestOf, digestOfJson } from '../../state/entry/digest.ts';
import { TrailError } from '../../state/entry/errors.ts';
import { type Digest, type RecipeName, TreePath } from '../../state/entry/ids.ts';
import { isApp, type PinnedRecipe, type Recipe, type ReleaseTags } from '../../state/entry/recipe.ts';

export const harnessBytesMax = 1024 * 1024;

export type PinResult = { pinned: PinnedRecipe; digest: Digest; blobs: Map<Digest, Uint8Array> };

/**
 * `readFile` returns the operator's bytes at a path in the repository, null if there is no such file. `blobs` has the
 * bytes of each digest: a file, or a member's canonical JSON. `tags` are pinned for apps only. Throws TrailError
 * 'bad-file' if an item cannot be pinned.
 */
export function pinRecipe(
  name: RecipeName,
  recipe: Recipe,
  readFile: (path: string) => Uint8Array | null,
  tags: ReleaseTags = { releases: [], lightweightTags: [] },
): PinResult {
  const blobs = new Map<Digest, Uint8Array>();
  const harness = [...new Set(recipe.harness)].map((item) => {
    const bytes = operatorsVersion(item, readFile, (what) => {
      throw new TrailError('bad-file', `recipe "${name}", harness item "${item}": ${what}`);
    });
    if (bytes === null) return { item, digest: null };
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { item, digest };
  });
  const pinned = { name, recipe, harness, ...(isApp(recipe) && tags) };
  return { pinned, digest: digestOfJson(pinned), blobs };
}

/** Splits `package.json#scripts` into the file and the member's keys, outermost first; no keys for a whole file. */
export function splitItem(item: string): { path: string; keys: string[] } {
  const [path = '', member] = item.split('#');
  return { path, keys: member === undefined ? [] : member.split('.') };
}

/** The member that `keys` lead to; undefined if missing. */
export function valueAt(value: unknown, keys: readonly string[]): unknown {
  let inner = value;
  for (const key of keys) {
    if (inner === null || typeof inner !== 'object' || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<string, unknown>)[key];
  }
  return inner;
}

function operatorsVersion(
  item: string,
  readFile: (path: string) => Uint8Array | null,
  refuse: (what: string) => never,
): Uint8Array | null {
  const { path, keys } = splitItem(item);
  if (!TreePath.safeParse(path).success) refuse('not a path inside the repository; give one without "." or ".." parts');
  const bytes = readFile(path);
  if (bytes !== null && bytes.byteLength > harnessBytesMax)
    refuse(`${path} is larger than ${harnessBytesMax / 1024} KiB`);
  if (bytes === null || keys.length === 0) return bytes;
  const value = valueAt(
    parsed(bytes, () => refuse(`${path} is not JSON, so it has no members; name the whole file`)),
    keys,
  );
  return value === undefined ? null : new TextEncoder().encode(canonicalJson(value));
}

function parsed(bytes: Uint8Array, fail: () => never): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return fail();
  }
}
