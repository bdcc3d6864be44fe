// Creates accounts as the mail server's operator does, and sends letters with unique ids to them.

import { randomBytes } from 'node:crypto';
import type { App } from 'coldpass/app';
import { type Login, messages } from './imap.ts';
import { handIn } from './smtp.ts';

export async function addAccount(app: App, name: string): Promise<Login> {
  const who = { address: `${name}@${app.env.MAIL_DOMAIN}`, password: randomBytes(9).toString('hex') };
  await app.output('imap', ['account', 'add', who.address], { stdin: `${who.password}\n` });
  return who;
}

export async function removeAccount(app: App, { address }: Login): Promise<void> {
  await app.output('imap', ['account', 'remove', address]);
}

export function letter(id: string, body: string): string {
  const head = ['From: Sender <sender@elsewhere.test>', `Subject: Letter ${id}`, `X-Letter: ${id}`];
  return [...head, 'Content-Type: text/plain; charset=utf-8', '', body].join('\r\n');
}

/** Sends a letter, waits until it is in the inbox, and returns it as stored there. */
export async function deliver(app: App, to: Login, id: string, body: string): Promise<string> {
  const { refused } = await handIn(app, to.address, letter(id, body));
  if (refused) throw new Error(`the letter was refused: ${refused.code} ${refused.text}`);
  return app.eventually(async () => {
    const [message] = await messages(app, to, 'X-Letter', id);
    if (message === undefined) throw new Error(`letter ${id} is not in the inbox of ${to.address} yet`);
    return message;
  });
}

/** Stores an account as JSON, because marks are strings. */
export async function keepLogin(app: App, mark: string, who: Login): Promise<void> {
  await app.setMark(mark, JSON.stringify(who));
}

export async function keptLogin(app: App, mark: string): Promise<Login> {
  const json = await app.mark(mark);
  if (json === null) throw new Error(`no account is stored as ${mark}`);
  return JSON.parse(json) as Login;
}
