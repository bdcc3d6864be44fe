// The scripted back end: a Messages endpoint on loopback that answers from a script, so that demo and tests use the
// real SDK and real clients. No model is called, and every answer says so: its model is `scripted`. Remembers no
// conversation, only how often it has failed at each point where the script asks for a fault.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOfJson } from '../../state/entry/digest.ts';
import { AgentError } from '../model/errors.ts';
import { type Failure, fail, failureOf, invalid, json, send } from './faults.ts';
import { MessagesRequest, type Play, play } from './play.ts';
import type { FaultKind, Script, ServiceFault } from './script.ts';
import { tokens, wireMessage } from './wire.ts';

const bodyBytesMax = 32 * 1024 * 1024;
const requestsMax = 200;

/** One answered request, for tests and for display. */
export type ScriptedRequest = {
  auth: 'bearer' | 'x-api-key';
  path: string;
  body: MessagesRequest;
  play: Pick<Play, 'role' | 'wake' | 'turn'> | null;
  fault: FaultKind | null;
};

export type Scripted = {
  /** The base URL for clients. */
  url: string;
  /** The newest requests, oldest first. */
  requests(): ScriptedRequest[];
  /** Closes the endpoint; also ends answers in progress. */
  close(): Promise<void>;
};

type Running = { script: Script; failures: Map<string, number>; answers: number; recent: ScriptedRequest[] };

/** Starts the endpoint on loopback, by default on a free port. Rejects with `AgentError` if it cannot listen. */
export async function startScripted(script: Script, options: { port?: number } = {}): Promise<Scripted> {
  const running: Running = { script, failures: new Map(), answers: 0, recent: [] };
  const server = createServer((request, response) => {
    serve(running, request, response).catch((error: unknown) => {
      // A client that disconnects while sending is normal; anything else is a bug.
      if (!request.errored) throw error;
      response.destroy();
    });
  });
  await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => [...running.recent],
    close: () => shut(server),
  };
}

async function serve(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  running.answers += 1;
  response.setHeader('request-id', `req_script_${running.answers}`);
  const call = await readCall(request);
  if ('status' in call) return fail(response, call);
  if (call.counting) return json(response, 200, { input_tokens: tokens(call.bytes) });
  const { auth, path, body } = call;
  const turn = play(running.script, body);
  if ('problem' in turn) {
    keep(running, { auth, path, body, play: null, fault: null });
    return fail(response, invalid(`the script cannot continue: ${turn.problem}`));
  }
  const fault = faultOf(running, turn, body);
  keep(running, { auth, path, body, play: turn, fault: fault?.kind ?? null });
  answer(response, { ...turn, fault }, call, `msg_script_${running.answers}`);
}

type Call = { auth: ScriptedRequest['auth']; path: string; counting: boolean; body: MessagesRequest; bytes: number };

/** What the client asks for, or the failure that is sent as the answer. */
async function readCall(request: IncomingMessage): Promise<Call | Failure> {
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
  const body = parse(text);
  if (body === null) return invalid('the body is not a Messages request');
  return { auth, path, counting, body, bytes: Buffer.byteLength(text) };
}

/**
 * The fault to put into the answer; null once this turn, in exactly this conversation, has failed as often as the
 * script says.
 */
function faultOf(running: Running, turn: Play, body: MessagesRequest): ServiceFault | null {
  if (turn.fault === null) return null;
  const key = digestOfJson([turn.role, turn.wake, turn.turn, body.messages]);
  const failures = running.failures.get(key) ?? 0;
  if (failures >= turn.fault.times) return null;
  running.failures.set(key, failures + 1);
  return turn.fault;
}

function answer(response: ServerResponse, turn: Play, { body, bytes }: Call, id: string): void {
  const failure = failureOf(turn.fault);
  if (failure) fail(response, failure);
  else send(response, wireMessage(turn, id, bytes), turn.fault?.kind ?? null, body.stream === true);
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

function parse(text: string): MessagesRequest | null {
  try {
    return MessagesRequest.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function keep(running: Running, request: ScriptedRequest): void {
  running.recent.push(request);
  if (running.recent.length > requestsMax) running.recent.shift();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(
        new AgentError('script', `the scripted back end cannot listen on port ${port}; choose another port`, { cause }),
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
