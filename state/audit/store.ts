// What the trail stores beside its entries (blobs, results of runs, plans), as the audit meets it commit by commit. Known by
// path and digest; the bytes are read from git again when a check asks for them, so that memory does not grow with them.

import { digestOf } from '../entry/digest.ts';
import type { Digest, RunId, Sha } from '../entry/ids.ts';
import { partOf } from '../entry/policy.ts';
import { RunRecord } from '../entry/record.ts';
import type { ObjectStore } from '../git/objects.ts';
import type { TrailCommit } from '../trail/commitRule.ts';
import { docs } from '../trail/history.ts';

export type AuditStore = {
  /** Takes in what a commit stores. What came first at a path stands: anything later is `checkCommit`'s to report. */
  keep(commit: TrailCommit): void;
  /** The digest of the bytes at a path below `machine-docs/`; null where nothing was stored so far. */
  digestAt(path: string): Digest | null;
  /** Those bytes; null where there are none, or git cannot read them any more. */
  read(path: string): Promise<Buffer | null>;
  /** Whether `blobs/<digest>` is stored and holds what it is called. */
  hasBlob(digest: Digest): boolean;
  /** The record of a run; null where none is stored that reads as one. */
  record(run: RunId): Promise<RunRecord | null>;
  /** All that it took in, for a store that goes on from here. */
  known(): Known;
};

/** By path. */
export type Known = [string, { blob: Sha; digest: Digest }][];

/** A store over the hub's objects that knows so much already. */
export function auditStore(objects: Pick<ObjectStore, 'read'>, from: Known = []): AuditStore {
  const known = new Map(from);

  function keep(commit: TrailCommit): void {
    for (const { path, newBlob, after } of commit.changes) {
      if (after === null || newBlob === null || partOf(path) !== null || known.has(path)) continue;
      known.set(path, { blob: newBlob, digest: digestOf(after) });
    }
  }

  function digestAt(path: string): Digest | null {
    return known.get(`${docs}/${path}`)?.digest ?? null;
  }

  async function read(path: string): Promise<Buffer | null> {
    const blob = known.get(`${docs}/${path}`)?.blob;
    const object = blob === undefined ? null : await objects.read(blob).catch(() => null);
    return object?.bytes ?? null;
  }

  async function record(run: RunId): Promise<RunRecord | null> {
    const bytes = await read(`runs/${run}/results.json`);
    const parsed = RunRecord.safeParse(jsonOf(bytes));
    return parsed.success ? parsed.data : null;
  }

  return {
    keep,
    digestAt,
    read,
    hasBlob: (digest) => digestAt(`blobs/${digest}`) === digest,
    record,
    known: () => [...known],
  };
}

/** The JSON value that some bytes hold; undefined where they hold none. */
export function jsonOf(bytes: Buffer | null): unknown {
  try {
    return bytes === null ? undefined : JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
