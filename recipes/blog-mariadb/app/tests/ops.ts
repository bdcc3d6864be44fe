// Seeds the app before each step, so that the tests after the step have data to check.

import type { App } from 'coldpass/app';
import { upload, write } from './blog.ts';

export async function preUpgrade(app: App): Promise<void> {
  await write(app, 'Older than the upgrade', `written in ${app.run}`);
  await upload(app, 'older.txt', `uploaded in ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  await write(app, 'Worth a backup', `written in ${app.run}`);
  await upload(app, 'worth.txt', `uploaded in ${app.run}`);
}

/** Changes the data after the backup, so that a restore that does nothing is noticed. */
export async function preRestore(app: App): Promise<void> {
  await write(app, 'Younger than the backup', 'not to be kept');
  await upload(app, 'worth.txt', 'overwritten');
}
