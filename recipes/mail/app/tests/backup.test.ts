// The seeded account and its letter exist when the backup is made.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { messages } from './imap.ts';

describe('backup', () => {
  test('the seeded letter is in the seeded inbox', async () => {
    const inbox = await messages(app, await keptLogin(app, 'seeded'), 'X-Letter', `seed-${app.run}`);
    expect(inbox).toEqual([await app.mark('seeded message')]);
  });
});
