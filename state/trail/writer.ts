// Makes a draft durable, in the one order that loses nothing: objects, then the branch, then heads.log. If heads.log
// cannot be written (the disk is full), the branch is moved back, at once or before the next draft. A rejected batch
// stays on the trail only if the process ends before that; the next opening then accepts the batch as part of the
// trail.

import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import type { ObjectStore } from '../git/objects.ts';
import type { Branch } from '../git/refs.ts';
import type { GitObject } from '../git/trees.ts';
import type { Head, HeadsLog } from './heads.ts';

export type TrailWriter = {
  /**
   * Moves the trail from `from` to the last of `heads`; all of it is on disk when this resolves. Rejects with
   * TrailError 'bad-trail', now and on every later call, if somebody else moved the trail; with the disk's or git's own
   * error if the batch cannot be written.
   */
  write(from: Sha, objects: GitObject[], heads: Head[]): Promise<void>;
};

/** The writer for an open trail; one call at a time. */
export function trailWriter(hub: string, store: ObjectStore, branch: Branch, log: HeadsLog): TrailWriter {
  let broken: TrailError | null = null;
  let undo: { from: Sha; to: Sha } | null = null;

  async function write(from: Sha, objects: GitObject[], heads: Head[]): Promise<void> {
    if (broken !== null) throw broken;
    await putBack();
    const to = heads.at(-1)?.sha ?? from;
    await store.write(objects);
    await move(from, to);
    try {
      await log.append(heads);
    } catch (error) {
      undo = { from: to, to: from };
      await putBack().catch(() => {}); // the next write tries again
      throw error;
    }
  }

  async function putBack(): Promise<void> {
    if (undo === null) return;
    await move(undo.from, undo.to);
    undo = null;
  }

  async function move(from: Sha, to: Sha): Promise<void> {
    try {
      await branch.move(from, to);
    } catch (error) {
      const now = await branch.read();
      if (now === to) return branch.sync();
      if (now === from) throw error;
      broken = new TrailError('bad-trail', movedByOthers(hub, from, now), { cause: error });
      throw broken;
    }
  }

  return { write };
}

function movedByOthers(hub: string, from: Sha, now: Sha | null): string {
  const where = now === null ? 'is gone' : `is now at ${now}`;
  const remedy = 'Stop whatever else writes there, put it back (git update-ref) and start again';
  return `Something else moved the trail of ${hub}: it was at ${from} and ${where}. Nothing was appended. ${remedy}.`;
}
