// Both volumes are back, and each is asserted on its own: an account says nothing of its mail.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { keptLogin } from './accounts.ts';
import { login, messages } from './imap.ts';

describe('restore', () => {
  // The volume `accounts`.
  test('account', async () => {
    const who = await keptLogin(app, 'seeded');
    expect(await login(app, who)).toBe('OK');
    expect(await login(app, { ...who, password: 'not-the-password' })).toBe('NO');
  });

  // The volume `mail`, by its files, so that a lost account can't be the reason. An index of headers is no message.
  test('mail message', async () => {
    const seeded = (await app.mark('seeded message')) ?? '';
    expect(seeded).toContain(`X-Letter: seed-${app.run}`);
    const stored = await app.exec('imap', ['grep', '-rlF', '--exclude=dovecot*', `X-Letter: seed-${app.run}`, '/mail']);
    expect(stored.stdout.trim(), 'no file in the volume mail holds the letter').not.toBe('');
    const lying = await app.output('imap', ['cat', stored.stdout.trim()]);
    expect(lying.replaceAll(/\r?\n/g, '\r\n')).toBe(seeded);
  });

  test('account and mail message together, by IMAP', async () => {
    const found = await messages(app, await keptLogin(app, 'seeded'), 'X-Letter', `seed-${app.run}`);
    expect(found).toEqual([await app.mark('seeded message')]);
  });
});
