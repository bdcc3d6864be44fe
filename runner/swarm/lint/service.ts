// Lint rules about single services: images, healthchecks, restarts, plain-text secrets, keys that Swarm ignores. Pure.

import { type LintGround, type LintHit, type LintRule, type LintService, pairsIn, subtree, written } from './ground.ts';

const moving = /^(stable|edge|main|master|nightly|dev|develop|unstable|rolling|canary|beta|rc)$/i;
const secretName = /(^|_)(PASSWORD|PASSWD|PASS|SECRET|TOKEN|API_KEY|APIKEY|PRIVATE_KEY|SECRET_KEY|SECRET_KEY_BASE)$/i;
/** Keys that Swarm ignores in a stack. */
const ignored = ['tmpfs', 'restart', 'container_name'];

export const serviceRules: LintRule[] = [
  {
    id: 'C004',
    severity: 'error',
    title: 'every image has a tag or a digest',
    look: (ground) => images(ground, (tag) => (tag === null ? ['has no tag', 'write IMAGE:TAG'] : null)),
  },
  {
    id: 'C005',
    severity: 'error',
    title: 'no image has the tag latest',
    look: (ground) =>
      images(ground, (tag) => (tag === 'latest' ? ['is always the newest image', 'name a version'] : null)),
  },
  {
    id: 'C006',
    severity: 'warning',
    title: 'no image has a moving tag',
    look: (ground) =>
      images(ground, (tag) => (moving.test(tag ?? '') ? ['may be another image tomorrow', 'name a version'] : null)),
  },
  {
    id: 'C010',
    severity: 'warning',
    title: 'every service has a healthcheck',
    look: ({ services, app }) =>
      services
        .filter((service) => !(app.services[service.name]?.hasHealthcheck ?? has(service, 'healthcheck')))
        .map(({ name, at }) => ({ where: at, what: `${name} has no healthcheck`, fix: 'add one: Swarm waits for it' })),
  },
  {
    id: 'C011',
    severity: 'error',
    title: 'healthcheck.start_period contains no variable',
    look: ({ services }) =>
      services.flatMap(({ trees }) =>
        trees.flatMap((tree): LintHit[] => {
          const period = subtree(subtree(tree, 'healthcheck'), 'start_period');
          if (!written(period)?.includes('$')) return [];
          return [
            { where: period?.at ?? '', what: 'abra resolves no variable in start_period', fix: 'write the value' },
          ];
        }),
      ),
  },
  {
    id: 'C012',
    severity: 'warning',
    title: 'every service has a restart_policy',
    look: ({ services }) =>
      services
        .filter(({ trees }) => !trees.some((tree) => subtree(subtree(tree, 'deploy'), 'restart_policy')))
        .map(({ name, at }) => ({
          where: at,
          what: `${name} has no restart_policy`,
          fix: 'add one under `deploy`',
        })),
  },
  {
    id: 'C013',
    severity: 'error',
    title: 'no secret is in plain text',
    look: ({ services, sample }) => [
      ...services
        .flatMap(({ trees }) => trees.flatMap((tree) => pairsIn(subtree(tree, 'environment'))))
        .filter(({ key, value }) => isSecret(key, value))
        .map(({ key, at }) => ({
          where: at,
          what: `${key} has its value in the compose file`,
          fix: `use a secret, and ${key}_FILE`,
        })),
      ...[...sample.values]
        .filter(([key, value]) => isSecret(key, value))
        .map(([key]) => ({
          where: sample.at.get(key) ?? '.env.sample',
          what: `${key} has the same value in every installation`,
          fix: 'use a secret, which is generated',
        })),
    ],
  },
  {
    id: 'C014',
    severity: 'warning',
    title: 'nothing is set that Swarm ignores',
    look: ({ services }) =>
      services.flatMap(({ trees }) =>
        trees.flatMap((tree) =>
          ignored.flatMap((key): LintHit[] => {
            const at = tree.entries.get(key)?.at;
            return at === undefined ? [] : [{ where: at, what: `Swarm ignores ${key}`, fix: 'remove it' }];
          }),
        ),
      ),
  },
];

function images({ services }: LintGround, judge: (tag: string | null) => [string, string] | null): LintHit[] {
  return services.flatMap(({ trees }) =>
    trees.flatMap((tree): LintHit[] => {
      const image = tree.entries.get('image');
      const name = written(image?.value);
      // A digest is better than any tag; the value of a variable is unknown here.
      if (image === undefined || name === null || /@sha256:|\$/.test(name)) return [];
      const wrong = judge(/:([^/:]+)$/.exec(name)?.[1] ?? null);
      return wrong === null ? [] : [{ where: image.at, what: `${name} ${wrong[0]}`, fix: wrong[1] }];
    }),
  );
}

function has({ trees }: LintService, key: string): boolean {
  return trees.some((tree) => tree.entries.has(key));
}

function isSecret(name: string, value: string | null): boolean {
  if (value === null || !secretName.test(name)) return false;
  return value !== '' && !value.includes('$') && !/^(true|false|yes|no|\d{1,2}|\/run\/secrets\/.*)$/i.test(value);
}
