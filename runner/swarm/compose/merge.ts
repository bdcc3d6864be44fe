// Compose files laid over each other in order, as `docker stack deploy -c a -c b` does it, quirks included: what is empty,
// false or of no duration does not win, most lists are appended, mounts go by target, ports by the host's port. Pure. One
// quirk is refused instead, since nobody can want it: docker appends a healthcheck's test to the one before.

import { refuse } from '../app/refused.ts';
import type { FileDraft } from './file.ts';
import type { ServiceDraft } from './service.ts';
import { type Json, secondsOf } from './shape.ts';

type Plain = { [key: string]: Json };

/** An overlay's value replaces these lists; all others grow. */
const replaced = new Set(['command', 'entrypoint']);
/** Here 0 is a number like any other. */
const countsZero = new Set(['replicas', 'retries', 'parallelism', 'max_attempts']);
/** Members of these are replaced as wholes. */
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

/** Only where both have some does the key count. */
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
    refuse(at, 'healthcheck.test', 'docker would append this test to the one below it', 'leave one of them out');
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
