// Opens an app from texts or from the fixtures, as a run does, and checks a finished document independently of the
// product.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AdmittedApp } from '../../../runner/swarm/app/app.ts';
import { type OpenAppOptions, type OpenedApp, openApp } from '../../../runner/swarm/compose/open.ts';
import type { RunId } from '../../../state/entry/ids.ts';

export const stack = 'cp0123456789ab';
export const network = `${stack}_proxy`;
export const fixtures = resolve(import.meta.dirname, '../../fixtures/swarm');
export const labels = {
  'coldpass.run': 'r-0123456789ab',
  'coldpass.claim': '7',
  'coldpass.attempt': '1',
  'coldpass.expires': '2030-01-01T00:00:00Z',
};

/** `files`: texts by their path in the folder `app`. */
export function openTexts(files: Record<string, string>, over: Partial<OpenAppOptions> = {}): Promise<OpenedApp> {
  return open(async (path) => {
    const text = path.startsWith('app/') ? files[path.slice(4)] : undefined;
    return text === undefined ? null : Buffer.from(text);
  }, over);
}

export function openFixture(name: string, over: Partial<OpenAppOptions> = {}): Promise<OpenedApp> {
  const read = async (path: string): Promise<Buffer | null> => {
    try {
      return readFileSync(join(fixtures, path));
    } catch {
      return null;
    }
  };
  return open(read, { folder: name, ...over });
}

export function admittedOf(opened: OpenedApp): AdmittedApp {
  if ('refused' in opened) throw new Error(opened.refused);
  return opened.app;
}

function open(read: OpenAppOptions['read'], over: Partial<OpenAppOptions>): Promise<OpenedApp> {
  return openApp({
    read,
    folder: 'app',
    compose: ['compose.yml'],
    main: 'app',
    env: {},
    labels,
    network,
    platform: { ipvs: false },
    names: { run: 'r-0123456789ab' as RunId, stack, domain: 'notes.test' },
    ...over,
  });
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

type Member = { [key: string]: Json };

/**
 * Returns every way in which a document would reach the host or objects outside the run. Shares no code with what it
 * checks.
 */
export function faultsOf(text: string): string[] {
  const document = JSON.parse(text) as { [section: string]: { [key: string]: Member } };
  const sections = ['version', 'services', 'networks', 'volumes', 'configs', 'secrets'];
  const wrong = (section: string, isRight: (one: Member) => boolean): string[] =>
    Object.entries(document[section] ?? {}).flatMap(([name, one]) => (isRight(one) ? [] : [`${section} ${name}`]));
  return [
    ...scan(document, ''),
    ...Object.keys(document).filter((section) => !sections.includes(section)),
    ...Object.entries(document.services ?? {}).flatMap(([name, service]) => serviceFaults(name, service)),
    ...wrong('networks', isNetwork),
    ...wrong('volumes', (one) => keysOf(one) === 'labels' && isLabelled(one.labels)),
    ...wrong('configs', isMade),
    ...wrong('secrets', isMade),
  ];
}

function isNetwork(one: Member): boolean {
  if (one.external !== undefined)
    return keysOf(one) === 'external,name' && one.external === true && one.name === network;
  return Object.keys(one).every((key) => ['internal', 'attachable', 'labels'].includes(key)) && isLabelled(one.labels);
}

function isMade(one: Member): boolean {
  return keysOf(one) === 'external,name' && one.external === true && String(one.name).startsWith(`${stack}_`);
}

function keysOf(one: Member): string {
  return Object.keys(one).toSorted().join();
}

/** Keys that no document may contain at any depth. */
export const forbidden = [
  'privileged',
  'devices',
  'device_cgroup_rules',
  'cap_add',
  'security_opt',
  'cgroup_parent',
  'cgroupns_mode',
  'network_mode',
  'pid',
  'ipc',
  'uts',
  'userns_mode',
  'build',
  'extends',
  'include',
  'profiles',
  'driver',
  'driver_opts',
  'bind',
  'credential_spec',
  'volumes_from',
  'env_file',
  'file',
  'template_driver',
  'logging',
  'runtime',
  'isolation',
  'ipam',
  'cluster',
  'npipe',
  'develop',
  'post_start',
  'gpus',
  'generic_resources',
];

function scan(json: Json, path: string): string[] {
  if (typeof json === 'string') return json.replaceAll('$$', '').includes('$') ? [`an open $ at ${path}: ${json}`] : [];
  if (Array.isArray(json)) return json.flatMap((item) => scan(item, path));
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => [
    ...(forbidden.includes(key) && !/^\.(services|volumes|networks|configs|secrets)$/.test(path)
      ? [`${path}.${key}`]
      : []),
    ...(key.includes('$') ? [`an open $ in the key ${path}.${key}`] : []),
    ...scan(value, `${path}.${key}`),
  ]);
}

function serviceFaults(name: string, service: Member): string[] {
  const deploy = service.deploy as Member;
  const mounts = (service.volumes ?? []) as Member[];
  const ports = (service.ports ?? []) as Member[];
  const checks = {
    'has its own container labels, or lacks ours':
      isLabelled(service.labels) && (service.labels as Json[]).length === Object.keys(labels).length,
    'lacks labels': isLabelled(deploy.labels),
    'has a virtual address': deploy.endpoint_mode === 'dnsrr',
    'mounts what is no volume': mounts.every(isNamedVolume),
    'takes a port': ports.every(({ published, mode }) => published === 0 && mode === 'host'),
    'reaches the host': !JSON.stringify(service).includes('host-gateway'),
  };
  return Object.entries(checks).flatMap(([fault, isRight]) => (isRight ? [] : [`${name} ${fault}`]));
}

function isNamedVolume({ type, source }: Member): boolean {
  return type === 'volume' && /^[a-zA-Z0-9][\w-]*$/.test(String(source));
}

function isLabelled(given: Json | undefined): boolean {
  return Array.isArray(given) && Object.entries(labels).every(([key, value]) => given.includes(`${key}=${value}`));
}
