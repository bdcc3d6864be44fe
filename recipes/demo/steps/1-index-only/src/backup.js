// Backup and restore of a postbox: one archive file, JSON.

import { readFile, writeFile } from 'node:fs/promises';
import { readIndex, writeIndex } from './store.js';

/** Writes everything in the postbox `dir` to the file `archive`; resolves to what it kept, { mailboxes, messages }. */
export async function backup(dir, archive) {
  const index = await readIndex(dir);
  await writeFile(archive, JSON.stringify({ postbox: 1, index }));
  return counts(index);
}

/** Makes the postbox `dir` what it was when `archive` was written; resolves to what it brought back, as above. */
export async function restore(dir, archive) {
  const { index } = JSON.parse(await readFile(archive, 'utf8'));
  await writeIndex(dir, index);
  return counts(index);
}

function counts(index) {
  const boxes = Object.values(index.mailboxes);
  return { mailboxes: boxes.length, messages: boxes.flat().length };
}
