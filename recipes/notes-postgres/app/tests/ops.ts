// What is put into the app before each step, so that the tests after it have something to look for.

import type { App } from 'coldpass/app';
import { add, list, remove } from './notes.ts';

export async function preUpgrade(app: App): Promise<void> {
  await add(app, `older than the upgrade, ${app.run}`);
}

export async function preBackup(app: App): Promise<void> {
  const { id } = await add(app, `worth a backup, ${app.run}`);
  await app.setMark('backed-up', String(id));
}

/** What is here now differs from the backup both ways, so a restore that does nothing is seen. */
export async function preRestore(app: App): Promise<void> {
  const marked = Number(await app.mark('backed-up'));
  if ((await list(app)).some(({ id }) => id === marked)) await remove(app, marked);
  await add(app, `younger than the backup, ${app.run}`);
}
