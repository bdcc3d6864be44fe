// Accounts of this server, made as its operator makes them, and messages to them that tests can tell from all others.

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

/** Hands a letter in and waits until it lies in the inbox; as it lies there. */
export async function deliver(app: App, to: Login, id: string, body: string): Promise<string> {
  const { refused } = await handIn(app, to.address, letter(id, body));
  if (refused) throw new Error(`the letter was refused: ${refused.code} ${refused.text}`);
  return app.eventually(async () => {
    const [found] = await messages(app, to, 'X-Letter', id);
    if (found === undefined) throw new Error(`letter ${id} is not in the inbox of ${to.address} yet`);
    return found;
  });
}

/** Marks are texts; an account's is its JSON. */
export async function keepLogin(app: App, mark: string, who: Login): Promise<void> {
  await app.setMark(mark, JSON.stringify(who));
}

export async function keptLogin(app: App, mark: string): Promise<Login> {
  const kept = await app.mark(mark);
  if (kept === null) throw new Error(`nothing was kept as ${mark}`);
  return JSON.parse(kept) as Login;
}
