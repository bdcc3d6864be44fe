// Tests the scripted endpoint over HTTP, as a client uses it.

import { describe, expect, it } from 'vitest';
import { type Play, play } from '../../../agents/scripted/play.ts';
import { readScript } from '../../../agents/scripted/script.ts';
import { startScripted } from '../../../agents/scripted/scripted.ts';
import { endpoint, oneWake } from '../../support/agents/script.ts';

const system = (role: string) => `You are an agent.\n\n[coldpass role: ${role}]\n`;
const story = `
title: two roles
roles:
  builder:
    - name: red
      when: {matches: '^Woken: red'}
      save: {claim: 'claim #(\\d+)'}
      turns: [{say: 'claim {{ claim }} is red'}]
    - name: work
      when: {contains: [Woken, work], lacks: 'M1: holds'}
      turns:
        - call: [{tool: publish}, {tool: shell, input: {command: ls}}]
          save: {sha: {from: publish, match: '[0-9a-f]{40}'}, count: {from: shell, match: '(\\d+) files'}}
        - either:
            - when: {contains: refused}
              say: refused
            - call: [{tool: claim, input: {gate: M1, sha: '{{ sha }}', n: '{{ count:number }}', deep: ['at {{ sha }}']}}]
  adversary:
    - name: judge
      turns: [{say: hm}]
`;
const sha = 'a'.repeat(40);

type Body = { [member: string]: unknown };

function post(
  url: string,
  body: Body,
  headers: Record<string, string> = { authorization: 'Bearer k' },
  path = '/v1/messages',
) {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function ask(content: string, rest: Body = {}): Body {
  return { model: 'any', max_tokens: 100, system: system('builder'), messages: [{ role: 'user', content }], ...rest };
}

/** Returns the conversation of the wake `work` after its first turn, in which publish returned `said`. */
function afterPublish(said: string, prefix = ''): Body {
  const use = (id: string, name: string) => ({ type: 'tool_use', id, name: prefix + name, input: {} });
  const result = (id: string, content: unknown) => ({ type: 'tool_result', tool_use_id: id, content });
  return ask('', {
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Woken: work' }] },
      { role: 'assistant', content: [use('1', 'publish'), use('2', 'shell')] },
      { role: 'user', content: [result('1', [{ type: 'text', text: said }]), result('2', '12 files')] },
    ],
    tools: [{ name: `${prefix}claim` }, { name: `${prefix}publish` }],
  });
}

function played(request: Body): Play | { problem: string } {
  return play(readScript(story, 's.yml'), request as Parameters<typeof play>[1]);
}

describe('a scripted answer', () => {
  it('comes as plain JSON or events, for Bearer or x-api-key, and never claims to be from a model', async () => {
    const { url, requests } = await endpoint(story);
    const plain = await post(url, ask('Woken: red: claim #41'), { 'x-api-key': 'k' });
    expect(plain.headers.get('request-id')).toMatch(/^req_/);
    expect(await plain.json()).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'scripted',
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'claim 41 is red' }],
    });
    const streamed = await post(
      url,
      ask('Woken: red: claim #41', { stream: true }),
      undefined,
      '/v1/messages?beta=true',
    );
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    const text = await streamed.text();
    expect([...text.matchAll(/^event: (\w+)$/gm)].map((match) => match[1])).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(text).toContain('"model":"scripted"');
    expect(requests().map(({ auth }) => auth)).toEqual(['x-api-key', 'bearer']);
  });

  it('needs a valid key, path and body; an error names what is wrong', async () => {
    const { url } = await endpoint(story);
    expect((await post(url, ask('x'), {})).status).toBe(401);
    expect((await post(url, ask('x'), undefined, '/v1/complete')).status).toBe(404);
    expect((await fetch(`${url}/v1/messages`)).status).toBe(404);
    const wrong = await post(url, { model: 'x' });
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });

  it('can be preceded by a count of tokens', async () => {
    const { url } = await endpoint(story);
    const counted = await post(url, ask('x'.repeat(4000)), undefined, '/v1/messages/count_tokens');
    expect(((await counted.json()) as { input_tokens: number }).input_tokens).toBeGreaterThan(1000);
  });

  it('is chosen by role and by the text of the first message', () => {
    expect(played(ask('Woken: red: claim #7'))).toMatchObject({ wake: 'red', say: 'claim 7 is red' });
    expect(played(ask('Woken: work'))).toMatchObject({
      wake: 'work',
      turn: 1,
      calls: [{ tool: 'publish' }, { tool: 'shell' }],
    });
    expect(played(ask('anything', { system: system('adversary') }))).toMatchObject({
      role: 'adversary',
      wake: 'judge',
    });
    expect(played(ask('Woken: work. M1: holds'))).toMatchObject({
      problem: expect.stringContaining('no wake of role builder matches the first message'),
    });
    expect(played(ask('x', { system: 'no role' }))).toMatchObject({ problem: 'the script has no role any' });
  });

  it('contains values from earlier results, either as numbers or inserted into texts', () => {
    expect(played(afterPublish(`published ${sha}`))).toMatchObject({
      turn: 2,
      calls: [{ tool: 'claim', input: { gate: 'M1', sha, n: 12, deep: [`at ${sha}`] } }],
    });
  });

  it('comes from another branch of the script if that branch matches the last results', () => {
    expect(played(afterPublish('refused: not a fast-forward'))).toMatchObject({ say: 'refused', calls: [] });
  });

  it('if it needs a value that is missing, is an error that names the value', () => {
    expect(played(afterPublish('published nothing'))).toEqual({
      problem: 'turn 2 of wake "work" (builder) uses {{ sha }}, but nothing has saved it yet',
    });
  });

  it('names tools as MCP does if the request names them so', () => {
    expect(played(afterPublish(sha, 'mcp__coldpass__'))).toMatchObject({
      calls: [{ tool: 'mcp__coldpass__claim', input: { sha } }],
    });
  });

  it('is the same even if the endpoint was restarted in the middle of the conversation', async () => {
    const request = afterPublish(`published ${sha}`);
    const first = await endpoint(story);
    await post(first.url, ask('Woken: work'));
    const [a, b] = [await post(first.url, request), await post((await endpoint(story)).url, request)];
    const content = async (response: Response) => ((await response.json()) as { content: unknown }).content;
    expect(await content(b)).toEqual(await content(a));
  });

  it('says so if the script has no turn left', () => {
    const messages = [
      { role: 'user', content: 'Woken: red: claim #7' },
      { role: 'assistant', content: 'said' },
      { role: 'user', content: 'and?' },
    ];
    expect(played(ask('', { messages }))).toMatchObject({ turn: 2, say: 'The script has no more turns.', calls: [] });
  });

  it('fails as many times as its turn says, counted per conversation', async () => {
    const { url } = await endpoint(oneWake('- {say: ok, fault: {kind: overloaded, times: 2}}'));
    const status = async (text: string) => (await post(url, ask(text))).status;
    expect([
      await status('a'),
      await status('a'),
      await status('b'),
      await status('a'),
      await status('b'),
      await status('b'),
    ]).toEqual([529, 529, 529, 200, 529, 200]);
  });

  it('can be cut off even if it is plain JSON', async () => {
    const { url } = await endpoint(oneWake('- {say: ok, fault: cut}'));
    await expect(post(url, ask('a'))).rejects.toThrow();
  });

  it('ends when the endpoint closes, even if the answer was stalled', async () => {
    const scripted = await startScripted(readScript(oneWake('- {say: ok, fault: stall}'), 's.yml'));
    const response = await post(scripted.url, ask('a', { stream: true }));
    const reading = response.text().catch(() => 'cut');
    await scripted.close();
    expect(await reading).toBe('cut');
  });

  it('cannot be served on a port that is taken: the endpoint reports this and does not start', async () => {
    const { url } = await endpoint(story);
    const port = Number(new URL(url).port);
    await expect(startScripted(readScript(story, 's.yml'), { port })).rejects.toMatchObject({ code: 'script' });
  });
});

describe('a script', () => {
  it.each([
    ['roles: {builder: [{name: a, turns: [{}]}]}', /s\.yml:1: .*a turn needs `say`, `call` or `fault`/],
    ['roles:\n  builder:\n    - name: a\n      when: {contain: x}\n      turns: [{say: a}]', /s\.yml:4: .*no such key/],
    [
      'roles:\n  builder:\n    - name: a\n      when: {matches: "("}\n      turns: [{say: a}]',
      /s\.yml:4: .*not a regular expression/,
    ],
    ['roles:\n  builder:\n    - turns:\n        - say: a', /s\.yml:3: .*name: is missing/],
    [
      'roles:\n  builder:\n    - name: a\n      turns:\n        - {say: a, fault: explode}',
      /s\.yml:5: .*fault\.kind: needs "overloaded" or/,
    ],
    [
      'roles:\n  builder:\n    - name: a\n      turns:\n        - either:\n            - {say: 3}',
      /s\.yml:6: .*text is needed here/,
    ],
    [
      'roles:\n  builder:\n    - name: a\n      turns:\n        - {say: a, either: [{say: b}]}',
      /s\.yml:5: .*`either` must be alone/,
    ],
    ['roles: {}', /a script needs at least one role/],
    ['roles: {judge: []}', /s\.yml:1: roles\.judge: no such key/],
    ['[', /not valid YAML/],
  ])('is rejected with the line and the mistake: %j', (text, expected) => {
    expect(() => readScript(text, 's.yml')).toThrow(expected);
  });
});
