// Sends a scripted answer: whole, broken in the way that the script asks for, or refused. On the wire, each fault looks
// as if it came from the real service.

import type { ServerResponse } from 'node:http';
import type { FaultKind, ServiceFault } from './script.ts';
import { sse, type WireMessage, wireEvents } from './wire.ts';

const pingMs = 50;

export type Failure = {
  status: number;
  type: string;
  message: string;
  code?: string;
  headers?: Record<string, string>;
};

/** Sends the message, as events or as one JSON body, up to the point where the fault strikes. */
export function send(response: ServerResponse, message: WireMessage, kind: FaultKind | null, streamed: boolean): void {
  if (streamed) stream(response, message, kind);
  else plain(response, message, kind);
}

function stream(response: ServerResponse, message: WireMessage, kind: FaultKind | null): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const events = wireEvents(message).map(sse);
  const half = events.slice(0, Math.max(2, Math.floor(events.length / 2))).join('');
  switch (kind) {
    case 'cut':
      response.write(half, () => response.destroy());
      return;
    case 'eof':
      response.end(half);
      return;
    case 'malformed':
      response.end(`${half}event: content_block_delta\ndata: {"type": "content_block_\n\n`);
      return;
    case 'overloaded_midway':
      response.end(half + sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }));
      return;
    case 'stall':
      response.write(half);
      stall(response);
      return;
    default:
      response.end(events.join(''));
  }
}

/** Keeps the connection open with pings, which clients do not count as events, until the client or `close` ends it. */
function stall(response: ServerResponse): void {
  const beat = setInterval(() => response.write(sse({ type: 'ping' })), pingMs);
  response.on('close', () => clearInterval(beat));
}

function plain(response: ServerResponse, message: WireMessage, kind: FaultKind | null): void {
  if (kind === 'cut') response.destroy();
  else if (kind === 'eof' || kind === 'malformed') response.end('{"type": "message"');
  else if (kind !== 'stall') json(response, 200, message);
}

/** The failure to send in place of an answer; null for a fault that breaks the answer itself. */
export function failureOf(fault: ServiceFault | null): Failure | null {
  const after = fault?.retryAfter;
  const headers: Record<string, string> = after === undefined ? {} : { 'retry-after': String(after) };
  switch (fault?.kind) {
    case 'overloaded':
      return { status: 529, type: 'overloaded_error', message: 'Overloaded', headers };
    case 'rate_limit':
      return { status: 429, type: 'rate_limit_error', message: 'Too many requests', headers };
    case 'spend_limit': {
      const code = 'enforced_spend_limit_reached';
      return {
        status: 429,
        type: 'rate_limit_error',
        message: 'Spending limit',
        code,
        headers: { 'x-should-retry': 'false' },
      };
    }
    case 'unauthorized':
      return { status: 401, type: 'authentication_error', message: 'invalid x-api-key' };
    default:
      return null;
  }
}

export function invalid(message: string): Failure {
  return { status: 400, type: 'invalid_request_error', message };
}

export function fail(response: ServerResponse, failure: Failure): void {
  const { status, type, message, code, headers } = failure;
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  const details = code === undefined ? {} : { details: { error_code: code } };
  json(response, status, {
    type: 'error',
    error: { type, message, ...details },
    request_id: response.getHeader('request-id'),
  });
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
