import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backup, restore } from '../src/backup.js';
import { addMessage, listMessages, mailboxes, makeMailbox, showMessage } from '../src/store.js';

const hello = { from: 'bob@example.org', subject: 'Hello', body: 'See you at noon.' };
const minutes = { from: 'dan@example.org', subject: 'Minutes', body: 'One.\n\nTwo: Grüße.\n' };

/** A postbox with two mailboxes and two messages, and the place of its archive. */
async function seeded(t) {
  const top = await mkdtemp(join(tmpdir(), 'postbox-'));
  t.after(() => rm(top, { recursive: true }));
  const dir = join(top, 'box');
  await makeMailbox(dir, 'alice');
  await makeMailbox(dir, 'carol');
  await addMessage(dir, 'alice', hello);
  await addMessage(dir, 'carol', minutes);
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

test('the messages themselves survive a wipe', async (t) => {
  const { dir, archive } = await seeded(t);
  await backup(dir, archive);
  await rm(dir, { recursive: true });
  await restore(dir, archive);
  assert.deepEqual(await showMessage(dir, 1), hello);
  assert.deepEqual(await showMessage(dir, 2), minutes);
});

test('a restore over another state leaves nothing of that state', async (t) => {
  const { dir, archive } = await seeded(t);
  await backup(dir, archive);
  await addMessage(dir, 'alice', { ...hello, subject: 'Later' });
  await restore(dir, archive);
  assert.equal((await listMessages(dir, 'alice')).length, 1);
  assert.equal(await showMessage(dir, 3), null);
});

test('numbers go on after a restore', async (t) => {
  const { dir, archive } = await seeded(t);
  await backup(dir, archive);
  await rm(dir, { recursive: true });
  await restore(dir, archive);
  assert.deepEqual(await mailboxes(dir), ['alice', 'carol']);
  assert.equal(await addMessage(dir, 'carol', hello), 3);
});
