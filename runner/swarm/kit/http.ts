// Runs INSIDE the box of a hook or test: `app.http`. Every request uses CONNECT, so an answer always comes from the
// service itself: a refusal by the run throws, and is never a status that a test could mistake for the app's.

import http from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { connect, exchange } from './wire.ts';

const redirectsMax = 10;
const requestMs = 60_000;

export type HttpOptions = {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Follows redirects, ten at most. `authorization` and `cookie` are not sent on to another service. */
  follow?: boolean;
};
export type HttpAnswer = { status: number; headers: Record<string, string>; body: string };

export async function request(address: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { follow = false, method = 'GET', headers = {}, body = '' } = options;
  let ask: Ask = { url: webAddress(address), method, headers, body };
  for (let left = redirectsMax; ; left -= 1) {
    const answer = await once(ask);
    const next = follow ? redirected(ask, answer) : null;
    if (next === null) return answer;
    if (left === 0) throw new Error(`${address}: more than ${redirectsMax} redirects`);
    ask = next;
  }
}

type Ask = { url: URL; method: string; headers: Record<string, string>; body: string | Uint8Array };

async function once({ url, method, headers, body }: Ask): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  const signal = AbortSignal.timeout(requestMs);
  const plain = await connect(url.hostname, Number(url.port || (secure ? 443 : 80)), signal);
  try {
    const socket = secure ? await encrypted(plain, url.hostname) : plain;
    const length = body.length > 0 ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const sent = { host: url.host, ...length, ...headers, connection: 'close' };
    const path = `${url.pathname}${url.search}`;
    const request = http.request({ createConnection: () => socket, method, path, headers: sent, signal });
    const answer = await exchange(request, body);
    return { status: answer.status, headers: joined(answer.headers), body: answer.body.toString() };
  } catch (error) {
    if (signal.aborted) throw new Error(`${method} ${url}: no answer within ${requestMs / 1000} s`);
    throw error;
  } finally {
    plain.destroy();
  }
}

/** Services have self-signed certificates, which cannot be checked here. */
function encrypted(socket: Duplex, servername: string): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = tls.connect({ socket, servername, rejectUnauthorized: false }, () => resolve(secure));
    secure.on('error', reject);
    secure.on('close', () => reject(new Error(`${servername} closed the connection`)));
  });
}

function redirected({ url, method, headers, body }: Ask, answer: HttpAnswer): Ask | null {
  const location = answer.headers.location;
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return null;
  const next = webAddress(location, url);
  const kept = next.host === url.host ? headers : without(headers, ['authorization', 'cookie']);
  if (answer.status === 307 || answer.status === 308) return { url: next, method, headers: kept, body };
  const plain = without(kept, ['content-type', 'content-length']);
  return { url: next, method: method === 'HEAD' ? method : 'GET', headers: plain, body: '' };
}

function without(headers: Record<string, string>, names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));
}

/** Several headers of one name are joined by ", ", cookies by line breaks. */
function joined(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value = '']) => [name, Array.isArray(value) ? value.join('\n') : value]),
  );
}

function webAddress(text: string, base?: URL): URL {
  const url = new URL(text, base);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new Error(`${text}: an address must begin with http:// or https://`);
}
