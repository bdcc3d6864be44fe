// What is backed up was there, and the copy that was made for it is gone.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('backup', () => {
  test('the seeded channel is there', async () => {
    const channels = await visit(app, { name: 'looker' }, (visitor) => visitor.channels);
    expect(channels.map(({ name }) => name)).toContain('seeded');
  });

  test('the copy of the database does not stay', async () => {
    expect((await app.exec('app', ['test', '-e', '/data/copy.sqlite'])).exit).toBe(1);
  });
});
