// Talks to a running file service, which is not trusted: it must give each request exactly one answer, within a
// deadline and a size limit, or it is ended. files.ts defines the requests; runner/inside/files.ts answers them.

import { z } from 'zod';
import { plainText } from './collect.ts';
import { RunnerError } from './errors.ts';
import type { RunningBox } from './sandbox.ts';

const jsonBytesMax = 64 * 1024;
const errorCharsMax = 2000;

/** An answer, or a refusal in words that its reader can act on (a link out of the tree, a fifo, no such file). */
export type FileAnswer<T = object> = ({ ok: true } & T) | { ok: false; why: string };
export type Call<T> = {
  op: string;
  fields: Record<string, unknown> & { path: string };
  shape: z.ZodType<T>;
  bytes?: Uint8Array;
  /** The most bytes that the answer may carry. */
  most?: number;
  long?: true;
};
export type FileService = {
  ask<T>(call: Call<T>, deadlineMs: number): Promise<FileAnswer<T> & { body: Buffer }>;
  stop(): Promise<unknown>;
};

type Frame = { head: unknown; body: Buffer };

/** Expects one answer per request; if anything else arrives, the service counts as taken over by boxed code. */
export function serviceOver(boxed: RunningBox): FileService {
  const reader = frameReader();
  let lastId = 0;
  let errors = '';
  boxed.stderr.on('data', (chunk: Buffer) => {
    if (errors.length < errorCharsMax) errors += plainText(chunk.subarray(0, errorCharsMax));
  });
  boxed.stdout.on('data', (chunk: Buffer) => reader.push(chunk));
  boxed.stdout.on('error', () => reader.fail('its output failed'));
  void boxed.done.then(({ started, exit, signal }) => {
    const how = started ? `it ended (${signal ?? `exit ${exit}`})` : 'its box could not be started';
    reader.fail(`${how} ${errors.trim()}`.trim());
  });

  async function ask<T>(call: Call<T>, deadlineMs: number): Promise<FileAnswer<T> & { body: Buffer }> {
    lastId += 1;
    const json = Buffer.from(JSON.stringify({ id: lastId, op: call.op, ...call.fields }));
    if (json.length > jsonBytesMax) return { ok: false, why: 'that path is too long', body: Buffer.alloc(0) };
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(json.length, 0);
    lengths.writeUInt32BE(call.bytes?.length ?? 0, 4);
    const timer = setTimeout(() => reader.fail(`no answer within ${deadlineMs} ms`), deadlineMs);
    try {
      const answer = reader.next(call.most ?? 0);
      boxed.stdin.write(lengths);
      boxed.stdin.write(json);
      if (call.bytes !== undefined && call.bytes.length > 0) boxed.stdin.write(call.bytes);
      return readAnswer(await answer, lastId, call.shape);
    } finally {
      clearTimeout(timer);
    }
  }
  return { ask, stop: () => boxed.stop(0) };
}

const Head = z.looseObject({ id: z.number(), ok: z.boolean(), why: z.string().max(4096).optional() });

function readAnswer<T>({ head, body }: Frame, id: number, shape: z.ZodType<T>): FileAnswer<T> & { body: Buffer } {
  const envelope = Head.safeParse(head);
  if (!envelope.success || envelope.data.id !== id) throw broken('an answer to no request');
  if (!envelope.data.ok) return { ok: false, why: plainText(Buffer.from(envelope.data.why ?? 'it was refused')), body };
  const fields = shape.safeParse(head);
  if (!fields.success) throw broken('an answer of the wrong shape');
  return { ...fields.data, ok: true, body };
}

type Reader = {
  push(chunk: Buffer): void;
  /** Resolves with the next answer, of at most `most` bytes. Rejects once the service has failed. */
  next(most: number): Promise<Frame>;
  fail(why: string): void;
};

/** Allocates memory once per answer: when the answer's lengths are known and are within the request's limit. */
function frameReader(): Reader {
  let wanted: { most: number; resolve(frame: Frame): void; reject(error: Error): void } | null = null;
  let failure: RunnerError | null = null;
  let frame: { bytes: Buffer; filled: number; json: number } = heading();

  function fail(why: string): void {
    failure ??= broken(why);
    frame = heading();
    wanted?.reject(failure);
    wanted = null;
  }
  function push(chunk: Buffer): void {
    if (wanted === null) fail('it sent data unasked');
    for (let at = 0; at < chunk.length && failure === null; ) {
      const copiedBytes = chunk.copy(frame.bytes, frame.filled, at);
      frame.filled += copiedBytes;
      at += copiedBytes;
      if (frame.filled === frame.bytes.length) advance(at === chunk.length);
      else if (copiedBytes === 0) fail('its answer is too large');
    }
  }
  function advance(atEnd: boolean): void {
    const { bytes, json } = frame;
    if (json < 0) {
      const [jsonBytes, body] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
      if (jsonBytes === 0 || jsonBytes > jsonBytesMax || body > (wanted?.most ?? 0))
        return void fail('its answer is too large');
      frame = { bytes: Buffer.alloc(jsonBytes + body), filled: 0, json: jsonBytes };
      return;
    }
    if (!atEnd) return void fail('it answered twice');
    const request = wanted;
    wanted = null;
    frame = heading();
    request?.resolve({ head: parsed(bytes.subarray(0, json)), body: bytes.subarray(json) });
  }
  function next(most: number): Promise<Frame> {
    return new Promise((resolve, reject) => {
      if (failure !== null) reject(failure);
      else wanted = { most, resolve, reject };
    });
  }
  return { push, next, fail };
}

function heading(): { bytes: Buffer; filled: number; json: number } {
  return { bytes: Buffer.alloc(8), filled: 0, json: -1 };
}

/** The bytes parsed as JSON; null if they are not JSON. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

export function broken(why: string): RunnerError {
  return new RunnerError('box', `the file service failed: ${why}`);
}
