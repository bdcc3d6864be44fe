// Imports public keys for node's crypto. An import costs half as much as checking a signature, and a trail has few
// keys, so imported keys are kept in memory.

import { createPublicKey, type KeyObject } from 'node:crypto';

const keysMax = 64;
const derPublicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new Map<string, KeyObject | null>();

/** The key with these 32 bytes; null if they are not a point on the curve. */
export function keyFromRaw(raw: Buffer): KeyObject | null {
  const name = raw.toString('latin1');
  if (keys.size >= keysMax && !keys.has(name)) keys.clear();
  if (!keys.has(name)) keys.set(name, importedKey(raw));
  return keys.get(name) ?? null;
}

function importedKey(raw: Buffer): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.concat([derPublicPrefix, raw]), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}
