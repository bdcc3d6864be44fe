// The trail for those who only look: every entry, the fold, and the bytes that entries name. Takes no lock and no key
// and writes nothing, so the trail may be read while a supervisor appends. Does not check that the trail is genuine:
// `audit` does.

import type { Entry } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { emptyTrail, type TrailState } from '../entry/phase.ts';
import { fold } from '../fold/fold.ts';
import { branchHead } from '../git/git.ts';
import { mustRead, mustReadTree, objectStore } from '../git/objects.ts';
import { childAt } from '../git/trees.ts';
import { docs, readHistory } from './history.ts';
import { openHub } from './hub.ts';

export type Trail = {
  state: TrailState;
  /** Entry `id` is at `id - 1`. */
  entries: Entry[];
  head: Sha;
  /** A file by its path in `machine-docs/`, as of `head`; null if missing. */
  file(path: string): Promise<Buffer | null>;
  /** Ends the git process behind `file`; may be called twice. */
  close(): void;
};

/**
 * Reads the trail of the hub at `hub`, as it is now, or as it was at the commit `at`. Throws TrailError 'bad-hub' or
 * 'bad-trail', with one line that says what to do.
 */
export async function readTrail(hub: string, at?: Sha): Promise<Trail> {
  await openHub(hub);
  const head = at ?? (await branchHead(hub, 'trail'));
  if (head === null)
    throw new TrailError('bad-hub', `${hub} has no trail; restore it from a backup, or run \`coldpass init\` again`);
  const store = objectStore(hub);
  try {
    const { entries, root } = await readHistory(hub, store, head);
    const load = (sha: Sha) => mustReadTree(store, sha);
    return {
      state: entries.reduce(fold, emptyTrail),
      entries,
      head,
      file: async (path) => {
        const child = await childAt(root, `${docs}/${path}`, load);
        return child === null ? null : mustRead(store, child.sha, 'blob');
      },
      close: () => store.close(),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Reads the trail, passes it to `use`, and closes it. */
export async function withTrail<T>(hub: string, use: (trail: Trail) => Promise<T> | T, at?: Sha): Promise<T> {
  const trail = await readTrail(hub, at);
  try {
    return await use(trail);
  } finally {
    trail.close();
  }
}
