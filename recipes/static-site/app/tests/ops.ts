// Publishes a page before the upgrade; seeds pages before the backup and removes them before the restore.

import type { App } from 'coldpass/app';
import { drop, publish, seed } from './pages.ts';

export async function preUpgrade(app: App): Promise<void> {
  await publish(app, 'before-upgrade.html', '<h1>Written by the previous release</h1>\n');
}

export async function preBackup(app: App): Promise<void> {
  await seed(app);
}

export async function preRestore(app: App): Promise<void> {
  await drop(app, 'seeded');
}
