// Backup and restore of a postbox: one archive file, JSON, with both stores in it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageFile, readIndex, writeIndex } from './store.js';

/** Writes everything in the postbox `dir` to the file `archive`; resolves to what it kept, { mailboxes, messages }. */
export async function backup(dir, archive) {
  const index = await readIndex(dir);
  const messages = await readMessages(dir, index);
  await writeFile(archive, JSON.stringify({ postbox: 1, index, messages }));
  return counts(index);
}

/** Makes the postbox `dir` what it was when `archive` was written; resolves to what it brought back, as above. */
export async function restore(dir, archive) {
  const { index, messages } = JSON.parse(await readFile(archive, 'utf8'));
  await writeIndex(dir, index);
  await writeMessages(dir, messages);
  return counts(index);
}

async function readMessages(dir, index) {
  const messages = [];
  for (let id = 1; id < index.next; id += 1) messages.push(await readFile(messageFile(dir, id), 'utf8'));
  return messages;
}

async function writeMessages(dir, messages) {
  await mkdir(dirname(messageFile(dir, 0)), { recursive: true });
  for (const [id, text] of messages.entries()) await writeFile(messageFile(dir, id), text);
}

function counts(index) {
  const boxes = Object.values(index.mailboxes);
  return { mailboxes: boxes.length, messages: boxes.flat().length };
}
