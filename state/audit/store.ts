// Knows the files that the trail stores besides its entries (blobs, results of runs, plans), as the audit finds them
// commit by commit. Keeps only ids and digests in memory; reads a file's bytes from git when a check needs them.

import { digestOf } from '../entry/digest.ts';
import type { Digest, RunId, Sha } from '../entry/ids.ts';
import { partOf } from '../entry/policy.ts';
import { RunRecord } from '../entry/record.ts';
import type { ObjectStore } from '../git/objects.ts';
import type { TrailCommit } from '../trail/commitRule.ts';
import { docs } from '../trail/history.ts';

export type AuditStore = {
  /** Adds the files that a commit stores. The first file at a path counts; `checkCommit` reports any later one. */
  keep(commit: TrailCommit): void;
  /** The digest of the bytes at a path below `machine-docs/`; null if nothing is stored there yet. */
  digestAt(path: string): Digest | null;
  /** The bytes at a path below `machine-docs/`; null if they are missing, or if git can no longer read them. */
  read(path: string): Promise<Buffer | null>;
  /** True if `blobs/<digest>` is stored and its content has that digest. */
  hasBlob(digest: Digest): boolean;
  /** The record of a run; null if missing or not valid. */
  record(run: RunId): Promise<RunRecord | null>;
  /** Everything added so far, for a store that continues from here. */
  known(): KnownBlobs;
};

/** The stored files, each with its path. */
export type KnownBlobs = [string, { blob: Sha; digest: Digest }][];

/** A store that reads the hub's objects, and starts with the files in `from`. */
export function auditStore(objects: Pick<ObjectStore, 'read'>, from: KnownBlobs = []): AuditStore {
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

/** The JSON value in some bytes; undefined if they are not JSON. */
export function jsonOf(bytes: Buffer | null): unknown {
  try {
    return bytes === null ? undefined : JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
