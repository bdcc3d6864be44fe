import { once } from 'node:events';
import { existsSync, realpathSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RunnerError } from '../../../../runner/box/errors.ts';
import { markBytesMax, marksMax } from '../../../../runner/swarm/suite/contextCalls.ts';
import {
  type Context,
  contextSocket,
  openContext,
  requestBytesMax,
} from '../../../../runner/swarm/suite/contextServer.ts';
import { hostDenialsMax } from '../../../../runner/swarm/suite/reachable.ts';
import { appHost, type FakeApp } from '../../../support/app/appHost.ts';
import { isRoot } from '../../../support/box.ts';
import { tempDir } from '../../../support/temp.ts';

type Answer = { status: number; text: string };

async function contextOf(app: FakeApp = {}, more: { idleMs?: number } = {}): Promise<Context> {
  const dir = join(realpathSync(tempDir()), 'context');
  const context = await openContext({ dir, host: appHost(app), owner: null, ...more });
  onTestFinished(() => context.close());
  return context;
}

function ask({ dir }: Context, method: string, path: string, body: string | Buffer = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: join(dir, contextSocket), method, path }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function exec(context: Context, more: object): Promise<Answer> {
  const call = { service: 'app', command: ['true'], seconds: 20, ...more };
  return ask(context, 'POST', '/exec', JSON.stringify(call));
}

/** Sends raw bytes, and returns everything received until the connection ends. */
async function raw({ dir }: Context, ...parts: string[]): Promise<string> {
  const socket = net.connect(join(dir, contextSocket));
  for (const part of parts) socket.write(part);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** Serves an echo: waits for the end of the input, sends it back, then ends the connection; returns the port. */
async function echoAtEnd(): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => socket.end(`heard ${text}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as net.AddressInfo).port;
}

async function web(): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.end('page');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, asked };
}

describe('the context of a run', () => {
  test('describes the run', async () => {
    const { status, text } = await ask(await contextOf(), 'GET', '/about');
    expect([status, JSON.parse(text)]).toMatchObject([200, { stack: 'cp0123456789ab', services: ['app', 'db'] }]);
  });

  test('runs commands with their input, and returns both streams and the exit code', async () => {
    const stdin = Buffer.from([0, 255, 10]).toString('base64');
    const { text } = await exec(await contextOf(), { command: ['sh', '-c', 'cat; echo bad >&2; exit 3'], stdin });
    expect(JSON.parse(text)).toEqual({ exit: 3, timedOut: false, stdout: stdin, stderr: 'YmFkCg==' });
  });

  test('stores marks, including binary and empty ones', async () => {
    const context = await contextOf();
    expect((await ask(context, 'GET', '/marks/seed')).status).toBe(404);
    expect((await ask(context, 'PUT', '/marks/seed', 'one')).status).toBe(204);
    expect((await ask(context, 'PUT', '/marks/seed', '')).status).toBe(204);
    expect(await ask(context, 'GET', '/marks/seed')).toEqual({ status: 200, text: '' });
    expect((await ask(context, 'GET', '/marks/__proto__')).status).toBe(404);
  });

  test("returns services' logs and the run's secrets", async () => {
    const context = await contextOf({ secrets: { db_password: 's3cret' } });
    expect(await ask(context, 'GET', '/logs/db')).toEqual({ status: 200, text: 'db is up\n' });
    expect(await ask(context, 'GET', '/secrets/db_password')).toEqual({ status: 200, text: 's3cret' });
    expect(context.denials()).toEqual([]);
  });

  test('connects to a service, and lets each side end separately', async () => {
    const port = await echoAtEnd();
    const { dir } = await contextOf({ ports: { app: { 7: port } } });
    const socket = net.connect({ path: join(dir, contextSocket), allowHalfOpen: true });
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.write(connectTo('app:7'));
    socket.end('half of it');
    await once(socket, 'end');
    expect(heard).toBe('HTTP/1.1 200 Connection Established\r\n\r\nheard half of it');
  });

  test('forwards proxy requests of http clients', async () => {
    const { port, asked } = await web();
    const context = await contextOf({ ports: { app: { 80: port, 8080: port } } });
    expect(await ask(context, 'GET', 'http://app/a?b')).toEqual({ status: 200, text: 'page' });
    expect(await ask(context, 'POST', 'http://cp0123456789ab_app:8080/c', 'x')).toEqual({ status: 200, text: 'page' });
    expect(asked).toEqual(['GET /a?b app', 'POST /c cp0123456789ab_app:8080']);
  });

  test('reports a service that does not answer', async () => {
    const context = await contextOf({ ports: { app: {} } });
    const text = 'connect to app:81: the container does not listen there';
    expect(await ask(context, 'GET', 'http://app:81/')).toEqual({ status: 502, text });
    expect(await raw(context, connectTo('app:81'))).toContain(text);
    expect(context.denials()).toEqual([]);
  });
});

describe('the boundary of a run', () => {
  const strangers = ['other', 'localhost', '127.0.0.1', '[::1]', '10.0.1.5', 'host.docker.internal', 'cp99_app'];

  test.each(strangers)('keeps %s out of reach of requests and of tunnels, and records each attempt', async (host) => {
    const reached: string[] = [];
    const connect = async (service: string) => {
      reached.push(service);
      return new PassThrough();
    };
    const context = await contextOf({ connect });
    expect((await ask(context, 'GET', `http://${host}:80/`)).status).toBe(403);
    expect(await raw(context, connectTo(`${host}:443`))).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
    const name = host.replace(/[[\]]/g, '');
    expect(context.denials()).toHaveLength(2);
    expect(context.denials()[0]).toMatch(
      new RegExp(`^connect to ${name}:80: .*not a service of this run; available: app, db$`),
    );
    expect(reached).toEqual([]);
  });

  test('denies commands in and logs of other services, and secrets that the run does not have', async () => {
    const context = await contextOf();
    expect((await exec(context, { service: 'other' })).status).toBe(403);
    expect((await ask(context, 'GET', '/logs/other')).status).toBe(403);
    expect((await ask(context, 'GET', '/secrets/other')).status).toBe(403);
    expect(context.denials()).toEqual([
      'exec in other: not a service of this run; available: app, db',
      'logs of other: not a service of this run; available: app, db',
      'secret other: this run has no such secret',
    ]);
  });

  test('allows connections to an app that the run needs, but no commands in it', async () => {
    const { port } = await web();
    const host = 'cp0123456789ab-oidc_app';
    const about = { needs: { oidc: { host, env: {} } } };
    const context = await contextOf({ about, ports: { [host]: { 80: port } } });
    const services = ['app', 'db'];
    const only = await contextOf({ about: { ...about, services }, ports: { [host]: { 80: port } } });
    expect((await ask(context, 'GET', `http://${host}/`)).status).toBe(200);
    expect((await ask(only, 'GET', `http://${host}/`)).status).toBe(200);
    expect((await exec(only, { service: host })).status).toBe(403);
  });

  test('records a limited number of denials, each once and on one short line', async () => {
    const context = await contextOf();
    for (let n = 0; n < hostDenialsMax + 10; n += 1) await ask(context, 'GET', `/secrets/s${n}`);
    await ask(context, 'GET', '/secrets/s0');
    expect(context.denials()).toHaveLength(hostDenialsMax);
    expect(context.denials().at(-1)).toBe('and 11 more');
    expect(context.denials().every((line) => line.length <= 300 && !line.includes('\n'))).toBe(true);
  });
});

describe('a hostile box', () => {
  test.each([
    ['a command that is not a list', { command: 'true' }],
    ['an empty command', { command: [] }],
    ['a NUL byte', { command: ['a\0b'] }],
    ['an unknown key', { privileged: true }],
    ['a time limit that is too long', { seconds: 1e9 }],
    ['a user with a blank', { user: 'root -v' }],
  ])('is told what is wrong with %s', async (_what, more) => {
    const { status, text } = await exec(await contextOf(), more);
    expect([status, text]).toEqual([400, expect.stringMatching(/^exec: /)]);
  });

  test.each([
    ['POST', '/exec', 400],
    ['GET', '/', 404],
    ['GET', '/marks/', 400],
    ['GET', '/marks/a%2f..%2fb', 400],
    ['GET', '/logs/../about', 400],
    ['DELETE', '/marks/a', 404],
    ['GET', '/about/x', 400],
    ['GET', `/marks/${'a'.repeat(101)}`, 400],
    ['GET', 'ftp://app/', 400],
  ])('that sends %s %s gets the status %i', async (method, path, status) => {
    expect((await ask(await contextOf(), method, path, method === 'POST' ? '{' : '')).status).toBe(status);
  });

  test('cannot exceed the limits on the number and size of marks', async () => {
    const context = await contextOf();
    expect((await ask(context, 'PUT', '/marks/big', Buffer.alloc(markBytesMax + 1))).status).toBe(413);
    for (let n = 0; n < marksMax; n += 1) await ask(context, 'PUT', `/marks/m${n}`, 'x');
    expect((await ask(context, 'PUT', '/marks/one-more', 'x')).status).toBe(413);
    expect((await ask(context, 'PUT', '/marks/m0', 'y')).status).toBe(204);
  });

  test('cannot send a request body that is too large, whether or not it announces the length', async () => {
    const context = await contextOf();
    const head = (more: string) => `POST /exec HTTP/1.1\r\nHost: x\r\n${more}\r\n\r\n`;
    const flood = 'x'.repeat(requestBytesMax + 1);
    expect(await raw(context, head(`Content-Length: ${flood.length}`), flood)).toMatch(/^HTTP\/1.1 413 /);
    const chunked = head('Transfer-Encoding: chunked');
    expect(await raw(context, chunked, `${flood.length.toString(16)}\r\n${flood}`)).toMatch(/^HTTP\/1.1 413 /);
    expect((await ask(context, 'GET', '/about')).status).toBe(200);
  });

  test('gets neither an answer that is too large nor the text of an internal error', async () => {
    const stdout = Buffer.alloc(9 * 1024 * 1024);
    const flood = async () => ({ exit: 0, timedOut: false, stdout, stderr: Buffer.alloc(0) });
    expect((await exec(await contextOf({ exec: flood }), {})).status).toBe(413);
    const broken = (error: Error) => contextOf({ exec: () => Promise.reject(error) });
    expect(await exec(await broken(new Error('ENOENT /var/lib/coldpass')), {})).toEqual({
      status: 502,
      text: 'the run could not carry out the call',
    });
    const text = 'no container of app runs';
    expect(await exec(await broken(new RunnerError('engine', text)), {})).toEqual({ status: 502, text });
  });

  test('that sends nothing, or stops half-way, is disconnected', async () => {
    const context = await contextOf({}, { idleMs: 100 });
    expect(await raw(context)).toBe('');
    expect(await raw(context, 'POST /exec HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{')).toBe('');
    expect(await raw(context, 'rubbish\r\n\r\n')).toBe('');
    expect((await ask(context, 'GET', '/about')).status).toBe(200);
  });

  test('that goes away leaves no connection to the service open', async () => {
    const target = new PassThrough();
    const context = await contextOf({ connect: async () => target });
    const socket = net.connect(join(context.dir, contextSocket));
    socket.write(connectTo('app:80'));
    await once(socket, 'data');
    socket.destroy();
    if (!target.closed) await once(target, 'close');
    expect(target.destroyed).toBe(true);
  });

  test.each([
    ['an invalid status', 'HTTP/1.1 099 odd\r\nContent-Length: 0\r\n\r\n'],
    ['rubbish', 'rubbish\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
  ])('cannot harm us through a service that answers with %s', async (_what, answer) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.end(answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const context = await contextOf({ ports: { app: { 80: (server.address() as net.AddressInfo).port } } });
    expect((await ask(context, 'GET', 'http://app/')).status).toBe(502);
    expect((await ask(context, 'GET', '/about')).status).toBe(200);
  });

  test('does not get the text of an internal error when a connection fails', async () => {
    const context = await contextOf({
      connect: () => {
        throw new Error('ENOENT /var/run');
      },
    });
    expect(await ask(context, 'GET', 'http://app/')).toEqual({
      status: 502,
      text: 'connect to app:80: nothing answers there',
    });
  });

  test('has to wait if it sends many requests at once, but gets all answers', async () => {
    let most = 0;
    let now = 0;
    const slow = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return { exit: 0, timedOut: false, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    };
    const context = await contextOf({ exec: slow });
    const answers = await Promise.all(Array.from({ length: 100 }, () => exec(context, {})));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(most).toBeLessThanOrEqual(16);
  });
});

describe('the socket', () => {
  test('when closed, is removed with its folder and every connection, and may be closed again', async () => {
    const context = await contextOf();
    const silent = raw(context);
    await ask(context, 'GET', '/about');
    await Promise.all([context.close(), context.close()]);
    expect(await silent).toBe('');
    expect(existsSync(context.dir)).toBe(false);
  });

  test('works even if its path is longer than a socket address may be', async () => {
    const dir = join(realpathSync(tempDir()), 'x'.repeat(120), 'context');
    const context = await openContext({ dir, host: appHost(), owner: null });
    onTestFinished(() => context.close());
    expect(existsSync(join(dir, contextSocket))).toBe(true);
  });

  test.skipIf(!isRoot)('is accessible only to the supervisor and the user of its box', async () => {
    const dir = join(realpathSync(tempDir()), 'context');
    const context = await openContext({ dir, host: appHost(), owner: { uid: 61003, gid: 61003 } });
    onTestFinished(() => context.close());
    const looks = [dir, join(dir, contextSocket)].map((path) => statSync(path));
    expect(looks.map(({ uid, gid, mode }) => [uid, gid, mode & 0o777])).toEqual([
      [0, 61003, 0o750],
      [0, 61003, 0o660],
    ]);
  });
});
