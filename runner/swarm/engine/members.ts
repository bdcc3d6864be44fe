// Compressed data inside a stream: where it may begin (gzip, zlib with its usual window, zstd, a deflated file in a
// zip), and how to decompress it as it arrives. A signature is only two to four bytes, so most matches are false; the
// bytes after a match are therefore tried first.

import type { Transform } from 'node:stream';
import {
  constants,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';

export type Candidate = { kind: ObjectKind; at: number; dataAt: number };
export type ObjectKind = 'gzip' | 'zlib' | 'zstd' | 'zip';

/**
 * How many bytes must have arrived before a signature can be judged; enough for a zip's local header with its names.
 */
export const headBytes = 1024;
const lookBytes = 128;
const lookOutputMax = 64 * 1024;
const chunkBytes = 64 * 1024;

const beginnings: { kind: ObjectKind; bytes: Buffer }[] = [
  { kind: 'gzip', bytes: Buffer.from([0x1f, 0x8b, 0x08]) },
  ...[0x01, 0x5e, 0x9c, 0xda].map((flags) => ({ kind: 'zlib' as const, bytes: Buffer.from([0x78, flags]) })),
  { kind: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { kind: 'zip', bytes: Buffer.from('PK\x03\x04', 'latin1') },
];

/** The candidates that begin before `end`, in no particular order. */
export function candidatesIn(bytes: Buffer, end: number): Candidate[] {
  return beginnings.flatMap(({ kind, bytes: sign }) => {
    const candidates: Candidate[] = [];
    for (let at = bytes.indexOf(sign); at >= 0 && at < end; at = bytes.indexOf(sign, at + 1)) {
      const dataAt = heads[kind](bytes, at);
      if (dataAt !== null && isLikely(kind, bytes.subarray(dataAt, dataAt + lookBytes)))
        candidates.push({ kind, at, dataAt });
    }
    return candidates;
  });
}

/** For each format: the offset of the compressed bytes; null if the header is invalid or longer than `headBytes`. */
const heads: Record<ObjectKind, (bytes: Buffer, at: number) => number | null> = {
  gzip: gzipDataAt,
  zlib: (_, at) => at,
  zstd: (_, at) => at,
  zip: zipDataAt,
};

const zipHeadBytes = 30;
const deflated = 8;

function zipDataAt(bytes: Buffer, at: number): number | null {
  if (at + zipHeadBytes > bytes.length || bytes.readUInt16LE(at + 8) !== deflated) return null;
  const dataAt = at + zipHeadBytes + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  return dataAt < bytes.length ? dataAt : null;
}

const gzipHeadBytes = 10;
const gzipHas = { sum: 2, extra: 4, name: 8, comment: 16 };

/** Parses the header here because Node's gunzip discards everything if other bytes follow the gzip data. */
function gzipDataAt(bytes: Buffer, at: number): number | null {
  const flags = bytes[at + 3] ?? 0;
  let dataAt = at + gzipHeadBytes;
  if (flags & gzipHas.extra) dataAt += 2 + (bytes[dataAt] ?? 0) + 256 * (bytes[dataAt + 1] ?? 0);
  for (const text of [gzipHas.name, gzipHas.comment]) {
    if (!(flags & text)) continue;
    const end = bytes.indexOf(0, dataAt);
    if (end < 0) return null;
    dataAt = end + 1;
  }
  if (flags & gzipHas.sum) dataAt += 2;
  return dataAt < bytes.length ? dataAt : null;
}

function isLikely(kind: ObjectKind, head: Buffer): boolean {
  if (kind === 'zstd') return true;
  try {
    const inflate = kind === 'zlib' ? inflateSync : inflateRawSync;
    inflate(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: lookOutputMax });
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
  }
}

const wholeBytesMax = 1024 * 1024;

/** The decompressed bytes, if the data is complete and small; otherwise null. */
export function openWhole(kind: ObjectKind, bytes: Buffer): Buffer | null {
  const open = { gzip: inflateRawSync, zlib: inflateSync, zip: inflateRawSync, zstd: zstdDecompressSync }[kind];
  try {
    return open(bytes, { maxOutputLength: wholeBytesMax });
  } catch {
    return null;
  }
}

/** Receives the decompressed bytes; each call is awaited. `feed` returns false to get no more. */
export type Sink = { feed(bytes: Buffer): Promise<boolean>; end(): Promise<void> };

/**
 * Compressed data whose end has not arrived yet. What is decompressed before the data turns out to be damaged or
 * truncated counts.
 */
export interface Member {
  /** False once the data has ended or turned out not to be compressed. */
  isOpen(): boolean;
  /** Resolves when it can take more. Rejects only if the sink rejected. */
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

export function objectMember(kind: ObjectKind, sink: Sink): Member {
  const opener = openerOf(kind);
  let isOver = false;
  let isDamaged = false;
  opener.on('error', () => {
    isDamaged = true;
  });
  const reading = read().finally(() => {
    isOver = true;
    opener.destroy();
  });
  reading.catch(() => {});

  async function read(): Promise<void> {
    try {
      for await (const bytes of opener) if (!(await sink.feed(bytes))) break;
    } catch (error) {
      if (!isDamaged) throw error;
    }
    await sink.end();
  }

  async function write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !isOver; at += chunkBytes) {
      const taken = new Promise<void>((resolve) => opener.write(bytes.subarray(at, at + chunkBytes), () => resolve()));
      await Promise.race([taken, reading]);
    }
  }

  function end(): Promise<void> {
    if (!isOver) opener.end();
    return reading;
  }

  return { isOpen: () => !isOver, write, end };
}

function openerOf(kind: ObjectKind): Transform {
  if (kind === 'zstd') return createZstdDecompress();
  const options = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes };
  return kind === 'zlib' ? createInflate(options) : createInflateRaw(options);
}
