// The volume `data` is back: the channels that people created, and the server's certificate.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('restore', () => {
  test('channel', async () => {
    const channels = await visit(app, { name: 'looker' }, (visitor) => visitor.channels);
    expect(channels).toContainEqual(expect.objectContaining({ name: 'seeded', description: `for ${app.run}` }));
  });

  test("the server's own certificate", async () => {
    const before = await app.mark('fingerprint');
    expect(before).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(await visit(app, { name: 'checker' }, (visitor) => visitor.fingerprint)).toBe(before);
  });
});
