// The Anthropic back end and its retries, over real HTTP, with every fault that a script can cause.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { APIError } from '@anthropic-ai/sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { anthropic } from '../../../agents/model/anthropic.ts';
import type { CompletionRequest } from '../../../agents/model/backend.ts';
import { classify } from '../../../agents/model/classify.ts';
import { AgentError } from '../../../agents/model/errors.ts';
import { attemptsMax, retryDelayMs } from '../../../agents/model/retry.ts';
import type { Play } from '../../../agents/scripted/play.ts';
import { sse, wireEvents, wireMessage } from '../../../agents/scripted/wire.ts';
import { Stamp, stampOf } from '../../../state/entry/ids.ts';
import { backendTo, endpoint, oneWake, playSession, quickClock } from '../../support/agents/script.ts';
import { titled } from '../../support/titled.ts';

const waits = '- call: [{tool: wait, input: {why: done}}]';
const long = 'word '.repeat(80);

function request(over: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    system: '[coldpass role: builder]',
    tools: [],
    messages: [{ role: 'user', content: 'go' }],
    maxTokens: 1000,
    idleMs: 300_000,
    deadlineMs: 600_000,
    signal: new AbortController().signal,
    ...over,
  };
}

async function failure(fault: string, over: Partial<CompletionRequest> = {}): Promise<AgentError> {
  const scripted = await endpoint(oneWake(`- {say: ${long}, fault: ${fault}}`));
  const error = await backendTo(scripted.url)
    .complete(request(over))
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(AgentError);
  expect(scripted.requests()).toHaveLength(1);
  return error as AgentError;
}

const quiet: Play = { role: 'any', wake: 'slow', turn: 1, say: '', calls: [], fault: null };

/** Starts a server for answers that the faults of a script cannot produce; returns its address. */
async function service(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('one call of the back end', () => {
  it('streams text, and reports usage and the request id', async () => {
    const scripted = await endpoint(oneWake(`- {say: ${long}}`));
    let text = '';
    const completion = await backendTo(scripted.url).complete(request({ onDelta: (delta) => (text += delta) }));
    expect(completion).toMatchObject({ stopReason: 'end_turn', requestId: 'req_script_1', refusal: null });
    expect(text).toBe(long.trim());
    expect(completion.usage.output).toBeGreaterThan(50);
    expect(scripted.requests()[0]?.auth).toBe('bearer');
  });

  it.each(['cut', 'eof', 'malformed', 'overloaded', 'overloaded_midway'])(
    'makes one request for the answer %s and fails with an error that is worth a retry',
    async (fault) => {
      expect(await failure(fault)).toMatchObject({ code: 'retry', resetAtMs: null });
    },
  );

  it.each(['cut', 'eof', 'malformed', 'overloaded_midway'])('charges what was used before %s', async (fault) => {
    const { lost } = await failure(fault);
    expect(lost.input).toBeGreaterThan(0);
    expect(lost.output).toBeGreaterThan(10);
  });

  it('cuts off a stalled answer even if pings still arrive, and charges for the text received', async () => {
    const error = await failure('stall', { idleMs: 20_000 });
    expect(error).toMatchObject({ code: 'retry', message: 'the answer stalled' });
    expect(error.lost.output).toBeGreaterThan(10);
  });

  it('cuts off an answer that takes too long, and gives the reason', async () => {
    const error = await failure('stall', { deadlineMs: 20_000 });
    expect(error).toMatchObject({ code: 'retry', message: 'the answer took too long' });
  });

  it('stops waiting for a service that never starts to answer', async () => {
    const url = await service(() => undefined);
    await expect(backendTo(url).complete(request({ idleMs: 20_000 }))).rejects.toMatchObject({
      message: 'the answer stalled',
    });
  });

  it('allows a slow answer as long as something keeps arriving', async () => {
    const url = await service((response) => {
      const events = wireEvents(wireMessage({ ...quiet, say: long }, 'msg_1', 100)).map(sse);
      const beat = setInterval(() => {
        response.write(events.shift() ?? '');
        if (events.length === 0) response.end();
      }, 60);
      response.on('close', () => clearInterval(beat));
    });
    const started = Date.now();
    const completion = await backendTo(url).complete(request({ idleMs: 50_000 }));
    expect(completion.stopReason).toBe('end_turn');
    expect(Date.now() - started).toBeGreaterThan(500);
  });

  it('stops at once when cancelled, and reports the cancellation', async () => {
    const controller = new AbortController();
    const error = await failure('stall', { signal: controller.signal, onDelta: () => controller.abort() });
    expect(error).toMatchObject({ code: 'cancelled' });
  });

  it('treats a 429 as a limit that ends after the number of seconds in the answer', async () => {
    const before = Date.now();
    const error = await failure('{kind: rate_limit, retryAfter: 30}');
    expect(error.code).toBe('limit');
    expect((error.resetAtMs ?? 0) - before).toBeGreaterThanOrEqual(30_000);
    expect((error.resetAtMs ?? 0) - Date.now()).toBeLessThanOrEqual(30_000);
  });

  it.each(
    titled([
      ['9'.repeat(300)],
      ['1'.repeat(30)],
      ['Fri, 31 Dec 9999 23:59:59 GMT'],
      ['Sat, 01 Jan 275000 00:00:00 GMT'],
    ]),
  )('limits the wait to what a timestamp can express, for retry-after %s', (_title, after) => {
    const error = APIError.generate(429, {}, 'slow down', new Headers({ 'retry-after': after }));
    const { resetAtMs } = classify(error, null, Date.now()) ?? {};
    expect(Stamp.safeParse(stampOf(new Date(resetAtMs ?? Number.NaN))).success).toBe(true);
  });

  it.each([
    ['spend_limit', 'spend'],
    ['unauthorized', 'fatal'],
  ])('classifies the answer %s as %s', async (fault, code) => {
    expect(await failure(fault)).toMatchObject({ code, requestId: 'req_script_1' });
  });

  it('treats an unreachable service as worth a retry', async () => {
    const scripted = await endpoint(oneWake(waits));
    await scripted.close();
    await expect(backendTo(scripted.url).complete(request())).rejects.toMatchObject({ code: 'retry' });
  });

  it('requires a key, because the SDK would otherwise look for one on disk', () => {
    expect(() => anthropic({ apiKey: '', baseURL: 'http://127.0.0.1', model: 'm', clock: quickClock })).toThrow(
      /ANTHROPIC_API_KEY/,
    );
  });
});

describe('retries of a session', () => {
  it.each(['cut', 'eof', 'malformed', 'overloaded', 'overloaded_midway', 'stall'])(
    'come after %s, each recorded',
    async (fault) => {
      const { result, read, scripted } = await playSession(
        oneWake(`- {call: [{tool: wait, input: {why: ${long}}}], fault: {kind: ${fault}, times: 2}}`),
        { limits: { idleMs: 20_000 } },
      );
      expect(result).toMatchObject({ end: 'waited', turns: 1 });
      expect(scripted.requests()).toHaveLength(3);
      expect(read.lines.map(({ kind }) => kind).slice(2, 7)).toEqual([
        'request',
        'trouble',
        'request',
        'trouble',
        'request',
      ]);
    },
  );

  it('wait longer each time', async () => {
    const delays: number[] = [];
    const clock = {
      ...quickClock,
      after: (ms: number, fire: () => void) => {
        delays.push(ms);
        return quickClock.after(ms, fire);
      },
    };
    await playSession(oneWake(`- {say: ${long}, fault: {kind: overloaded, times: 9}}`), { clock });
    expect(delays.filter((ms) => ms < 10_000)).toEqual([500, 1000, 2000]);
  });

  it('charge every attempt', async () => {
    const turns = `- {say: ${long}, call: [{tool: wait, input: {why: done}}], fault: {kind: cut, times: 2}}`;
    const { result, read } = await playSession(oneWake(turns), { model: 'claude-sonnet-5-5' });
    const lost = read.lines.flatMap((line) => (line.kind === 'trouble' ? [line.usd] : []));
    const paid = read.lines.flatMap((line) => (line.kind === 'message' ? [line.usd ?? 0] : []));
    expect(lost.every((usd) => usd > 0)).toBe(true);
    expect(result.usd).toBeCloseTo(
      [...lost, ...paid].reduce((a, b) => a + b),
      12,
    );
  });

  it('stop after a few attempts, and the session reports the kind of failure', async () => {
    const { result, scripted } = await playSession(oneWake(`- {say: ${long}, fault: {kind: overloaded, times: 99}}`));
    expect(result).toMatchObject({ end: 'failed', trouble: { code: 'retry', resetAtMs: null } });
    expect(scripted.requests()).toHaveLength(attemptsMax);
  });

  it('wait out a limit that ends soon', async () => {
    const { result, scripted } = await playSession(
      oneWake('- {call: [{tool: wait, input: {why: done}}], fault: {kind: rate_limit, retryAfter: 20}}'),
    );
    expect(result.end).toBe('waited');
    expect(scripted.requests()).toHaveLength(2);
  });

  it('do not wait out a limit that ends much later: the supervisor gets it, with the time when it ends', async () => {
    const { result, scripted } = await playSession(oneWake('- {say: no, fault: {kind: rate_limit, retryAfter: 3600}}'));
    expect(result).toMatchObject({ end: 'failed', trouble: { code: 'limit' } });
    expect((result.trouble?.resetAtMs ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
    expect(scripted.requests()).toHaveLength(1);
  });

  it.each(['spend_limit', 'unauthorized'])('do not come after %s', async (fault) => {
    const { result, scripted } = await playSession(oneWake(`- {say: no, fault: {kind: ${fault}, times: 9}}`));
    expect(result).toMatchObject({ end: 'failed', trouble: { code: fault === 'spend_limit' ? 'spend' : 'fatal' } });
    expect(scripted.requests()).toHaveLength(1);
  });

  it('stop when there is no money for another attempt', async () => {
    const { result, scripted } = await playSession(oneWake(`- {say: ${long}, fault: {kind: cut, times: 9}}`), {
      model: 'claude-opus-5-5',
      limits: { usd: 0.2, answerTokens: 5000 },
      opening: 'Woken. '.repeat(1500),
    });
    expect(result.end).toBe('budget');
    expect(result.usd).toBeGreaterThan(0);
    expect(result.usd).toBeLessThanOrEqual(0.2);
    expect(scripted.requests().length).toBeLessThan(attemptsMax);
  });
});

describe('the delay before a retry', () => {
  const now = 1_000_000;
  it.each([
    ['grows', new AgentError('retry', ''), 1, 0, 500],
    ['doubles', new AgentError('retry', ''), 2, 0, 1000],
    ['is up to a quarter shorter at random', new AgentError('retry', ''), 1, 0.999, 375.125],
    ['is what the service asked for', new AgentError('retry', '', { resetAtMs: now + 9000 }), 1, 0, 9000],
    ['is null after the last attempt', new AgentError('retry', ''), attemptsMax, 0, null],
    ['is null for a limit without an end', new AgentError('limit', ''), 1, 0, null],
    ['is null for a limit that ends much later', new AgentError('limit', '', { resetAtMs: now + 60_001 }), 1, 0, null],
    [
      'is, for a limit that ends soon, the time until it ends',
      new AgentError('limit', '', { resetAtMs: now + 60_000 }),
      1,
      0,
      60_000,
    ],
    ['is null for a rejected key', new AgentError('fatal', ''), 1, 0, null],
    ['is null for a spending limit', new AgentError('spend', '', { resetAtMs: now + 1 }), 1, 0, null],
  ] as const)('%s', (_, error, attempt, chance, expected) => {
    const delay = retryDelayMs(error, attempt, now, chance);
    if (expected === null) expect(delay).toBeNull();
    else expect(delay).toBeCloseTo(expected, 6);
  });
});
