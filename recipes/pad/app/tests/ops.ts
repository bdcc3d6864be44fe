// Seeds the app before each step, so that the tests after the step have data to check.

import type { App } from 'coldpass/app';
import { padOf, write } from './pad.ts';

export async function preUpgrade(app: App): Promise<void> {
  await write(app, await padOf(app, 'old'), `older than the upgrade, ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  await write(app, await padOf(app, 'kept'), `worth a backup, ${app.run}`);
}

/** Changes the pad after the backup, so that a restore that does nothing is noticed. */
export async function preRestore(app: App): Promise<void> {
  await write(app, await padOf(app, 'kept'), 'younger than the backup');
}
