// A small app on the real Swarm is deployed, watched, queried, reached wherever it listens, stopped, started and
// removed.

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import type { AdmittedApp } from '../../runner/swarm/app/app.ts';
import { outputBytesMax } from '../../runner/swarm/engine/exec.ts';
import { awaitReady } from '../../runner/swarm/stack/ready.ts';
import { removeRun } from '../../runner/swarm/stack/removeRun.ts';
import { countOf, residueOf } from '../../runner/swarm/stack/residue.ts';
import { Ready } from '../../state/entry/recipe.ts';
import { describeSwarm } from '../support/app/engine.ts';
import { admitted, untilTerm } from '../support/app/smallApp.ts';
import { busybox, eventually, type Ground, swarmGround } from '../support/app/swarm.ts';

const testMs = 600_000;
const seconds = 300;
const standing = { failed: null, late: false, restarts: 0 };

describeSwarm.concurrent('a stack', () => {
  const image = busybox();
  const config = (ground: Ground, name: string, text: string): AdmittedApp['configs'][number] => ({
    name: `${ground.names.stack}_${name}`,
    bytes: Buffer.from(text),
    template: false,
  });

  async function stood(ground: Ground, app: AdmittedApp): Promise<void> {
    expect(await ground.stack.deploy(app)).toEqual({ failed: null });
    expect(await ground.stack.converge({ seconds, before: null })).toEqual(standing);
  }

  test(
    'deploys with secrets, configs and a version label; an upgrade changes its identity, but a label alone does not',
    async (context) => {
      const { expect } = context;
      const ground = await swarmGround(context, { password: 'a $ecret' });
      const secrets = [{ key: 'password', name: `${ground.names.stack}_password_v1`, length: 8 }];
      const configs = [config(ground, 'conf_v1', 'first')];
      const release = (version: string, environment: Record<string, string>) =>
        admitted(ground, { app: { image, command: untilTerm(), environment } }, { secrets, configs, version });
      await stood(ground, release('1.0.0+1', { A: 'one' }));
      const command = ['sh', '-c', `cat /run/secrets/${secrets[0]?.name} /${configs[0]?.name}`];
      expect(`${(await ground.stack.exec('app', { command, seconds: 20 })).stdout}`).toBe('a $ecretfirst');
      const first = await ground.stack.identity();
      expect(first).toMatchObject({ version: '1.0.0+1', services: { app: { image } } });
      expect(first.services.app?.imageId).toMatch(/^sha256:/);

      expect(await ground.stack.deploy(release('1.0.1+1', { A: 'one' }))).toEqual({ failed: null });
      expect(await ground.stack.converge({ seconds, before: first })).toEqual(standing);
      expect(await ground.stack.identity()).toEqual({ ...first, version: '1.0.1+1' });

      expect(await ground.stack.deploy(release('1.1.0+1', { A: 'two' }))).toEqual({ failed: null });
      expect(await ground.stack.converge({ seconds, before: first })).toEqual(standing);
      const second = await ground.stack.identity();
      expect(second.services.app?.spec).not.toBe(first.services.app?.spec);
      expect(second.services.app?.task).not.toBe(first.services.app?.task);

      const changed = admitted(ground, { app: { image } }, { configs: [config(ground, 'conf_v1', 'second')] });
      expect((await ground.stack.deploy(changed)).failed).toMatch(
        /config .*conf_v1 differs from the one already deployed .* raise its version in abra\.sh/,
      );
    },
    testMs,
  );

  test(
    'is reached on every address that it listens on, and nothing else answers for it',
    async (context) => {
      const { expect } = context;
      const ground = await swarmGround(context);
      const serve = (address: string) =>
        `mkdir -p /www; echo hello > /www/index.html; exec httpd -f -p ${address} -h /www`;
      const networks = { default: { labels: ground.labels, internal: true } };
      await stood(
        ground,
        admitted(
          ground,
          {
            open: { image, command: serve('0.0.0.0:80'), more: { networks: ['default', 'proxy'] } },
            loopback: { image, command: serve('127.0.0.1:80'), more: { networks: ['default', 'proxy'] } },
            internal: { image, command: serve('80') },
          },
          { networks: { ...networks, proxy: { external: true, name: ground.network } } as Record<string, object> },
        ),
      );
      for (const service of ['open', 'loopback', 'internal'])
        expect(await fetched(await ground.stack.connect(service, 80)), service).toMatch(/^HTTP\/1\.1 200 .*hello\n$/s);
      await expect(ground.stack.connect('open', 81)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await expect(ground.stack.connect('nobody', 80)).rejects.toMatchObject({ code: 'no-container' });
      const probes = [
        { service: 'open', http: '/index.html', stable: 3 },
        { service: 'internal', tcp: 80 },
        { service: 'loopback', exec: 'test -s /www/index.html || ls /www/index.html' },
      ].map((probe) => Ready.parse(probe));
      const { signal } = ground.abort;
      expect(await awaitReady(ground.stack, probes, { seconds: 30, signal })).toBeNull();
      const missing = [Ready.parse({ service: 'open', http: '/nothing' })];
      expect(await awaitReady(ground.stack, missing, { seconds: 0, signal })).toBe(
        'not ready after 0 s: http open:80/nothing: answered 404, not 200',
      );
      const closed = [Ready.parse({ service: 'internal', tcp: 81 })];
      expect(await awaitReady(ground.stack, closed, { seconds: 0, signal })).toMatch(
        /tcp internal:81: nothing listens/,
      );
      const no = [Ready.parse({ service: 'open', exec: 'echo not yet; exit 3' })];
      expect(await awaitReady(ground.stack, no, { seconds: 0, signal })).toMatch(/exit 3: not yet$/);
    },
    testMs,
  );

  test(
    'runs commands with input, user, exit code and bounded output, and kills one that takes too long',
    async (context) => {
      const { expect } = context;
      const ground = await swarmGround(context);
      await stood(ground, admitted(ground, { app: { image, command: untilTerm() } }));
      const exec = (command: string[], more: object = {}) =>
        ground.stack.exec('app', { command, seconds: 60, ...more });
      expect(await exec(['sh', '-c', 'cat; echo no >&2; exit 7'], { stdin: Buffer.from('given') })).toEqual({
        exit: 7,
        timedOut: false,
        stdout: Buffer.from('given'),
        stderr: Buffer.from('no\n'),
      });
      expect(`${(await exec(['id', '-u'], { user: '1234' })).stdout}`).toBe('1234\n');
      expect((await exec(['nothing-of-that-name'])).exit).toBeGreaterThan(125);
      const flood = await exec(['sh', '-c', 'yes | head -c 6000000']);
      expect([flood.exit, flood.stdout.length]).toEqual([0, outputBytesMax]);

      const stubborn = "trap '' TERM; (setsid sleep 987 &) ; echo begun; sleep 987";
      const late = await exec(['sh', '-c', stubborn], { seconds: 3 });
      expect({ ...late, stdout: `${late.stdout}` }).toMatchObject({ exit: null, timedOut: true, stdout: 'begun\n' });
      expect(`${(await exec(['ps'])).stdout}`).not.toContain('987');

      const running = ground.stack.exec('app', { command: ['sleep', '876'], seconds: 600 });
      await eventually(async () => expect(`${(await exec(['ps'])).stdout}`).toContain('876'));
      const processes = async () =>
        `${JSON.stringify(await ground.docker.getContainer(await containerOf(ground)).top())}`;
      ground.abort.abort(new Error('enough'));
      await expect(running).rejects.toThrow('enough');
      expect(await processes()).not.toContain('876');
      await expect(exec(['true'])).rejects.toThrow('enough');
    },
    testMs,
  );

  test(
    'stops every container, keeps its volumes, starts again, and returns logs and evidence',
    async (context) => {
      const { expect } = context;
      const ground = await swarmGround(context);
      const stubborn = "echo awake; trap '' TERM; touch /data/seen; while true; do sleep 1; done";
      const services = {
        app: { image, command: untilTerm('echo hello from app'), volumes: ['data:/data'], replicas: 2 },
        slow: { image, command: stubborn, volumes: ['data:/data'] },
      };
      await stood(ground, admitted(ground, services));
      expect(await ground.stack.logs('app', 10)).toMatch(/hello from app\n.*hello from app/s);
      const evidence = await ground.stack.evidence();
      expect(Object.keys(evidence).sort()).toEqual(['app.log', 'events.txt', 'services.json', 'slow.log', 'tasks.txt']);
      expect(evidence['tasks.txt']).toMatch(/_app\.2 .*running \(desired: running\)/);
      expect(evidence['slow.log']).toBe('awake');

      await ground.stack.stop(['app', 'slow']);
      const { volumes } = await residueOf(ground.docker, ground.run);
      const states = (await ground.docker.listContainers({ filters: { label: [`coldpass.run=${ground.run}`] } }))
        .length;
      expect([states, volumes.map(({ name }) => name)]).toEqual([0, [`${ground.names.stack}_data`]]);
      await expect(ground.stack.exec('app', { command: ['true'], seconds: 5 })).rejects.toMatchObject({
        code: 'no-container',
      });

      await ground.stack.start(['app', 'slow']);
      expect(await ground.stack.converge({ seconds, before: null })).toEqual(standing);
      expect((await ground.stack.exec('app', { command: ['ls', '/data/seen'], seconds: 20 })).exit).toBe(0);

      // Removal must also cope with an image's own volumes, a needed app's stack, and a process that ignores SIGTERM.
      const need = ground.open(`${ground.names.stack}-idp`);
      const needed = admitted(ground, { app: { image, command: untilTerm() } }, { stack: `${ground.names.stack}-idp` });
      expect(await need.deploy(needed)).toEqual({ failed: null });
      expect(await removeRun(ground.docker, ground.run)).toEqual([]);
      expect(countOf(await residueOf(ground.docker, ground.run))).toBe(0);
      expect(await removeRun(ground.docker, ground.run)).toEqual([]);
    },
    testMs,
  );
});

async function fetched(connection: Duplex): Promise<string> {
  let text = '';
  connection.on('data', (chunk) => {
    text += chunk;
  });
  connection.write('GET /index.html HTTP/1.0\r\n\r\n');
  await once(connection, 'end');
  connection.destroy();
  return text;
}

async function containerOf({ docker, run }: Ground): Promise<string> {
  const [found] = await docker.listContainers({ filters: { label: [`coldpass.run=${run}`] } });
  return found?.Id ?? '';
}
