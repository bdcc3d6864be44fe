// Lint rules about backup: labels that say nothing, volumes that nothing saves. Pure. Capability itself is read elsewhere
// (backupPlan.ts); what is mistaken there is passed over, and named here.

import { type Found, type Ground, labelsOf, memberOf, type Pair, type Rule, type Service } from './ground.ts';

const prefix = 'backupbot.backup.volumes.';
const hooks = ['backup.pre-hook', 'backup.post-hook', 'restore.pre-hook', 'restore.post-hook'].map(
  (name) => `backupbot.${name}`,
);

export const backupRules: Rule[] = [
  {
    id: 'C015',
    severity: 'error',
    title: 'backup labels name volumes of their service and hold true or false',
    look: (ground) => labelled(ground).flatMap(({ service, label }) => mistake(ground, service, label)),
  },
  {
    id: 'C016',
    severity: 'warning',
    title: 'backup labels are ones that backup-bot-two knows, on a service that is backed up',
    look: (ground) =>
      labelled(ground).flatMap(({ service, label: { key, at } }): Found[] => {
        const isKnown = key === 'backupbot.backup' || key.startsWith(prefix) || hooks.includes(key);
        if (!isKnown) return [{ where: at, what: `${key} means nothing`, fix: 'take it out' }];
        const isOn = labelsOf(service).some(({ key, value }) => key === 'backupbot.backup' && value === 'true');
        return isOn ? [] : [{ where: at, what: `${key} has no effect`, fix: 'add backupbot.backup=true' }];
      }),
  },
  {
    id: 'C017',
    severity: 'warning',
    title: 'every volume is in the backup',
    look: ({ app, compose }) => {
      const saved = new Set(app.backup.services.flatMap(({ volumes }) => volumes.map(({ volume }) => volume)));
      return app.volumes
        .filter((volume) => !saved.has(volume))
        .map((volume) => ({
          where: volumeAt(compose, volume),
          what: `${volume} is not backed up`,
          fix: 'label its service, unless nothing in it is missed',
        }));
    },
  },
];

function labelled({ services }: Ground): { service: Service; label: Pair }[] {
  return services.flatMap((service) =>
    labelsOf(service)
      .filter(({ key }) => key.startsWith('backupbot.'))
      .map((label) => ({ service, label })),
  );
}

function mistake({ app }: Ground, { name }: Service, { key, value, at }: Pair): Found[] {
  const volumes = app.services[name]?.volumes;
  // A service of an overlay that the run does not use.
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

function volumeAt(compose: Ground['compose'], volume: string): string {
  const found = compose.map(({ tree }) => memberOf(tree, 'volumes')).find((tree) => memberOf(tree, volume));
  return (found?.kind === 'group' ? found.entries.get(volume)?.at : undefined) ?? compose[0]?.file ?? '';
}
