// Sessions from start to end, with the real SDK, HTTP, transcripts and shell. Only the model is a script.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TranscriptLine } from '../../../agents/session/transcript.ts';
import { interruptedCalls, readTranscript } from '../../../agents/session/transcript.ts';
import { checkFacts } from '../../../state/entry/body.ts';
import { digestOf, digestOfJson } from '../../../state/entry/digest.ts';
import { publishedSha, testHost } from '../../support/agents/host.ts';
import { endpoint, oneWake, playSession, runAgainst, testKey } from '../../support/agents/script.ts';
import { tempDir } from '../../support/temp.ts';

const waits = '- call: [{tool: wait, input: {why: nothing left}}]';

function of<K extends TranscriptLine['kind']>(lines: TranscriptLine[], kind: K) {
  return lines.filter((line): line is Extract<TranscriptLine, { kind: K }> => line.kind === kind);
}

describe('a session', () => {
  it('runs tools, sends their results back, and ends when the agent waits', async () => {
    const { result, read, scripted, host } = await playSession(
      oneWake(`
- say: I make a file.
  call:
    - {tool: edit, input: {path: src/a.txt, text: hello}}
    - {tool: shell, input: {command: cat src/a.txt; exit 3}}
- call: [{tool: publish}]
  save: {sha: {from: publish, match: '[0-9a-f]{40}'}}
- call: [{tool: claim, input: {gate: M1, sha: '{{ sha }}', what: all, how: npm test, expected: 1 passed}}]
${waits}`),
    );
    expect(result).toMatchObject({
      end: 'waited',
      why: 'waits: nothing left',
      turns: 4,
      published: publishedSha,
      usd: 0,
    });
    expect(host.submitted).toEqual([
      {
        kind: 'claim',
        facts: { gate: 'M1', sha: publishedSha, expects: { pass: [], looksBad: [] } },
        body: `**WHAT** all\n\n**WHERE** \`${publishedSha}\`\n\n**HOW** npm test\n\n**EXPECTED** 1 passed`,
      },
    ]);
    const results = of(read.lines, 'result');
    expect(results[1]?.text).toBe('[call 2]\nexit 3\nhello');
    expect(result.transcript).toBe(read.digest);
    expect(result.tokens.input).toBeGreaterThan(0);
    expect(scripted.requests().map(({ play }) => play?.turn)).toEqual([1, 2, 3, 4]);
  });

  it('records each step before the next begins, with enough to rebuild every request', async () => {
    const { read, scripted } = await playSession(
      oneWake(`- call: [{tool: shell, input: {command: echo hi}}]\n${waits}`),
    );
    expect(read.lines.map((line) => line.kind)).toEqual([
      'session',
      'message',
      'request',
      'message',
      'intent',
      'result',
      'message',
      'request',
      'message',
      'intent',
      'result',
      'end',
    ]);
    const [session] = of(read.lines, 'session');
    const messages: unknown[] = [];
    const rebuilt = read.lines.flatMap((line) => {
      if (line.kind === 'message') messages.push({ role: line.role, content: line.content });
      if (line.kind !== 'request') return [];
      const { maxTokens } = line;
      return digestOfJson({ model: session?.model, prompt: session?.prompt, messages: [...messages], maxTokens });
    });
    expect(rebuilt).toEqual(of(read.lines, 'request').map((line) => line.digest));
    expect(session?.prompt).toBe(digestOfJson({ system: session?.system, tools: session?.tools }));
    expect(scripted.requests()[1]?.body.messages).toEqual(messages.slice(0, 3));
  });

  it('sends the same system text and tools every turn, cached for an hour, and caches the conversation', async () => {
    const { scripted } = await playSession(oneWake(`- call: [{tool: shell, input: {command: 'true'}}]\n${waits}`));
    const [first, second] = scripted.requests().map(({ body }) => body);
    expect(JSON.stringify(second?.tools)).toBe(JSON.stringify(first?.tools));
    expect(second?.system).toEqual(first?.system);
    expect(first?.system).toMatchObject([{ cache_control: { type: 'ephemeral', ttl: '1h' } }]);
    expect(first?.cache_control).toEqual({ type: 'ephemeral' });
  });

  it.each(['## DONE', 'M1 PASS', 'APPROVED', 'VERDICT: PASS\n\n```json\n{"tool": "verdict"}\n```'])(
    'does not treat prose as an act: after %j it nudges the model once, then finishes',
    async (prose) => {
      const say = JSON.stringify(prose);
      const { result, host, scripted } = await playSession(oneWake(`- say: ${say}\n- say: ${say}`, 'adversary'), {
        role: 'adversary',
      });
      expect(result).toMatchObject({ end: 'finished', why: 'the model stopped', turns: 2 });
      expect(host.submitted).toEqual([]);
      expect(JSON.stringify(scripted.requests()[1]?.body.messages)).toContain('wait or verdict');
    },
  );

  it('ends with the first ending tool that is accepted, and runs nothing after it', async () => {
    const { result, read, host } = await playSession(
      oneWake(`
- call:
    - {tool: hand_off, input: {sha: ${publishedSha}, summary: all built}}
    - {tool: note, input: {title: late, words: too late}}`),
    );
    expect(result).toMatchObject({ end: 'finished', why: 'hand_off was accepted' });
    expect(host.submitted.map(({ kind }) => kind)).toEqual(['claim']);
    expect(of(read.lines, 'result')[1]).toMatchObject({
      ok: false,
      text: '[call 2]\nnot run: hand_off ended the session',
    });
  });

  it('continues after a refused ending tool, with the reason', async () => {
    const { result, scripted } = await playSession(
      oneWake(`- call: [{tool: hand_off, input: {sha: ${publishedSha}, summary: all built}}]\n${waits}`),
      { host: { refuse: ({ kind }) => (kind === 'claim' ? 'M2 does not hold' : null) } },
    );
    expect(result.end).toBe('waited');
    expect(scripted.requests()[1]?.body.messages.at(-1)?.content).toMatchObject([
      { type: 'tool_result', is_error: true, content: '[call 1]\nM2 does not hold' },
    ]);
  });

  it('answers an unknown tool or invalid input in words, and continues', async () => {
    const { result, read } = await playSession(
      oneWake(`
- call:
    - {tool: verdict, input: {verdict: PASS}}
    - {tool: claim, input: {gate: M1, sha: c0ffee0, what: a, how: b, expected: c}}
    - {tool: claim, input: {gate: DONE, sha: ${publishedSha}, what: a, how: b, expected: c}}
    - {tool: read, input: {path: ../secret}}
    - {tool: trail, input: {}}
${waits}`),
    );
    expect(result.end).toBe('waited');
    const texts = of(read.lines, 'result').map(({ text }) => text);
    expect(texts[0]).toContain('there is no tool verdict; yours are shell, read, edit');
    expect(texts[1]).toContain('`sha`: must be a full 40-digit commit id');
    expect(texts[2]).toContain('DONE is claimed with hand_off');
    expect(texts[3]).toContain('`path`: must be a relative path without "." or ".." parts');
    expect(texts[4]).toContain('at least one of entry, run, kind');
  });

  it('lets a verdict cite, by digest, only results that this session received and the model read', async () => {
    const verdict = (cite: string) =>
      `{tool: verdict, input: {claim: 38, verdict: PASS, words: seen, checks: [{clause: '2.1', saw: it works, cites: [${cite}]}]}}`;
    const { result, read, host } = await playSession(
      oneWake(
        `
- call:
    - {tool: shell, input: {command: echo seen}}
    - {tool: note, input: {title: a note, words: no evidence}}
    - ${verdict('{call: 1}')}
- call:
    - ${verdict('{call: 2}')}
    - ${verdict('{call: 9}')}
    - ${verdict('{call: 1}, {run: r-0123456789ab}')}`,
        'adversary',
      ),
      { role: 'adversary' },
    );
    expect(result).toMatchObject({ end: 'finished', why: 'verdict was accepted' });
    const [first, , unread, third, fourth] = of(read.lines, 'result');
    expect(unread?.text).toContain('cites call 1, which is not an observation of this session');
    expect(third?.text).toContain('cites call 2, which is not an observation of this session');
    expect(fourth?.text).toContain('cites call 9');
    expect(first?.digest).toBe(digestOf(first?.text ?? ''));
    expect(host.submitted.at(-1)).toMatchObject({
      kind: 'verdict',
      facts: {
        claim: 38,
        runs: ['r-0123456789ab'],
        checks: [{ cites: [{ call: 1, digest: first?.digest }, { run: 'r-0123456789ab' }] }],
      },
    });
  });

  it('gives the model the head and tail of a long result, and says how to get the rest', async () => {
    const { read } = await playSession(
      oneWake(`- call: [{tool: shell, input: {command: 'seq 1 20000; echo the end'}}]\n${waits}`),
    );
    const text = of(read.lines, 'result')[0]?.text ?? '';
    expect(Buffer.byteLength(text)).toBeLessThan(17 * 1024);
    expect(text).toMatch(/bytes left out; to see them, write the output to a file/);
    expect(text).toContain('\n1\n2\n');
    expect(text.trim().endsWith('the end')).toBe(true);
  });
});

describe('limits of a session', () => {
  const busy = '- call: [{tool: shell, input: {command: echo hi}}]\n';

  it('ends after its number of turns, with a warning before the last one', async () => {
    const { result, scripted } = await playSession(oneWake(busy.repeat(5)), { limits: { turns: 2 } });
    expect(result).toMatchObject({ end: 'limit', why: 'all 2 turns are used', turns: 2 });
    expect(JSON.stringify(scripted.requests()[1]?.body.messages)).toContain('[turns left in this session: 1]');
  });

  it('ends when its tokens are used up', async () => {
    const { result } = await playSession(oneWake(busy.repeat(5)), { limits: { tokens: 100 } });
    expect(result).toMatchObject({ end: 'limit', turns: 1 });
  });

  it('ends when its time is up, even while a tool runs', async () => {
    const { result, read } = await playSession(oneWake('- call: [{tool: shell, input: {command: sleep 60}}]'), {
      limits: { wallMs: 50_000 },
    });
    expect(result).toMatchObject({ end: 'limit', why: "this session's time is up (1 min)" });
    expect(interruptedCalls(read.lines)).toMatchObject([{ call: 1, tool: 'shell' }]);
  });

  it('makes no call that its money does not cover', async () => {
    const { result, scripted, read } = await playSession(oneWake(waits), {
      model: 'claude-opus-5-5',
      limits: { usd: 0.1 },
    });
    expect(result).toMatchObject({ end: 'budget', usd: 0 });
    expect(result.why).toMatch(/budget of this session is too small: \$0\.\d+ needed, \$0\.1000 of \$0\.1000 left/);
    expect(scripted.requests()).toEqual([]);
    expect(of(read.lines, 'request')).toEqual([]);
  });

  it('makes no call that may cost more than the limit of one call', async () => {
    const { result, scripted } = await playSession(oneWake(waits), {
      model: 'claude-opus-5-5',
      limits: { usd: 100, callUsd: 0.01 },
    });
    expect(result.end).toBe('budget');
    expect(result.why).toContain('budget of this call');
    expect(scripted.requests()).toEqual([]);
  });

  it('charges its tokens at list price', async () => {
    const { result } = await playSession(oneWake(waits), { model: 'claude-opus-5-5' });
    expect(result.usd).toBeCloseTo((result.tokens.input * 4 + result.tokens.output * 20) / 1e6, 12);
    expect(result.usd).toBeGreaterThan(0);
  });
});

describe('an abnormal answer', () => {
  const cutCall = (times: number) => `
- call: [{tool: edit, input: {path: a.txt, text: ${'long '.repeat(40)}}}]
  fault: {kind: max_tokens, times: ${times}}
${waits}`;

  it('is discarded and requested again with twice the tokens if it was cut off in a tool call', async () => {
    const { result, read, scripted, host } = await playSession(oneWake(cutCall(1)), { limits: { answerTokens: 1000 } });
    expect(result).toMatchObject({ end: 'waited', turns: 2 });
    expect(scripted.requests().map(({ body }) => body.max_tokens)).toEqual([1000, 2000, 1000]);
    expect(of(read.lines, 'message').filter(({ discarded }) => discarded)).toHaveLength(1);
    expect(readFileSync(`${host.dir}/a.txt`, 'utf8')).toContain('long long');
  });

  it('ends the session if it is cut off a second time', async () => {
    const { result, host } = await playSession(oneWake(cutCall(2)));
    expect(result).toMatchObject({ end: 'limit', why: 'the answer did not fit into twice the tokens either' });
    expect(() => readFileSync(`${host.dir}/a.txt`)).toThrow();
  });

  it('ends the session without a nudge if it is a refusal, and runs nothing', async () => {
    const { result, host } = await playSession(
      oneWake('- {say: no, call: [{tool: note, input: {title: a, words: b}}], fault: refusal}'),
    );
    expect(result).toMatchObject({
      end: 'finished',
      why: 'the model refused to answer (no category given)',
      trouble: null,
    });
    expect(host.submitted).toEqual([]);
  });

  it('may wait with any text as the reason, and the entry is still valid', async () => {
    const { result } = await playSession(
      oneWake('- call: [{tool: wait, input: {why: "e\\u0301 \\u202e 👩‍💻\\nnothing \\u3164 left"}}]'),
    );
    expect(result).toMatchObject({ end: 'waited', why: 'waits: é \\u{202e} 👩\\u{200d}💻 nothing \\u{3164} left' });
    expect(checkFacts({ why: result.why })).toBeNull();
  });

  it('is sent back unchanged if it is a pause', async () => {
    const { result, scripted } = await playSession(oneWake(`- {say: thinking on, fault: pause_turn}\n${waits}`));
    expect(result.end).toBe('waited');
    expect(scripted.requests()[1]?.body.messages.at(-1)).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'thinking on' }],
    });
  });

  it('ends the session if its stop reason is unknown, and runs nothing', async () => {
    const { result, host } = await playSession(
      oneWake('- {say: no, call: [{tool: note, input: {title: a, words: b}}], fault: filter}'),
    );
    expect(result).toMatchObject({ end: 'finished', trouble: null });
    expect(result.why).toContain('an unexpected reason: content_filter');
    expect(host.submitted).toEqual([]);
  });

  it('is requested again if it has a tool call but another stop reason', async () => {
    const { result, host, scripted } = await playSession(
      oneWake(`- {call: [{tool: note, input: {title: a, words: b}}], fault: tool_unasked}\n${waits}`),
    );
    expect(result.end).toBe('waited');
    expect(host.submitted).toHaveLength(1);
    expect(scripted.requests().map(({ fault }) => fault)).toEqual(['tool_unasked', null, null]);
  });

  it('is nudged once if it is empty, then ends the session', async () => {
    const { result, host } = await playSession(oneWake(`- say: ''\n- say: ''`, 'adversary'), { role: 'adversary' });
    expect(result).toMatchObject({ end: 'finished', why: 'the model stopped' });
    expect(host.submitted).toEqual([]);
  });

  it('ends the session if it pauses again and again', async () => {
    const { result } = await playSession(oneWake('- {say: thinking on, fault: pause_turn}\n'.repeat(9)));
    expect(result).toMatchObject({ end: 'limit', why: 'the model paused 6 times' });
  });

  it('ends the session, which counts as a limit, if the context is full', async () => {
    const { result } = await playSession(oneWake('- {say: too much, fault: context_window}'));
    expect(result).toMatchObject({ end: 'limit', why: "the model's context is full" });
  });
});

describe('a session that is cancelled or broken', () => {
  it('ends promptly in the middle of an answer', async () => {
    const controller = new AbortController();
    const { result, scripted } = await playSession(oneWake(`- {say: ${'word '.repeat(80)}, fault: stall}`), {
      signal: controller.signal,
      onEvent: (event) => event.kind === 'text' && controller.abort(),
    });
    expect(result).toMatchObject({ end: 'cancelled', turns: 1 });
    expect(result.tokens.input).toBeGreaterThan(0);
    expect(scripted.requests()).toHaveLength(1);
  });

  it('makes no call at all if it was cancelled before it started', async () => {
    const { result, scripted } = await playSession(oneWake(waits), { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ end: 'cancelled', turns: 0 });
    expect(scripted.requests()).toEqual([]);
  });

  it('leaves a transcript that names any call without a result', async () => {
    const controller = new AbortController();
    const { result, read } = await playSession(oneWake('- call: [{tool: shell, input: {command: sleep 60}}]'), {
      signal: controller.signal,
      onEvent: (event) => event.kind === 'call' && controller.abort(),
    });
    expect(result.end).toBe('cancelled');
    expect(read.torn).toBe(false);
    expect(interruptedCalls(read.lines)).toMatchObject([{ call: 1, tool: 'shell', input: { command: 'sleep 60' } }]);
    expect(read.lines.at(-1)).toMatchObject({ kind: 'end', end: 'cancelled' });
  });

  it('rejects when the host is broken, and still records the error in the transcript', async () => {
    const scripted = await endpoint(oneWake('- call: [{tool: publish}]'));
    const host = testHost(tempDir());
    host.publish = () => Promise.reject(new Error('the disk is gone'));
    const { result, path } = await runAgainst(scripted, host, {});
    await expect(result).rejects.toThrow('the disk is gone');
    const { lines } = readTranscript(readFileSync(path));
    expect(lines.at(-1)).toMatchObject({ kind: 'end', end: 'failed' });
    expect(interruptedCalls(lines)).toHaveLength(1);
  });
});

describe('secrets', () => {
  it('reach neither the transcript nor the model, whatever a tool prints', async () => {
    const secret = 'hunter2-hunter2';
    const { read, scripted } = await playSession(
      oneWake(`
- call:
    - {tool: shell, input: {command: 'echo ${testKey} ${secret}; printf %s ${secret} | base64; echo "Authorization: Bearer abcdefghijklmnop"'}}
${waits}`),
      { secrets: [secret], opening: `Woken: work: …\n+const key = '${secret}';` },
    );
    const text = of(read.lines, 'result')[0]?.text;
    expect(text).toBe('[call 1]\nexit 0\n[redacted] [redacted]\n[redacted]\nAuthorization: [redacted]\n');
    const { messages = [] } = scripted.requests()[1]?.body ?? {};
    const results = JSON.stringify([messages[0], messages.at(-1)]);
    const all = JSON.stringify(read.lines) + results;
    for (const leak of [testKey, secret, Buffer.from(secret).toString('base64'), 'abcdefghijklmnop']) {
      expect(all).not.toContain(leak);
    }
  });
});
