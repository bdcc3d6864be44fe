// Keeps the head and the tail of a stream, and counts and digests the whole: output is bounded, evidence is not cut. What is
// kept is text for people: terminal escapes, control, bidi and zero-width characters are taken out, unless the caller reads
// bytes in a way of his own.

import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '../../state/entry/ids.ts';

export type Collected = { head: string; tail: string; bytes: number; digest: Digest };

/**
 * Reads `stream` to its end (or to its error or destruction: what came so far counts). `head` holds at most `headBytes` of
 * the raw bytes, `tail` at most the last `tailBytes` of what comes after the head; never the same bytes twice.
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
    // A stream cut off by the end of its process is no error here: the count and digest say what came.
  }
  return {
    head: textOf(Buffer.concat(head)),
    tail: textOf(tail.bytes()),
    bytes,
    digest: hash.digest('hex') as Digest,
  };
}

/** UTF-8 (bad bytes as U+FFFD) without escapes and without characters that hide or reorder others; \r\n and \r as \n. */
export function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.replace(terminalString, '').replace(terminalEscape, '').replace(/\r\n?/g, '\n').replace(unprintable, '');
}

const esc = '\u001b';
/** Window titles, links and the like: up to their terminator. Then colours, cursor moves, character sets. */
const terminalString = new RegExp(`${esc}[\\]PX^_][^\\u0007${esc}]{0,4096}(?:\\u0007|${esc}\\\\)`, 'g');
const terminalEscape = new RegExp(`${esc}\\[[0-?]{0,64}[ -/]{0,16}[@-~]|${esc}[ -/]{0,16}[0-~]`, 'g');
/** Controls, what formats (bidi, zero-width, tags), line and paragraph separators. */
const unprintable = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n\t]]/gv;

/** The last `max` bytes of what is added; joins its parts only once every `max` bytes. */
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
