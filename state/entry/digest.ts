// One canonical form of JSON, and SHA-256 over it. Everything that is pinned, signed or compared goes through here.

import { createHash } from 'node:crypto';
import type { Digest } from './ids.ts';

/** JSON with keys sorted at every depth, no spaces, and no `undefined` members. Equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** SHA-256 of bytes, or of a string's UTF-8, in hex. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return createHash('sha256').update(bytes).digest('hex') as Digest;
}

/** SHA-256 of the canonical JSON of `value`. */
export function digestOfJson(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
