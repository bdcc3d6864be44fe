// The scripted back end: a Messages endpoint on loopback that answers from a script, so that demo and tests go through the
// real SDK and real clients. No model plays, and it says so: every answer's model is `scripted`. Knows no conversation; all
// it remembers is how often it has failed where a script tells it to fail.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOfJson } from '../../state/entry/digest.ts';
import { AgentError } from '../model/errors.ts';
import { type Failure, fail, failureOf, invalid, json, send } from './faults.ts';
import { MessagesRequest, type Play, play } from './play.ts';
import type { Fault, FaultKind, Script } from './script.ts';
import { tokens, wireMessage } from './wire.ts';

const bodyBytesMax = 32 * 1024 * 1024;
const requestsKept = 200;

/** One answered request, for tests and for those who watch. */
export type ScriptedRequest = {
  auth: 'bearer' | 'x-api-key';
  path: string;
  body: MessagesRequest;
  play: Pick<Play, 'role' | 'wake' | 'turn'> | null;
  fault: FaultKind | null;
};

export type Scripted = {
  /** For use as the base URL. */
  url: string;
  /** The newest requests, oldest first. */
  requests(): ScriptedRequest[];
  /** Ends open answers too. */
  close(): Promise<void>;
};

type Running = { script: Script; failed: Map<string, number>; answers: number; kept: ScriptedRequest[] };

/** Starts the endpoint on loopback, on a free port unless one is named. Rejects with `AgentError` where it cannot listen. */
export async function startScripted(script: Script, options: { port?: number } = {}): Promise<Scripted> {
  const running: Running = { script, failed: new Map(), answers: 0, kept: [] };
  const server = createServer((request, response) => {
    serve(running, request, response).catch((error: unknown) => {
      // A client that went away while it was sending is no news; anything else is a bug.
      if (!request.errored) throw error;
      response.destroy();
    });
  });
  await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => [...running.kept],
    close: () => shut(server),
  };
}

async function serve(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  running.answers += 1;
  response.setHeader('request-id', `req_script_${running.answers}`);
  const asked = await askedBy(request);
  if ('status' in asked) return fail(response, asked);
  if (asked.counting) return json(response, 200, { input_tokens: tokens(asked.bytes) });
  const { auth, path, body } = asked;
  const played = play(running.script, body);
  if ('problem' in played) {
    keep(running, { auth, path, body, play: null, fault: null });
    return fail(response, invalid(`the script cannot go on: ${played.problem}`));
  }
  const fault = faultOf(running, played, body);
  keep(running, { auth, path, body, play: played, fault: fault?.kind ?? null });
  answer(response, { ...played, fault }, asked, `msg_script_${running.answers}`);
}

type Asked = { auth: ScriptedRequest['auth']; path: string; counting: boolean; body: MessagesRequest; bytes: number };

/** What is asked for, or why it cannot be answered. */
async function askedBy(request: IncomingMessage): Promise<Asked | Failure> {
  const path = new URL(request.url ?? '/', 'http://loopback').pathname;
  const counting = path === '/v1/messages/count_tokens';
  if (request.method !== 'POST' || !(counting || path === '/v1/messages')) {
    return { status: 404, type: 'not_found_error', message: 'a script answers POST /v1/messages only' };
  }
  const auth = authOf(request);
  if (auth === null) {
    return { status: 401, type: 'authentication_error', message: 'send any key, as Bearer or x-api-key' };
  }
  const text = await bodyOf(request);
  if (text === null) return { status: 413, type: 'request_too_large', message: 'the body is too large' };
  const body = parsed(text);
  if (body === null) return invalid('the body is not a Messages request');
  return { auth, path, counting, body, bytes: Buffer.byteLength(text) };
}

/** Fails as often as the script says for this turn of this very conversation, then no more. */
function faultOf(running: Running, played: Play, body: MessagesRequest): Fault | null {
  if (played.fault === null) return null;
  const key = digestOfJson([played.role, played.wake, played.turn, body.messages]);
  const before = running.failed.get(key) ?? 0;
  if (before >= played.fault.times) return null;
  running.failed.set(key, before + 1);
  return played.fault;
}

function answer(response: ServerResponse, played: Play, asked: Asked, id: string): void {
  const failure = failureOf(played.fault);
  if (failure) fail(response, failure);
  else send(response, wireMessage(played, id, asked.bytes), played.fault?.kind ?? null, asked.body.stream === true);
}

function authOf(request: IncomingMessage): ScriptedRequest['auth'] | null {
  if (/^bearer \S+/i.test(request.headers.authorization ?? '')) return 'bearer';
  return request.headers['x-api-key'] ? 'x-api-key' : null;
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > bodyBytesMax) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): MessagesRequest | null {
  try {
    return MessagesRequest.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function keep(running: Running, request: ScriptedRequest): void {
  running.kept.push(request);
  if (running.kept.length > requestsKept) running.kept.shift();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(
        new AgentError('script', `the scripted back end cannot listen on port ${port}; name another one`, { cause }),
      );
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
