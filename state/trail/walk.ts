// The trail's commits in order, each with its changes and the bytes before and after, for `checkCommit` to judge. Three
// git processes serve any number of commits; memory holds only one portion of commits, and the newest bytes of each
// growing file.

import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { partOf } from '../entry/policy.ts';
import { type ObjectReader, openObjects } from '../git/catFile.ts';
import { listingBytesMax, type PathChange, readChange } from '../git/git.ts';
import { type GitOptions, git, gitText, whyFailed } from '../git/process.ts';
import type { TrailChange, TrailCommit, TrailPlace } from './commitRule.ts';
import { docs } from './history.ts';
import { signersAt } from './hub.ts';

const portionCommits = 128;
const chainBytesMax = 256 * 1024 * 1024;

/** Where the walk from the first commit begins. */
export async function placeAtGenesis(hub: string, genesis: Sha): Promise<TrailPlace> {
  return { head: genesis, nextId: 1, parts: new Map(), files: [], signers: await signersAt(hub, genesis) };
}

/** Where a walk from `head` begins. Everything up to `head` is trusted: it is scanned for entry numbers, not judged. */
export async function placeAt(hub: string, genesis: Sha, head: Sha): Promise<TrailPlace> {
  const place = await placeAtGenesis(hub, genesis);
  const parts = new Map<string, number>();
  const objects = openObjects(hub);
  try {
    for (const { path, blob } of await listFolder(hub, head)) {
      const part = partOf(path);
      if (part === null) continue;
      parts.set(part.file, Math.max(parts.get(part.file) ?? 0, part.n));
      const text = (await mustRead(objects, blob)).toString();
      // No line of an author's words can begin like this: see entry/framing.ts.
      for (const [, id] of text.matchAll(/^<!-- coldpass\n\{ "v": 1, "id": (\d+),/gm)) {
        place.files[Number(id) - 1] = part.file;
      }
    }
  } finally {
    objects.close();
  }
  const signers = await signersAt(hub, head);
  return { ...place, head, parts, nextId: place.files.length + 1, signers };
}

/** The commits after `from` up to `to`, oldest first. Throws TrailError 'bad-hub' if git cannot read them. */
export async function* walkTrail(
  hub: string,
  from: Sha,
  to: Sha,
  options: Pick<GitOptions, 'objects'> = {},
): AsyncGenerator<TrailCommit> {
  const args = ['rev-list', '--reverse', '--topo-order', `${from}..${to}`];
  const list = await gitText(hub, args, { ...options, outputBytesMax: chainBytesMax });
  const shas = list.split('\n').filter(Boolean) as Sha[];
  const changes = await changesOf(hub, shas, options);
  const objects = openObjects(hub, options);
  const newest: Newest = new Map();
  const readPortion = (at: number) =>
    Promise.all(
      shas.slice(at, at + portionCommits).map((sha) => readCommit(objects, sha, changes.get(sha) ?? [], newest)),
    );
  try {
    let next = readPortion(0);
    for (let at = portionCommits; at < shas.length + portionCommits; at += portionCommits) {
      const portion = await next;
      next = readPortion(at); // git reads on while the caller judges
      next.catch(() => {}); // awaited above, unless the caller stops early
      yield* portion;
    }
  } finally {
    objects.close();
  }
}

/** The files directly in the trail's folder. Leaves out blobs and runs, of which there may be many. */
async function listFolder(hub: string, head: Sha): Promise<{ path: string; blob: Sha }[]> {
  const text = await gitText(hub, ['ls-tree', '-z', `${head}:${docs}`], { outputBytesMax: listingBytesMax });
  return text.split('\0').flatMap((row) => {
    const [, blob, name] = /^100644 blob ([0-9a-f]{40})\t(.+)$/s.exec(row) ?? [];
    return blob === undefined ? [] : [{ path: `${docs}/${name}`, blob: blob as Sha }];
  });
}

async function changesOf(
  hub: string,
  shas: Sha[],
  options: Pick<GitOptions, 'objects'>,
): Promise<Map<Sha, PathChange[]>> {
  const args = ['diff-tree', '--stdin', '--always', '-r', '-z', '--raw', '--no-renames', '--no-abbrev'];
  const input = `${shas.join('\n')}\n`;
  const result = await git(hub, args, { ...options, input, outputBytesMax: listingBytesMax });
  if (result.exit !== 0) throw new TrailError('bad-hub', `the trail of ${hub} cannot be walked: ${whyFailed(result)}`);
  const tokens = result.stdout.toString().split('\0');
  const changes = new Map<Sha, PathChange[]>();
  let current: PathChange[] = [];
  for (let at = 0; at < tokens.length - 1; at++) {
    const token = tokens[at] ?? '';
    if (token.startsWith(':')) {
      at++;
      current.push(readChange(token, tokens[at] ?? ''));
    } else {
      current = [];
      changes.set(token as Sha, current);
    }
  }
  return changes;
}

/**
 * The newest bytes of growing files. They are requested only once, though the next commit needs the same bytes again as
 * the old ones.
 */
type Newest = Map<string, { blob: Sha; bytes: Promise<Buffer> }>;

async function readCommit(
  objects: ObjectReader,
  sha: Sha,
  changes: PathChange[],
  newest: Newest,
): Promise<TrailCommit> {
  const whole = changes.map(async (change): Promise<TrailChange> => {
    const known = newest.get(change.path);
    const before = known?.blob === change.oldBlob ? known.bytes : bytesOf(objects, change.oldMode, change.oldBlob);
    const after = bytesOf(objects, change.newMode, change.newBlob);
    if (change.newBlob !== null && partOf(change.path) !== null) {
      newest.set(change.path, { blob: change.newBlob, bytes: after as Promise<Buffer> });
    }
    const [old, now] = await Promise.all([before, after]);
    return { ...change, before: old, after: now };
  });
  // Awaited together: an unhandled rejection would end the process.
  const [bytes, read] = await Promise.all([mustRead(objects, sha), Promise.all(whole)]);
  return { sha, bytes, changes: read };
}

function bytesOf(objects: ObjectReader, mode: string, id: Sha | null): Promise<Buffer | null> {
  // A submodule's commit is not in the hub.
  return id === null || mode === '160000' ? Promise.resolve(null) : mustRead(objects, id);
}

async function mustRead(objects: ObjectReader, id: Sha): Promise<Buffer> {
  const object = await objects.read(id);
  if (object === null) throw new TrailError('bad-hub', `object ${id} of the trail is missing`);
  return object.bytes;
}
