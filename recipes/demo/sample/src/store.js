// The two stores of a postbox: `index.json` (mailboxes, and a line for each message) and `messages/<id>.eml` (each message
// whole). A folder that does not exist is an empty postbox.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes a mailbox. Rejects where it exists already. */
export async function makeMailbox(dir, name) {
  const index = await readIndex(dir);
  if (Object.hasOwn(index.mailboxes, name)) throw new Error(`mailbox ${name} exists already`);
  index.mailboxes[name] = [];
  await writeIndex(dir, index);
}

/** The mailboxes' names, sorted. */
export async function mailboxes(dir) {
  return Object.keys((await readIndex(dir)).mailboxes).sort();
}

/** Delivers a message { from, subject, body } to a mailbox; resolves to its number. Rejects where there is no such mailbox. */
export async function addMessage(dir, mailbox, { from, subject, body }) {
  const index = await readIndex(dir);
  if (!Object.hasOwn(index.mailboxes, mailbox)) throw new Error(`there is no mailbox ${mailbox}`);
  const id = index.next;
  await mkdir(join(dir, 'messages'), { recursive: true });
  // The message first: an index never names a message that is not there.
  await replaceFile(messageFile(dir, id), toEml({ from, subject, body }));
  index.mailboxes[mailbox].push({ id, from: oneLine(from), subject: oneLine(subject) });
  index.next = id + 1;
  await writeIndex(dir, index);
  return id;
}

/** What the index says of a mailbox's messages: [{ id, from, subject }], oldest first. Rejects where there is no such mailbox. */
export async function listMessages(dir, mailbox) {
  const index = await readIndex(dir);
  if (!Object.hasOwn(index.mailboxes, mailbox)) throw new Error(`there is no mailbox ${mailbox}`);
  return index.mailboxes[mailbox];
}

/** A message whole: { from, subject, body }; null where there is none of that number. */
export async function showMessage(dir, id) {
  const text = await readIfThere(messageFile(dir, id));
  return text === null ? null : fromEml(text);
}

/** The whole index: { next, mailboxes: { name: [{ id, from, subject }] } }. */
export async function readIndex(dir) {
  const text = await readIfThere(join(dir, 'index.json'));
  return text === null ? { next: 1, mailboxes: {} } : JSON.parse(text);
}

/** Writes the whole index. */
export async function writeIndex(dir, index) {
  await mkdir(dir, { recursive: true });
  await replaceFile(join(dir, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** Where the message of that number lies. */
export function messageFile(dir, id) {
  return join(dir, 'messages', `${Number(id)}.eml`);
}

async function replaceFile(file, text) {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

async function readIfThere(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function toEml({ from, subject, body }) {
  return `From: ${oneLine(from)}\nSubject: ${oneLine(subject)}\n\n${body}`;
}

function fromEml(text) {
  const [, from, subject, body] = /^From: (.*)\nSubject: (.*)\n\n([\s\S]*)$/.exec(text) ?? [];
  return { from, subject, body };
}

function oneLine(text) {
  return String(text).replace(/\s+/g, ' ').trim();
}
