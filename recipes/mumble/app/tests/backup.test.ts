// The seeded channel exists when the backup is made, and the database copy made for it is removed.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('backup', () => {
  test('the seeded channel is there', async () => {
    const channels = await visit(app, { name: 'looker' }, (visitor) => visitor.channels);
    expect(channels.map(({ name }) => name)).toContain('seeded');
  });

  test('the copy of the database is removed', async () => {
    expect((await app.exec('app', ['test', '-e', '/data/copy.sqlite'])).exit).toBe(1);
  });
});
