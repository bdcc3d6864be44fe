// A real web app on loopback, plain and by TLS-free HTTP alone: a login form, a cookie, a note that is kept.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const form = `<!doctype html><title>Login</title><form method="post" action="/login">
<input name="user"><input name="password" type="password"><button>Log in</button></form>`;
const page = (note: string) => `<!doctype html><title>Notes</title><p id="note">${note}</p>
<form method="post" action="/note"><textarea name="note"></textarea><button>Keep</button></form>`;

/** Its port. `ada` logs in with `secret`. */
export async function loginServer(): Promise<number> {
  let note = '';
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = new URLSearchParams(Buffer.concat(chunks).toString());
    const known = request.headers.cookie?.includes('session=ada') === true;
    const see = (where: string, headers = {}) => response.writeHead(303, { location: where, ...headers }).end();
    if (request.url === '/login' && sent.get('password') === 'secret') {
      return void see('/', { 'set-cookie': ['session=ada; HttpOnly', 'theme=dark'] });
    }
    if (request.url === '/note' && known) {
      note = sent.get('note') ?? '';
      return void see('/');
    }
    response.writeHead(known ? 200 : 401, { 'content-type': 'text/html' }).end(known ? page(note) : form);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
