// What is backed up was there: the account and its letter.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { messages } from './imap.ts';

describe('backup', () => {
  test('the seeded letter lies in the seeded inbox', async () => {
    const found = await messages(app, await keptLogin(app, 'seeded'), 'X-Letter', `seed-${app.run}`);
    expect(found).toEqual([await app.mark('seeded message')]);
  });
});
