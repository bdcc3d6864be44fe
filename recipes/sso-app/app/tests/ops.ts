// What is put into the app before each step, so that the tests after it have something to look for.

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

/** What is here now differs from the backup, so a restore that does nothing is seen. */
export async function preRestore(app: App): Promise<void> {
  const visitor = await signedIn(app);
  await visitor.profile('younger than the backup');
}
