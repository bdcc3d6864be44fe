// Both services of a fresh server answer in their protocols.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { login } from './imap.ts';
import { greeting, handIn } from './smtp.ts';

describe('install', () => {
  test('greets by SMTP with its own name', async () => {
    expect(await greeting(app)).toContain(`${app.domain} ESMTP`);
  });

  test('starts without accounts', async () => {
    const address = `postmaster@${app.env.MAIL_DOMAIN}`;
    expect((await handIn(app, address, 'Subject: none\r\n\r\nnone')).refused?.code).toBe(550);
    expect(await login(app, { address, password: 'password' })).toBe('NO');
  });
});
