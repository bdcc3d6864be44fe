// Turns merged compose files into the document for `docker stack deploy`. The document declares everything that it
// uses, labels everything that it creates, takes nothing of the host, and is adapted to the platform. Pure. It is JSON
// with each `$` doubled, because docker resolves variables again.

import type { Labels } from '../app/app.ts';
import { refuse, shown } from '../app/refused.ts';
import type { Declared } from './declared.ts';
import type { FileDraft } from './file.ts';
import { escaped } from './interpolate.ts';
import type { Grant } from './mounts.ts';
import type { ServiceDraft } from './service.ts';
import type { Json } from './shape.ts';

const documentCharsMax = 1024 * 1024;
const serviceNameCharsMax = 63;

/** `ipvs`: whether the kernel has IPVS; without it, a virtual IP looks healthy but is unreachable. */
export type DeployGround = { stack: string; network: string; labels: Labels; ipvs: boolean };
/** What the services use. An object that is only declared is not created. */
export type Used = { volumes: string[]; configs: Declared['configs']; secrets: Declared['secrets'] };

export function composeDocument(draft: FileDraft, ground: DeployGround): { document: string; used: Used } {
  for (const [name, service] of draft.services) check(name, service, draft, ground.stack);
  const services = [...draft.services.values()];
  const used = {
    volumes: [
      ...only(
        services.flatMap(({ mounts }) => mounts),
        draft.volumes,
      ).keys(),
    ],
    configs: only(
      services.flatMap(({ configs }) => configs),
      draft.configs,
    ),
    secrets: only(
      services.flatMap(({ secrets }) => secrets),
      draft.secrets,
    ),
  };
  const labels = pairsOf(Object.entries(ground.labels));
  const document = JSON.stringify(
    doubled({
      version: '3.8',
      services: Object.fromEntries([...draft.services].map(([name, service]) => [name, serviceOf(service, ground)])),
      networks: { default: { labels }, ...networksOf(draft, ground) },
      volumes: Object.fromEntries(used.volumes.map((key) => [key, { labels }])),
      configs: outside(used.configs),
      secrets: outside(used.secrets),
    }),
  );
  if (document.length > documentCharsMax) refuse(draft.at, '', 'the app is too large', 'shorten it');
  return { document: plainAscii(document), used };
}

function only<T>(uses: { source: string }[], declared: Map<string, T>): Map<string, T> {
  const sources = new Set(uses.map(({ source }) => source));
  return new Map([...declared].filter(([key]) => sources.has(key)));
}

function outside(objects: Map<string, { name: string }>): Json {
  return Object.fromEntries([...objects].map(([key, { name }]) => [key, { external: true, name }]));
}

function check(name: string, service: ServiceDraft, draft: FileDraft, stack: string): void {
  const path = `services.${name}`;
  if (typeof service.plain.image !== 'string') refuse(service.at, path, 'this service has no image', 'add `image:`');
  if (`${stack}_${name}`.length > serviceNameCharsMax)
    refuse(
      service.at,
      path,
      `the stack's name and this one are longer than ${serviceNameCharsMax} characters`,
      'shorten it',
    );
  const declared = (used: { at: string; source: string }[], of: Map<string, unknown>, section: string) => {
    for (const { at, source } of used)
      if (!of.has(source))
        refuse(at, `${path}.${section}`, `${shown(source)} is not declared`, `add it under \`${section}:\``);
  };
  declared(service.mounts, draft.volumes, 'volumes');
  declared(service.configs, draft.configs, 'configs');
  declared(service.secrets, draft.secrets, 'secrets');
  const networks = [...(service.attachments ?? [])].map(([source, { at }]) => ({ at, source }));
  declared(
    networks.filter(({ source }) => source !== 'default'),
    draft.networks,
    'networks',
  );
}

function serviceOf(service: ServiceDraft, { labels, ipvs }: DeployGround): Json {
  const { plain, deploy, attachments, mounts, configs, secrets, ports, environment } = service;
  const runLabels = Object.entries(labels);
  const env = [...environment].filter((pair): pair is [string, string] => pair[1] !== null);
  const openPorts = new Map(ports.map(({ target, protocol }) => [`${target}/${protocol}`, { target, protocol }]));
  return {
    ...plain,
    environment: pairsOf(env),
    // These labels are the same before and after an upgrade; otherwise the upgrade would replace every task because of
    // them.
    labels: pairsOf(runLabels),
    deploy: {
      ...deploy.plain,
      ...(ipvs ? {} : { endpoint_mode: 'dnsrr' }),
      labels: pairsOf([...deploy.labels, ...runLabels]),
    },
    networks: attachments && Object.fromEntries([...attachments].map(([key, { aliases }]) => [key, { aliases }])),
    volumes: mounts.map(({ source, target, isReadOnly, isEmpty }) => ({
      type: 'volume',
      source,
      target,
      read_only: isReadOnly,
      ...(isEmpty ? { volume: { nocopy: true } } : {}),
    })),
    configs: configs.map(grantOf),
    secrets: secrets.map(grantOf),
    ports: [...openPorts.values()].map((port) => ({ ...port, published: 0, mode: 'host' })),
  };
}

function networksOf(draft: FileDraft, { network, labels }: DeployGround): { [key: string]: Json } {
  return Object.fromEntries(
    [...draft.networks].map(([key, { isProxy, isInternal, isAttachable }]) => {
      if (isProxy) return [key, { external: true, name: network }];
      return [key, { internal: isInternal, attachable: isAttachable, labels: pairsOf(Object.entries(labels)) }];
    }),
  );
}

function grantOf({ at: _at, ...grant }: Grant): Json {
  return grant;
}

/**
 * Returns a list of `KEY=value`: in a list docker resolves variables in the keys too, so each doubled `$` becomes
 * single again.
 */
function pairsOf(pairs: Iterable<readonly [string, string]>): Json {
  return [...pairs].map(([key, value]) => `${key}=${value}`);
}

function doubled(json: Json): Json {
  if (typeof json === 'string') return escaped(json);
  if (Array.isArray(json)) return json.map(doubled);
  if (typeof json !== 'object' || json === null) return json;
  const members = Object.entries(json).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(members.map(([key, value]) => [key, doubled(value)]));
}

/** Escapes characters that JSON allows but docker's YAML parser rejects. */
function plainAscii(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
