// Compressed pieces inside a stream: where one may begin (gzip, zlib at its usual window, zstd, a deflated file in a zip), and
// opening it as its bytes come. Beginnings are told by two to four bytes, so most are none: a short look decides first.

import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { constants, createInflateRaw, createUnzip, createZstdDecompress, inflateRawSync, inflateSync } from 'node:zlib';

export type Candidate = { kind: Kind; at: number; dataAt: number };
type Kind = 'gzip' | 'zlib' | 'zstd' | 'zip';

/** As much has to be there before a beginning can be judged: a zip's local header with its names. */
export const headBytes = 1024;
const lookBytes = 128;
const lookOutputMax = 64 * 1024;
const chunkBytes = 64 * 1024;

const beginnings: { kind: Kind; bytes: Buffer }[] = [
  { kind: 'gzip', bytes: Buffer.from([0x1f, 0x8b, 0x08]) },
  ...[0x01, 0x5e, 0x9c, 0xda].map((flags) => ({ kind: 'zlib' as const, bytes: Buffer.from([0x78, flags]) })),
  { kind: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { kind: 'zip', bytes: Buffer.from('PK\x03\x04', 'latin1') },
];

/** Those that begin before `end`, in no order. */
export function candidatesIn(bytes: Buffer, end: number): Candidate[] {
  return beginnings.flatMap(({ kind, bytes: sign }) => {
    const found: Candidate[] = [];
    for (let at = bytes.indexOf(sign); at >= 0 && at < end; at = bytes.indexOf(sign, at + 1)) {
      const dataAt = kind === 'zip' ? zipDataAt(bytes, at) : at;
      if (dataAt !== null && isLikely(kind, bytes.subarray(dataAt, dataAt + lookBytes))) found.push({ kind, at, dataAt });
    }
    return found;
  });
}

const zipHeadBytes = 30;
const deflated = 8;

function zipDataAt(bytes: Buffer, at: number): number | null {
  if (at + zipHeadBytes > bytes.length || bytes.readUInt16LE(at + 8) !== deflated) return null;
  const dataAt = at + zipHeadBytes + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  return dataAt < bytes.length ? dataAt : null;
}

function isLikely(kind: Kind, head: Buffer): boolean {
  if (kind === 'gzip' || kind === 'zstd') return true;
  try {
    const inflate = kind === 'zlib' ? inflateSync : inflateRawSync;
    inflate(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: lookOutputMax });
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
  }
}

export interface Member {
  readonly kind: Kind;
  /** False once it is at its end, or turned out to be no such thing. */
  isOpen(): boolean;
  /** Resolves when it can take more; what came out was handed on and awaited. */
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

/** `take` is awaited before more is opened. It returns false when there has been enough. */
export function memberOf(kind: Kind, take: (bytes: Buffer) => Promise<boolean>): Member {
  const opener = openerOf(kind);
  let isOver = false;
  const reading = read(opener, take).then(() => {
    isOver = true;
    opener.destroy();
  });

  async function write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !isOver; at += chunkBytes)
      if (!opener.write(bytes.subarray(at, at + chunkBytes))) await Promise.race([once(opener, 'drain'), reading]);
  }

  async function end(): Promise<void> {
    if (!isOver) opener.end();
    await reading;
  }

  return { kind, isOpen: () => !isOver, write, end };
}

async function read(opener: Transform, take: (bytes: Buffer) => Promise<boolean>): Promise<void> {
  try {
    for await (const bytes of opener) if (!(await take(bytes))) return;
  } catch (error) {
    // Damaged, cut off, or never such a thing: what came out before counts. What `take` throws is ours.
    if (!isDamage(error)) throw error;
  }
}

function isDamage(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code !== undefined && /^(Z_|ZSTD_|ERR_STREAM_PREMATURE_CLOSE|ERR_)/.test(code);
}

function openerOf(kind: Kind): Transform {
  if (kind === 'zstd') return createZstdDecompress();
  const options = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes };
  return kind === 'zip' ? createInflateRaw(options) : createUnzip(options);
}
