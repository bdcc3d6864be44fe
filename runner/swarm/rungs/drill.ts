// Simulates a disaster and the recovery from it: stops every service of the app, empties every volume (verified by the
// harness, not the app), restores the backup except what the turn leaves out, and starts the app again. Wiping under a
// running service would prove nothing, because the service keeps deleted files open.

import type { Checks } from './checks.ts';
import type { AppSite } from './site.ts';
import { atRest, keepLogs, runHookStep, standsAgain } from './steps.ts';

/** Snapshot ids by volume. */
export type Backup = ReadonlyMap<string, string>;

/** False if the app did not reach the point where its restore tests can run. */
export async function drill(
  site: AppSite,
  checks: Checks,
  backup: Backup,
  omit: ReadonlySet<string>,
): Promise<boolean> {
  const { stack, app } = site.current();
  await inContainers(site, checks, 'restorePreHook');
  await keepLogs(site);
  await stack.stop(Object.keys(app.services));
  for (const volume of app.volumes) {
    const wiped = await checks.check(`volume ${volume} is wiped`, async () => {
      const { before, after } = await site.vault.wipe(volume);
      if (after > 0) return { unclear: `${after} entries are left` };
      // An earlier turn may have left this volume out of the restore.
      if (before === 0 && omit.size === 0 && backup.has(volume)) return 'it was already empty: it had nothing to lose';
      return null;
    });
    if (!wiped) return false;
  }
  for (const [volume, snapshot] of backup) {
    if (omit.has(volume)) checks.say(`volume ${volume} is left out of the restore`);
    else await site.vault.restore(volume, snapshot);
  }
  await stack.start(Object.keys(app.services));
  if (!(await standsAgain(site, checks))) return false;
  if (!(await inContainers(site, checks, 'restorePostHook'))) return false;
  return atRest(site, checks, 'after the restore');
}

/**
 * Runs the hook that seeds data, then backs up every labelled volume, up to three times while `verifyBackup` fails.
 * Null if the hook or a backup fails.
 */
export async function backUp(site: AppSite, checks: Checks): Promise<Backup | null> {
  if (!(await runHookStep(site, checks, 'preBackup'))) return null;
  const { verifyBackup } = site.recipe;
  const tries = verifyBackup ? backupTriesMax : 1;
  for (let attempt = 1; ; attempt += 1) {
    const backup = await backUpOnce(site, checks);
    if (backup === null) return null;
    if (!verifyBackup || (await verified(site, verifyBackup))) return backup;
    checks.say(`verifyBackup fails (attempt ${attempt} of ${tries})`);
    // The restore decides whether the backup is good, so it must run even if `verifyBackup` never succeeds.
    if (attempt === tries) return backup;
  }
}

const backupTriesMax = 3;

async function backUpOnce(site: AppSite, checks: Checks): Promise<Backup | null> {
  const { app } = site.current();
  const backup = new Map<string, string>();
  if (!(await inContainers(site, checks, 'preHook'))) return null;
  for (const { volumes } of app.backup.services) {
    for (const { volume, paths } of volumes) {
      if (backup.has(volume)) continue;
      const done = await checks.check(`volume ${volume} is backed up`, async () => {
        backup.set(volume, await site.vault.back(volume, paths));
        return null;
      });
      if (!done) return null;
    }
  }
  return (await inContainers(site, checks, 'postHook')) ? backup : null;
}

async function verified({ current, seconds }: AppSite, look: { service: string; exec: string }): Promise<boolean> {
  const ask = { command: ['sh', '-c', look.exec], seconds: seconds.hook };
  return (await current().stack.exec(look.service, ask)).exit === 0;
}

type Hook = 'preHook' | 'postHook' | 'restorePreHook' | 'restorePostHook';
const hookWords: Record<Hook, string> = {
  preHook: 'the hook before the backup',
  postHook: 'the hook after the backup',
  restorePreHook: 'the hook before the restore',
  restorePostHook: 'the hook after the restore',
};

/** Runs the app's hooks, which its labels name, in the running containers. */
async function inContainers(site: AppSite, checks: Checks, hook: Hook): Promise<boolean> {
  const { stack, app } = site.current();
  for (const planned of app.backup.services) {
    const command = planned[hook];
    if (command === null) continue;
    const passed = await checks.check(`${hookWords[hook]} runs in ${planned.service}`, async () => {
      const end = await stack.exec(planned.service, { command: ['sh', '-c', command], seconds: site.seconds.hook });
      if (end.exit === 0) return null;
      const output = Buffer.concat([end.stderr, end.stdout]).toString().trim().slice(-200);
      return end.timedOut
        ? { unclear: `it took longer than ${site.seconds.hook} s` }
        : `it exited with ${end.exit}: ${output}`;
    });
    if (!passed) return false;
  }
  return true;
}
