// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files contain such variables

import { describe, expect, it } from 'vitest';
import { faultsOf, forbidden, openTexts, stack } from '../../../support/app/swarmApp.ts';
import { fc } from '../../../support/property.ts';

const top = 'version: "3.8"\n';

async function whyRefused(compose: string, files: Record<string, string> = {}): Promise<string> {
  const opened = await openTexts({ 'compose.yml': compose, ...files });
  return 'refused' in opened ? opened.refused : `admitted: ${opened.app.document}`;
}

/** Returns a compose file whose service `app` has these lines. */
function service(lines: string, rest = ''): string {
  return `${top}services:\n  app:\n    image: a:1\n    ${lines}\n${rest}`;
}

describe('a key of a service', () => {
  it.each([
    [
      'volumes: ["/:/host"]',
      'compose.yml:5: services.app.volumes: a bind mount of / is not allowed; use a named volume',
    ],
    ['volumes: ["./data:/data"]', 'a bind mount of ./data'],
    ['volumes: ["~/x:/data"]', 'a bind mount of ~/x'],
    ['volumes: ["../x:/data"]', 'a bind mount of ../x'],
    ['volumes: ["$UP/x:/data"]', 'the variable UP is not set'],
    ['volumes: ["${UP:-/}:/data"]', 'a bind mount of /'],
    ['volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]', 'a bind mount of /var/run/docker.sock'],
    ['volumes: [{type: bind, source: /, target: /x}]', 'a bind mount of /'],
    ['volumes: [{type: npipe, source: x, target: /x}]', 'npipe is not allowed'],
    ['volumes: [{type: tmpfs, target: /x}]', 'tmpfs is not allowed'],
    ['volumes: [{type: volume, target: /x}]', 'a volume without a name'],
    [
      'volumes: [{type: volume, source: v, target: /x, bind: {propagation: shared}}]',
      'volumes.bind: this is not allowed',
    ],
    ['volumes: ["/data"]', 'a volume without a name'],
    ['volumes: ["vv:/data:shared"]', 'the option shared is not allowed'],
    // Docker takes a volume name of one letter for a drive.
    ['volumes: ["v:/data"]', 'a bind mount of v'],
    ['volumes: ["vv:/data"]', 'vv is not declared'],
    ['volumes: ["vv:{{.Node.Hostname}}"]', 'is not a path in the container'],
    ['privileged: true', 'services.app.privileged: this is not allowed'],
    ['devices: ["/dev/kvm"]', 'services.app.devices'],
    ['cap_add: [NET_ADMIN]', 'services.app.cap_add'],
    ['security_opt: ["seccomp=unconfined"]', 'services.app.security_opt'],
    ['network_mode: host', 'services.app.network_mode'],
    ['pid: host', 'services.app.pid'],
    ['ipc: host', 'services.app.ipc'],
    ['userns_mode: host', 'services.app.userns_mode'],
    ['cgroup_parent: x', 'services.app.cgroup_parent'],
    ['build: .', 'services.app.build'],
    ['extends: {service: x}', 'services.app.extends'],
    ['profiles: [x]', 'services.app.profiles'],
    ['shm_size: 1g', 'compose.yml:5: services.app.shm_size: this key is not allowed; remove it'],
    ['__proto__: {privileged: true}', 'services.app.__proto__: this key is not allowed'],
    ['constructor: x', 'services.app.constructor: this key is not allowed'],
    ['env_file: ../x.env', 'the file ../x.env is not allowed'],
    ['env_file: [/etc/passwd]', 'the file /etc/passwd is not allowed'],
    ['env_file: a/./b', 'the file a/./b is not allowed'],
    ['env_file: none.env', 'the file none.env is missing or a symbolic link'],
    ['env_file: bad.env', 'bad.env has a line that is not a variable'],
    ['environment: {DEBUG: yes}', 'YAML reads yes as another value; write it in quotes'],
    ['environment: {DEBUG: true}', 'docker reads true as a boolean'],
    ['environment: {VERSION: 1.10}', 'YAML reads 1.10 as another value'],
    ['environment: {MODE: 0755}', 'YAML reads 0755 as another value'],
    ['environment: {A: [b]}', 'a single value is required here'],
    ['environment: ["=x"]', 'has no name'],
    ['environment: {A: "\\0"}', 'it contains control characters'],
    ['environment: {A: "\\ud800"}', 'it contains control characters'],
    ['environment: {A: $NONE}', 'compose.yml:5: the variable NONE is not set'],
    ['command: "echo $"', 'a `$` without a variable name'],
    ['deploy: {mode: global}', 'global is not allowed; write replicated'],
    ['deploy: {replicas: 1000}', 'not a whole number from 0 to 20'],
    ['deploy: {placement: {constraints: [node.hostname == x]}}', 'the constraint node.hostname == x is not allowed'],
    ['deploy: {placement: {preferences: [{spread: x}]}}', 'preferences: this is not allowed'],
    ['deploy: {resources: {reservations: {generic_resources: []}}}', 'generic_resources: this key is not allowed'],
    ['deploy: {resources: {limits: {devices: [x]}}}', 'devices: this key is not allowed'],
    ['deploy: {labels: ["coldpass.run=r-000000000000"]}', 'the label coldpass.run is reserved'],
    ['deploy: {labels: {com.docker.stack.namespace: x}}', 'is reserved'],
    ['labels: {coldpass.run: x}', 'is reserved'],
    ['deploy: {labels: {backupbot.backup: true}}', 'docker reads true as a boolean; write it in quotes'],
    ['networks: [host]', 'host is not declared'],
    ['networks: {default: {ipv4_address: 10.0.0.1}}', 'ipv4_address: this key is not allowed'],
    ['networks: {default: {driver_opts: {x: y}}}', 'driver_opts: this key is not allowed'],
    ['ports: ["80:80:80:80"]', 'is not a port'],
    ['ports: ["1-70000:1-70000"]', 'is not a port'],
    ['ports: ["80-81:80"]', 'is not a port'],
    ['ports: [{target: 80, mode: x}]', 'x is not allowed'],
    ['configs: [c]', 'c is not declared'],
    ['secrets: [{source: s, target: ../../etc/x}]', 'is not a file name in the container'],
    ['sysctls: {kernel.shm_rmid_forced: 1}', 'the setting kernel.shm_rmid_forced is not allowed'],
    ['sysctls: ["vm.max_map_count=262144"]', 'the setting vm.max_map_count is not allowed'],
    ['sysctls: {net.ipv4..x: 1}', 'is not allowed'],
    ['sysctls: {net.core.bpf_jit_enable: 1}', 'is not allowed'],
    ['extra_hosts: ["up:host-gateway"]', 'up:host-gateway is not allowed'],
    ['extra_hosts: {up: host-gateway}', 'up:host-gateway is not allowed'],
    ['ulimits: {nofile: lots}', 'not a whole number'],
    ['ulimits: {privileged: 1}', 'this name is not allowed'],
    ['stop_grace_period: 3h', '3h is longer than 600 seconds'],
    ['stop_grace_period: soon', 'is not a duration'],
    ['healthcheck: {test: x, start_interval: 1s}', 'start_interval: this key is not allowed'],
    ['hostname: "{{.Node.Hostname}}"', 'is not the name of a host'],
    ['image: b:1', 'image is defined twice'],
    ['depends_on: {app: {privileged: true}}', 'privileged: this key is not allowed'],
    ['logging: {driver: x, options: {}, devices: [x]}', 'devices: this key is not allowed'],
    ['init: yes', 'true or false is required here'],
  ])('%s is refused', async (lines, why) => {
    const message = await whyRefused(service(lines), { 'bad.env': 'not a variable\n' });
    expect(message).toContain(why);
  });

  it.each([
    ['command: echo hi'],
    ['command: [echo, 1, true]'],
    ['entrypoint: []'],
    ['environment: {A: 1, B: -1.5, C: "", D: , E: "${F:-x}"}'],
    ['depends_on: [db]'],
    ['depends_on: {db: {condition: service_healthy}}'],
    ['healthcheck: {disable: true}'],
    ['user: "1000:1000"'],
    ['user: 1000'],
    ['ports: ["127.0.0.1:80:80", "[::1]:81:81", "53:53/udp", 8080, "3000-3002:3000-3002"]'],
    ['tmpfs: /tmp:size=64m,mode=1777'],
    ['sysctls: ["net.ipv4.ip_unprivileged_port_start=0"]'],
    ['x-note: {privileged: true}'],
    ['networks: {default: {aliases: [web]}}'],
    ['deploy: {placement: {constraints: ["node.role==manager"]}, update_config: {max_failure_ratio: 0.3}}'],
    ['volumes: ["vv:/data:ro", {type: volume, source: vv, target: /x, volume: {nocopy: true}}]'],
  ])('%s is admitted', async (lines) => {
    const opened = await openTexts({ 'compose.yml': service(lines, 'volumes: {vv: }') });
    expect('refused' in opened ? opened.refused : faultsOf(opened.app.document)).toEqual([]);
  });
});

describe('a declaration in a compose file', () => {
  it.each([
    ['volumes: {vv: {external: true}}', 'volumes.vv: an external volume is not allowed'],
    ['volumes: {vv: {driver: local, driver_opts: {type: none, o: bind, device: /}}}', 'volumes.vv.driver_opts'],
    ['volumes: {vv: {driver: sshfs}}', 'sshfs is not allowed'],
    ['volumes: {vv: {name: other_vv}}', 'the name other_vv is not allowed'],
    ['volumes: {vv: {name: "${STACK_NAME}_ww"}}', `the name ${stack}_ww is not allowed`],
    ['volumes: {"../x": }', 'this name is not allowed'],
    ['networks: {n: {external: true}}', 'the external network n is not allowed; only `proxy` is'],
    ['networks: {proxy: {external: true, name: host}}', 'the external network host'],
    ['networks: {n: {external: {name: ingress}}}', 'the external network ingress'],
    ['networks: {n: {driver: host}}', 'host is not allowed'],
    ['networks: {n: {driver_opts: {x: y}}}', 'networks.n.driver_opts'],
    ['networks: {n: {ipam: {config: []}}}', 'networks.n.ipam'],
    ['networks: {n: {name: bridge}}', 'the name bridge is not allowed'],
    ['networks: {proxy: }', 'add `external: true`'],
    [
      'configs: {c: {name: other_c, file: c}}',
      "the name other_c does not start with the stack's name; start it with ${STACK_NAME}_",
    ],
    ['configs: {c: {file: ../c}}', 'the file ../c is not allowed'],
    ['configs: {c: {file: /etc/passwd}}', 'the file /etc/passwd is not allowed'],
    ['configs: {c: {external: true, name: "${STACK_NAME}_c"}}', 'configs.c.external'],
    ['configs: {c: {content: x}}', 'configs.c.content'],
    ['configs: {c: {file: c, template_driver: x}}', 'x is not allowed; write golang'],
    ['configs: {c: }', 'this config has no file'],
    ['secrets: {s: {file: s.txt}}', 'secrets.s.file'],
    ['secrets: {s: {environment: HOME}}', 'secrets.s.environment'],
    ['secrets: {s: {external: true}}', "the name s does not start with the stack's name"],
    ['secrets: {s: {external: true, name: other_s_v1}}', "the name other_s_v1 does not start with the stack's name"],
    ['secrets: {s: {external: true, name: "${STACK_NAME}x_s"}}', "does not start with the stack's name"],
    ['secrets: {s: {name: "${STACK_NAME}_s"}}', 'this secret is not external'],
    [`secrets: {s: {external: true, name: "\${STACK_NAME}_${'s'.repeat(60)}"}}`, 'longer than 64'],
    ['include: [other.yml]', 'include: this is not allowed'],
    ['name: other', 'name: this is not allowed'],
    ['services: {app: {image: b}}', 'services is defined twice'],
    ['models: {}', 'models: this key is not allowed'],
  ])('%s is refused', async (rest, why) => {
    expect(await whyRefused(service('init: true', rest))).toContain(why);
  });

  it('a backup path is refused if it leads out of its volume', async () => {
    const label = (path: string) =>
      `deploy: {labels: [backupbot.backup=true, "backupbot.backup.volumes.vv.path=${path}"]}`;
    const compose = (path: string) => service(`volumes: ["vv:/data"]\n    ${label(path)}`, 'volumes: {vv: }');
    for (const path of ['../x', '/etc', 'a,../b', 'a/../../b'])
      expect(await whyRefused(compose(path))).toMatch(/the backup path .* is not allowed/);
    expect(await whyRefused(compose('a,b/c/'))).toContain('admitted: ');
  });
});

type Json = string | number | boolean | Json[] | { [key: string]: Json };

const whole: { [key: string]: Json } = {
  version: '3.8',
  services: {
    app: {
      image: 'a:1',
      healthcheck: { test: ['CMD', 'true'], interval: '1s' },
      volumes: [{ type: 'volume', source: 'data', target: '/data', volume: { nocopy: true } }],
      configs: [{ source: 'conf', target: '/conf', mode: 292 }],
      secrets: [{ source: 'key', target: 'key' }],
      networks: { proxy: { aliases: ['web'] }, inside: {} },
      ports: [{ target: 80, published: 80, protocol: 'tcp', mode: 'ingress' }],
      ulimits: { nofile: { soft: 1, hard: 2 } },
      depends_on: { db: { condition: 'service_started' } },
      logging: { driver: 'json-file', options: { tag: 'x' } },
      deploy: {
        replicas: 1,
        update_config: { order: 'stop-first' },
        rollback_config: { order: 'stop-first' },
        restart_policy: { condition: 'any' },
        resources: { limits: { memory: '1M' }, reservations: { cpus: '0.5' } },
        placement: { constraints: ['node.role == manager'] },
      },
    },
    db: { image: 'b:1' },
  },
  volumes: { data: { driver: 'local' } },
  networks: { proxy: { external: true }, inside: { internal: true } },
  configs: { conf: { file: 'conf.ini', template_driver: 'golang' } },
  secrets: { key: { external: true, name: '${STACK_NAME}_key_v1' } },
};
const files = { 'conf.ini': 'x=1' };

/** Returns the path, within `json`, of every object whose keys docker interprets. */
function groupsIn(json: Json, path: string[] = []): string[][] {
  if (typeof json !== 'object') return [];
  const free = ['services', 'volumes', 'networks', 'configs', 'secrets', 'options'];
  const inside = Object.entries(json).flatMap(([key, value]) => groupsIn(value, [...path, key]));
  const isFree = Array.isArray(json) || free.includes(path.at(-1) ?? '') || path.at(-1) === 'depends_on';
  return isFree ? inside : [path, ...inside];
}

function withKey(json: Json, [step, ...path]: string[], key: string, value: Json): Json {
  if (step === undefined) return { ...(json as object), [key]: value };
  if (Array.isArray(json))
    return json.map((item, index) => (String(index) === step ? withKey(item, path, key, value) : item));
  const group = json as { [key: string]: Json };
  return { ...group, [step]: withKey(group[step] as Json, path, key, value) };
}

const anyJson = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>('host', '/', '/var/run/docker.sock', true, 1, 'x', ['ALL'], ['/dev/kvm:/dev/kvm']),
    fc.array(tie('json') as fc.Arbitrary<Json>, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('privileged', 'device', 'type', 'source'), tie('json') as fc.Arbitrary<Json>, {
      maxKeys: 2,
    }),
  ),
})).json;

describe('any compose file', () => {
  it('is refused if it has a forbidden key, wherever the key is', async () => {
    const unmoved = await openTexts({ 'compose.yml': JSON.stringify(whole), ...files });
    expect('refused' in unmoved ? unmoved.refused : faultsOf(unmoved.app.document)).toEqual([]);
    const own = new Map([
      ['driver', /logging$|^volumes|^networks/],
      ['file', /^configs/],
      ['logging', /^services,\w+$/],
      ['template_driver', /^configs/],
      ['env_file', /^services,\w+$/],
    ]);
    const place = fc.constantFrom(...groupsIn(whole));
    await fc.assert(
      fc.asyncProperty(place, fc.constantFrom(...forbidden), anyJson, async (path, key, value) => {
        // Compose files may have this key at this path.
        fc.pre(!own.get(key)?.test(path.join()));
        const changed = withKey(whole, path, key, value);
        const opened = await openTexts({ 'compose.yml': JSON.stringify(changed), ...files });
        expect(opened).toMatchObject({ refused: expect.stringContaining(key) });
      }),
      { numRuns: 300 },
    );
  });

  it('is refused, or admitted as a document without faults', async () => {
    const odd = fc.oneof(
      anyJson,
      fc.string({ unit: 'binary-ascii', maxLength: 20 }),
      fc.constantFrom<Json>('$$x', '$STACK_NAME', '${DOMAIN:-/}', '/:/x', 'data:/x', '80:80'),
    );
    const key = fc.constantFrom(
      'image',
      'command',
      'environment',
      'labels',
      'volumes',
      'ports',
      'networks',
      'configs',
      'tmpfs',
      'user',
      'deploy',
      'name',
      'external',
      'source',
      'target',
      'aliases',
      'extra_hosts',
      'sysctls',
      'test',
      'mode',
      'constraints',
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...groupsIn(whole)), key, odd, async (path, key, value) => {
        const opened = await openTexts({ 'compose.yml': JSON.stringify(withKey(whole, path, key, value)), ...files });
        expect('refused' in opened ? [] : faultsOf(opened.app.document)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('passes values to the container unchanged: docker undoes the doubled dollar signs', async () => {
    const signs = fc
      .array(fc.constantFrom('$', '$', '{', '}', 'A', ':-', ' ', '"', 'é'))
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(signs, { minLength: 1, maxLength: 3 }), async (values) => {
        const environment = values.map((value, index) => `K${index}=${value.replaceAll('$', '$$$$')}`);
        const command = ['sh', '-c', '$${A} $$1'];
        const compose = { version: '3.8', services: { app: { image: 'a:1', environment, command } } };
        const opened = await openTexts({ 'compose.yml': JSON.stringify(compose) });
        if ('refused' in opened) throw new Error(opened.refused);
        expect(faultsOf(opened.app.document)).toEqual([]);
        const document = JSON.parse(opened.app.document);
        const once = JSON.parse(JSON.stringify(document).replaceAll('$$', '$'));
        expect(once.services.app.environment).toEqual(values.map((value, index) => `K${index}=${value}`));
        expect(once.services.app.command).toEqual(['sh', '-c', '${A} $1']);
      }),
    );
  });
});
