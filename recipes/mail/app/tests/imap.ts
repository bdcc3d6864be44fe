// Reads mail by IMAP, as a mail program does. Each call opens its own connection.

import type { App } from 'coldpass/app';
import { Lines } from './lines.ts';

export type Login = { address: string; password: string };
type Answer = { status: string; text: string; untagged: string[]; blocks: Buffer[] };

/** Only logs in, and returns the server's answer. */
export async function login(app: App, who: Login): Promise<'OK' | 'NO'> {
  return session(app, async (command) => {
    const { status } = await command(`LOGIN ${who.address} ${who.password}`);
    return status as 'OK' | 'NO';
  });
}

/** The messages in the inbox whose header `name` is `value`, as stored there. */
export async function messages(app: App, who: Login, name: string, value: string): Promise<string[]> {
  return session(app, async (command) => {
    const succeed = async (line: string): Promise<Answer> => {
      const answer = await command(line);
      if (answer.status !== 'OK') throw new Error(`${line.split(' ')[0]}: ${answer.status} ${answer.text}`);
      return answer;
    };
    await succeed(`LOGIN ${who.address} ${who.password}`);
    await succeed('SELECT INBOX');
    const { untagged } = await succeed(`SEARCH HEADER ${name} "${value}"`);
    const numbers = untagged.flatMap((line) => /^\* SEARCH ?(.*)$/.exec(line)?.[1]?.split(' ') ?? []).filter(Boolean);
    const messages: string[] = [];
    for (const number of numbers) {
      const { blocks } = await succeed(`FETCH ${number} BODY.PEEK[]`);
      messages.push(...blocks.map(String));
    }
    return messages;
  });
}

async function session<T>(app: App, use: (command: (line: string) => Promise<Answer>) => Promise<T>): Promise<T> {
  const lines = new Lines(await app.tcp('imap', 143));
  let count = 0;
  try {
    await lines.line();
    return await use(async (line) => {
      count += 1;
      lines.write(`a${count} ${line}\r\n`);
      return answer(lines, `a${count} `);
    });
  } finally {
    lines.close();
  }
}

async function answer(lines: Lines, tag: string): Promise<Answer> {
  const untagged: string[] = [];
  const blocks: Buffer[] = [];
  for (;;) {
    const line = await lines.line();
    if (line.startsWith(tag)) {
      const [status = '', ...words] = line.slice(tag.length).split(' ');
      return { status, text: words.join(' '), untagged, blocks };
    }
    untagged.push(line);
    // A line that ends in {N} is followed by N bytes.
    const literal = /\{(\d+)\}$/.exec(line)?.[1];
    if (literal) blocks.push(await lines.block(Number(literal)));
  }
}
