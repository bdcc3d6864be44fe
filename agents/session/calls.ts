// Runs the tool calls of one answer in order: for each, journals the intent, runs the call and journals the result. A
// call whose result is missing from the transcript may still have taken effect; only the trail shows whether it did.
// From the next answer on, results count as seen: the model had not read them when it wrote this answer.

import type { BetaToolResultBlockParam } from '@anthropic-ai/sdk/resources/beta/messages/messages.js';
import { digestOf } from '../../state/entry/digest.ts';
import type { Digest } from '../../state/entry/ids.ts';
import type { ToolUse } from '../model/backend.ts';
import { headAndTail } from '../text/bound.ts';
import type { ToolReply } from '../tools/host.ts';
import type { Tool } from '../tools/tool.ts';
import type { Talk } from './talk.ts';

/** The longest result that a model is given; a longer one loses its middle. */
export const resultBytesMax = 16 * 1024;

export type CallResults = {
  results: BetaToolResultBlockParam[];
  /** The ending tool that succeeded; calls after it were not run. */
  endedBy: { tool: Tool; text: string } | null;
};
type Seen = { digests: Map<number, Digest>; parts: number[] };

/** Runs the calls; null if the session's signal aborted before all had a result. Rejects if the host does. */
export async function runCalls(talk: Talk, uses: readonly ToolUse[]): Promise<CallResults | null> {
  const called: CallResults = { results: [], endedBy: null };
  const seen: Seen = { digests: new Map(), parts: [] };
  for (const use of uses) {
    if (talk.signal.aborted) return null;
    const reply = await runOne(talk, use, called, seen);
    if (reply === null) return null;
    called.results.push({ type: 'tool_result', tool_use_id: use.id, content: reply.text, is_error: !reply.ok });
  }
  for (const [call, digest] of seen.digests) talk.digests.set(call, digest);
  for (const part of seen.parts) talk.parts.add(part);
  return called;
}

async function runOne(talk: Talk, use: ToolUse, called: CallResults, seen: Seen): Promise<ToolReply | null> {
  const { transcript, tools, onEvent } = talk.options;
  talk.calls += 1;
  const call = talk.calls;
  await transcript.append({ kind: 'intent', call, tool: use.name, toolUse: use.id, input: use.input });
  onEvent?.({ kind: 'call', call, tool: use.name });
  const tool = tools.find((known) => known.name === use.name);
  const reply = await replyTo(talk, tool, use, called);
  if (reply === null) return null;
  const text = modelText(talk, call, reply, tool);
  const digest = digestOf(text);
  await transcript.append({ kind: 'result', call, ok: reply.ok, digest, text });
  onEvent?.({ kind: 'result', call, tool: use.name, ok: reply.ok });
  if (tool?.evidence && reply.ok) seen.digests.set(call, digest);
  if (reply.ok) seen.parts.push(...(reply.parts ?? []));
  if (tool?.ends && reply.ok) called.endedBy = { tool, text: reply.text };
  if (reply.published !== undefined) talk.published = reply.published;
  return { ...reply, text };
}

async function replyTo(
  talk: Talk,
  tool: Tool | undefined,
  use: ToolUse,
  called: CallResults,
): Promise<ToolReply | null> {
  const { tools, host } = talk.options;
  if (called.endedBy) return { ok: false, text: `not run: ${called.endedBy.tool.name} ended the session` };
  if (!tool) {
    return {
      ok: false,
      text: `there is no tool ${use.name}; yours are ${tools.map((known) => known.name).join(', ')}`,
    };
  }
  try {
    const cite = (call: number) => talk.digests.get(call) ?? null;
    return await tool.call(use.input, { host, signal: talk.signal, cite, seen: [...talk.parts] });
  } catch (error) {
    // An abort can surface as any error; any other rejection is a broken machine or a bug.
    if (talk.signal.aborted) return null;
    throw error;
  }
}

/**
 * A result in the form that the model sees and that the digest covers: redacted, bounded, fenced, and numbered so that
 * it can be cited.
 */
function modelText(talk: Talk, call: number, { text, data = [] }: ToolReply, tool: Tool | undefined): string {
  const { redact, fence } = talk.options;
  const rest = tool?.rest ?? 'ask for less at a time';
  const bytesMax = tool?.whole ? Number.POSITIVE_INFINITY : Math.floor(resultBytesMax / (data.length + 1));
  // Escape before cutting, because escaping makes text longer: an invisible character becomes eight visible ones.
  const cut = (untrusted: string) => headAndTail(fence.own(redact(untrusted)), bytesMax, rest);
  const blocks = data.map((datum) => fence.block({ ...datum, text: cut(datum.text) }));
  // Our own text is short, so the space is divided among the data.
  return [`[call ${call}]`, headAndTail(fence.own(redact(text)), resultBytesMax, rest), ...blocks].join('\n');
}
