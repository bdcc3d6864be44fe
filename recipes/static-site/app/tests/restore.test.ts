// The volume `content` is back: readers get the seeded page again, and a file is the same byte for byte.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { allBytes, digestIn, digestOf } from './pages.ts';

describe('restore', () => {
  test('content: the seeded page is served again', async () => {
    const seeded = await app.mark('seeded page');
    expect(seeded).toContain(app.run);
    const { status, body } = await app.http('http://app/seeded/deep/');
    expect(status).toBe(200);
    expect(body).toBe(seeded);
  });

  test('content: a file is back byte for byte', async () => {
    expect(await digestIn(app, 'seeded/all.bin')).toBe(digestOf(allBytes));
    const { headers } = await app.http('http://app/seeded/all.bin', { method: 'HEAD' });
    expect(headers['content-length']).toBe(String(allBytes.length));
  });
});
