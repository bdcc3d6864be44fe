// Transcripts on a real disk, and the redaction of secrets in them.

import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  interruptedCalls,
  openTranscript,
  readTranscript,
  type TranscriptEvent,
} from '../../../agents/session/transcript.ts';
import { headAndTail } from '../../../agents/text/bound.ts';
import { redactDeep, redactor } from '../../../agents/text/redact.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { quickClock } from '../../support/agents/script.ts';
import { tempDir } from '../../support/temp.ts';

const intent = (call: number): TranscriptEvent => ({
  kind: 'intent',
  call,
  tool: 'shell',
  toolUse: `t${call}`,
  input: {},
});
const result = (call: number): TranscriptEvent => ({
  kind: 'result',
  call,
  ok: true,
  digest: digestOf('x'),
  text: 'x',
});

async function written(...events: TranscriptEvent[]): Promise<{ path: string; digest: string; bytes: Buffer }> {
  const path = join(tempDir(), 't.jsonl');
  const transcript = await openTranscript(path, (text) => text, quickClock);
  for (const event of events) await transcript.append(event);
  const digest = await transcript.close();
  return { path, digest, bytes: readFileSync(path) };
}

describe('a transcript', () => {
  it('returns the digest of its bytes, can be closed twice, and is readable only by its owner', async () => {
    const { path, digest, bytes } = await written(intent(1), result(1));
    expect(digest).toBe(digestOf(bytes));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readTranscript(bytes)).toMatchObject({ torn: false, digest, lines: [{ n: 0 }, { n: 1 }] });
  });

  it('stays readable up to its last whole line, whatever the byte at which its writer died', async () => {
    const { bytes } = await written(intent(1), result(1), intent(2));
    for (let end = 0; end <= bytes.length; end += 1) {
      const { lines, torn } = readTranscript(bytes.subarray(0, end));
      expect(torn).toBe(end > 0 && bytes[end - 1] !== 10);
      expect(lines.length).toBe(bytes.subarray(0, end).toString().split('\n').length - 1);
    }
  });

  it('names the calls that have no result', async () => {
    const { bytes } = await written(intent(1), result(1), intent(2));
    expect(interruptedCalls(readTranscript(bytes).lines)).toMatchObject([{ call: 2 }]);
  });

  it('is rejected if a line is missing, changed, or of another kind', async () => {
    const { bytes } = await written(intent(1), result(1), intent(2));
    const lines = bytes.toString().split('\n');
    const without = (index: number) => Buffer.from(lines.filter((_, i) => i !== index).join('\n'));
    expect(() => readTranscript(without(1))).toThrow('line 2 of the transcript is out of sequence: lines are missing');
    expect(() => readTranscript(Buffer.from('{}\n'))).toThrow('line 1 of the transcript');
    expect(() => readTranscript(Buffer.from('not json\n'))).toThrow('line 1 of the transcript');
  });

  it('never overwrites another transcript', async () => {
    const { path } = await written(intent(1));
    await expect(openTranscript(path, (text) => text, quickClock)).rejects.toMatchObject({ code: 'transcript' });
  });

  it('reports that it cannot be created', async () => {
    const path = join(tempDir(), 'folder');
    mkdirSync(path);
    await expect(openTranscript(path, (text) => text, quickClock)).rejects.toThrow(/cannot be written; check the disk/);
  });
});

describe('redaction', () => {
  const redact = redactor(['s3cret-value', 's3cret-value-longer', 'abc']);

  it.each([
    ['a s3cret-value here', 'a [redacted] here'],
    ['s3cret-value-longer', '[redacted]'],
    [Buffer.from('s3cret-value').toString('base64'), '[redacted]'],
    ['authorization: Bearer abc.def', 'authorization: [redacted]'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: [redacted]'],
    ['curl -H "x-api-key: k-123"', 'curl -H "x-api-key: [redacted]"'],
    ['{"Authorization":"Bearer k-123"}', '{"Authorization":"[redacted]"}'],
    ['sk-ant-api03-abcdefgh', 'sk-ant-[redacted]'],
    ['bearer 0123456789abcdef0123', 'bearer [redacted]'],
    ['the bearer of this ring', 'the bearer of this ring'],
    ['abc is too short to be looked for', 'abc is too short to be looked for'],
  ])('%s', (text, expected) => {
    expect(redact(text)).toBe(expected);
    expect(redact(redact(text))).toBe(expected);
  });

  it("covers every member's name and value, and whole credential headers", () => {
    const value = { 'X-Api-Key': 'k', list: [{ 's3cret-value': 1, text: 's3cret-value' }], n: 3, none: null };
    expect(redactDeep(value, redact)).toEqual({
      'X-Api-Key': '[redacted]',
      list: [{ '[redacted]': 1, text: '[redacted]' }],
      n: 3,
      none: null,
    });
  });
});

describe('a bounded text', () => {
  it('is left unchanged if it fits', () => {
    expect(headAndTail('äöü', 6, 'no')).toBe('äöü');
  });

  it('is cut between characters, and half characters in it are replaced', () => {
    const text = headAndTail(`${'💾'.repeat(1000)}\ud800`, 200, 'ask');
    expect(text.isWellFormed()).toBe(true);
    expect(text).toMatch(/^💾+\n\[… \d+ bytes left out; to see them, ask …\]\n💾+\ufffd$/u);
  });
});
