// Lint rules about backup: invalid labels, volumes that are not backed up. Pure. compose/backupPlan.ts reads the labels
// and ignores mistakes; they are reported here.

import {
  type LintGround,
  type LintHit,
  type LintRule,
  type LintService,
  labelsOf,
  type Pair,
  subtree,
} from './ground.ts';

const prefix = 'backupbot.backup.volumes.';
const hooks = ['backup.pre-hook', 'backup.post-hook', 'restore.pre-hook', 'restore.post-hook'].map(
  (name) => `backupbot.${name}`,
);

export const backupRules: LintRule[] = [
  {
    id: 'C015',
    severity: 'error',
    title: 'backup labels name volumes of their service and are true or false',
    look: (ground) => labelled(ground).flatMap(({ service, label }) => mistake(ground, service, label)),
  },
  {
    id: 'C016',
    severity: 'warning',
    title: 'backup labels are known to backup-bot-two and on a service that is backed up',
    look: (ground) =>
      labelled(ground).flatMap(({ service, label: { key, at } }): LintHit[] => {
        const isKnown = key === 'backupbot.backup' || key.startsWith(prefix) || hooks.includes(key);
        if (!isKnown) return [{ where: at, what: `${key} is not a known label`, fix: 'remove it' }];
        const isOn = labelsOf(service).some(({ key, value }) => key === 'backupbot.backup' && value === 'true');
        return isOn ? [] : [{ where: at, what: `${key} has no effect`, fix: 'add backupbot.backup=true' }];
      }),
  },
  {
    id: 'C017',
    severity: 'warning',
    title: 'every volume is backed up',
    look: ({ app, compose }) => {
      const backedUp = new Set(app.backup.services.flatMap(({ volumes }) => volumes.map(({ volume }) => volume)));
      return app.volumes
        .filter((volume) => !backedUp.has(volume))
        .map((volume) => ({
          where: volumeAt(compose, volume),
          what: `${volume} is not backed up`,
          fix: 'label its service, unless its data may be lost',
        }));
    },
  },
];

function labelled({ services }: LintGround): { service: LintService; label: Pair }[] {
  return services.flatMap((service) =>
    labelsOf(service)
      .filter(({ key }) => key.startsWith('backupbot.'))
      .map((label) => ({ service, label })),
  );
}

function mistake({ app }: LintGround, { name }: LintService, { key, value, at }: Pair): LintHit[] {
  const volumes = app.services[name]?.volumes;
  // Without volumes, the service is only in an overlay that the run does not use.
  if (volumes === undefined) return [];
  const isFlag = key === 'backupbot.backup' || (key.startsWith(prefix) && !key.endsWith('.path'));
  if (isFlag && value !== 'true' && value !== 'false' && !value?.includes('$'))
    return [{ where: at, what: `${key} is ${value || 'empty'}`, fix: 'write "true" or "false", in quotes' }];
  if (hooks.includes(key) && !value) return [{ where: at, what: `${key} is empty`, fix: 'name a command' }];
  if (!key.startsWith(prefix)) return [];
  const volume = key.slice(prefix.length);
  const isThere = volumes.includes(volume) || volumes.includes(volume.replace(/\.path$/, ''));
  if (isThere) return [];
  return [{ where: at, what: `${key} names no volume of ${name}`, fix: `${name} has ${volumes.join(', ') || 'none'}` }];
}

function volumeAt(compose: LintGround['compose'], volume: string): string {
  const section = compose.map(({ tree }) => subtree(tree, 'volumes')).find((tree) => subtree(tree, volume));
  return (section?.kind === 'group' ? section.entries.get(volume)?.at : undefined) ?? compose[0]?.file ?? '';
}
