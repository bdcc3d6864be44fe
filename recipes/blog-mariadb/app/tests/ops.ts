// What is put into the app before each step, so that the tests after it have something to look for.

import type { App } from 'coldpass/app';
import { upload, write } from './blog.ts';

export async function preUpgrade(app: App): Promise<void> {
  await write(app, 'Older than the upgrade', `written in ${app.run}`);
  await upload(app, 'older.txt', `taken in ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  await write(app, 'Worth a backup', `written in ${app.run}`);
  await upload(app, 'worth.txt', `taken in ${app.run}`);
}

/** What is here now differs from the backup, so a restore that does nothing is seen. */
export async function preRestore(app: App): Promise<void> {
  await write(app, 'Younger than the backup', 'not to be kept');
  await upload(app, 'worth.txt', 'painted over');
}
