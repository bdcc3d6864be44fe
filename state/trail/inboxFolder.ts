// The inbox as a folder. A file in it is untrusted until its signature is verified, so the sizes and the number of
// files are limited, only plain files are read, and links are never followed. The life of an act's file:
//
//   <nonce>.json → <nonce>.taken (being appended) → removed
//                ↘ <nonce>.json.refused, with the reason in <nonce>.reason
//
// A `.taken` file stays only if a process died while it was appending the file's act. So a `.json` whose act is on the
// trail was handed in again.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignedAct } from '../entry/act.ts';
import { digestOf } from '../entry/digest.ts';
import { TrailError } from '../entry/errors.ts';
import type { Digest } from '../entry/ids.ts';
import { syncFolder } from '../git/objects.ts';

export const actBytesMax = 16 * 1024 * 1024;
export const inboxFilesMax = 500;
/** A refused file of at most this size is kept on the trail. */
export const refusedBytesMax = 16 * 1024;
/** A name must still be valid when an ending is added to it. */
const nameBytesMax = 200;

/**
 * A file as handed in; null if it is not a plain file, or too large to read. `bytes` is null if there are too many to
 * keep.
 */
export type InboxFile = { digest: Digest; bytes: Buffer | null } | null;
export type Unreadable = { name: string; file: InboxFile; reason: string };
/** `writtenMs` orders acts that were signed within one second. */
export type ReadableAct = { name: string; file: InboxFile; signed: SignedAct; writtenMs: number };

/** `acts` are well-formed but not yet verified; both lists are ordered by file name. */
export type InboxFiles = { acts: ReadableAct[]; unreadable: Unreadable[] };

/** Puts an act into the inbox, whole and durably, and returns its path. Throws TrailError 'io' if it cannot. */
export async function dropAct(inboxDir: string, signed: SignedAct): Promise<string> {
  const path = join(inboxDir, `${signed.act.nonce}.json`);
  const temporary = join(inboxDir, `.${signed.act.nonce}.${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(signed)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(inboxDir);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new TrailError('io', `The act cannot be put into ${inboxDir}: ${(cause as Error).message}.`, { cause });
  }
  return path;
}

/** Reads the inbox, `inboxFilesMax` files at most; changes nothing. Throws TrailError 'io' if it cannot be read. */
export async function readInbox(inboxDir: string): Promise<InboxFiles> {
  const files: InboxFiles = { acts: [], unreadable: [] };
  for (const name of await namesIn(inboxDir)) {
    try {
      const read = await readAct(join(inboxDir, name), name);
      if ('signed' in read) files.acts.push(read);
      else files.unreadable.push(read);
    } catch (error) {
      // The file's owner removed it meanwhile: nothing to report.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}

/** Acts that a process is appending, or was appending when it died (see `settleTaken`). */
export async function readTaken(inboxDir: string): Promise<ReadableAct[]> {
  const nonces = (await readdir(inboxDir)).flatMap((name) => /^([0-9a-f]{32})\.taken$/.exec(name)?.[1] ?? []);
  const read = await Promise.all(
    nonces.map((nonce) => readAct(takenFile(inboxDir, nonce), `${nonce}.json`).catch(() => null)),
  );
  return read.flatMap((one) => (one !== null && 'signed' in one ? one : []));
}

/** Marks an act as being appended. Returns false if its author removed it meanwhile. */
export function takeUp(inboxDir: string, nonce: string): Promise<boolean> {
  return renamed(join(inboxDir, `${nonce}.json`), takenFile(inboxDir, nonce));
}

/** Removes an act from the inbox once it is on the trail. Does nothing if it is gone. */
export async function removeAct(inboxDir: string, nonce: string): Promise<void> {
  await rm(takenFile(inboxDir, nonce), { force: true });
}

/**
 * Settles acts that a process was appending when it died: removes from the inbox those that are on the trail, and hands
 * the others in again.
 */
export async function settleTaken(inboxDir: string, isOnTrail: (nonce: string) => boolean): Promise<void> {
  for (const name of await readdir(inboxDir)) {
    const nonce = /^([0-9a-f]{32})\.taken$/.exec(name)?.[1];
    if (nonce === undefined) continue;
    if (isOnTrail(nonce)) await removeAct(inboxDir, nonce);
    else await rename(takenFile(inboxDir, nonce), join(inboxDir, `${nonce}.json`));
  }
}

/**
 * Moves a refused file out of the way, and writes the reason beside it, for the author to read. Returns the file's new
 * path.
 */
export async function putAside(inboxDir: string, name: string, reason: string): Promise<string> {
  const nonce = /^([0-9a-f]{32})\.(json|taken)$/.exec(name)?.[1];
  const stem = nonce ?? (Buffer.byteLength(name) <= nameBytesMax ? name : digestOf(name).slice(0, 32));
  const aside = join(inboxDir, `${nonce === undefined ? stem : `${stem}.json`}.refused`);
  const reasonFile = join(inboxDir, `${stem}.reason`);
  try {
    // Anything already at these paths is obsolete, and might be a link.
    for (const path of [reasonFile, aside]) await rm(path, { recursive: true, force: true });
    await writeFile(reasonFile, `${reason}\n`, { mode: 0o600, flag: 'wx' });
    // Renaming moves a link itself, never its target.
    await renamed(join(inboxDir, name), aside);
  } catch (cause) {
    throw new TrailError('io', `${join(inboxDir, name)} cannot be put aside: ${(cause as Error).message}.`, { cause });
  }
  return aside;
}

/** Returns false if nothing has the name `from` any more. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function takenFile(inboxDir: string, nonce: string): string {
  return join(inboxDir, `${nonce}.taken`);
}

async function namesIn(inboxDir: string): Promise<string[]> {
  try {
    const names = await readdir(inboxDir);
    return names
      .filter((name) => !name.startsWith('.') && !/\.(refused|reason)$|^[0-9a-f]{32}\.taken$/.test(name))
      .sort()
      .slice(0, inboxFilesMax);
  } catch (cause) {
    throw new TrailError('io', `The inbox ${inboxDir} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

async function readAct(path: string, name: string): Promise<ReadableAct | Unreadable> {
  const nonce = /^([0-9a-f]{32})\.json$/.exec(name)?.[1];
  // Checked before opening, since merely opening a device can have an effect; then checked again once open.
  const stat = await lstat(path);
  const read = stat.isFile() ? await readPlainFile(path) : 'it is not a plain file';
  if (typeof read === 'string') return { name, file: null, reason: read };
  const file = { digest: digestOf(read), bytes: read.length <= refusedBytesMax ? read : null };
  const unreadable = (reason: string): Unreadable => ({ name, file, reason });
  if (nonce === undefined) return unreadable('an act is named <32 hex digits>.json');
  const json = parseJson(read);
  if (json === undefined) return unreadable('it is not JSON');
  const signed = SignedAct.safeParse(json);
  if (!signed.success) {
    const [issue] = signed.error.issues;
    return unreadable(`it is not an act: ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
  }
  return signed.data.act.nonce === nonce
    ? { name, file, signed: signed.data, writtenMs: stat.mtimeMs }
    : unreadable('its name is not its nonce');
}

/** The bytes of the file, or why it cannot be read. */
async function readPlainFile(path: string): Promise<Buffer | string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return 'it is not a plain file';
    if (stat.size > actBytesMax) return `it has over ${actBytesMax} bytes`;
    const bytes = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(bytes, 0, stat.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Returns undefined if the bytes are not JSON. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
