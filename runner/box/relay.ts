// What a proxy on a unix socket does once its caller has decided where to connect: opens a tunnel, forwards a request
// or refuses. Either side may be hostile: when one side's connection closes, the other's is closed too.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { type HostPort, parseHost } from './hosts.ts';

export type Denial = { status: number; text: string };

/** Limits what clients may keep open; the returned function closes every connection and the server. */
export function boundClients(
  server: http.Server,
  limits: { connectionsMax: number; idleMs: number },
): () => Promise<void> {
  const sockets = new Set<Duplex>();
  server.maxConnections = limits.connectionsMax;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.setTimeout(limits.idleMs, () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  };
}

/** A refusal as an answer to CONNECT. */
export function refusal({ status, text }: Denial): string {
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`, 'content-type: text/plain', 'connection: close'];
  return `${lines.join('\r\n')}\r\n\r\n${text}\n`;
}

/** Answers CONNECT, then passes bytes both ways; one direction may end before the other. */
export function tunnel(client: Duplex, socket: Duplex, early: Buffer): void {
  client.on('close', () => socket.destroy());
  socket.on('close', () => client.destroy());
  if (client.destroyed) return void socket.destroy();
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  socket.write(early);
  client.pipe(socket).pipe(client);
}

export type Exchange = { request: http.IncomingMessage; response: http.ServerResponse; socket: Duplex; url: URL };

/** Forwards the request over `socket` and passes its answer back. */
export function forward({ request, response, socket, url }: Exchange): void {
  if (response.destroyed) return void socket.destroy();
  const headers = { ...endToEnd(request.headers), host: url.host, connection: 'close' };
  const path = `${url.pathname}${url.search}`;
  const onward = http.request({ createConnection: () => socket, method: request.method ?? 'GET', path, headers });
  const giveUp = (): void => void (response.headersSent ? response.destroy() : response.writeHead(502).end());
  onward.on('response', (answer) => {
    answer.on('error', giveUp);
    try {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.pipe(response);
    } catch {
      giveUp(); // node reads a status like 099, but refuses to write it
    }
  });
  onward.on('error', giveUp);
  // An answer that switches protocols emits neither `response` nor `error`: the connection closes silently.
  onward.on('close', () => void (response.headersSent || giveUp()));
  response.on('close', () => socket.destroy());
  request.on('error', () => socket.destroy());
  request.pipe(onward);
}

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];

function endToEnd(headers: http.IncomingHttpHeaders): http.IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.includes(name)));
}

/** Parses the absolute http URL that a client sends to a proxy; null if `text` is anything else. */
export function absoluteUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === 'http:' ? url : null;
}

/** Parses the target of a CONNECT; null if it is not a single host and port. */
export function connectTarget(text: string): HostPort | null {
  try {
    const [target, ...more] = parseHost(text);
    return more.length === 0 ? (target ?? null) : null;
  } catch {
    return null;
  }
}

/** Listens through a descriptor of `dir`, since its path may be longer than a unix socket's may be (107 bytes). */
export async function listenIn(server: http.Server, dir: string, name: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const fd = openSync(dir, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${fd}/${name}`, resolve);
    });
  } finally {
    closeSync(fd);
  }
}
