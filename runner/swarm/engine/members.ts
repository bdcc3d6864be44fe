// Compressed pieces inside a stream: where one may begin (gzip, zlib at its usual window, zstd, a deflated file in a zip), and
// opening it as its bytes come. Beginnings are told by two to four bytes, so most are none: a short look decides first.

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

export type Candidate = { kind: Kind; at: number; dataAt: number };
export type Kind = 'gzip' | 'zlib' | 'zstd' | 'zip';

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
      const dataAt = heads[kind](bytes, at);
      if (dataAt !== null && isLikely(kind, bytes.subarray(dataAt, dataAt + lookBytes)))
        found.push({ kind, at, dataAt });
    }
    return found;
  });
}

/** Where the compressed bytes begin; null where the head is none or goes on past `headBytes`. */
const heads: Record<Kind, (bytes: Buffer, at: number) => number | null> = {
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

/** Past its head by hand: node's own gunzip throws all away where something follows that is no gzip. */
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

function isLikely(kind: Kind, head: Buffer): boolean {
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

/** What it holds, where all of it is there and it is small; null else. */
export function openWhole(kind: Kind, bytes: Buffer): Buffer | null {
  const open = { gzip: inflateRawSync, zlib: inflateSync, zip: inflateRawSync, zstd: zstdDecompressSync }[kind];
  try {
    return open(bytes, { maxOutputLength: wholeBytesMax });
  } catch {
    return null;
  }
}

/** What takes the bytes that come out; each call is awaited. `feed` answers false when there has been enough. */
export type Sink = { feed(bytes: Buffer): Promise<boolean>; end(): Promise<void> };

/** One whose end is yet to come. What came out before it was damaged or cut off counts. */
export interface Member {
  /** False once it is at its end, or turned out to be no such thing. */
  isOpen(): boolean;
  /** Resolves when it can take more. Rejects only where the sink did. */
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

export function memberOf(kind: Kind, sink: Sink): Member {
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

function openerOf(kind: Kind): Transform {
  if (kind === 'zstd') return createZstdDecompress();
  const options = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes };
  return kind === 'zlib' ? createInflate(options) : createInflateRaw(options);
}
