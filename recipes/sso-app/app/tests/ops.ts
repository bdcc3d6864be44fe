// Seeds the app before each step, so that the tests after the step have data to check.

import type { App } from 'coldpass/app';
import { signedIn } from './visitor.ts';

export async function preUpgrade(app: App): Promise<void> {
  const visitor = await signedIn(app);
  await app.setMark('logins', String((await visitor.profile()).logins));
}

export async function preBackup(app: App): Promise<void> {
  const visitor = await signedIn(app);
  await visitor.profile(`worth a backup, ${app.run}`);
}

/** Changes the profile after the backup, so that a restore that does nothing is noticed. */
export async function preRestore(app: App): Promise<void> {
  const visitor = await signedIn(app);
  await visitor.profile('younger than the backup');
}
