// Back up, wipe, restore, then look at the messages themselves and not only at the index.
// Exit 0: every message came back whole. Exit 1: one did not. Exit 2: this script could not tell.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, restore } from '../src/backup.js';
import { addMessage, listMessages, makeMailbox, showMessage } from '../src/store.js';

const bodies = ['See you at noon.', 'One.\n\nTwo.\n', 'Grüße, привет, 你好'];

process.exitCode = await check().catch((error) => {
  console.log(`cannot tell: ${error.message}`);
  return 2;
});

async function check() {
  const top = await mkdtemp(join(tmpdir(), 'postbox-repro-'));
  const dir = join(top, 'box');
  const archive = join(top, 'archive');
  await makeMailbox(dir, 'alice');
  for (const body of bodies) await addMessage(dir, 'alice', { from: 'bob@example.org', subject: 'Hello', body });
  await backup(dir, archive);
  await rm(dir, { recursive: true });
  await restore(dir, archive);
  const listed = await listMessages(dir, 'alice').catch(() => []);
  let lost = bodies.length - listed.length;
  for (const [at, { id }] of listed.entries()) {
    const message = await showMessage(dir, id);
    if (message?.body === bodies[at]) continue;
    console.log(`message ${id} is listed after the restore and ${message ? 'changed' : 'gone'}`);
    lost += 1;
  }
  await rm(top, { recursive: true });
  console.log(`${lost} of ${bodies.length} messages lost`);
  return lost === 0 ? 0 : 1;
}
