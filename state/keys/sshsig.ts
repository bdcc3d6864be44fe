// Makes and checks SSH signatures (the SSHSIG format of OpenSSH's PROTOCOL.sshsig) with Ed25519 keys. Does so in this
// process, because otherwise signing or auditing ten thousand commits would take ten thousand child processes. Other
// key types are not supported; their signatures verify as null. Key files are in `keys.ts`, allowed signers in
// `signers.ts`.

import type { KeyObject } from 'node:crypto';
import { createHash, sign, verify } from 'node:crypto';
import { keyFromRaw } from './importedKeys.ts';

export const keyType = 'ssh-ed25519';
export const publicKeyBytes = 32;
const signatureBytesMax = 4096;
const armorColumns = 70;
const magic = Buffer.from('SSHSIG');
const version = 1;
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';

/** A key that can sign; it is in a private key file or in an ssh-agent. */
export type Signer = {
  /** `ssh-ed25519 AAA…`, without a comment. */
  publicKey: string;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /**
   * Returns the armored SSHSIG over `bytes`, ending in a newline. Throws TrailError 'bad-key' if the key can't be used.
   */
  sign(namespace: string, bytes: Uint8Array): string;
};

export type SignedBy = { publicKey: string; fingerprint: string };

/** Signs with a private Ed25519 key; `publicKey` is its public half as `ssh-ed25519 AAA…`. */
export function signWith(key: KeyObject, publicKey: string, namespace: string, bytes: Uint8Array): string {
  const signature = Buffer.concat([wire(keyType), wire(sign(null, preimage(namespace, 'sha512', bytes), key))]);
  const blob = Buffer.concat([
    magic,
    uint32(version),
    wire(publicKeyWire(publicKey)),
    wire(namespace),
    wire(''),
    wire('sha512'),
    wire(signature),
  ]);
  return `${begin}\n${columns(blob.toString('base64'))}\n${end}\n`;
}

/** Who signed, or null if this is not a complete, valid Ed25519 SSHSIG over exactly these bytes and this namespace. */
export function verifySignature(namespace: string, bytes: Uint8Array, armored: string): SignedBy | null {
  const parts = readSignature(armored);
  if (parts === null || parts.namespace !== namespace) return null;
  const key = keyFromRaw(parts.raw);
  if (key === null || !verify(null, preimage(namespace, parts.hash, bytes), key, parts.signature)) return null;
  const publicKey = formatPublicKey(parts.raw);
  return { publicKey, fingerprint: fingerprintOf(publicKey) };
}

/** `SHA256:…` of a public key line `ssh-ed25519 AAA… [comment]`. */
export function fingerprintOf(publicKey: string): string {
  const hash = createHash('sha256').update(publicKeyWire(publicKey)).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** `ssh-ed25519 AAA…` from a raw public key of 32 bytes. */
export function formatPublicKey(raw: Uint8Array): string {
  return `${keyType} ${Buffer.concat([wire(keyType), wire(raw)]).toString('base64')}`;
}

/** The raw 32 bytes of `ssh-ed25519 AAA… [comment]`, or null if the line is anything else. */
export function rawPublicKey(publicKey: string): Buffer | null {
  const [type, base64] = publicKey.trim().split(/\s+/);
  if (type !== keyType || base64 === undefined) return null;
  return rawFromWire(Buffer.from(base64, 'base64'));
}

/** An SSH wire string: length as uint32, then the bytes. */
export function wire(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Reads SSH wire fields in order. A field past the end is null, and so is every later one. */
export function wireReader(bytes: Buffer) {
  let at = 0;
  function take(length: number): Buffer | null {
    if (at + length > bytes.length) {
      at = Number.POSITIVE_INFINITY;
      return null;
    }
    at += length;
    return bytes.subarray(at - length, at);
  }
  return {
    take,
    uint32: () => take(4)?.readUInt32BE() ?? null,
    string: () => take(take(4)?.readUInt32BE() ?? Number.POSITIVE_INFINITY),
    atEnd: () => at === bytes.length,
  };
}

/** Base64, wrapped as OpenSSH wraps it. */
export function columns(base64: string): string {
  return base64.match(new RegExp(`.{1,${armorColumns}}`, 'g'))?.join('\n') ?? '';
}

type SignatureParts = { raw: Buffer; namespace: string; hash: 'sha256' | 'sha512'; signature: Buffer };

function readSignature(armored: string): SignatureParts | null {
  const blob = dearmored(armored);
  if (blob === null) return null;
  const reader = wireReader(blob);
  const hasMagic = reader.take(magic.length)?.equals(magic) === true;
  if (!hasMagic || reader.uint32() !== version) return null;
  const [publicKey, namespace, reserved, hash, signed] = Array.from({ length: 5 }, () => reader.string());
  if (!publicKey || !namespace || !reserved || !hash || !signed || !reader.atEnd()) return null;
  const raw = rawFromWire(publicKey);
  const signature = signatureFromWire(signed);
  const algorithm = hash.toString('latin1');
  if (raw === null || signature === null || (algorithm !== 'sha512' && algorithm !== 'sha256')) return null;
  return { raw, namespace: namespace.toString('utf8'), hash: algorithm, signature };
}

function dearmored(armored: string): Buffer | null {
  const text = armored.trim();
  if (text.length > signatureBytesMax || !text.startsWith(`${begin}\n`) || !text.endsWith(`\n${end}`)) return null;
  const base64 = text.slice(begin.length, -end.length).replaceAll('\n', '');
  const blob = Buffer.from(base64, 'base64');
  // Node skips characters that are not base64. A signature must have only one text, or a changed copy could pass
  // unnoticed.
  return blob.toString('base64') === base64 ? blob : null;
}

function signatureFromWire(signed: Buffer): Buffer | null {
  const reader = wireReader(signed);
  const type = reader.string()?.toString('latin1');
  const signature = reader.string();
  return type === keyType && signature?.length === 64 && reader.atEnd() ? signature : null;
}

function rawFromWire(bytes: Buffer): Buffer | null {
  const reader = wireReader(bytes);
  const type = reader.string()?.toString('latin1');
  const raw = reader.string();
  return type === keyType && raw?.length === publicKeyBytes && reader.atEnd() ? raw : null;
}

function publicKeyWire(publicKey: string): Buffer {
  return Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64');
}

function preimage(namespace: string, hash: 'sha256' | 'sha512', bytes: Uint8Array): Buffer {
  const digest = createHash(hash).update(bytes).digest();
  return Buffer.concat([magic, wire(namespace), wire(''), wire(hash), wire(digest)]);
}
