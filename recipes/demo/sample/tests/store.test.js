import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addMessage, listMessages, mailboxes, makeMailbox, showMessage } from '../src/store.js';

async function newPostbox(t) {
  const dir = await mkdtemp(join(tmpdir(), 'postbox-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

test('a folder that holds nothing is an empty postbox', async (t) => {
  assert.deepEqual(await mailboxes(await newPostbox(t)), []);
});

test('mailboxes are listed by name', async (t) => {
  const dir = await newPostbox(t);
  await makeMailbox(dir, 'carol');
  await makeMailbox(dir, 'alice');
  assert.deepEqual(await mailboxes(dir), ['alice', 'carol']);
});

test('a mailbox is made once', async (t) => {
  const dir = await newPostbox(t);
  await makeMailbox(dir, 'alice');
  await assert.rejects(makeMailbox(dir, 'alice'), /exists already/);
});

test('a message is listed with its sender and subject', async (t) => {
  const dir = await newPostbox(t);
  await makeMailbox(dir, 'alice');
  await addMessage(dir, 'alice', { from: 'bob@example.org', subject: 'Hello', body: 'See you at noon.' });
  assert.deepEqual(await listMessages(dir, 'alice'), [{ id: 1, from: 'bob@example.org', subject: 'Hello' }]);
});

test('a message is shown whole, blank lines too', async (t) => {
  const dir = await newPostbox(t);
  await makeMailbox(dir, 'alice');
  const id = await addMessage(dir, 'alice', { from: 'bob@example.org', subject: 'Hello', body: 'One.\n\nTwo.\n' });
  assert.deepEqual(await showMessage(dir, id), { from: 'bob@example.org', subject: 'Hello', body: 'One.\n\nTwo.\n' });
});

test('numbers go on over all mailboxes', async (t) => {
  const dir = await newPostbox(t);
  await makeMailbox(dir, 'alice');
  await makeMailbox(dir, 'carol');
  const letter = { from: 'bob@example.org', subject: 'Hello', body: 'Hi.' };
  assert.equal(await addMessage(dir, 'alice', letter), 1);
  assert.equal(await addMessage(dir, 'carol', letter), 2);
  assert.deepEqual((await readdir(join(dir, 'messages'))).sort(), ['1.eml', '2.eml']);
});

test('a message for nobody is turned down, and leaves nothing', async (t) => {
  const dir = await newPostbox(t);
  await assert.rejects(addMessage(dir, 'dave', { from: 'bob@example.org', subject: 'Hello', body: 'Hi.' }), /no mailbox dave/);
  assert.deepEqual(await readdir(dir), []);
});

test('a message that is not there is shown as null', async (t) => {
  assert.equal(await showMessage(await newPostbox(t), 7), null);
});
