// A small app in the form that reading its compose files would give: services on the stack's network and the run's
// network, everything labelled, and addresses by name (`dnsrr`), which works on every kernel.

import type { AdmittedApp, Labels, RunNames } from '../../../runner/swarm/app/app.ts';

export function labelsOf(run: string): Labels {
  const expires = new Date(Date.now() + 3600_000).toISOString();
  return { 'coldpass.run': run, 'coldpass.claim': 'none', 'coldpass.attempt': '1', 'coldpass.expires': expires };
}

export type Shape = {
  image: string;
  command?: string | string[];
  replicas?: number;
  volumes?: string[];
  environment?: Record<string, string>;
  /** Extra keys for `deploy`. */
  deploy?: Record<string, unknown>;
  /** Extra keys for the service. */
  more?: Record<string, unknown>;
};
export type Parts = Partial<Pick<AdmittedApp, 'configs' | 'secrets' | 'version'>> & {
  stack?: string;
  networks?: Record<string, object>;
};

type Where = { names: RunNames; labels: Labels; network: string };

export function admitted(ground: Where, services: Record<string, Shape>, parts: Parts = {}): AdmittedApp {
  const { labels, names, network } = ground;
  const stack = parts.stack ?? names.stack;
  const volumes = [...new Set(Object.values(services).flatMap((shape) => shape.volumes ?? []))];
  const keys = volumes.map((mount) => mount.split(':')[0] as string);
  const named = (things: { name: string }[]) =>
    Object.fromEntries(things.map(({ name }) => [name, { external: true, name }]));
  const document = {
    version: '3.8',
    services: Object.fromEntries(
      Object.entries(services).map(([name, shape]) => [name, serviceOf(shape, labels, stack, parts)]),
    ),
    volumes: Object.fromEntries(keys.map((key) => [key, { labels }])),
    networks: parts.networks ?? { default: { labels }, proxy: { external: true, name: network } },
    configs: named(parts.configs ?? []),
    secrets: named(parts.secrets ?? []),
  };
  return {
    stack,
    version: parts.version ?? null,
    main: 'app',
    volumes: keys,
    env: {},
    backup: { services: [] },
    configs: parts.configs ?? [],
    secrets: parts.secrets ?? [],
    services: Object.fromEntries(
      Object.entries(services).map(([name, { image, replicas = 1, volumes: mounts = [] }]) => [
        name,
        { image, replicas, hasHealthcheck: false, volumes: mounts },
      ]),
    ),
    // JSON is valid YAML. Each `$` is doubled, since the docker command would read a single one as a variable.
    document: JSON.stringify(document).replaceAll('$', '$$$$'),
  };
}

function serviceOf(shape: Shape, labels: Labels, stack: string, { version, configs = [], secrets = [] }: Parts) {
  const command =
    typeof shape.command === 'string' ? ['sh', '-c', shape.command] : (shape.command ?? ['sleep', '1000']);
  const versionLabel = version ? { [`coop-cloud.${stack}.version`]: version } : {};
  return {
    image: shape.image,
    command,
    labels,
    stop_grace_period: '2s',
    environment: shape.environment ?? {},
    volumes: shape.volumes ?? [],
    configs: configs.map(({ name }) => name),
    secrets: secrets.map(({ name }) => name),
    deploy: {
      endpoint_mode: 'dnsrr',
      replicas: shape.replicas ?? 1,
      labels: { ...labels, ...versionLabel },
      restart_policy: { condition: 'any', delay: '1s' },
      update_config: { order: 'stop-first', monitor: '2s' },
      ...shape.deploy,
    },
    ...shape.more,
  };
}

/** A shell command that ends on SIGTERM, as a service's first process must. */
export function untilTerm(before = 'true'): string {
  return `${before}; trap 'exit 0' TERM; sleep 1000 & wait`;
}
