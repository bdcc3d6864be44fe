// The newest release runs, with the accounts and the mail of the previous release.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { login, messages } from './imap.ts';
import { greeting } from './smtp.ts';

describe('upgrade', () => {
  test('greets as the newest release', async () => {
    expect(await greeting(app)).toMatch(/release 1\.1$/m);
  });

  test('keeps an account and its mail', async () => {
    const who = await keptLogin(app, 'settled');
    expect(await login(app, who)).toBe('OK');
    expect(await messages(app, who, 'X-Letter', 'before-upgrade')).toHaveLength(1);
  });
});
