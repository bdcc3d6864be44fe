// Backup and restore of a postbox: one archive file, JSON, with both stores in it.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageFile, readIndex, writeIndex } from './store.js';

/** Writes everything in the postbox `dir` to the file `archive`; resolves to what it kept, { mailboxes, messages }. */
export async function backup(dir, archive) {
  const index = await readIndex(dir);
  const messages = {};
  for (const { id } of listed(index)) messages[id] = await readFile(messageFile(dir, id), 'utf8');
  await writeFile(archive, JSON.stringify({ postbox: 1, index, messages }));
  return counts(index, messages);
}

/** Makes the postbox `dir` what it was when `archive` was written; resolves to what it brought back, as above. */
export async function restore(dir, archive) {
  await rm(dir, { recursive: true, force: true });
  const { index, messages } = JSON.parse(await readFile(archive, 'utf8'));
  for (const [id, text] of Object.entries(messages)) await writeMessage(dir, id, text);
  await writeIndex(dir, index);
  return counts(index, messages);
}

async function writeMessage(dir, id, text) {
  const file = messageFile(dir, id);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function listed(index) {
  return Object.values(index.mailboxes).flat();
}

function counts(index, messages) {
  return { mailboxes: Object.keys(index.mailboxes).length, messages: Object.keys(messages).length };
}
