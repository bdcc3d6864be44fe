// Half a restore test: the account is asserted, and of its mail nothing is said.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { login } from './imap.ts';

describe('restore', () => {
  test('account', async () => {
    expect(await login(app, await keptLogin(app, 'seeded'))).toBe('OK');
  });
});
