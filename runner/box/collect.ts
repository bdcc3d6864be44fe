// Keeps the head and tail of a stream as text, and counts and hashes the whole stream: the kept text is bounded, but
// size and digest cover everything. The text is for people: terminal escapes and control, bidi and zero-width
// characters are removed, unless the caller passes a decoder.

import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '../../state/entry/ids.ts';
import { withoutInvisible } from '../../state/entry/invisible.ts';

export type Collected = { head: string; tail: string; bytes: number; digest: Digest };

/**
 * Reads `stream` until it ends, fails or is destroyed; whatever arrived counts. `head` is at most the first `headBytes`
 * raw bytes, `tail` at most the last `tailBytes` of what follows the head; the two never overlap.
 */
export async function collect(
  stream: Readable,
  limits: { headBytes: number; tailBytes: number },
  textOf: (bytes: Uint8Array) => string = plainText,
): Promise<Collected> {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let headSpace = limits.headBytes;
  const tail = lastBytes(limits.tailBytes);
  let bytes = 0;
  const take = (chunk: Buffer): void => {
    hash.update(chunk);
    bytes += chunk.length;
    const first = chunk.subarray(0, headSpace);
    if (first.length > 0) head.push(Buffer.from(first));
    headSpace -= first.length;
    tail.add(chunk.subarray(first.length));
  };
  try {
    for await (const chunk of stream) take(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk));
  } catch {
    // A stream that is cut off when its process ends is no error here: size and digest cover what arrived.
  }
  return {
    head: textOf(Buffer.concat(head)),
    tail: textOf(tail.bytes()),
    bytes,
    digest: hash.digest('hex') as Digest,
  };
}

/**
 * Decodes UTF-8 (invalid bytes become U+FFFD), removes escapes and characters that hide or reorder others, and turns
 * \r\n and \r into \n.
 */
export function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  const plain = text.replace(terminalString, '').replace(terminalEscape, '').replace(/\r\n?/g, '\n');
  return withoutInvisible(plain);
}

const esc = '\u001b';
/** Matches window titles, links and the like, up to their terminator. */
const terminalString = new RegExp(`${esc}[\\]PX^_][^\\u0007${esc}]{0,4096}(?:\\u0007|${esc}\\\\)`, 'g');
/** Matches colours, cursor moves and character sets. */
const terminalEscape = new RegExp(`${esc}\\[[0-?]{0,64}[ -/]{0,16}[@-~]|${esc}[ -/]{0,16}[0-~]`, 'g');
/** Keeps the last `max` bytes added; joins its chunks only once every `max` bytes. */
function lastBytes(max: number): { add(more: Buffer): void; bytes(): Buffer } {
  let parts: Buffer[] = [];
  let size = 0;
  const bytes = (): Buffer => (max === 0 ? Buffer.alloc(0) : Buffer.concat(parts).subarray(-max));
  const add = (more: Buffer): void => {
    if (more.length === 0) return;
    parts.push(Buffer.from(more.subarray(-Math.max(max, 1))));
    size += more.length;
    if (size <= 2 * max) return;
    parts = [Buffer.from(bytes())];
    size = max;
  };
  return { add, bytes };
}
