import { mkdirSync, realpathSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isInternal, parseHost } from '../../../runner/box/hosts.ts';
import { type BoxProxy, denialsMax, openProxy, socketName } from '../../../runner/box/proxy.ts';
import { commandOf, describeBoxed, finish, openBoxes, run, says } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';

/** Starts a web server that listens on loopback, records its requests and echoes them. */
async function website(): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push(
        `${request.method} ${request.url} ${request.headers.host} ${request.headers['proxy-authorization'] ?? ''}${body}`,
      );
      response.end(`page ${request.url}`);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => void server.close());
  return { port: (server.address() as net.AddressInfo).port, asked };
}

async function proxyFor(hosts: string[], resolve?: (host: string) => Promise<string[]>): Promise<BoxProxy> {
  const dir = join(realpathSync(tempDir()), 'net');
  const proxy = await openProxy({ dir, hosts, ...(resolve === undefined ? {} : { resolve }) });
  onTestFinished(() => proxy.close());
  return proxy;
}

type Answer = { status: number; text: string };

/** Sends a plain request through the proxy, as programs that follow HTTP_PROXY do. */
function get(proxy: BoxProxy, url: string, options: http.RequestOptions & { body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: join(proxy.dir, socketName), path: url, ...rest }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Opens a tunnel with CONNECT, then sends a request through it. */
function tunnel(proxy: BoxProxy, target: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: join(proxy.dir, socketName), method: 'CONNECT', path: target });
    request.on('connect', (response, socket) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
      socket.write('GET /in HTTP/1.1\r\nHost: inner\r\nConnection: close\r\n\r\n');
    });
    request.on('error', reject);
    request.end();
  });
}

describe('the proxy', () => {
  test('forwards to a granted host and port, and removes the headers that are meant for the proxy', async () => {
    const { port, asked } = await website();
    const proxy = await proxyFor([`127.0.0.1:${port}`]);
    const headers = { 'proxy-authorization': 'secret', host: 'elsewhere' };
    const answer = await get(proxy, `http://127.0.0.1:${port}/a?b`, { method: 'POST', headers, body: 'sent' });
    expect(answer).toEqual({ status: 200, text: 'page /a?b' });
    expect(asked).toEqual([`POST /a?b 127.0.0.1:${port} sent`]);
  });

  test('tunnels to a granted host and port', async () => {
    const { port } = await website();
    const answer = await tunnel(await proxyFor([`127.0.0.1:${port}`]), `127.0.0.1:${port}`);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('page /in');
  });

  test('refuses a request to any other host or port, plain or tunnelled, and records it', async () => {
    const { port, asked } = await website();
    const proxy = await proxyFor(['registry.example', `127.0.0.1:${port + 1}`]);
    expect((await get(proxy, `http://127.0.0.1:${port}/`)).status).toBe(403);
    expect((await tunnel(proxy, `127.0.0.1:${port}`)).status).toBe(403);
    expect((await tunnel(proxy, `localhost:${port}`)).status).toBe(403);
    expect((await tunnel(proxy, 'registry.example:22')).status).toBe(403);
    expect((await tunnel(proxy, 'registry.example.evil.example:443')).status).toBe(403);
    expect(proxy.denials()).toHaveLength(5);
    expect(proxy.denials()[0]).toBe(`127.0.0.1:${port} is not among the hosts granted to this command`);
    expect(asked).toEqual([]);
  });

  test('refuses a granted name that resolves into this machine, unless that address is granted too', async () => {
    const { port, asked } = await website();
    const toLoopback = async () => ['127.0.0.1'];
    const rebound = await proxyFor([`registry.example:${port}`], toLoopback);
    const answer = await tunnel(rebound, `registry.example:${port}`);
    expect(answer.status).toBe(403);
    expect(rebound.denials()[0]).toContain("resolves to 127.0.0.1, inside this machine's networks");
    expect(asked).toEqual([]);
    const granted = await proxyFor([`registry.example:${port}`, `127.0.0.1:${port}`], toLoopback);
    expect((await tunnel(granted, `registry.example:${port}`)).status).toBe(200);
  });

  test('resolves a name once, and connects to exactly the address that it got', async () => {
    const { port } = await website();
    let lookups = 0;
    const proxy = await proxyFor([`twice.example:${port}`, `127.0.0.1:${port}`], async () => {
      lookups += 1;
      return lookups === 1 ? ['127.0.0.1'] : ['192.0.2.1'];
    });
    expect((await get(proxy, `http://twice.example:${port}/`)).status).toBe(200);
    expect(lookups).toBe(1);
  });

  test('answers if a host is unreachable or a request unreadable, and keeps serving', async () => {
    const { port } = await website();
    const proxy = await proxyFor([`127.0.0.1:${port}`, '127.0.0.1:1', 'nowhere.example'], async () =>
      Promise.reject(new Error('no such name')),
    );
    expect((await get(proxy, 'http://127.0.0.1:1/')).status).toBe(502);
    expect((await tunnel(proxy, 'nowhere.example:443')).status).toBe(502);
    expect((await get(proxy, '/no-host')).status).toBe(400);
    expect((await get(proxy, 'ftp://127.0.0.1/')).status).toBe(400);
    expect((await tunnel(proxy, 'no-port')).status).toBe(400);
    expect((await get(proxy, `http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  test('records a limited number of refusals', async () => {
    const proxy = await proxyFor(['a.example']);
    await Promise.all(Array.from({ length: denialsMax + 5 }, () => get(proxy, 'http://b.example/')));
    expect(proxy.denials()).toHaveLength(denialsMax);
  });

  test('listens, however long the path of its folder is', async () => {
    const deep = join(realpathSync(tempDir()), 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(deep, { recursive: true });
    const proxy = await openProxy({ dir: join(deep, 'net'), hosts: [] });
    await proxy.close();
  });
});

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '224.0.0.1',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::7f00:1',
  'nonsense',
])('%s is an internal address', (address) => {
  expect(isInternal(address)).toBe(true);
});

test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is a public address', (address) => {
  expect(isInternal(address)).toBe(false);
});

test('a host without a port means the two web ports; anything that is not a host is refused', () => {
  expect(parseHost('Registry.Example.')).toEqual([
    { host: 'registry.example', port: 80 },
    { host: 'registry.example', port: 443 },
  ]);
  expect(parseHost('[::1]:8080')).toEqual([{ host: '::1', port: 8080 }]);
  for (const bad of ['', '*', 'a b', 'a:0', 'a:99999', 'http://a', 'a/b'])
    expect(() => parseHost(bad)).toThrow('is not a host');
});

describeBoxed('a box with granted hosts', () => {
  const fetchPage = (port: number): string =>
    `fetch('http://127.0.0.1:${port}/page').then(async (r) => console.log(r.status, await r.text()), (e) => console.log('failed', e.cause?.code))`;

  test('reaches those hosts, and nothing else, through the proxy that its environment names', async () => {
    const { sandbox } = await openBoxes();
    const [granted, other] = [await website(), await website()];
    const hosts = [`127.0.0.1:${granted.port}`];
    const program = `${fetchPage(granted.port)}.then(() => ${fetchPage(other.port)})`;
    const boxed = await sandbox.start(
      commandOf([sandbox.kit.node, '-e', program], { hosts, kit: true }),
      new AbortController().signal,
    );
    const ran = await finish(boxed);
    expect(ran.out).toMatch(/^200 page \/page\nfailed/);
    expect(other.asked).toEqual([]);
    expect(boxed.denials()).toEqual([`127.0.0.1:${other.port} is not among the hosts granted to this command`]);
  });

  test('has the proxy as its only way out', async () => {
    const { sandbox } = await openBoxes();
    const { port, asked } = await website();
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
    const ran = await run(sandbox, ['bash', '-c', script], { hosts: [`127.0.0.1:${port}`] });
    expect(ran.exit).toBe(1);
    expect(asked).toEqual([]);
  });

  test('keeps the exit code, the streams and the signals of its command', async () => {
    const { sandbox } = await openBoxes();
    const hosts = ['registry.example'];
    const ran = await run(sandbox, ['sh', '-c', 'cat; echo out; exit 9'], { hosts });
    expect(ran).toMatchObject({ started: true, exit: 9, out: 'out\n' });
    expect(await run(sandbox, ['no-such-program'], { hosts })).toMatchObject({ started: true, exit: 127 });
    expect(await run(sandbox, ['sh', '-c', 'kill -SEGV $$'], { hosts })).toMatchObject({ exit: 139 });
    const command = commandOf(['sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'], { hosts });
    const boxed = await sandbox.start(command, new AbortController().signal);
    await says(boxed, 'ready');
    expect((await boxed.stop(10_000)).exit).toBe(5);
  });

  test('can still talk to itself on its own loopback', async () => {
    const { sandbox } = await openBoxes();
    const program = `require('http').createServer((q, s) => s.end('own')).listen(8080, '127.0.0.1', () =>
      fetch('http://127.0.0.1:8080/').then((r) => r.text()).then((t) => { console.log(t); process.exit(0); }))`;
    const ran = await run(sandbox, [sandbox.kit.node, '-e', program], { hosts: ['registry.example'], kit: true });
    expect(ran.out).toBe('own\n');
  });

  test('is refused if an entry in its list is not a host', async () => {
    const { sandbox } = await openBoxes();
    const start = sandbox.start(commandOf(['true'], { hosts: ['http://x'] }), new AbortController().signal);
    await expect(start).rejects.toThrow('is not a host');
  });
});
