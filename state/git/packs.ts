// Git's pack format, version 2, and its index: many objects in one file, so that a batch costs two fsyncs and not two
// per object. Objects are stored whole; the background packing makes deltas. (git: pack-format(5))

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, deflate } from 'node:zlib';
import type { GitObject, ObjectType } from './trees.ts';

const deflated = promisify(deflate);
const typeNumbers: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3 };
const indexMagic = 0xff744f63;
const formatVersion = 2;
/** Offsets over 31 bits need another table; a batch is far smaller. */
export const packBytesMax = 0x7fffffff;

export type Pack = { name: string; pack: Buffer; index: Buffer };

/** Packs objects, which must be distinct. The two files are `<name>.pack` and `<name>.idx`. */
export async function packOf(objects: GitObject[]): Promise<Pack> {
  const whole = await Promise.all(objects.map(packEntry));
  const header = Buffer.concat([Buffer.from('PACK'), uint32s([formatVersion, objects.length])]);
  const body = Buffer.concat([header, ...whole]);
  if (body.length > packBytesMax) throw new RangeError(`a pack of ${body.length} bytes is too large`);
  const checksum = sha1(body);
  const index = indexOf(objects, whole, header.length, checksum);
  return { name: `pack-${checksum.toString('hex')}`, pack: Buffer.concat([body, checksum]), index };
}

async function packEntry({ type, bytes }: GitObject): Promise<Buffer> {
  const content = await deflated(bytes, { level: constants.Z_BEST_SPEED });
  return Buffer.concat([entryHeader(typeNumbers[type], bytes.length), content]);
}

/** Encodes type and size: four bits of size in the first byte, seven in each byte after it, lowest first. */
function entryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

function indexOf(objects: GitObject[], entries: Buffer[], firstOffset: number, packChecksum: Buffer): Buffer {
  let offset = firstOffset;
  const rows = objects.map(({ sha }, n) => {
    const entry = entries[n] as Buffer;
    const row = { sha, crc: crc32(entry), offset };
    offset += entry.length;
    return row;
  });
  rows.sort((a, b) => (a.sha < b.sha ? -1 : 1));
  const body = Buffer.concat([
    uint32s([indexMagic, formatVersion]),
    uint32s(fanout(rows.map(({ sha }) => sha))),
    Buffer.from(rows.map(({ sha }) => sha).join(''), 'hex'),
    uint32s(rows.map(({ crc }) => crc)),
    uint32s(rows.map((row) => row.offset)),
    packChecksum,
  ]);
  return Buffer.concat([body, sha1(body)]);
}

/** For each first byte, how many ids begin with it or a lower one. */
function fanout(shas: string[]): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const sha of shas) {
    const first = Number.parseInt(sha.slice(0, 2), 16);
    counts[first] = (counts[first] as number) + 1;
  }
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}

function uint32s(values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [n, value] of values.entries()) bytes.writeUInt32BE(value, n * 4);
  return bytes;
}

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest();
}
