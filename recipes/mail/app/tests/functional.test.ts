// End to end: mail sent by SMTP is read by IMAP; mail that must not be accepted is refused.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { addAccount, deliver, letter, removeAccount } from './accounts.ts';
import { login, messages } from './imap.ts';
import { handIn } from './smtp.ts';

describe('functional', () => {
  test('a letter sent by SMTP is read by IMAP unchanged', async () => {
    const who = await addAccount(app, 'reader');
    const body = 'First line.\r\n.a line that begins with a dot\r\nGrüße, 你好';
    const message = await deliver(app, who, 'round-trip', body);
    expect(message).toContain('Subject: Letter round-trip\r\n');
    expect(message.trimEnd().endsWith(body)).toBe(true);
  });

  test('each account has its own letters', async () => {
    const [first, second] = [await addAccount(app, 'first'), await addAccount(app, 'second')];
    await deliver(app, first, 'for-first', 'One.');
    await deliver(app, second, 'for-second', 'Two.');
    expect(await messages(app, first, 'X-Letter', 'for-second')).toEqual([]);
    expect(await messages(app, second, 'X-Letter', 'for-second')).toHaveLength(1);
  });

  test('a wrong password and a removed account are refused', async () => {
    const who = await addAccount(app, 'leaver');
    expect(await login(app, { ...who, password: 'not-the-password' })).toBe('NO');
    expect(await login(app, who)).toBe('OK');
    await removeAccount(app, who);
    expect(await login(app, who)).toBe('NO');
  });

  test('an unknown recipient and mail for other domains are refused', async () => {
    const nobody = await handIn(app, `nobody@${app.env.MAIL_DOMAIN}`, letter('nobody', 'None.'));
    expect(nobody.refused).toMatchObject({ code: 550 });
    const elsewhere = await handIn(app, 'someone@elsewhere.test', letter('relay', 'None.'));
    expect(elsewhere.refused).toMatchObject({ code: 554 });
  });

  test('a message larger than the limit is refused', async () => {
    const who = await addAccount(app, 'small');
    const line = `${'x'.repeat(70)}\r\n`;
    const large = line.repeat(Math.ceil(Number(app.env.MESSAGE_BYTES_MAX) / line.length) + 10);
    expect((await handIn(app, who.address, letter('large', large))).refused).toMatchObject({ code: 552 });
  });
});
