// The transcript of one session: what happened, as JSON lines. Each line is on disk before the next step, so the
// transcript of a killed session can be read to its last line. Redacted but complete: it contains system text, tools,
// messages and results. Its digest is recorded on the trail.
//
//   session, message (the opening), then per turn: request, [trouble, request …], message,
//   per tool call: intent, result; a message sent back (results, a nudge); finally: end

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../../state/entry/digest.ts';
import { SessionEnd } from '../../state/entry/entry.ts';
import { AgentRole, Digest, SessionId } from '../../state/entry/ids.ts';
import { syncFolder } from '../../state/git/objects.ts';
import type { Clock } from '../model/clock.ts';
import { AgentError } from '../model/errors.ts';
import { type Redact, redactDeep } from '../text/redact.ts';

const count = z.number().int().nonnegative();
const usage = z.strictObject({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite5m: count,
  cacheWrite1h: count,
});
const Block = z.looseObject({ type: z.string() });
const attempt = { turn: count, attempt: count };

/** One event. `call` numbers the session's tool calls from 1; a verdict cites the `digest` of a result. */
export const TranscriptEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('session'),
    v: z.literal(1),
    session: SessionId,
    role: AgentRole,
    backend: z.string(),
    model: z.string(),
    prompt: Digest,
    system: z.string(),
    tools: z.array(z.looseObject({ name: z.string() })),
    limits: z.record(z.string(), z.number()),
  }),
  /** A request about to be sent; its digest covers model, prompt, messages and `maxTokens`. */
  z.strictObject({
    kind: z.literal('request'),
    ...attempt,
    digest: Digest,
    messages: count,
    maxTokens: count,
    heldUsd: z.number(),
  }),
  z.strictObject({
    kind: z.literal('trouble'),
    ...attempt,
    code: z.string(),
    what: z.string(),
    lost: usage,
    usd: z.number(),
  }),
  z.strictObject({
    kind: z.literal('message'),
    role: z.enum(['user', 'assistant']),
    content: z.union([z.string(), z.array(Block)]),
    /** True for an assistant message that was paid for but not used, because it was cut off. */
    discarded: z.boolean().optional(),
    stopReason: z.string().optional(),
    requestId: z.string().nullable().optional(),
    usage: usage.optional(),
    usd: z.number().optional(),
  }),
  z.strictObject({ kind: z.literal('intent'), call: count, tool: z.string(), toolUse: z.string(), input: z.unknown() }),
  z.strictObject({ kind: z.literal('result'), call: count, ok: z.boolean(), digest: Digest, text: z.string() }),
  z.strictObject({ kind: z.literal('end'), end: SessionEnd, why: z.string(), turns: count, usage, usd: z.number() }),
]);
export type TranscriptEvent = z.infer<typeof TranscriptEvent>;

const Numbered = z.looseObject({ n: count, atMs: z.number() });
export type TranscriptLine = { n: number; atMs: number } & TranscriptEvent;

/**
 * `append` resolves once the line is on disk; calls must not overlap. `append` and `close` reject with `AgentError`
 * (transcript).
 */
export interface Transcript {
  append(event: TranscriptEvent): Promise<void>;
  /** Closes the file and returns the SHA-256 of its bytes. May be called twice. */
  close(): Promise<Digest>;
}

/** Creates the file with mode 0600, because it contains what agents said. The file must not exist yet. */
export async function openTranscript(path: string, redact: Redact, clock: Clock): Promise<Transcript> {
  const file = await orTranscriptError(path, () => open(path, 'ax', 0o600));
  await orTranscriptError(path, () => syncFolder(dirname(path)));
  const hash = createHash('sha256');
  let lines = 0;
  let digest: Digest | null = null;
  return {
    async append(event) {
      const line = { n: lines, atMs: clock.nowMs(), ...(redactDeep(event, redact) as TranscriptEvent) };
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      await orTranscriptError(path, () => writeSynced(file, bytes));
      hash.update(bytes);
      lines += 1;
    },
    async close() {
      if (digest === null) {
        digest = hash.digest('hex') as Digest;
        await orTranscriptError(path, () => file.close());
      }
      return digest;
    },
  };
}

/** A transcript as read. `torn`: the last line was written only in part, and `lines` leaves it out. */
export type ParsedTranscript = { lines: TranscriptLine[]; digest: Digest; torn: boolean };

/** Parses a transcript; throws `AgentError` (transcript), which names the first invalid line. */
export function readTranscript(bytes: Uint8Array): ParsedTranscript {
  const rows = Buffer.from(bytes).toString('utf8').split('\n');
  const torn = rows.pop() !== '';
  return { lines: rows.map(parseLine), digest: digestOf(bytes), torn };
}

/** Calls that were started and have no result: whether they took effect is unknown. */
export function interruptedCalls(lines: readonly TranscriptLine[]): Extract<TranscriptLine, { kind: 'intent' }>[] {
  const done = new Set(lines.flatMap((line) => (line.kind === 'result' ? [line.call] : [])));
  return lines.filter((line) => line.kind === 'intent').filter((line) => !done.has(line.call));
}

function parseLine(row: string, index: number): TranscriptLine {
  try {
    const { n, atMs, ...event } = Numbered.parse(JSON.parse(row));
    if (n === index) return { n, atMs, ...TranscriptEvent.parse(event) };
  } catch (cause) {
    throw new AgentError('transcript', `line ${index + 1} of the transcript is not a transcript line`, { cause });
  }
  throw new AgentError('transcript', `line ${index + 1} of the transcript is out of sequence: lines are missing`);
}

async function writeSynced(file: FileHandle, bytes: Buffer): Promise<void> {
  await file.writeFile(bytes);
  await file.datasync();
}

async function orTranscriptError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AgentError('transcript', `the transcript ${path} cannot be written; check the disk`, { cause });
  }
}
