// What a run does around its rungs: a page is put there before the upgrade and one before the backup, and both are gone, as
// seen by HTTP, before the restore.

import type { App } from 'coldpass/app';
import { drop, publish, seed } from './pages.ts';

export async function preUpgrade(app: App): Promise<void> {
  await publish(app, 'before-upgrade.html', '<h1>Written by the release before</h1>\n');
}

export async function preBackup(app: App): Promise<void> {
  await seed(app);
}

export async function preRestore(app: App): Promise<void> {
  await drop(app, 'seeded');
}
