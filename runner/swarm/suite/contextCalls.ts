// The calls of hooks and tests to their run, except connections: turns each call's path and body into an answer.
// Callers are hostile: their input is checked here, and every answer is bounded.

import { z } from 'zod';
import { RunnerError } from '../../box/errors.ts';
import type { AppHost, ExecEnd } from '../app/app.ts';
import { type Denials, ownOnly } from './reachable.ts';

export const execSecondsMax = 600;
export const markBytesMax = 64 * 1024;
export const marksMax = 256;
/** The most bytes in an answer: for both streams of an exec together, and for logs. */
const answerBytesMax = 8 * 1024 * 1024;
const argumentCharsMax = 128 * 1024;
const pathCharsMax = 200;
const hostMs = 30_000;

export type ContextRequest = { method: string; path: string; body: Buffer };
export type Reply = { status: number; body: string | Buffer };

/** Values that hooks and tests store for the rest of the run, by name. */
export type Marks = Map<string, Buffer>;

/** Never rejects. */
export function contextCalls(host: AppHost, denied: Denials, marks: Marks): (ask: ContextRequest) => Promise<Reply> {
  async function exec(body: Buffer): Promise<Reply> {
    const input = ExecBody.safeParse(parsedJson(body));
    if (!input.success) return { status: 400, body: `exec: ${z.prettifyError(input.error)}` };
    const { service, command, stdin, user, seconds } = input.data;
    const place = ownOnly(host.about(), service, 'exec in');
    if ('denied' in place) return refused(place.denied);
    const ask = {
      command,
      seconds,
      ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin, 'base64') }),
      ...(user === undefined ? {} : { user }),
    };
    const end = await withinMs(host.exec(place.service, ask), seconds * 1000 + hostMs);
    return tooMuch(end) ?? { status: 200, body: JSON.stringify(inBase64(end)) };
  }
  async function logs(service: string): Promise<Reply> {
    const place = ownOnly(host.about(), service, 'logs of');
    if ('denied' in place) return refused(place.denied);
    const text = Buffer.from(await withinMs(host.logs(place.service), hostMs));
    return { status: 200, body: text.subarray(-answerBytesMax) };
  }
  function secret(key: string): Reply {
    const value = host.secret(key);
    return value === null ? refused(`secret ${key}: this run has no such secret`) : { status: 200, body: value };
  }
  function setMark(name: string, value: Buffer): Reply {
    if (value.length > markBytesMax) return { status: 413, body: `mark ${name}: at most ${markBytesMax} bytes` };
    if (!marks.has(name) && marks.size >= marksMax)
      return { status: 413, body: `mark ${name}: at most ${marksMax} marks` };
    marks.set(name, value);
    return { status: 204, body: '' };
  }
  function mark(name: string): Reply {
    const value = marks.get(name);
    return value === undefined ? { status: 404, body: `no mark ${name} was set` } : { status: 200, body: value };
  }
  function refused(text: string): Reply {
    denied.add(text);
    return { status: 403, body: text };
  }

  const calls: Record<string, (name: string, body: Buffer) => Reply | Promise<Reply>> = {
    'GET about': () => ({ status: 200, body: JSON.stringify(host.about()) }),
    'POST exec': (_name, body) => exec(body),
    'GET logs': logs,
    'GET secrets': secret,
    'GET marks': mark,
    'PUT marks': setMark,
  };

  return async (ask) => {
    try {
      const { call, name } = partsOf(ask);
      const carryOut = Object.hasOwn(calls, call) ? calls[call] : undefined;
      if (!carryOut) return { status: 404, body: `there is no call ${call}` };
      if (name === null) return { status: 400, body: `${call}: invalid name` };
      return await carryOut(name, ask.body);
    } catch (error) {
      // Only our own messages go into a box; any other error text of this machine stays outside.
      const why = error instanceof RunnerError ? error.message : 'the run could not carry out the call';
      return { status: 502, body: why };
    }
  };
}

/** Rejects with RunnerError if `promise` takes longer. */
export async function withinMs<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new RunnerError('engine', `no answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A name of a service, secret or mark; marks may contain spaces. */
const Name = z.string().regex(/^[\w .:-]{1,100}$/);
const plain = (text: string): boolean => !text.includes('\0');
const ExecBody = z.strictObject({
  service: Name,
  command: z.array(z.string().max(argumentCharsMax).refine(plain, 'a NUL byte')).min(1).max(256),
  stdin: z.string().optional(),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,64}$/)
    .optional(),
  seconds: z.number().positive().max(execSecondsMax),
});

function inBase64({ exit, timedOut, stdout, stderr }: ExecEnd): object {
  return { exit, timedOut, stdout: stdout.toString('base64'), stderr: stderr.toString('base64') };
}

function tooMuch({ stdout, stderr }: ExecEnd): Reply | null {
  if (stdout.length + stderr.length <= answerBytesMax) return null;
  return { status: 413, body: `exec: the command printed more than ${answerBytesMax} bytes` };
}

function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

const nameless = ['GET about', 'POST exec'];

function partsOf({ method, path }: ContextRequest): { call: string; name: string | null } {
  const [, what = '', ...rest] = path.slice(0, pathCharsMax).split('/');
  const call = `${method} ${what}`;
  if (nameless.includes(call)) return { call, name: rest.length === 0 ? '' : null };
  return { call, name: Name.safeParse(decoded(rest.join('/'))).data ?? null };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
