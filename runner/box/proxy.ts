// A box's only way to the network: its own HTTP proxy, on a unix socket mounted in the box (which itself has no
// network), with an exact allow-list of hosts and ports. A name is resolved once and the proxy connects to that very
// address, so a granted name cannot be pointed at this machine, its neighbours or a cloud's metadata service.

import { lookup } from 'node:dns/promises';
import { chmodSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { boxUser } from './etc.ts';
import { chooseAddress, type HostPort, hostPortName, parseHost, plainHost } from './hosts.ts';
import { absoluteUrl, boundClients, connectTarget, type Denial, forward, listenIn, refusal, tunnel } from './relay.ts';

export type BoxProxy = {
  /** The folder to mount in the box; the socket in it is named `socketName`. */
  dir: string;
  denials(): string[];
  close(): Promise<void>;
};

export const socketName = 'proxy.sock';
/** Port on the box's loopback where runner/inside/net.ts listens and forwards to the proxy. */
export const boxPort = 3128;
export const denialsMax = 100;
const connectionsMax = 256;
const idleMs = 120_000;
const connectMs = 20_000;

/** Starts one box's proxy. `resolve` returns a name's addresses. `dir` is made here and removed by `close`. */
export async function openProxy(options: {
  dir: string;
  hosts: string[];
  resolve?: (host: string) => Promise<string[]>;
}): Promise<BoxProxy> {
  const granted = new Set(options.hosts.flatMap(parseHost).map(hostPortName));
  const resolve = options.resolve ?? addressesOf;
  const denied: string[] = [];

  async function reach(target: HostPort): Promise<net.Socket | Denial> {
    try {
      const choice = await chooseAddress(target, granted, resolve);
      if ('address' in choice) return await connected(choice.address, target.port);
      if (denied.length < denialsMax) denied.push(choice.denied);
      return { status: 403, text: choice.denied };
    } catch (error) {
      return { status: 502, text: `cannot reach ${hostPortName(target)}: ${String(error)}` };
    }
  }

  const server = http.createServer({ maxHeaderSize: 32 * 1024 }, (request, response) => {
    const url = absoluteUrl(request.url ?? '');
    if (url === null) return void response.writeHead(400).end('an absolute http:// URL is needed\n');
    void reach({ host: plainHost(url.hostname), port: Number(url.port || 80) }).then((answer) => {
      if (answer instanceof net.Socket) forward({ request, response, socket: answer, url });
      else response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(`${answer.text}\n`);
    });
  });
  server.on('connect', (request, client: Duplex, early: Buffer) => {
    const target = connectTarget(request.url ?? '');
    client.on('error', () => client.destroy());
    if (target === null) return void client.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    void reach(target).then((answer) => {
      if (answer instanceof net.Socket) tunnel(client, answer, early);
      else client.end(refusal(answer));
    });
  });
  const end = boundClients(server, { connectionsMax, idleMs });
  await listenIn(server, options.dir, socketName);
  chmodSync(options.dir, 0o755);
  chmodSync(join(options.dir, socketName), 0o666);
  async function close(): Promise<void> {
    await end();
    rmSync(options.dir, { recursive: true, force: true });
  }
  return { dir: options.dir, denials: () => [...denied], close };
}

/** Environment variables by which programs find the proxy. Hosts on loopback bypass it unless granted. */
export function proxyEnv(hosts: string[]): Record<string, string> {
  const url = `http://127.0.0.1:${boxPort}`;
  const granted = hosts.flatMap(parseHost).map(({ host }) => host);
  const direct = ['localhost', '127.0.0.1', '::1'].filter((host) => !granted.includes(host)).join(',');
  const names = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'https_proxy',
    'npm_config_proxy',
    'npm_config_https_proxy',
  ];
  return {
    ...Object.fromEntries(names.map((name) => [name, url])),
    ...Object.fromEntries(['NO_PROXY', 'no_proxy', 'npm_config_noproxy'].map((name) => [name, direct])),
    NODE_USE_ENV_PROXY: '1',
    npm_config_cache: `${boxUser.home}/.npm`,
  };
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function connected(host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: connectMs });
    socket.once('timeout', () => socket.destroy(new Error('it did not answer in time')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.setTimeout(idleMs, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
