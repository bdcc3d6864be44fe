// Seeds the app before each step, so that the tests after the step have data to check.

import type { App } from 'coldpass/app';
import { add, list, remove } from './notes.ts';

export async function preUpgrade(app: App): Promise<void> {
  await add(app, `older than the upgrade, ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  const { id } = await add(app, `worth a backup, ${app.run}`);
  await app.setMark('backed-up', String(id));
}

/** Removes a note and adds another after the backup, so that a restore that does nothing is noticed. */
export async function preRestore(app: App): Promise<void> {
  const seeded = Number(await app.mark('backed-up'));
  if ((await list(app)).some(({ id }) => id === seeded)) await remove(app, seeded);
  await add(app, `younger than the backup, ${app.run}`);
}
