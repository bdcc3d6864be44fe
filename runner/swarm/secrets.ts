// Secrets of a run: made for it, known to no other, and long enough that finding one anywhere means that it got there.

import { randomInt } from 'node:crypto';

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789';

/** `length` letters and digits, none of which any shell, URL or SQL minds. */
export function newSecret(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
