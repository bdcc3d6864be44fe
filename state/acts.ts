// Acts on their way: signed in the operator's process, dropped in the inbox, verified by the supervisor. The inbox is a
// folder, so what lies in it is a stranger's until its signature holds: bounded, plain files only, links never followed.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Act, actNamespace, SignedAct } from './act.ts';
import { canonicalJson, digestOf } from './digest.ts';
import type { Entry } from './entry.ts';
import { TrailError } from './errors.ts';
import { renderEntry } from './framing.ts';
import type { Digest } from './ids.ts';
import type { AllowedSigner } from './keys.ts';
import { syncFolder } from './objects.ts';
import type { Signer } from './sshsig.ts';
import { verifySignature } from './sshsig.ts';

export const actBytesMax = 16 * 1024 * 1024;
export const inboxFilesMax = 500;
/** How far ahead of the supervisor's clock an act may have been signed. */
export const clockSkewMs = 5 * 60_000;

/** Signs the whole act; `blobs` (base64 by digest) are the bytes that it names. */
export function signAct(act: Act, signer: Signer, blobs: SignedAct['blobs'] = {}): SignedAct {
  const whole = Act.parse(act);
  return { act: whole, signature: signer.sign(actNamespace, Buffer.from(canonicalJson(whole))), blobs };
}

/** What an act names as `targetDigest`: of the target's whole text on the trail, so that he signs what he read. */
export function targetDigestOf(target: Entry): Digest {
  return digestOf(renderEntry(target));
}

export type ActRules = {
  workspace: string;
  /** Fingerprint of the key that signed the trail's first commit. */
  root: string;
  /** The trail's allowed signers; a key counts if it may sign in the namespace of acts. */
  operators: AllowedSigner[];
  now: Date;
  seenNonces: ReadonlySet<string>;
};

/** Whether this act is the operator's, meant for this workspace, in time and new. The reason is for a person to read. */
export function verifyAct(signed: SignedAct, rules: ActRules): { act: Act } | { refused: string } {
  const { act } = signed;
  const refused =
    signatureFault(signed, rules.operators) ?? placeFault(act, rules) ?? timeFault(act, rules.now) ?? blobFault(signed);
  if (refused !== null) return { refused };
  if (rules.seenNonces.has(act.nonce))
    return { refused: 'this act was carried out before; sign it anew if you mean it twice' };
  return { act };
}

/** Puts an act into the inbox, whole and on disk. Gives the path. TrailError 'io' where the folder takes no file. */
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

export type Inbox = {
  /** Well-formed, not yet verified; in the order of their names. */
  acts: SignedAct[];
  /** What could not be read as an act, why, and where it was put aside (`.refused`). */
  refused: { file: string; reason: string }[];
};

/**
 * Reads what lies in the inbox, `inboxFilesMax` at once. Whatever is no act is put aside as `<name>.refused` and reported
 * once. TrailError 'io' where the folder cannot be read.
 */
export async function readActs(inboxDir: string): Promise<Inbox> {
  const inbox: Inbox = { acts: [], refused: [] };
  for (const name of await namesIn(inboxDir)) {
    try {
      inbox.acts.push(await readAct(join(inboxDir, name), name));
    } catch (error) {
      // Taken away by its owner meanwhile: nothing to report.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      const file = await putAside(inboxDir, name);
      inbox.refused.push({ file, reason: (error as Error).message });
    }
  }
  return inbox;
}

/** Takes an act out of the inbox once it is on the trail. Does nothing where it is gone. */
export async function removeAct(inboxDir: string, nonce: string): Promise<void> {
  await rm(join(inboxDir, `${nonce}.json`), { force: true });
}

/** Keeps an act that was turned down out of the way, for its author to look at. Gives the path. */
export function refuseAct(inboxDir: string, nonce: string): Promise<string> {
  return putAside(inboxDir, `${nonce}.json`);
}

function signatureFault({ act, signature }: SignedAct, operators: AllowedSigner[]): string | null {
  const by = verifySignature(actNamespace, Buffer.from(canonicalJson(act)), signature);
  if (by === null) return 'its signature does not fit what it says';
  const isAllowed = operators.some((one) => one.publicKey === by.publicKey && one.namespaces.includes(actNamespace));
  return isAllowed ? null : `its key ${by.fingerprint} is not the operator's`;
}

function placeFault(act: Act, { workspace, root }: ActRules): string | null {
  if (act.workspace !== workspace) return `it is for the workspace «${act.workspace}», not «${workspace}»`;
  return act.root === root ? null : `it is for a trail that begins with the key ${act.root}, not ${root}`;
}

function timeFault(act: Act, now: Date): string | null {
  if (Date.parse(act.at) > now.getTime() + clockSkewMs)
    return `it is dated ${act.at}, which is yet to come; look at the clocks`;
  return Date.parse(act.expires) > now.getTime() ? null : `it expired at ${act.expires}; sign it anew`;
}

function blobFault({ blobs }: SignedAct): string | null {
  const wrong = Object.entries(blobs).find(([digest, base64]) => digestOf(Buffer.from(base64, 'base64')) !== digest);
  return wrong === undefined ? null : `the bytes that it gives for ${wrong[0]} have another digest`;
}

async function namesIn(inboxDir: string): Promise<string[]> {
  try {
    const names = await readdir(inboxDir);
    return names
      .filter((name) => !name.startsWith('.') && !/\.(refused|reason)$/.test(name))
      .sort()
      .slice(0, inboxFilesMax);
  } catch (cause) {
    throw new TrailError('io', `The inbox ${inboxDir} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

async function readAct(path: string, name: string): Promise<SignedAct> {
  const nonce = /^([0-9a-f]{32})\.json$/.exec(name)?.[1];
  if (nonce === undefined) throw new Error('an act is named <32 hex digits>.json');
  // Looked at first, since merely opening a device can do something; then again once open.
  if (!(await lstat(path)).isFile()) throw new Error('it is not a plain file');
  const text = await readPlainFile(path);
  const signed = SignedAct.safeParse(parseJson(text));
  if (!signed.success) {
    const [issue] = signed.error.issues;
    throw new Error(`it is not an act: ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
  }
  if (signed.data.act.nonce !== nonce) throw new Error('its name is not its nonce');
  return signed.data;
}

async function readPlainFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('it is not a plain file');
    if (stat.size > actBytesMax) throw new Error(`it has over ${actBytesMax} bytes`);
    const bytes = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(bytes, 0, stat.size, 0);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}

/** Renaming moves a link itself, never what it points to. */
async function putAside(inboxDir: string, name: string): Promise<string> {
  const aside = join(inboxDir, `${name}.refused`);
  try {
    await rename(join(inboxDir, name), aside);
  } catch (cause) {
    throw new TrailError('io', `${join(inboxDir, name)} cannot be put aside: ${(cause as Error).message}.`, { cause });
  }
  return aside;
}
