// Merges compose files in order as `docker stack deploy -c a -c b` does, quirks included: a value that is empty, false
// or a zero duration overrides nothing, most lists are appended, mounts are matched by target, ports by the host's
// port. Pure. One quirk is refused instead, because nobody can want it: docker appends a healthcheck's test to the
// previous one.

import { refuse } from '../app/refused.ts';
import type { FileDraft } from './file.ts';
import type { ServiceDraft } from './service.ts';
import { type Json, secondsOf } from './shape.ts';

type Plain = { [key: string]: Json };

/** An overlay replaces these lists; it appends to all others. */
const replaced = new Set(['command', 'entrypoint']);
/** For these keys, 0 overrides like any other number. */
const countsZero = new Set(['replicas', 'retries', 'parallelism', 'max_attempts']);
/** Members of these groups are replaced as a whole. */
const keyed = new Set(['ulimits', 'sysctls']);

export function mergeFiles(files: FileDraft[]): FileDraft {
  return files.reduce((base, over) => {
    if (base.version !== over.version)
      refuse(
        over.at,
        'version',
        'docker merges only files of the same version',
        `write "${base.version ?? '3.8'}" in each`,
      );
    return {
      at: base.at,
      version: base.version,
      services: mergeMaps(base.services, over.services, mergeServices),
      volumes: new Map([...base.volumes, ...over.volumes]),
      networks: new Map([...base.networks, ...over.networks]),
      configs: new Map([...base.configs, ...over.configs]),
      secrets: new Map([...base.secrets, ...over.secrets]),
    };
  });
}

function mergeServices(base: ServiceDraft, over: ServiceDraft): ServiceDraft {
  const filled = [...over.environment].filter(([key, value]) => value || !base.environment.has(key));
  return {
    at: base.at,
    plain: mergePlain(base.plain, over.plain, over.at),
    environment: new Map([...base.environment, ...filled]),
    envFiles: [...base.envFiles, ...over.envFiles],
    deploy: {
      plain: mergePlain(base.deploy.plain, over.deploy.plain, over.at),
      labels: new Map([...base.deploy.labels, ...over.deploy.labels]),
    },
    attachments:
      base.attachments && over.attachments
        ? mergeMaps(base.attachments, over.attachments, (b, o) => (o.aliases.length > 0 ? o : b))
        : (over.attachments ?? base.attachments),
    mounts: mergeBy(({ target }) => target, base.mounts, over.mounts),
    configs: mergeBy(({ source }) => source, base.configs, over.configs),
    secrets: mergeBy(({ source }) => source, base.secrets, over.secrets),
    ports: mergeBy(
      ({ published, target, protocol }) => (published > 0 ? String(published) : `${target}/${protocol}`),
      base.ports,
      over.ports,
    ),
  };
}

function mergeMaps<T>(base: Map<string, T>, over: Map<string, T>, merge: (base: T, over: T) => T): Map<string, T> {
  const merged = new Map(base);
  for (const [key, value] of over) {
    const before = base.get(key);
    merged.set(key, before === undefined ? value : merge(before, value));
  }
  return merged;
}

/** Of items with the same key, the last one stays. If one of the lists is empty, the other is returned unchanged. */
function mergeBy<T>(keyOf: (item: T) => string, base: T[], over: T[]): T[] {
  if (base.length === 0 || over.length === 0) return [...base, ...over];
  return [...new Map([...base, ...over].map((item) => [keyOf(item), item])).values()];
}

function mergePlain(base: Plain, over: Plain, at: string): Plain {
  const merged: Plain = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in base ? mergeValue(key, base[key] as Json, value, at) : value;
  return merged;
}

function mergeValue(key: string, base: Json, over: Json, at: string): Json {
  if (isEmpty(key, over)) return base;
  if (key === 'test')
    refuse(at, 'healthcheck.test', 'docker would append this test to the previous one', 'remove one of them');
  if (isPlain(base) && isPlain(over)) return keyed.has(key) ? { ...base, ...over } : mergePlain(base, over, at);
  if (Array.isArray(base) && Array.isArray(over) && !replaced.has(key)) return [...base, ...over];
  return over;
}

function isEmpty(key: string, value: Json): boolean {
  if (value === 0) return !countsZero.has(key);
  if (typeof value === 'string') return value === '' || (/^0[\d.]*[a-zµ]/.test(value) && secondsOf(value) === 0);
  return value === false || value === null || (Array.isArray(value) && value.length === 0);
}

function isPlain(value: Json): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
