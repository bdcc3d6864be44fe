// What is put into the app before each step, so that the tests after it have something to look for.

import type { App } from 'coldpass/app';
import { padOf, write } from './pad.ts';

export async function preUpgrade(app: App): Promise<void> {
  await write(app, await padOf(app, 'old'), `older than the upgrade, ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  await write(app, await padOf(app, 'kept'), `worth a backup, ${app.run}`);
}

/** What is here now differs from the backup, so a restore that does nothing is seen. */
export async function preRestore(app: App): Promise<void> {
  await write(app, await padOf(app, 'kept'), 'younger than the backup');
}
