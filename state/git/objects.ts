// The hub's object store, as the funnel uses it. Each batch is written from this process as one small, fsynced pack (a
// child process per object would cost ten times as much as the write), and everything is read through one long-running
// `git cat-file --batch`.

import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { openObjects, type ReadObject } from './catFile.ts';
import { packOf } from './packs.ts';
import type { GitObject, GitTree, ObjectType } from './trees.ts';
import { parseTree } from './trees.ts';

export type ObjectStore = {
  /**
   * Resolves once everything is on disk, file names included. Rejects with the disk's own error; a partial write does
   * no harm.
   */
  write(objects: GitObject[]): Promise<void>;
  /** Null if missing. Rejects with TrailError 'bad-hub' if git fails, or if the object is over 64 MiB. */
  read(sha: Sha): Promise<ReadObject | null>;
  /** Ends the reader; pending reads reject. */
  close(): void;
};

/** The store of the bare repository at `hub`. */
export function objectStore(hub: string): ObjectStore {
  let reader = openObjects(hub);
  let isClosed = false;
  return {
    write: (objects) => writePack(join(hub, 'objects', 'pack'), objects),
    read: (sha) => {
      const current = reader;
      return current.read(sha).catch((error) => {
        if (isClosed) throw error;
        // The reader died (the OOM killer may end it): starts another, and reads once more.
        if (current === reader) reader = openObjects(hub);
        return reader.read(sha);
      });
    },
    close: () => {
      isClosed = true;
      reader.close();
    },
  };
}

/** The bytes of an object of that type. Throws TrailError 'bad-trail' if there is none. */
export async function mustRead(store: ObjectStore, sha: Sha, type: ObjectType): Promise<Buffer> {
  const object = await store.read(sha);
  if (object?.type === type) return object.bytes;
  throw new TrailError('bad-trail', `The hub has no ${type} ${sha}, which the trail needs; restore it from a backup.`);
}

/** The children of a tree object. Throws as `mustRead` does. */
export async function mustReadTree(store: ObjectStore, sha: Sha): Promise<GitTree> {
  return parseTree(await mustRead(store, sha, 'tree'));
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes every object, even one that exists: a process that died may never have fsynced the existing copy. */
async function writePack(dir: string, objects: GitObject[]): Promise<void> {
  const once = [...new Map(objects.map((object) => [object.sha, object])).values()];
  if (once.length === 0) return;
  const { name, pack, index } = await packOf(once);
  // Uses git's own names for temporary packs, so that git's pruning recognizes leftovers.
  const suffix = randomBytes(6).toString('hex');
  const temporary = { pack: join(dir, `tmp_pack_${suffix}`), index: join(dir, `tmp_idx_${suffix}`) };
  const target = { pack: join(dir, `${name}.pack`), index: join(dir, `${name}.idx`) };
  try {
    await mkdir(dir, { recursive: true });
    await bothDone([writeSynced(temporary.pack, pack), writeSynced(temporary.index, index)]);
    // A pack counts as soon as its index has its final name.
    await rename(temporary.pack, target.pack);
    await rename(temporary.index, target.index);
    await syncFolder(dir);
  } catch (error) {
    for (const path of Object.values(temporary)) await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o444);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits for both writes before it throws, so that no write of a failed batch continues in the background. */
async function bothDone(writes: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(writes)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
