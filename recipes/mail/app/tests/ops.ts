// Seeds an account with a letter before the upgrade. Before the backup, seeds another account with a letter, and before
// the restore, removes that account and its letters.

import type { App } from 'coldpass/app';
import { addAccount, deliver, keepLogin, keptLogin, removeAccount } from './accounts.ts';

export async function preUpgrade(app: App): Promise<void> {
  const who = await addAccount(app, 'settled');
  await deliver(app, who, 'before-upgrade', 'Written to the previous release.');
  await keepLogin(app, 'settled', who);
}

export async function preBackup(app: App): Promise<void> {
  const who = await addAccount(app, 'seeded');
  const message = await deliver(app, who, `seed-${app.run}`, `Seeded for ${app.run}.\r\nÀ bientôt, до встречи.`);
  await keepLogin(app, 'seeded', who);
  await app.setMark('seeded message', message);
}

export async function preRestore(app: App): Promise<void> {
  const who = await keptLogin(app, 'seeded');
  await removeAccount(app, who);
  const [name, domain] = who.address.split('@') as [string, string];
  await app.output('imap', ['rm', '-rf', `/mail/${domain}/${name}`]);
}
