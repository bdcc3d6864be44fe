// A real web app on loopback: a login form, cookies, and a note that it stores.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const form = `<!doctype html><title>Login</title><form method="post" action="/login">
<input name="user"><input name="password" type="password"><button>Log in</button></form>`;
const page = (note: string) => `<!doctype html><title>Notes</title><p id="note">${note}</p>
<form method="post" action="/note"><textarea name="note"></textarea><button>Keep</button></form>`;

/** Starts the app and returns its port. The password is `secret`. */
export async function loginServer(): Promise<number> {
  let note = '';
  const answer = (url: string, sent: URLSearchParams, known: boolean): Page => {
    if (url === '/login' && sent.get('password') === 'secret')
      return { cookies: ['session=in; HttpOnly', 'theme=dark'] };
    if (!known) return { status: 401, html: form };
    if (url !== '/note') return { status: 200, html: page(note) };
    note = sent.get('note') ?? '';
    return { cookies: [] };
  };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = new URLSearchParams(Buffer.concat(chunks).toString());
    const known = request.headers.cookie?.includes('session=in') === true;
    const page = answer(request.url ?? '/', sent, known);
    if ('cookies' in page) response.writeHead(303, { location: '/', 'set-cookie': page.cookies }).end();
    else response.writeHead(page.status, { 'content-type': 'text/html' }).end(page.html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

type Page = { status: number; html: string } | { cookies: string[] };
