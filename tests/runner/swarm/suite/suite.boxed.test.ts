import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSuite } from '../../../../runner/swarm/suite/suite.ts';
import { AppRecipe } from '../../../../state/entry/recipe.ts';
import { appHost, modules, never, suiteOf } from '../../../support/app/appHost.ts';
import { loginServer } from '../../../support/app/loginServer.ts';
import { describeBoxed, openUnboxed } from '../../../support/box.ts';
import { tempDir } from '../../../support/temp.ts';

/** In a box, vitest is slow when many boxes run at once. */
const slowMs = 300_000;

const head = `import { describe, expect, test } from 'vitest';\nimport { app } from 'coldpass/app';\n`;

describeBoxed('a hook', () => {
  test('can use the app, which it may import or take as its argument', async () => {
    const ops = `import { app as same, type App } from 'coldpass/app';
export async function preBackup(app: App): Promise<void> {
  if (app !== same) throw new Error('another app');
  await app.setMark('seed', await app.output('app', 'cat; echo seeded', { stdin: 'in, ' }));
  console.log(app.stack, app.version, app.env.LEVEL, await app.mark('seed'), await app.mark('none'));
}`;
    const { suite } = await suiteOf({ 'tests/ops.ts': ops }, appHost());
    const end = await suite.hook('preBackup', never);
    expect(end.output.head).toBe('cp0123456789ab 1.0.0+2 5 in, seeded\n null\npreBackup is done\n');
    expect(end).toMatchObject({ started: true, exit: 0, timedOut: false });
  });

  test('that does not exist is reported, but is not a failure', async () => {
    const { suite } = await suiteOf({ 'tests/ops.ts': 'export async function preBackup() {}' }, appHost());
    const end = await suite.hook('preUpgrade', never);
    const head = 'no preUpgrade in /tree/tests/ops.ts, which has preBackup\n';
    expect(end).toMatchObject({ exit: 0, output: { head } });
    // The suite now knows which hooks exist: a missing one no longer needs a box, and an existing one still runs.
    const next = { started: true, exit: 0, ms: 0, output: { head: 'no preRestore in /tree/tests/ops.ts\n' } };
    expect(await suite.hook('preRestore', never)).toMatchObject(next);
    expect((await suite.hook('preBackup', never)).output.head).toBe('preBackup is done\n');
    const none = await suiteOf({}, appHost());
    const { exit, output } = await none.suite.hook('preUpgrade', never);
    expect([exit, output.head]).toEqual([0, 'no preUpgrade: there is no /tree/tests/ops.ts\n']);
  });

  test.each([
    ['throws', `throw new Error('no seed')`, /no seed/],
    ['asks for a service that does not exist', `await app.exec('other', 'true')`, /exec in other: not a service/],
    ['runs a command that fails', `await app.output('app', 'echo gone >&2; exit 4')`, /exited with 4: gone/],
    ['runs a command that takes too long', `await app.exec('app', 'exec sleep 30', { seconds: 0.2 })`, /within 0.2 s/],
    ['never ends', 'await new Promise(() => {})', /unsettled/],
  ])('that %s is a failure', async (_what, body, words) => {
    const { suite } = await suiteOf({ 'tests/ops.ts': `export async function preRestore(app) { ${body} }` }, appHost());
    const end = await suite.hook('preRestore', never);
    expect(end.exit).not.toBe(0);
    expect(end.output.head).toMatch(words);
  });

  test('is ended at its time limit', async () => {
    const ops = 'export async function preUpgrade() { setInterval(() => {}, 1000); await new Promise(() => {}); }';
    const { suite } = await suiteOf({ 'tests/ops.ts': ops }, appHost(), { seconds: { tests: 2 } });
    expect(await suite.hook('preUpgrade', never)).toMatchObject({ started: true, timedOut: true });
  });
});

describeBoxed('tests', { timeout: slowMs }, () => {
  test('are reported by file, suite and name, along with the way in which they failed', async () => {
    const files = {
      'tests/restore.test.ts': `${head}describe('restore', () => {
        test('mail message', async () => expect(await app.output('app', ['echo', 'hi'])).toBe('hi\\n'));
        test('account', () => expect(1).toBe(2));
        test('contact', () => { throw new Error('broken'); });
        test.skip('later', () => {});
      });`,
      'other/tests/restore.test.ts': `${head}test('must not run', () => {});`,
    };
    const { suite, tree } = await suiteOf(files, appHost());
    const { end, report } = await suite.tests(['tests/restore.test.ts'], 'backup_restore', never);
    expect(end.exit).toBe(1);
    expect(report.kind === 'read' && report.tests.map((one) => [one.id, one.status, one.failure?.kind])).toEqual([
      ['tests/restore.test.ts > restore > mail message', 'pass', undefined],
      ['tests/restore.test.ts > restore > account', 'fail', 'assertion'],
      ['tests/restore.test.ts > restore > contact', 'fail', 'error'],
      ['tests/restore.test.ts > restore > later', 'skip', undefined],
    ]);
    expect(readdirSync(tree).sort()).toEqual(['other', 'tests']);
  });

  test('run under our configuration, whatever the tree contains', async () => {
    const config = `export default { test: { passWithNoTests: true, retry: 5, allowOnly: true, include: ['none'] } };`;
    const files = {
      'vitest.config.ts': config,
      'vite.config.ts': config,
      'postcss.config.js': `throw new Error('read');`,
      'package.json': '{ "type": "commonjs" }',
      'tests/install.test.ts': `${head}let n = 0; test('is flaky', () => { n += 1; expect(n).toBe(2); });`,
      'tests/only.test.ts': `${head}test.only('alone', () => {}); test('left out', () => { throw new Error('x'); });`,
    };
    const { suite } = await suiteOf(files, appHost());
    const { end, report } = await suite.tests(['tests/install.test.ts', 'tests/only.test.ts'], 'install', never);
    expect(end.exit).toBe(1);
    const failed = report.kind === 'read' ? report.tests.filter(({ status }) => status === 'fail') : [];
    expect(failed.map(({ id }) => id)).toEqual(['tests/install.test.ts > is flaky', 'tests/only.test.ts > alone']);
  });

  test('count as lost if a file is missing or ran no test, even if other files pass', async () => {
    const files = { 'tests/a.test.ts': `${head}test('passes', () => {});` };
    const { suite } = await suiteOf(files, appHost());
    const { report } = await suite.tests(['tests/a.test.ts', 'tests/b.test.ts'], 'install', never);
    expect(report).toEqual({ kind: 'lost', why: 'the report has no test of tests/b.test.ts' });
    expect((await suite.tests(['tests/b.test.ts'], 'install', never)).end.exit).toBe(1);
  });

  test.each([
    ['a link', `fs.rmSync(file); fs.symlinkSync('/etc/passwd', file)`, 'the report is a link, not a file'],
    ['missing', 'fs.rmSync(file)', 'the report does not exist'],
    ['empty', '', /^the report: it is not well-formed XML/],
    ['rubbish', `fs.writeFileSync(file, '<testsuites')`, /^the report: it is not well-formed XML/],
    ['too large', 'fs.writeFileSync(file, Buffer.alloc(9 << 20))', 'the report is larger than 8 MB'],
  ])('count as lost if their report is %s', async (_what, lay, why) => {
    const test = `import fs from 'node:fs'; const file = '/out/junit.xml'; ${lay}; process.kill(process.pid, 'SIGKILL');`;
    const { suite } = await suiteOf({ 'tests/a.test.ts': test }, appHost());
    const { report } = await suite.tests(['tests/a.test.ts'], 'install', never);
    expect(report).toEqual({ kind: 'lost', why: typeof why === 'string' ? why : expect.stringMatching(why) });
  });

  test('end at once if cancelled', async () => {
    const { suite } = await suiteOf(
      { 'tests/a.test.ts': `${head}test('hangs', () => new Promise(() => {}));` },
      appHost(),
    );
    const { end, report } = await suite.tests(['tests/a.test.ts'], 'install', AbortSignal.timeout(1000));
    expect([end.exit, report.kind]).toEqual([null, 'lost']);
  });

  test('reach the app by http, https and tcp, and get its secrets and logs', async () => {
    const [port, tls, echo] = [await loginServer(), await tlsServer(), await echoServer()];
    const host = appHost({ ports: { app: { 80: port, 443: tls, 7: echo } }, secrets: { token: 's3cret' } });
    const { suite, context } = await suiteOf({ 'tests/functional.test.ts': everyWay }, host);
    const { end, report } = await suite.tests(['tests/functional.test.ts'], 'functional', never);
    expect(report.kind === 'read' && report.tests.filter(({ status }) => status === 'pass')).toHaveLength(7);
    expect(end.exit).toBe(0);
    expect(context.denials()).toEqual(['connect to other:80: not a service of this run; available: app, db']);
  });
});

test('hooks and tests of an app are refused if there is no real sandbox', () => {
  const { sandbox } = openUnboxed();
  const recipe = AppRecipe.parse({ engine: 'swarm', suite: 'tests', tests: ['tests/**'] });
  expect(() => openSuite({ sandbox, tree: '/x', out: '/z', contextDir: '/y', recipe, modules })).toThrow(
    'need a real sandbox',
  );
});

const everyWay = `${head}
test('http', async () => {
  const first = await app.http('http://app/');
  expect([first.status, first.headers['content-type']]).toEqual([401, 'text/html']);
  const login = { method: 'POST', body: 'password=secret' };
  const seen = await app.http('http://app/login', login);
  expect([seen.status, seen.headers.location]).toEqual([303, '/']);
  const cookie = seen.headers['set-cookie'].split('\\n').map((one) => one.split(';')[0]).join('; ');
  expect((await app.http('http://app/', { headers: { cookie } })).body).toContain('id="note"');
  expect((await app.http('http://app/login', { ...login, follow: true })).status).toBe(401);
});
test('https, whatever the certificate', async () => {
  expect(await app.http('https://app/x')).toMatchObject({ status: 200, body: 'by TLS: /x' });
});
test('a service that refuses is an error, never a status', async () => {
  await expect(app.http('http://app:81/')).rejects.toThrow('connect to app:81: the container does not listen there');
  await expect(app.http('http://other/')).rejects.toThrow('connect to other:80: not a service of this run');
});
test('tcp, either side ending first', async () => {
  const socket = await app.tcp('app', 7);
  socket.end('over');
  let heard = '';
  for await (const chunk of socket) heard += chunk;
  expect(heard).toBe('heard over');
});
test('secrets and logs', async () => {
  expect([await app.secret('token'), await app.logs('db')]).toEqual(['s3cret', 'db is up\\n']);
});
test('bytes', async () => {
  const { exit, stdout } = await app.exec('app', ['sh', '-c', 'od -An -tx1; exit 3'], { stdin: new Uint8Array([0, 255]) });
  expect([exit, stdout.trim()]).toEqual([3, '00 ff']);
});
test('what settles', async () => {
  let n = 0;
  expect(await app.eventually(async () => { n += 1; if (n < 3) throw new Error('not yet'); return n; })).toBe(3);
  await expect(app.eventually(async () => { throw new Error('never'); }, 0.3)).rejects.toThrow('never');
  await expect(app.eventually(() => new Promise(() => {}), 0.3)).rejects.toThrow('did not finish within 0.3 s');
});`;

async function tlsServer(): Promise<number> {
  const dir = realpathSync(tempDir());
  mkdirSync(dir, { recursive: true });
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...request, '-subj', '/CN=elsewhere', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  expect(existsSync(key)).toBe(true);
  const options = { key: readFileSync(key), cert: readFileSync(cert) };
  return listening(https.createServer(options, (request, response) => response.end(`by TLS: ${request.url}`)));
}

function echoServer(): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => socket.end(`heard ${text}`));
  });
  return listening(server);
}

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as net.AddressInfo).port;
}
