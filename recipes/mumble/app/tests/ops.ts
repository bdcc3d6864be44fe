// Seeds a channel before the upgrade. Before the backup, seeds another channel and notes the server's certificate, and
// before the restore, removes both.

import type { App } from 'coldpass/app';
import { makeChannel, visit } from './mumble.ts';

export async function preUpgrade(app: App): Promise<void> {
  await makeChannel(app, { name: 'settled', description: 'of the previous release' });
}

export async function preBackup(app: App): Promise<void> {
  await makeChannel(app, { name: 'seeded', description: `for ${app.run}` });
  const fingerprint = await visit(app, { name: 'noter' }, (visitor) => visitor.fingerprint);
  await app.setMark('fingerprint', fingerprint);
}

export async function preRestore(app: App): Promise<void> {
  const sql = "DELETE FROM channels WHERE name = 'seeded'; DELETE FROM config WHERE key IN ('certificate', 'key');";
  await app.output('app', ['sqlite3', '-cmd', '.timeout 5000', '/data/mumble.sqlite', sql]);
}
