// Commit objects of the trail: encoded, signed and verified here byte by byte, so that stock `git verify-commit` and
// this file always check the same bytes (the commit without its `gpgsig` header).

import type { Sha } from '../entry/ids.ts';
import { type AllowedSigner, gitNamespace, isValidAt, principalOf } from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';
import { verifySignature } from '../keys/sshsig.ts';
import type { GitObject } from './trees.ts';
import { gitObject } from './trees.ts';

export type NewCommit = { tree: Sha; parent: Sha | null; role: string; atMs: number; subject: string };

/** A signed commit by `<role>@coldpass`; its time is in UTC, to the second. */
export function signedCommit(commit: NewCommit, signer: Signer): GitObject {
  const person = `Coldpass ${commit.role} <${principalOf(commit.role)}> ${Math.floor(commit.atMs / 1000)} +0000`;
  const parent = commit.parent === null ? '' : `parent ${commit.parent}\n`;
  const head = `tree ${commit.tree}\n${parent}author ${person}\ncommitter ${person}\n`;
  const message = `\n${commit.subject}\n`;
  const signature = signer.sign(gitNamespace, Buffer.from(head + message)).trimEnd();
  return gitObject('commit', Buffer.from(`${head}gpgsig ${signature.replaceAll('\n', '\n ')}\n${message}`));
}

/** A commit's headers and message. If it is unsigned, `signature` is null and `payload` is the whole commit. */
export type ParsedCommit = {
  tree: Sha;
  parents: Sha[];
  /** The committer's time, which git compares with a key's validity; NaN if it cannot be read. */
  committedAtMs: number;
  message: string;
  payload: Buffer;
  signature: string | null;
};

/** Parses a raw commit object. Null if the bytes are not a commit, or have more than one signature. */
export function parseCommit(bytes: Buffer): ParsedCommit | null {
  // latin1 keeps every byte, so the payload is exactly what was signed.
  const text = bytes.toString('latin1');
  const blank = text.indexOf('\n\n');
  const headers = blank < 0 ? [] : text.slice(0, blank).split(/\n(?! )/);
  const tree = values(headers, 'tree');
  const signatures = values(headers, 'gpgsig');
  if (tree.length !== 1 || signatures.length > 1 || values(headers, 'gpgsig-sha256').length > 0) return null;
  const unsigned = headers.filter((header) => !header.startsWith('gpgsig '));
  return {
    tree: tree[0] as Sha,
    parents: values(headers, 'parent') as Sha[],
    committedAtMs: Number(/> (\d{1,12}) [+-]\d{4}$/.exec(values(headers, 'committer')[0] ?? '')?.[1]) * 1000,
    message: bytes.subarray(blank + 2).toString('utf8'),
    payload: Buffer.from(`${unsigned.join('\n')}${text.slice(blank)}`, 'latin1'),
    signature: signatures[0]?.replaceAll('\n ', '\n') ?? null,
  };
}

/**
 * The principal (`builder@coldpass`) whose key signed this raw commit; null if it is unsigned or altered, or if the key
 * is not allowed or was not valid at the commit's time.
 */
export function verifyCommit(bytes: Buffer, allowed: AllowedSigner[]): string | null {
  const commit = parseCommit(bytes);
  if (commit?.signature == null) return null;
  const by = verifySignature(gitNamespace, commit.payload, commit.signature);
  if (by === null) return null;
  const counts = (one: AllowedSigner) =>
    one.publicKey === by.publicKey && one.namespaces.includes(gitNamespace) && isValidAt(one, commit.committedAtMs);
  return allowed.find(counts)?.principal ?? null;
}

function values(headers: string[], name: string): string[] {
  return headers.filter((header) => header.startsWith(`${name} `)).map((header) => header.slice(name.length + 1));
}
