// Both volumes are back. Each is tested separately, because an account proves nothing about its mail.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { login, messages } from './imap.ts';

describe('restore', () => {
  // Tests the volume `accounts`.
  test('account', async () => {
    const who = await keptLogin(app, 'seeded');
    expect(await login(app, who)).toBe('OK');
    expect(await login(app, { ...who, password: 'not-the-password' })).toBe('NO');
  });

  // Tests the volume `mail` by its files, so that a lost account can't cause the failure. Dovecot's index of headers
  // does not count.
  test('mail message', async () => {
    const seeded = (await app.mark('seeded message')) ?? '';
    expect(seeded).toContain(`X-Letter: seed-${app.run}`);
    const stored = await app.exec('imap', ['grep', '-rlF', '--exclude=dovecot*', `X-Letter: seed-${app.run}`, '/mail']);
    expect(stored.stdout.trim(), 'no file in the volume mail contains the letter').not.toBe('');
    const letter = await app.output('imap', ['cat', stored.stdout.trim()]);
    expect(letter.replaceAll(/\r?\n/g, '\r\n')).toBe(seeded);
  });

  test('account and mail message together, by IMAP', async () => {
    const inbox = await messages(app, await keptLogin(app, 'seeded'), 'X-Letter', `seed-${app.run}`);
    expect(inbox).toEqual([await app.mark('seeded message')]);
  });
});
