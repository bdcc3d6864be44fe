// Applies a control's edits to a run's tree: removes files, writes given bytes, or puts the reference's version of a
// file back from the hub, with the operator's members laid over again if it is a JSON file.

import type { TreeEdit } from '../../state/controls/revert.ts';
import type { Digest, Sha } from '../../state/entry/ids.ts';
import type { PinnedRecipe } from '../../state/entry/recipe.ts';
import { type ObjectReader, openObjects } from '../../state/git/catFile.ts';
import { fileBytesMax } from '../box/files.ts';
import type { RunTree } from './engine.ts';
import { withMember } from './overlay.ts';
import { splitItem } from './pinned.ts';

const linkMode = '120000';
const permissions: Record<string, number> = { '100755': 0o755 };

export type EditPlace = {
  hub: string;
  tree: RunTree;
  harness: PinnedRecipe['harness'];
  harnessFiles: ReadonlyMap<Digest, Uint8Array>;
};

/** Null once all edits are made, else which one failed and why. Rejects if the hub or the file service fails. */
export async function applyEdits(edits: readonly TreeEdit[], place: EditPlace): Promise<string | null> {
  const removals = edits.filter((edit) => 'blob' in edit && edit.blob === null);
  for (const { path } of removals) {
    const removed = await place.tree.remove(path);
    if (!removed.ok) return `${path} cannot be removed (${removed.why})`;
  }
  const objects = openObjects(place.hub);
  try {
    for (const edit of edits) {
      const problem = await carryOut(edit, place, objects);
      if (problem !== null) return `${edit.path} cannot be written (${problem})`;
    }
  } finally {
    objects.close();
  }
  return null;
}

async function carryOut(edit: TreeEdit, place: EditPlace, objects: ObjectReader): Promise<string | null> {
  if ('bytes' in edit) {
    const written = await place.tree.write(edit.path, edit.bytes, permissions[edit.mode] ?? 0o644);
    return written.ok ? null : written.why;
  }
  return edit.blob === null ? null : putBack(edit.path, edit.mode, edit.blob, place, objects);
}

async function putBack(
  path: string,
  mode: string,
  blob: Sha,
  place: EditPlace,
  objects: ObjectReader,
): Promise<string | null> {
  const object = await objects.read(blob);
  if (object?.type !== 'blob') return `the hub has no file ${blob}`;
  if (object.bytes.length > fileBytesMax) return `it is larger than ${fileBytesMax / 1024 / 1024} MB`;
  if (mode === linkMode) {
    const linked = await place.tree.link(path, object.bytes.toString());
    return linked.ok ? null : linked.why;
  }
  const written = await place.tree.write(
    path,
    withOperatorsMembers(path, object.bytes, place),
    permissions[mode] ?? 0o644,
  );
  return written.ok ? null : written.why;
}

function withOperatorsMembers(path: string, bytes: Buffer, { harness, harnessFiles }: EditPlace): Uint8Array {
  const members = harness
    .map(({ item, digest }) => ({ ...splitItem(item), digest }))
    .filter((item) => item.path === path && item.keys.length > 0);
  let text = bytes.toString();
  for (const { keys, digest } of members) {
    const stored = digest === null ? undefined : harnessFiles.get(digest);
    const wanted = stored === undefined ? undefined : JSON.parse(new TextDecoder().decode(stored));
    text = withMember(text, keys, wanted) ?? text;
  }
  return members.length === 0 ? bytes : new TextEncoder().encode(text);
}
