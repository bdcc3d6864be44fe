// Sends a message by SMTP, as another server would.

import type { App } from 'coldpass/app';
import { Lines } from './lines.ts';

export type Reply = { code: number; text: string };
/** `refused`: the first negative reply. */
export type HandedIn = { refused: Reply | null };

export async function greeting(app: App): Promise<string> {
  const lines = new Lines(await app.tcp('app', 25));
  try {
    return (await reply(lines)).text;
  } finally {
    lines.close();
  }
}

/** `message`: header, empty line, body; line breaks are `\r\n`. */
export async function handIn(app: App, to: string, message: string): Promise<HandedIn> {
  const lines = new Lines(await app.tcp('app', 25));
  try {
    const greeting = await reply(lines);
    if (greeting.code !== 220) return { refused: greeting };
    for (const command of [`EHLO client.test`, 'MAIL FROM:<sender@elsewhere.test>', `RCPT TO:<${to}>`, 'DATA']) {
      const answer = await ask(lines, command);
      if (answer.code >= 400) return { refused: answer };
    }
    const stuffed = message.replaceAll(/^\./gm, '..');
    const end = await ask(lines, `${stuffed}\r\n.`);
    return { refused: end.code === 250 ? null : end };
  } finally {
    lines.close();
  }
}

async function ask(lines: Lines, command: string): Promise<Reply> {
  lines.write(`${command}\r\n`);
  return reply(lines);
}

/** Reads all lines of a reply; `-` after the code means that more follow. */
async function reply(lines: Lines): Promise<Reply> {
  const text: string[] = [];
  for (;;) {
    const line = await lines.line();
    text.push(line.slice(4));
    if (line[3] !== '-') return { code: Number(line.slice(0, 3)), text: text.join('\n') };
  }
}
