// The only way out of a hook's or test's box to its run: HTTP on a unix socket, whose folder is mounted in the box at
// /app-context. It serves three kinds of requests: calls (contextCalls.ts); CONNECT SERVICE:PORT; and GET
// http://SERVICE/…, which browsers and HTTP clients send to a proxy. Only the run's services can be reached
// (reachable.ts); any other request gets 403, and the record lists it.

import { chmodSync, chownSync, rmSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { RunnerError } from '../../box/errors.ts';
import { plainHost } from '../../box/hosts.ts';
import {
  absoluteUrl,
  boundClients,
  connectTarget,
  type Denial,
  forward,
  listenIn,
  refusal,
  tunnel,
} from '../../box/relay.ts';
import type { BoxOwner } from '../../box/sandbox.ts';
import type { AppHost } from '../app/app.ts';
import { type ContextRequest, contextCalls, execSecondsMax, type Marks, type Reply, withinMs } from './contextCalls.ts';
import { denials, reachable } from './reachable.ts';

/** File name of the socket in its folder. */
export const contextSocket = 'app.sock';
export const requestBytesMax = 4 * 1024 * 1024;
const connectionsMax = 256;
/** Calls carried out concurrently; others wait. */
const callsMax = 16;
const connectMs = 20_000;
const headersMs = 10_000;
const requestMs = 60_000;
const checkEveryMs = 2_000;
/** How long a connection may be silent: longer than any command may be. */
const idleMs = (execSecondsMax + 60) * 1000;

export type ContextOptions = {
  /** The socket's folder: absolute, links resolved. Created here, removed by `close`. */
  dir: string;
  host: AppHost;
  /** Who may connect besides this process; null: nobody. */
  owner: BoxOwner | null;
  /** Set only by tests of silent connections. */
  idleMs?: number;
};

export type Context = {
  dir: string;
  /** One line for each refused request; bounded. */
  denials(): string[];
  /** The current marks; the run may reset them to earlier values. */
  marks: Marks;
  /** Ends every connection. May be called twice. */
  close(): Promise<void>;
};

export async function openContext(options: ContextOptions): Promise<Context> {
  const { dir, host, owner } = options;
  const denied = denials();
  const marks: Marks = new Map();
  const call = contextCalls(host, denied, marks);
  const turn = turns(callsMax);

  async function reach(name: string, port: number): Promise<{ socket: Duplex } | Denial> {
    try {
      const place = reachable(host.about(), name, port);
      if ('service' in place) return { socket: await connected(host.connect(place.service, port)) };
      denied.add(place.denied);
      return { status: 403, text: place.denied };
    } catch (error) {
      const why = error instanceof RunnerError ? error.message : 'nothing answers there';
      return { status: 502, text: `connect to ${name}:${port}: ${why}` };
    }
  }

  async function serveCall(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const done = await turn();
    try {
      const body = await bodyOf(request);
      if (body === null) return give(response, { status: 413, body: `at most ${requestBytesMax} bytes` }, request);
      give(response, await call(askOf(request, body)), request);
    } finally {
      done();
    }
  }

  const server = http.createServer({
    maxHeaderSize: 32 * 1024,
    connectionsCheckingInterval: checkEveryMs,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
  });
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    response.on('error', () => response.destroy());
    if (request.url?.startsWith('/')) return void serveCall(request, response).catch(() => response.destroy());
    const url = absoluteUrl(request.url ?? '');
    if (url === null) return give(response, { status: 400, body: 'an absolute http:// URL is required' }, request);
    void reach(plainHost(url.hostname), Number(url.port || 80)).then((reached) => {
      if ('socket' in reached) forward({ request, response, socket: reached.socket, url });
      else give(response, { status: reached.status, body: reached.text }, request);
    });
  });
  server.on('connect', (request: http.IncomingMessage, client: Duplex, early: Buffer) => {
    client.on('error', () => client.destroy());
    const target = connectTarget(request.url ?? '');
    if (target === null) return void client.end(refusal({ status: 400, text: 'CONNECT needs SERVICE:PORT' }));
    void reach(target.host, target.port).then((reached) => {
      if ('socket' in reached) tunnel(client, reached.socket, early);
      else client.end(refusal(reached));
    });
  });
  const end = boundClients(server, { connectionsMax, idleMs: options.idleMs ?? idleMs });

  await listenIn(server, dir, contextSocket);
  openTo(dir, owner);
  let closing: Promise<void> | null = null;
  return {
    dir,
    denials: denied.list,
    marks,
    close: () => {
      closing ??= end().then(() => rmSync(dir, { recursive: true, force: true }));
      return closing;
    },
  };
}

/** Gives access by group only, because the folder's owner could remove the socket. */
function openTo(dir: string, owner: BoxOwner | null): void {
  const socket = join(dir, contextSocket);
  if (owner !== null && process.getuid?.() === 0) for (const path of [dir, socket]) chownSync(path, 0, owner.gid);
  chmodSync(socket, 0o660);
  chmodSync(dir, 0o750);
}

/** Waits for the host's connection, with a deadline; a connection that arrives later is closed. */
async function connected(coming: Promise<Duplex>): Promise<Duplex> {
  try {
    const socket = await withinMs(coming, connectMs);
    socket.on('error', () => socket.destroy());
    return socket;
  } catch (error) {
    void coming.then((late) => late.on('error', () => {}).destroy()).catch(() => {});
    throw error;
  }
}

/** Lets at most `max` callers in at once, in order; each calls the returned function when done. */
function turns(max: number): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let held = 0;
  const done = (): void => {
    const next = waiting.shift();
    if (next === undefined) held -= 1;
    else next();
  };
  return async () => {
    if (held < max) held += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return done;
  };
}

/** The request's body; null if it is too large. Rejects if it is cut off. */
async function bodyOf(request: http.IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > requestBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function askOf(request: http.IncomingMessage, body: Buffer): ContextRequest {
  return { method: request.method ?? 'GET', path: request.url ?? '/', body };
}

/** Sends the answer; closes the connection if the request was not read completely. */
function give(response: http.ServerResponse, { status, body }: Reply, request: http.IncomingMessage): void {
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}
