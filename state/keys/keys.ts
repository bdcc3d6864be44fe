// Reads and writes key files in OpenSSH's own formats, so that stock ssh-keygen and git can use the same files. Ed25519
// only. The private keys of roles are unencrypted (mode 0600, in the state); a key with a passphrase is used through
// ssh-agent.

import { spawnSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TrailError } from '../entry/errors.ts';
import type { SignedBy, Signer } from './sshsig.ts';
import {
  columns,
  fingerprintOf,
  formatPublicKey,
  keyType,
  rawPublicKey,
  signWith,
  uint32,
  wire,
  wireReader,
} from './sshsig.ts';

const keyFileBytesMax = 16 * 1024;
const agentWaitMs = 60_000;
const magic = Buffer.from('openssh-key-v1\0');
const begin = '-----BEGIN OPENSSH PRIVATE KEY-----';
const end = '-----END OPENSSH PRIVATE KEY-----';
const derSeedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const cipherBlockBytes = 8;

/** Creates an Ed25519 key: `path` (0600) and `path.pub`, both fsynced. Throws TrailError 'bad-key' if either exists. */
export function generateKey(path: string, comment: string): Signer {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const raw = Buffer.from(jwk.x ?? '', 'base64url');
  writeNew(path, renderPrivateKey(seed, raw, comment), 0o600);
  writeNew(`${path}.pub`, `${formatPublicKey(raw)} ${comment}\n`, 0o644);
  return loadSigner(path);
}

/**
 * Creates a new key beside the key file `path`, and returns the new file's path. The key counts once an act rotates to
 * it.
 */
export function keyBeside(path: string, comment: string): { path: string; signer: Signer } {
  const next = `${path.replace(/\.[0-9a-f]{8}$/, '')}.${randomBytes(4).toString('hex')}`;
  return { path: next, signer: generateKey(next, comment) };
}

/**
 * The signer for the role's key with this public half. Throws TrailError 'bad-key' if `keysDir` does not have the key.
 */
export function roleSigner(keysDir: string, role: string, publicKey: string): Signer {
  return loadSigner(roleKeyFile(keysDir, role, publicKey));
}

/**
 * The path of the role's key with this public half. A role's first key file has the role's name; later ones add 8 hex
 * digits. Throws as `roleSigner` does.
 */
export function roleKeyFile(keysDir: string, role: string, publicKey: string): string {
  const isOfRole = (name: string) => name === role || new RegExp(`^${role}\\.[0-9a-f]{8}$`).test(name);
  const files = readdirSync(keysDir)
    .filter(isOfRole)
    .map((name) => join(keysDir, name));
  const file = files.find((path) => loadSigner(path).publicKey === publicKey);
  if (file !== undefined) return file;
  const what = `${keysDir} has no private half of the ${role}'s key ${fingerprintOf(publicKey)}`;
  throw new TrailError('bad-key', `${what}; restore it from a backup, or run: coldpass rotate ${role}`);
}

/**
 * The signer for an unencrypted OpenSSH private key file. Throws TrailError 'bad-key'; the message says what is wrong
 * and what to do.
 */
export function loadSigner(path: string): Signer {
  const { key, ...known } = loadKey(path);
  return { ...known, sign: (namespace, bytes) => signWith(key, known.publicKey, namespace, bytes) };
}

/** The private key in this file, for signatures in a form other than SSHSIG. Throws as `loadSigner` does. */
export function loadKey(path: string): SignedBy & { key: KeyObject } {
  const { seed, raw } = readPrivateKey(path);
  const publicKey = formatPublicKey(raw);
  return { key: keyFromSeed(seed), publicKey, fingerprint: fingerprintOf(publicKey) };
}

/**
 * A signer whose private key this process never sees: `ssh-keygen -Y sign` finds it in the ssh-agent at `agentSocket`,
 * or beside the public key file. If the agent asks you to confirm, signing blocks, for a minute at most.
 */
export function agentSigner(publicKeyFile: string, env: { PATH: string; agentSocket?: string }): Signer {
  const publicKey = readPublicKey(publicKeyFile);
  return {
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    sign: (namespace, bytes) => signThroughKeygen(publicKeyFile, env, namespace, bytes),
  };
}

/** `ssh-ed25519 AAA…` from a `.pub` file, without the comment. Throws TrailError 'bad-key' for any other content. */
export function readPublicKey(path: string): string {
  const raw = rawPublicKey(readBounded(path, false));
  if (raw === null)
    throw new TrailError('bad-key', `${path} is not an ${keyType} public key; name the .pub file of one.`);
  return formatPublicKey(raw);
}

function renderPrivateKey(seed: Buffer, raw: Buffer, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    wire(keyType),
    wire(raw),
    wire(Buffer.concat([seed, raw])),
    wire(comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, -secret.length & (cipherBlockBytes - 1));
  const publicHalf = Buffer.concat([wire(keyType), wire(raw)]);
  const blob = Buffer.concat([
    magic,
    wire('none'),
    wire('none'),
    wire(''),
    uint32(1),
    wire(publicHalf),
    wire(Buffer.concat([secret, padding])),
  ]);
  return `${begin}\n${columns(blob.toString('base64'))}\n${end}\n`;
}

function readPrivateKey(path: string): { seed: Buffer; raw: Buffer } {
  const text = readBounded(path, true).trim();
  if (!text.startsWith(begin) || !text.endsWith(end)) {
    throw new TrailError('bad-key', `${path} is not an OpenSSH private key; make one with ssh-keygen -t ed25519.`);
  }
  const blob = Buffer.from(text.slice(begin.length, -end.length), 'base64');
  const reader = wireReader(blob);
  const hasMagic = reader.take(magic.length)?.equals(magic) === true;
  const cipher = reader.string()?.toString('latin1');
  if (hasMagic && cipher !== undefined && cipher !== 'none') {
    const remedy = 'add it with ssh-add and name its .pub file instead';
    throw new TrailError('bad-key', `${path} is protected by a passphrase; ${remedy}.`);
  }
  reader.string(); // key derivation: none
  reader.string(); // options of the key derivation: empty
  reader.uint32(); // number of keys: one
  reader.string(); // the public half, which the secret part repeats
  const secret = reader.string();
  const pair = secret === null ? null : readSecret(secret);
  if (pair === null)
    throw new TrailError('bad-key', `${path} is damaged or not an ${keyType} key; no other type is supported.`);
  return pair;
}

function readSecret(secret: Buffer): { seed: Buffer; raw: Buffer } | null {
  const reader = wireReader(secret);
  const check = reader.uint32();
  const checkAgain = reader.uint32();
  const type = reader.string()?.toString('latin1');
  const raw = reader.string();
  const pair = reader.string();
  if (check !== checkAgain || type !== keyType || raw?.length !== 32 || pair?.length !== 64) return null;
  const seed = pair.subarray(0, 32);
  const derived = createPublicKey(keyFromSeed(seed)).export({ format: 'jwk' }).x;
  return derived === raw.toString('base64url') ? { seed, raw } : null;
}

function keyFromSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([derSeedPrefix, seed]), format: 'der', type: 'pkcs8' });
}

function signThroughKeygen(
  file: string,
  env: { PATH: string; agentSocket?: string },
  namespace: string,
  bytes: Uint8Array,
): string {
  const result = spawnSync('ssh-keygen', ['-Y', 'sign', '-f', file, '-n', namespace], {
    input: bytes,
    encoding: 'utf8',
    timeout: agentWaitMs,
    env: { PATH: env.PATH, ...(env.agentSocket === undefined ? {} : { SSH_AUTH_SOCK: env.agentSocket }) },
  });
  if (result.status === 0) return result.stdout;
  const reason = result.error?.message ?? result.stderr.trim().split('\n').at(-1) ?? 'no reason given';
  const hint = 'is its private half in the ssh-agent (ssh-add -l) or beside it?';
  throw new TrailError('bad-key', `ssh-keygen could not sign with ${file}: ${reason}; ${hint}`, {
    cause: result.error,
  });
}

function readBounded(path: string, secret: boolean): string {
  try {
    return readOpened(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), path, secret);
  } catch (cause) {
    if (cause instanceof TrailError) throw cause;
    throw new TrailError('bad-key', `key ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

function readOpened(file: number, path: string, secret: boolean): string {
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > keyFileBytesMax) throw new TrailError('bad-key', `${path} is not a key file.`);
    if (secret && (stat.mode & 0o077) !== 0) {
      throw new TrailError('bad-key', `private key ${path} can be read by others; run: chmod 600 ${path}`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function writeNew(path: string, text: string, mode: number): void {
  try {
    const file = openSync(path, 'wx', mode);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new TrailError('bad-key', `key ${path} cannot be written: ${(cause as Error).message}.`, { cause });
  }
}
