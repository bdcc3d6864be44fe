import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { homedir, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { asksRefused, direct, type Where } from '../fixtures/live/swarmEscape/attempts.ts';
import { appHost, never, type OpenSuite, suiteOf } from '../support/app/appHost.ts';
import { describeBoxed } from '../support/box.ts';
import { tempDir } from '../support/temp.ts';

const slowMs = 300_000;
const attempts = readFileSync(join(import.meta.dirname, '../fixtures/live/swarmEscape/attempts.ts'), 'utf8');

/** Returns a hook that makes every attempt, with honest work in between; `backup` returns tests that do the same. */
const ops = (where: Where) => `import { asked, direct, inside } from './attempts.ts';
export async function preBackup(app) {
  const where = ${JSON.stringify(where)};
  await app.setMark('got', JSON.stringify({ ...(await direct(where)), ...(await inside()), ...(await asked(app, where)) }));
  await app.setMark('seed', await app.output('app', 'echo honest'));
}`;
const backup = (where: Where) => `import { expect, test } from 'vitest';
import { app } from 'coldpass/app';
import { asked, direct, inside } from './attempts.ts';
const where = ${JSON.stringify(where)};
test('gets nothing directly', async () => expect(await direct(where)).toEqual({}), 60_000);
test('changes nothing', async () => expect(await inside()).toEqual({}));
test('gets nothing by asking', async () => expect(await asked(app, where)).toEqual({}));
test('nor did the hook', async () => expect(JSON.parse(await app.mark('got'))).toEqual({}));
test('the honest work is done', async () => expect(await app.mark('seed')).toBe('honest\\n'));`;
const honest = `import { expect, test } from 'vitest';
import { app } from 'coldpass/app';
test('works', async () => expect(await app.output('app', 'echo honest')).toBe('honest\\n'));`;

describeBoxed('hooks and tests of an app', { timeout: slowMs }, () => {
  let where: Where;
  let visits: { count: number };

  beforeEach(async () => {
    ({ where, visits } = await layOutside());
  });

  test('get nothing even if they try everything, and each refused request is recorded', async () => {
    const files = { 'tests/attempts.ts': attempts, 'tests/ops.ts': ops(where), 'tests/backup.test.ts': backup(where) };
    const opened = await suiteOf(files, appHost());
    const hook = await opened.suite.hook('preBackup', never);
    expect(hook).toMatchObject({ exit: 0, output: { head: 'preBackup is done\n' } });
    const { report } = await opened.suite.tests(['tests/backup.test.ts'], 'backup_restore', never);
    expect(failuresOf(report)).toEqual([]);
    expect(visits.count).toBe(0);
    expect(opened.context.denials()).toHaveLength(asksRefused);
    expect(opened.context.denials()).toEqual(expect.arrayContaining(refusals(where)));
  });

  test('are green, and nothing is recorded, if they only do their work', async () => {
    const opened: OpenSuite = await suiteOf({ 'tests/backup.test.ts': honest }, appHost());
    const { end, report } = await opened.suite.tests(['tests/backup.test.ts'], 'backup_restore', never);
    expect([end.exit, failuresOf(report), opened.context.denials()]).toEqual([0, [], []]);
  });
});

describe('the same attempts outside a box', () => {
  test('find what they look for', async () => {
    const { where, visits } = await layOutside();
    const got = await direct(where);
    const looked = [...where.files, ...where.folders].map((path) =>
      [...Object.keys(got)].find((name) => name.endsWith(path)),
    );
    expect(looked).not.toContain(undefined);
    expect(Object.keys(got).filter((name) => name.startsWith('port '))).toHaveLength(where.ports.length);
    expect(Object.keys(got).filter((name) => name.startsWith('socket '))).toHaveLength(where.sockets.length);
    expect(got[`environment of ${where.pid}`]).toBe(`read of ${where.pid}`);
    expect(visits.count).toBeGreaterThanOrEqual(where.ports.length);
  });
});

/** Creates files, listeners and a process on this machine, each with a secret or a count of visits. */
async function layOutside(): Promise<{ where: Where; visits: { count: number } }> {
  const dir = realpathSync(tempDir());
  mkdirSync(join(dir, 'keys'), { recursive: true });
  const secret = `CANARY-${randomBytes(8).toString('hex')}`;
  writeFileSync(join(dir, 'keys', 'runner'), secret);
  const visits = { count: 0 };
  const abstract = `\0coldpass-${randomBytes(6).toString('hex')}`;
  const [everywhere] = await Promise.all([
    listening({ port: 0, host: '0.0.0.0' }, visits),
    listening({ path: abstract }, visits),
    listening({ path: join(dir, 'service.sock') }, visits),
  ]);
  const { port } = everywhere.address() as net.AddressInfo;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const hosts = addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
  const victim: ChildProcess = spawn('sleep', ['600'], { env: { KEY: secret }, stdio: 'ignore' });
  onTestFinished(() => void victim.kill('SIGKILL'));
  await once(victim, 'spawn');
  const engine = ['/var/run/docker.sock', '/run/docker.sock'].filter(existsSync);
  return {
    visits,
    where: {
      files: [join(dir, 'keys', 'runner'), ...['/etc/shadow', '/etc/machine-id'].filter(existsSync)],
      folders: [homedir(), '/var/lib', dir],
      sockets: [...engine, join(dir, 'service.sock'), abstract],
      ports: [...new Set(['127.0.0.1', ...hosts])].map((host) => ({ host, port })),
      pid: victim.pid ?? 0,
      secret,
    },
  };
}

async function listening(at: net.ListenOptions, visits: { count: number }): Promise<net.Server> {
  const server = net.createServer((socket) => {
    visits.count += 1;
    socket.on('error', () => {});
    socket.end('hello');
  });
  server.listen(at);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

function failuresOf(report: Awaited<ReturnType<OpenSuite['suite']['tests']>>['report']): unknown[] {
  return report.kind === 'read' ? report.tests.filter(({ status }) => status !== 'pass') : [report];
}

function refusals({ ports }: Where): string[] {
  const there = 'available: app, db';
  const address = 'an address, not a service of this run';
  return [
    `connect to 127.0.0.1:${ports[0]?.port}: ${address}; ${there}`,
    `connect to localhost:${ports[0]?.port}: ${address}; ${there}`,
    `connect to 169.254.169.254:80: ${address}; ${there}`,
    `connect to cpffffffffffff_app:80: not a service of this run; ${there}`,
    `exec in cpffffffffffff_app: not a service of this run; ${there}`,
    'secret admin_password: this run has no such secret',
  ];
}
