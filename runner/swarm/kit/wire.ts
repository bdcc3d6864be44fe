// Runs INSIDE the box of a hook or test: the client of the box's only socket. Plain Node, without dependencies.

import http from 'node:http';
import net from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';

export const socketPath = '/app-context/app.sock';
const bodyBytesMax = 32 * 1024 * 1024;

export type WireAnswer = { status: number; headers: http.IncomingHttpHeaders; body: Buffer };

/** Calls the run and returns its answer, whatever the status. */
export function call(method: string, path: string, body: string | Uint8Array = ''): Promise<WireAnswer> {
  const request = http.request({ socketPath, method, path, agent: false });
  return exchange(request, body);
}

/** Sends `body` and reads the answer to its end. */
export function exchange(request: http.ClientRequest, body: string | Uint8Array): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > bodyBytesMax) request.destroy(new Error(`an answer of more than ${bodyBytesMax} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      });
    });
    request.end(body);
  });
}

/** A connection to a port of a service. Rejects with the run's message if it refuses. */
export function connect(service: string, port: number, signal?: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method: 'CONNECT', path: `${service}:${port}`, agent: false });
    request.on('error', reject);
    request.on('connect', (response, socket: net.Socket, early: Buffer) => {
      if (response.statusCode === 200) {
        if (early.length > 0) socket.unshift(early);
        if (signal) addAbortSignal(signal, socket);
        return resolve(socket);
      }
      const words: Buffer[] = [early];
      socket.on('data', (chunk: Buffer) => words.push(chunk));
      socket.on('error', reject);
      socket.on('end', () => reject(new Error(Buffer.concat(words).toString().trim())));
    });
    request.end();
  });
}

/** Forwards a port on the box's loopback to the socket, for programs that reach proxies only by address. */
export async function loopback(): Promise<{ port: number; close(): void }> {
  const open = new Set<Duplex>();
  const server = net.createServer({ allowHalfOpen: true }, (inner) => {
    const outer = net.connect({ path: socketPath, allowHalfOpen: true });
    for (const socket of [inner, outer]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer);
    outer.pipe(inner);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { port: (server.address() as net.AddressInfo).port, close };
}
