// Reads an app's backup plan from its labels as backup-bot-two does (backupbot v2). In a service with
// `backupbot.backup=true`, every volume is backed up unless the volume's own label is `false`; a label that ends in
// `.path` limits the backup to folders inside the volume. Pure. Labels that make no sense are ignored here and reported
// by lint; a path that leads out of the volume is refused.

import type { BackupPlan } from '../app/app.ts';
import { refuse, shown } from '../app/refused.ts';

const pathsMax = 50;
const prefix = 'backupbot.backup.volumes.';

export type Labelled = { at: string; labels: ReadonlyMap<string, string>; volumes: readonly string[] };

export function backupPlan(services: ReadonlyMap<string, Labelled>): BackupPlan {
  const taken = new Set<string>();
  const planned = [...services]
    .filter(([, { labels }]) => labels.get('backupbot.backup') === 'true')
    .map(([service, { at, labels, volumes }]) => {
      const own = volumes.filter((volume) => labels.get(prefix + volume) !== 'false' && !taken.has(volume));
      // A volume that two services share is backed up once.
      for (const volume of own) taken.add(volume);
      const hook = (name: string): string | null => labels.get(`backupbot.${name}`) || null;
      return {
        service,
        volumes: own.map((volume) => ({ volume, paths: pathsOf(labels.get(`${prefix}${volume}.path`), service, at) })),
        preHook: hook('backup.pre-hook'),
        postHook: hook('backup.post-hook'),
        restorePreHook: hook('restore.pre-hook'),
        restorePostHook: hook('restore.post-hook'),
      };
    });
  return { services: planned };
}

function pathsOf(written: string | undefined, service: string, at: string): string[] | null {
  if (written === undefined || written === '') return null;
  const paths = written.split(',').map((path) => path.trim().replace(/\/+$/, ''));
  const isWrong = (path: string) =>
    /^\/|[\\\p{Cc}]/u.test(path) || path.split('/').some((part) => ['', '.', '..'].includes(part));
  const wrong = paths.find(isWrong);
  if (wrong !== undefined || paths.length > pathsMax)
    refuse(
      at,
      `services.${service}.deploy.labels`,
      `the backup path ${shown(wrong ?? written)} is not allowed`,
      'name folders inside the volume',
    );
  return paths;
}
