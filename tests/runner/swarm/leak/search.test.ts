// The search for leaked secrets: it finds a secret in every encoding that other programs write, whatever surrounds it
// and however the bytes arrive, and raises no false alarm. The writers here share no code with the search.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { secretOf } from '../../../../runner/swarm/leak/canary.ts';
import { encodingNames } from '../../../../runner/swarm/leak/encodings.ts';
import { assertFound } from '../../../../runner/swarm/leak/places.ts';
import { leakSearch, searchLeaks } from '../../../../runner/swarm/leak/search.ts';
import { fc } from '../../../support/property.ts';

type Write = (value: string) => string | Buffer;

const each = (value: string, write: (byte: number) => string) => [...Buffer.from(value)].map(write).join('');
const hex = (byte: number) => byte.toString(16).padStart(2, '0');
const upper = (byte: number) => hex(byte).toUpperCase();
const base64 = (value: string | Buffer) => Buffer.from(value).toString('base64');
const lines = (value: string, every: number, between: string) =>
  (value.match(new RegExp(`.{1,${every}}`, 'gs')) ?? []).join(between);

/** For each encoding, a function that writes a value as other programs do. */
const writers: Record<string, Write> = {
  raw: (value) => value,
  base64,
  'base64, 1 before': (value) => base64(`a${value}`),
  'base64, 2 before': (value) => base64(`ab${value}z`),
  base64url: (value) => Buffer.from(`\xff\xfe${value}`, 'latin1').toString('base64url'),
  'base64 twice': (value) => base64(base64(`user:${value}`)),
  hex: (value) => each(value, hex),
  'hex, upper': (value) => each(value, upper),
  'hex with colons': (value) => [...Buffer.from(value)].map(hex).join(':'),
  'URL, all': (value) => each(value, (byte) => `%${upper(byte)}`),
  'URL, all, lower': (value) => each(value, (byte) => `%${hex(byte)}`),
  'URL, needed': (value) => encodeURIComponent(value),
  form: (value) => new URLSearchParams({ q: value }).toString(),
  'JSON, all': (value) => each(value, (byte) => `\\u00${hex(byte)}`),
  'JSON, all, upper': (value) => each(value, (byte) => `\\u00${upper(byte)}`),
  'JSON in JSON': (value) => JSON.stringify(JSON.stringify({ value })),
  'XML, decimal': (value) => each(value, (byte) => `&#${byte};`),
  'XML, hex': (value) => each(value, (byte) => `&#x${hex(byte)};`),
  'shell, quoted': (value) => `'${value.replaceAll("'", `'\\''`)}'`,
  'shell, each': (value) => [...value].map((char) => `\\${char}`).join(''),
  'C, hex': (value) => each(value, (byte) => `\\x${hex(byte)}`),
  'C, octal': (value) => each(value, (byte) => `\\${byte.toString(8).padStart(3, '0')}`),
  'quoted-printable, all': (value) => each(value, (byte) => `=${upper(byte)}`),
  reversed: (value) => [...value].reverse().join(''),
  'UTF-16': (value) => Buffer.from(value, 'utf16le'),
  'split by lines': (value) => lines(value, 5, '\n'),
  'split by returns, indented': (value) => lines(value, 7, '\r\n    '),
  'split by \\n spelled out': (value) => lines(value, 3, '\\n'),
  'split by soft breaks': (value) => lines(value, 4, '=\r\n'),
  'split by continuations': (value) => lines(value, 6, '\\\n'),
  'base64, wrapped': (value) => lines(base64(`${'x'.repeat(50)}${value}`), 76, '\n'),
  'hex, wrapped': (value) => lines(each(value, hex), 9, '\\n'),
  'JSON, all, wrapped': (value) =>
    lines(
      each(value, (byte) => `\\u00${hex(byte)}`),
      10,
      '\n',
    ),
  'reversed, split': (value) => lines([...value].reverse().join(''), 4, '\n'),
  gzip: (value) => gzipSync(`some words before ${value} and after`),
  'gzip, empty level': (value) => gzipSync(value, { level: 0 }),
  zlib: (value) => deflateSync(value.repeat(3)),
  zstd: (value) => zstdCompressSync(value),
  'gzip in gzip': (value) => gzipSync(gzipSync(value)),
  'base64 in gzip': (value) => gzipSync(base64(value)),
  // The value follows a header block, and zeros follow the value.
  tar: (value) => Buffer.concat([Buffer.alloc(512, 'etc/secret\0'), Buffer.from(value), Buffer.alloc(512)]),
};

/** Returns a source of bytes, which are the same for the same seed; fast-check chooses the seed. */
function drawOf(seed: string): (count: number) => Buffer {
  let turn = 0;
  return (count) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < count; length += 32)
      blocks.push(createHash('sha256').update(`${seed}/${turn++}`).digest());
    return Buffer.concat(blocks).subarray(0, count);
  };
}

function chunked(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const secrets = new Map(
  Array.from({ length: 12 }, (_, index) => [`key_${index}`, secretOf(9 + 3 * index, drawOf(`${index}`))]),
);
const { search } = leakSearch(secrets);
const plantingsEach = 50;
const runs = 200;

describe('the search for leaked secrets', () => {
  it('covers more than eleven encodings, and each has a writer in this file', () => {
    expect(encodingNames.length).toBeGreaterThanOrEqual(11);
  });

  it('finds each of 10,000 planted secrets, whatever surrounds them and however the bytes are cut', {
    timeout: 300_000,
  }, async () => {
    const planting = fc.record({
      secret: fc.constantFrom(...secrets.keys()),
      writer: fc.constantFrom(...Object.keys(writers)),
      before: fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.string({ maxLength: 20 }).map((text) => Buffer.from(text)),
      ),
    });
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 20, max: 5000 })), {
      minLength: 1,
      maxLength: 8,
    });
    const property = fc.asyncProperty(
      fc.array(planting, { minLength: plantingsEach, maxLength: plantingsEach }),
      sizes,
      async (plantings, cuts) => {
        const parts: Buffer[] = [];
        const spans: { from: number; to: number; secret: string; writer: string }[] = [];
        let at = 0;
        for (const { secret, writer, before } of plantings) {
          const written = Buffer.from((writers[writer] as Write)(secrets.get(secret) as string) as Buffer);
          parts.push(Buffer.from(before), written);
          spans.push({ from: at + before.length, to: at + before.length + written.length, secret, writer });
          at += before.length + written.length;
        }
        const { hits, cut } = await search(chunked(Buffer.concat(parts), cuts));
        const missed = spans.filter(
          ({ from, to, secret }) => !hits.some((hit) => hit.secret === secret && hit.offset >= from && hit.offset < to),
        );
        const stray = hits.filter(
          (hit) =>
            !spans.some(({ from, to, secret }) => hit.secret === secret && hit.offset >= from && hit.offset < to),
        );
        expect({ missed, stray, cut }).toEqual({ missed: [], stray: [], cut: null });
      },
    );
    await fc.assert(property, { numRuns: runs });
  });

  it('names the secret, the encoding and the place, but never the value', async () => {
    const value = secrets.get('key_5') as string;
    const report = await searchLeaks(secrets, [Buffer.from(`--${base64(`\0${value}`)}`)]);
    expect(report).toEqual({ hits: [{ secret: 'key_5', encoding: 'base64', offset: 5 }], cut: null });
    const split = await search([Buffer.from(`ab${lines(value, 8, '\n')}`)]);
    expect(split.hits).toEqual([{ secret: 'key_5', encoding: 'raw, split over lines', offset: 3 }]);
    const nested = await search([
      Buffer.concat([Buffer.alloc(9), gzipSync(deflateSync([...value].reverse().join('')))]),
    ]);
    expect(nested.hits).toEqual([{ secret: 'key_5', encoding: 'reversed, in zlib, in gzip', offset: 9 }]);
    expect(JSON.stringify([report, split, nested])).not.toContain(value.slice(1, 13));
  });

  it('finds a value that was cut short or extended', async () => {
    const value = secrets.get('key_9') as string;
    expect((await search([Buffer.from(value.slice(0, 13))])).hits).toHaveLength(1);
    expect((await search([Buffer.from(`x${value}y`)])).hits).toHaveLength(1);
    expect((await search([Buffer.from(value.slice(0, 12))])).hits).toEqual([]);
  });

  it('finds unusual values that it did not create', async () => {
    const odd = new Map([['odd', `p"a'ss & <wörd>/\\é=☃`]]);
    const value = odd.get('odd') as string;
    const xml = value
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;');
    const written = [
      value,
      encodeURIComponent(value),
      JSON.stringify(value),
      xml,
      base64(value),
      Buffer.from(value).toString('base64url'),
    ];
    for (const text of [
      ...written,
      // In the C locale, `printf` would write non-ASCII letters as octal numbers.
      execFileSync('bash', ['-c', 'printf %q "$1"', 'bash', value], { encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } }),
    ])
      expect((await searchLeaks(odd, [Buffer.from(text)])).hits.length, text).toBeGreaterThan(0);
  });

  it('raises no alarm over random bytes, digits, or other secrets', async () => {
    const draw = drawOf('noise');
    const noise = draw(2 ** 20);
    const others = Array.from({ length: 5000 }, () => secretOf(32, draw)).join('\n');
    for (const bytes of [
      noise,
      Buffer.from(noise.toString('base64')),
      Buffer.from(noise.toString('hex')),
      Buffer.from(others),
    ])
      expect(await search(chunked(bytes, [65_536]))).toEqual({ hits: [], cut: null });
  });

  it('opens a file in a zip, and large compressed data that arrives in many chunks', async () => {
    const value = secrets.get('key_3') as string;
    const text = Buffer.from(`${Array.from({ length: 200_000 }, (_, index) => index).join(' ')} ${value}`);
    const data = deflateRawSync(text);
    const head = Buffer.alloc(30);
    head.write('PK\x03\x04', 'latin1');
    head.writeUInt16LE(8, 8);
    head.writeUInt16LE(5, 26);
    const zip = Buffer.concat([head, Buffer.from('a.txt'), data, Buffer.from('PK\x01\x02')]);
    expect((await search(chunked(zip, [10_000]))).hits).toEqual([
      { secret: 'key_3', encoding: 'raw, in zip', offset: 0 },
    ]);
    const large = await search(chunked(gzipSync(text), [333]));
    expect(large.hits).toEqual([{ secret: 'key_3', encoding: 'raw, in gzip', offset: 0 }]);
  });

  it('reports what it did not search: most of a compression bomb, and secrets that are too short', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 2 ** 20));
    const wary = leakSearch(secrets, { openedBytesMax: 2 ** 20 });
    expect((await wary.search(chunked(bomb, [4096]))).cut).toBe('compressed data beyond 1048576 bytes');
    const short = leakSearch(
      new Map([
        ['pin', '12345678'],
        ['fine', '123456789'],
      ]),
    );
    expect(short.tooShort).toEqual(['pin']);
  });

  it('fails its self-test if it misses any secret that it planted itself', () => {
    const planted = ['raw', 'hex'].map((encoding) => ({ where: 'the control text', encoding }));
    const all = [...planted, { where: 'the configs of the run', encoding: 'base64' }];
    const hits = all.map((hit) => ({ ...hit, secret: 'the control', offset: 0 }));
    assertFound(hits, ['raw', 'hex']);
    for (const missed of hits)
      expect(() =>
        assertFound(
          hits.filter((hit) => hit !== missed),
          ['raw', 'hex'],
        ),
      ).toThrow('missed the control that it planted');
  });
});
