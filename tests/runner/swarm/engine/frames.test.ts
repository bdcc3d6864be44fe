// Data to and from the engine: frames that carry two outputs over one connection, and small archives.

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { frames } from '../../../../runner/swarm/engine/frames.ts';
import { tarOf } from '../../../../runner/swarm/engine/tar.ts';
import { fc } from '../../../support/property.ts';

function framed(channel: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head[0] = channel;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

describe('frames', () => {
  it('separate the bytes of the two outputs, however the connection cuts the stream', async () => {
    const parts = fc.array(fc.record({ channel: fc.constantFrom(1, 2), body: fc.uint8Array({ maxLength: 40 }) }));
    const property = fc.asyncProperty(parts, fc.integer({ min: 1, max: 30 }), async (sent, size) => {
      const whole = Buffer.concat(sent.map(({ channel, body }) => framed(channel, body)));
      const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      for await (const { channel, bytes } of frames(cut(whole, size))) got[channel].push(bytes);
      const wanted = (of: number) =>
        Buffer.concat(sent.filter(({ channel }) => channel === of).map(({ body }) => body));
      expect(Buffer.concat(got.stdout)).toEqual(wanted(1));
      expect(Buffer.concat(got.stderr)).toEqual(wanted(2));
    });
    await fc.assert(property);
  });
});

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('a small archive', () => {
  it('is readable by tar, and has the same bytes each time', async () => {
    const entries = [
      { kind: 'folder' as const, name: 'a', mode: 0o1777 },
      { kind: 'file' as const, name: 'a/f', mode: 0o640, bytes: Buffer.alloc(513, 'x') },
      { kind: 'link' as const, name: 'l', to: 'a/f' },
    ];
    const archive = await tarOf(entries);
    const options = { input: archive, encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } } as const;
    const listed = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], options).trim().split('\n');
    expect(listed.map((line) => line.replace(/\s+/g, ' ').replace(/ 1970-01-01 00:00/, ''))).toEqual([
      'drwxrwxrwt 0/0 0 a',
      '-rw-r----- 0/0 513 a/f',
      'lrwxrwxrwx 0/0 0 l -> a/f',
    ]);
    expect(execFileSync('tar', ['-xOf', '-', 'a/f'], options)).toBe('x'.repeat(513));
    expect(await tarOf(entries)).toEqual(archive);
    const long = { kind: 'folder' as const, name: `${'n'.repeat(120)}/${'m'.repeat(120)}`, mode: 0o755 };
    const listedLong = execFileSync('tar', ['-tf', '-'], { input: await tarOf([long]), encoding: 'utf8' });
    expect(listedLong.trim()).toBe(long.name);
  });
});
