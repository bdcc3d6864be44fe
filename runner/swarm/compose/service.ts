// One service of a compose file: the allow-list of its keys and their values. Pure. Keys that Swarm ignores
// (`depends_on`, `restart`) or that the harness sets (`logging`, container labels) are checked and left out.

import { refuse, shown } from '../app/refused.ts';
import { type Deploy, deploy, labels } from './deploy.ts';
import { type Grant, grants, mounts, type ServiceMount } from './mounts.ts';
import { type Attachment, attachments, type Port, ports } from './net.ts';
import {
  dropped,
  durationReader,
  filePath,
  flag,
  form,
  group,
  integer,
  type Json,
  listOf,
  named,
  never,
  oneOf,
  pairs,
  type Reader,
  text,
  texts,
} from './shape.ts';
import type { ComposeTree } from './tree.ts';

export const graceSecondsMax = 600;
const hourSeconds = 3600;
const numberMax = 2 ** 31;

/** `plain` is copied into the document unchanged. */
export type ServiceDraft = {
  at: string;
  plain: { [key: string]: Json };
  environment: Map<string, string | null>;
  envFiles: { at: string; path: string }[];
  deploy: Deploy;
  /** The service's networks; null if it names none: it is then on the stack's default network. */
  attachments: Map<string, Attachment> | null;
  mounts: ServiceMount[];
  configs: Grant[];
  secrets: Grant[];
  ports: Port[];
};

/** In a command, `80` and `true` are ordinary words. */
const word: Reader<string> = (tree, path) =>
  text(tree.kind === 'scalar' && tree.value !== null ? { ...tree, value: tree.text } : tree, path);
const words: Reader<string | string[]> = (tree, path) =>
  tree.kind === 'list' ? listOf(word)(tree, path) : text(tree, path);

const healthcheck = group({
  test: words,
  interval: durationReader(hourSeconds),
  timeout: durationReader(hourSeconds),
  start_period: durationReader(24 * hourSeconds),
  retries: integer(0, 10_000),
  disable: flag,
});

const ulimitName =
  /^(core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack)$/;
const ulimit: Reader<Json> = (tree, path) =>
  tree.kind === 'group'
    ? (group({ soft: integer(-1, numberMax), hard: integer(-1, numberMax) })(tree, path) as Json)
    : integer(-1, numberMax)(tree, path);

const ulimits: Reader<Json> = (tree, path) => Object.fromEntries(named(ulimitName, ulimit)(tree, path));

/** Accepts only settings of the container's own network, because others may affect the host. */
const sysctls: Reader<Json> = (tree, path) => {
  const read = [...pairs(tree, path)].map(([name, value]) => {
    if (!/^net\.(ipv4|ipv6)\.[a-zA-Z0-9_.-]+$|^net\.core\.somaxconn$/.test(name) || name.includes('..'))
      refuse(
        tree.at,
        path,
        `the setting ${shown(name)} is not allowed`,
        'only net.ipv4, net.ipv6 and net.core.somaxconn are',
      );
    if (!/^[-0-9 \t]{1,100}$/.test(value ?? ''))
      refuse(tree.at, path, `${shown(name)} has no numeric value`, 'write a number');
    return [name, value as string];
  });
  return Object.fromEntries(read);
};

const address = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/;
const extraHosts: Reader<string[]> = (tree, path) => {
  const read = tree.kind === 'group' ? [...pairs(tree, path)] : listOf(text)(tree, path).map(hostOf);
  return read.map(([host, to]) => {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(host) || !address.test(to ?? ''))
      refuse(tree.at, path, `${shown(`${host}:${to}`)} is not allowed`, 'only a name and a plain address are');
    return `${host}:${to}`;
  });
};

const envFiles: Reader<{ at: string; path: string }[]> = (tree, path) => {
  const one: Reader<{ at: string; path: string }> = (item, path) => ({ at: item.at, path: filePath(item, path) });
  return tree.kind === 'list' ? listOf(one)(tree, path) : [one(tree, path)];
};

const dependsOn: Reader<unknown> = (tree, path) =>
  tree.kind === 'list'
    ? listOf(text)(tree, path)
    : named(/^[a-z0-9][a-z0-9_-]*$/, group({ condition: text, required: flag, restart: flag }))(tree, path);

const loggingOptions: Reader<unknown> = (tree, path) => named(/^[a-z0-9-]+$/, word)(tree, path);

const service = group({
  image: form(/^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$/, 'the name of an image'),
  command: words,
  entrypoint: words,
  environment: pairs,
  env_file: envFiles,
  healthcheck: (tree, path) => healthcheck(tree, path) as { [key: string]: Json },
  deploy,
  volumes: mounts,
  tmpfs: texts(form(/^\/[^:{},\p{Cc}]*(:[a-z0-9=,]+)?$/u, 'a path in the container')),
  configs: grants,
  secrets: grants,
  networks: attachments,
  ports,
  stop_grace_period: durationReader(graceSecondsMax),
  stop_signal: form(/^[A-Z0-9+-]{1,12}$/, 'a signal'),
  init: flag,
  tty: flag,
  stdin_open: flag,
  read_only: flag,
  user: form(/^[a-zA-Z0-9_.-]{1,64}(:[a-zA-Z0-9_.-]{1,64})?$/, 'a user'),
  working_dir: form(/^\/[^{}\p{Cc}]*$/u, 'a path in the container'),
  hostname: form(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/, 'the name of a host'),
  ulimits,
  sysctls,
  extra_hosts: extraHosts,

  labels: dropped(labels),
  logging: dropped(group({ driver: text, options: loggingOptions })),
  depends_on: dropped(dependsOn),
  expose: dropped(listOf(form(/^\d{1,5}(-\d{1,5})?(\/(tcp|udp))?$/, 'a port'))),
  restart: dropped(oneOf('no', 'always', 'on-failure', 'unless-stopped')),
  container_name: dropped(text),

  build: never('name an existing image'),
  privileged: never('remove it'),
  devices: never('remove it'),
  device_cgroup_rules: never('remove it'),
  cap_add: never('remove it'),
  security_opt: never('remove it; Swarm ignores it'),
  cgroup_parent: never('remove it'),
  cgroupns_mode: never('remove it'),
  cgroup: never('remove it'),
  userns_mode: never('remove it'),
  network_mode: never("use `networks`; apps may not use the host's network"),
  pid: never("remove it; apps may not see the host's processes"),
  ipc: never("remove it; apps may not share the host's memory"),
  uts: never('remove it'),
  credential_spec: never('remove it'),
  volumes_from: never('use a named volume'),
  extends: never('write the service in full, or use an overlay file'),
  profiles: never('use an overlay file'),
});

const networkless = new Set([
  'environment',
  'env_file',
  'deploy',
  'volumes',
  'configs',
  'secrets',
  'networks',
  'ports',
]);

export function serviceDraft(tree: ComposeTree, path: string, at: string): ServiceDraft {
  const read = service(tree, path);
  const plain = Object.fromEntries(Object.entries(read).filter(([key]) => !networkless.has(key)));
  return {
    at,
    plain: plain as ServiceDraft['plain'],
    environment: read.environment ?? new Map(),
    envFiles: read.env_file ?? [],
    deploy: read.deploy ?? { plain: {}, labels: new Map() },
    attachments: read.networks ?? null,
    mounts: read.volumes ?? [],
    configs: read.configs ?? [],
    secrets: read.secrets ?? [],
    ports: read.ports ?? [],
  };
}

function hostOf(item: string): [string, string] {
  const [, host = '', to = ''] = /^([^:=]*)[:=]([\s\S]*)$/.exec(item) ?? [];
  return [host, to];
}
