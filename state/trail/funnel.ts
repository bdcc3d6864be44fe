// The funnel: the only writer of the trail. Appends queue up. All appends that are waiting are judged in order and
// written together: one role per commit, and one move of the branch for all commits.
//
//   queued → drafted → objects fsynced → branch moved (compare-and-swap) → heads.log fsynced → state changed, answered
//
// If the process is killed, a batch is either off the branch (lost, never acknowledged) or on the trail (found at the
// next opening), never half of it.

import type { Entry, Intent } from '../entry/entry.ts';
import { TrailError } from '../entry/errors.ts';
import type { Digest, Role, Sha } from '../entry/ids.ts';
import type { ObjectStore } from '../git/objects.ts';
import { mustRead, mustReadTree } from '../git/objects.ts';
import { packer } from '../git/packing.ts';
import type { GitObject } from '../git/trees.ts';
import { childAt } from '../git/trees.ts';
import type { AllowedSigner } from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';
import type { Rules } from './accept.ts';
import type { DraftBatch, Tip } from './batch.ts';
import { draftBatch } from './batch.ts';
import { docs } from './history.ts';
import type { OpenTrail } from './opening.ts';
import { openTrail } from './opening.ts';
import { trailWriter } from './writer.ts';

export const queuedAppendsMax = 4096;
export const queuedBytesMax = 64 * 1024 * 1024;
export const batchAppendsMax = 256;
export const batchBytesMax = 8 * 1024 * 1024;
const recentBlobsMax = 64;
const recentBlobBytesMax = 128 * 1024;

export type FunnelOptions<S> = Rules<S> & {
  hub: string;
  stateDir: string;
  /** The signers of the roles that may append here; each key must be the role's key in the trail's allowed_signers. */
  signers: Partial<Record<Role, Signer>>;
  /**
   * Opens the private half of a key that an act gives to a role. Without this function, the role can no longer append
   * after a rotation.
   */
  newSigner?: (role: Role, publicKey: string) => Signer;
  empty: S;
};

export type Funnel<S> = {
  /** The state after all durable entries. */
  readonly state: S;
  readonly head: Sha;
  /** The keys in allowed_signers at the head. */
  readonly allowed: AllowedSigner[];
  /** The number of the next entry, if nothing is queued before it. */
  readonly nextId: number;
  /**
   * Appends one role's entries, all or nothing. Resolves with them once they are durable. Rejects with `Refused` (the
   * rules refuse it) or TrailError: 'io' if the disk failed: nothing was written, and later appends may work;
   * 'bad-trail' if somebody else moved the trail: this funnel appends no more.
   */
  append(intents: Intent[]): Promise<Entry[]>;
  /**
   * Calls `fn` after each batch, in order, when `state` has already changed. Returns a function that stops the calls.
   */
  onAppended(fn: (entries: Entry[]) => void): () => void;
  /** The stored bytes with that digest; null if missing. */
  blob(digest: Digest): Promise<Buffer | null>;
  /** A file at the head, by its path with or without `machine-docs/`; null if missing. */
  file(path: string): Promise<Buffer | null>;
  /** Finishes what is queued, then ends the funnel's git processes. Later appends reject. */
  close(): Promise<void>;
};

type Waiting = { intents: Intent[]; bytes: number; resolve(entries: Entry[]): void; reject(error: Error): void };

/**
 * Opens the trail of `hub`: folds all of it, checks it against `heads.log`, and repairs what a crash left. Only one
 * funnel may be open per hub (the workspace's lock ensures it). Rejects with TrailError 'bad-trail', 'bad-hub',
 * 'bad-key' or 'io'.
 */
export async function openFunnel<S>(options: FunnelOptions<S>): Promise<Funnel<S>> {
  const trail = await openTrail(options.hub, options.stateDir, options.signers).catch((error) => {
    throw asTrailError(error, `The trail of ${options.hub} cannot be opened`);
  });
  try {
    const { entries, head, root, files } = trail.history;
    const state = entries.reduce((folded, entry) => options.apply(folded, entry), options.empty);
    const keys = { allowed: trail.allowed, signers: options.signers };
    return runFunnel(options, { state, head, nextId: entries.length + 1, root, files, keys }, trail);
  } catch (error) {
    await closeTrail(trail);
    throw error;
  }
}

async function closeTrail({ store, branch, log }: OpenTrail): Promise<void> {
  store.close();
  await Promise.all([branch.close(), log.close()]);
}

function runFunnel<S>(options: FunnelOptions<S>, opened: Tip<S>, trail: OpenTrail): Funnel<S> {
  const { store, branch, log } = trail;
  const queue: Waiting[] = [];
  const listeners = new Set<(entries: Entry[]) => void>();
  const packing = packer(options.hub);
  const writer = trailWriter(options.hub, store, branch, log);
  const blobs = recentBlobs(store);
  const load = (sha: Sha) => mustReadTree(store, sha);
  const files = new Map(opened.files);
  let tip: Tip<S> = { ...opened, files };
  let queuedBytes = 0;
  let draining: Promise<void> | null = null;
  let isClosed = false;

  function append(intents: Intent[]): Promise<Entry[]> {
    const bytes = bytesOf(intents);
    if (isClosed) return Promise.reject(new TrailError('io', 'The funnel is closed; it accepts no more appends.'));
    if (queue.length >= queuedAppendsMax || queuedBytes + bytes > queuedBytesMax) {
      return Promise.reject(
        new TrailError('io', `${queue.length} appends already wait for the disk; try again later.`),
      );
    }
    queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      queue.push({ intents, bytes, resolve, reject });
      draining ??= drain();
    });
  }

  async function drain(): Promise<void> {
    await new Promise(setImmediate); // appends of one turn of the event loop are written together
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      for (const { bytes } of batch) queuedBytes -= bytes;
      const draft = await writeBatch(batch);
      if (draft !== null) settle(batch, draft);
    }
    draining = null;
    packing.rested();
  }

  async function writeBatch(batch: Waiting[]): Promise<DraftBatch<S> | null> {
    const { newSigner } = options;
    const using = { rules: options, ...(newSigner && { newSigner }), load, readBlob: blobs.read };
    const appends = batch.map((one) => one.intents);
    try {
      const draft = await draftBatch(tip, appends, using);
      if (draft.heads.length === 0) return draft;
      await writer.write(tip.head, draft.objects, draft.heads);
      packing.wrote();
      return draft;
    } catch (error) {
      const failure = asTrailError(error, 'Nothing was appended to the trail');
      for (const one of batch) one.reject(failure);
      return null;
    }
  }

  function settle(batch: Waiting[], draft: DraftBatch<S>): void {
    tip = draft.tip;
    for (const { entry, file: place } of draft.filed) files.set(entry.id, place);
    blobs.keep(draft.objects);
    for (const [index, answer] of draft.answers.entries()) {
      if (answer instanceof Error) batch[index]?.reject(answer);
      else batch[index]?.resolve(answer);
    }
    const entries = draft.answers.flatMap((answer) => (answer instanceof Error ? [] : answer));
    if (entries.length > 0) for (const fn of [...listeners]) fn(entries);
  }

  async function file(path: string): Promise<Buffer | null> {
    const child = await childAt(tip.root, path.startsWith(`${docs}/`) ? path : `${docs}/${path}`, load);
    return child === null ? null : blobs.read(child.sha);
  }

  async function close(): Promise<void> {
    isClosed = true;
    await draining;
    await packing.close();
    await closeTrail(trail);
  }

  return {
    get state() {
      return tip.state;
    },
    get head() {
      return tip.head;
    },
    get allowed() {
      return tip.keys.allowed;
    },
    get nextId() {
      return tip.nextId;
    },
    append,
    onAppended: (fn) => {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    blob: (digest) => file(`blobs/${digest}`),
    file,
    close,
  };
}

function takeBatch(queue: Waiting[]): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const one of queue.slice(0, batchAppendsMax)) {
    bytes += one.bytes;
    if (count > 0 && bytes > batchBytesMax) break;
    count++;
  }
  return queue.splice(0, count);
}

function bytesOf(intents: Intent[]): number {
  let bytes = 0;
  for (const { body, blobs } of intents) {
    bytes += body.length;
    for (const stored of blobs ?? []) bytes += stored.bytes.length;
  }
  return bytes;
}

/** Caches the newest versions of growing files, so that an append need not read back what was just written. */
function recentBlobs(store: ObjectStore) {
  const recent = new Map<Sha, Buffer>();
  function keep(objects: GitObject[]): void {
    for (const { type, sha, bytes } of objects) {
      if (type === 'blob' && bytes.length <= recentBlobBytesMax) recent.set(sha, Buffer.from(bytes));
    }
    for (const sha of [...recent.keys()].slice(0, -recentBlobsMax)) recent.delete(sha);
  }
  return {
    keep,
    read: async (sha: Sha): Promise<Buffer> => recent.get(sha) ?? mustRead(store, sha, 'blob'),
  };
}

const diskFaults: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space, then repeat',
  EDQUOT: 'the disk quota is used up; free some space, then repeat',
  EFBIG: 'a file would be larger than the limit set for this process (ulimit -f)',
  EIO: 'the disk reports an error; look at the system log before going on',
  EROFS: 'the file system is read-only; mount it writable, then repeat',
  EACCES: 'access is denied; check who owns the state directory',
};

const bugs = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Turns a fault of the disk or of git into one clear line. Returns a TrailError or a bug unchanged. */
function asTrailError(error: unknown, what: string): Error {
  if (error instanceof TrailError || bugs.some((bug) => error instanceof bug)) return error as Error;
  const { code = '', path, message } = error as NodeJS.ErrnoException;
  const fault = diskFaults[code];
  const why = fault === undefined ? message : `${fault}${path === undefined ? '' : ` (${code}, ${path})`}`;
  return new TrailError('io', `${what}: ${why}.`, { cause: error });
}
