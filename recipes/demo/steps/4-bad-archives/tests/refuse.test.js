import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backup, restore } from '../src/backup.js';
import { addMessage, makeMailbox } from '../src/store.js';

const hello = { from: 'bob@example.org', subject: 'Hello', body: 'See you at noon.' };

/** A postbox that was backed up and went on since, with its archive. */
async function backedUp(t) {
  const top = await mkdtemp(join(tmpdir(), 'postbox-'));
  t.after(() => rm(top, { recursive: true }));
  const dir = join(top, 'box');
  const archive = join(top, 'archive.json');
  await makeMailbox(dir, 'alice');
  await addMessage(dir, 'alice', hello);
  await addMessage(dir, 'alice', { ...hello, subject: 'Again' });
  assert.deepEqual(await backup(dir, archive), { mailboxes: 1, messages: 2 });
  await addMessage(dir, 'alice', { ...hello, subject: 'Later' });
  return { top, dir, archive };
}

/** Every file of a folder with its bytes. */
async function everything(dir) {
  const items = await readdir(dir, { withFileTypes: true, recursive: true });
  const files = items.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
  const texts = await Promise.all(files.sort().map((file) => readFile(file, 'latin1')));
  return files.map((file, at) => [file, texts[at]]);
}

/** Restores from `text` in place of the archive: it must be refused, and the postbox must stand as it stood. */
async function refused({ top, dir, archive }, text) {
  await writeFile(archive, text);
  const before = await everything(dir);
  await assert.rejects(restore(dir, archive), /^Error: not a whole postbox archive: .+; nothing was changed$/);
  assert.deepEqual(await everything(dir), before);
  assert.deepEqual((await readdir(top)).sort(), ['archive.json', 'box']);
}

test('an archive that is cut short is refused, and nothing is lost', async (t) => {
  const box = await backedUp(t);
  const text = await readFile(box.archive, 'utf8');
  await refused(box, text.slice(0, text.length / 2));
});

test('an archive with one letter changed is refused, and nothing is lost', async (t) => {
  const box = await backedUp(t);
  const text = await readFile(box.archive, 'utf8');
  await refused(box, text.replace('at noon', 'at nine'));
});

test('an archive without one of its messages is refused, and nothing is lost', async (t) => {
  const box = await backedUp(t);
  const whole = JSON.parse(await readFile(box.archive, 'utf8'));
  delete whole.messages[2];
  await refused(box, JSON.stringify(whole));
});

test('an archive of the index alone is refused, and nothing is lost', async (t) => {
  const box = await backedUp(t);
  const { messages: _, ...rest } = JSON.parse(await readFile(box.archive, 'utf8'));
  await refused(box, JSON.stringify(rest));
});

test('a file that is no archive is refused, and nothing is lost', async (t) => {
  const box = await backedUp(t);
  await refused(box, 'Dear Alice,\n');
  await refused(box, '{}');
  await refused(box, 'null');
});
