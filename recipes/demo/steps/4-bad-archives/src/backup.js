// Backup and restore of a postbox: one archive file, JSON, with both stores in it and a digest over them. A restore checks
// the whole archive, builds the postbox beside the old one, and only then puts it in its place.

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageFile, readIndex, writeIndex } from './store.js';

/** Writes everything in the postbox `dir` to the file `archive`; resolves to what it kept, { mailboxes, messages }. */
export async function backup(dir, archive) {
  const index = await readIndex(dir);
  const messages = {};
  for (const { id } of listed(index)) messages[id] = await readFile(messageFile(dir, id), 'utf8');
  await writeFile(
    `${archive}.part`,
    JSON.stringify({ postbox: 1, digest: digestOf(index, messages), index, messages }),
  );
  await rename(`${archive}.part`, archive);
  return counts(index, messages);
}

/**
 * Makes the postbox `dir` what it was when `archive` was written; resolves to what it brought back, as above.
 * Rejects an archive that is not whole, and then the postbox stands as it stood.
 */
export async function restore(dir, archive) {
  const { index, messages } = checked(await readFile(archive, 'utf8'));
  const target = resolve(dir);
  await mkdir(dirname(target), { recursive: true });
  const fresh = await mkdtemp(`${target}.restore-`);
  try {
    await mkdir(dirname(messageFile(fresh, 0)), { recursive: true });
    for (const [id, text] of Object.entries(messages)) await writeFile(messageFile(fresh, id), text);
    await writeIndex(fresh, index);
    await swap(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return counts(index, messages);
}

// A folder cannot be renamed over one that holds something: the old one steps aside first, and back if that fails.
async function swap(fresh, target) {
  const old = `${fresh}.old`;
  const there = await rename(target, old).then(
    () => true,
    () => false,
  );
  try {
    await rename(fresh, target);
  } catch (error) {
    if (there) await rename(old, target);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

function checked(text) {
  const { digest, index, messages } = parsed(text);
  if (digest !== digestOf(index, messages)) throw refusal('its content does not match its digest');
  const missing = listed(index).find(({ id }) => typeof messages[id] !== 'string');
  if (missing) throw refusal(`message ${missing.id} is not in it`);
  return { index, messages };
}

function parsed(text) {
  let archive;
  try {
    archive = JSON.parse(text);
  } catch (cause) {
    throw refusal('it is cut short or something else', cause);
  }
  if (archive?.postbox !== 1 || !archive.index?.mailboxes || !archive.messages) throw refusal('a store is missing');
  return archive;
}

function refusal(why, cause) {
  return new Error(`not a whole postbox archive: ${why}; nothing was changed`, { cause });
}

function digestOf(index, messages) {
  return createHash('sha256')
    .update(JSON.stringify([index, messages]))
    .digest('hex');
}

function listed(index) {
  return Object.values(index.mailboxes).flat();
}

function counts(index, messages) {
  return { mailboxes: Object.keys(index.mailboxes).length, messages: Object.keys(messages).length };
}
