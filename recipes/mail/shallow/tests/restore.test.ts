// Half a restore test: it checks the account but not its mail.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { login } from './imap.ts';

describe('restore', () => {
  test('account', async () => {
    expect(await login(app, await keptLogin(app, 'seeded'))).toBe('OK');
  });
});
