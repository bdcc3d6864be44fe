import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backup, restore } from '../src/backup.js';
import { addMessage, listMessages, mailboxes, makeMailbox } from '../src/store.js';

/** A postbox with two mailboxes and two messages, and the place of its archive. */
async function seeded(t) {
  const top = await mkdtemp(join(tmpdir(), 'postbox-'));
  t.after(() => rm(top, { recursive: true }));
  const dir = join(top, 'box');
  await makeMailbox(dir, 'alice');
  await makeMailbox(dir, 'carol');
  await addMessage(dir, 'alice', { from: 'bob@example.org', subject: 'Hello', body: 'See you at noon.' });
  await addMessage(dir, 'carol', { from: 'dan@example.org', subject: 'Minutes', body: 'One.\n\nTwo.\n' });
  return { dir, archive: join(top, 'archive.json') };
}

test('backup says what it kept', async (t) => {
  const { dir, archive } = await seeded(t);
  assert.deepEqual(await backup(dir, archive), { mailboxes: 2, messages: 2 });
});

test('mailboxes survive a wipe', async (t) => {
  const { dir, archive } = await seeded(t);
  await backup(dir, archive);
  await rm(dir, { recursive: true });
  await restore(dir, archive);
  assert.deepEqual(await mailboxes(dir), ['alice', 'carol']);
});

test('the list of messages survives a wipe', async (t) => {
  const { dir, archive } = await seeded(t);
  await backup(dir, archive);
  await rm(dir, { recursive: true });
  assert.deepEqual(await restore(dir, archive), { mailboxes: 2, messages: 2 });
  assert.deepEqual(await listMessages(dir, 'alice'), [{ id: 1, from: 'bob@example.org', subject: 'Hello' }]);
});
