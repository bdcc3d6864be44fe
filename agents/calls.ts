// The tool calls of one answer, in order: journal the intent, run, journal the result, next. A call without a result in the
// transcript may have taken effect: that is the reader's to find out, from the trail.

import type { BetaToolResultBlockParam } from '@anthropic-ai/sdk/resources/beta/messages/messages.js';
import { digestOf } from '../state/digest.ts';
import type { ToolUse } from './backend.ts';
import { bounded } from './bound.ts';
import type { ToolReply } from './host.ts';
import type { Talk } from './talk.ts';
import type { Tool } from './tool.ts';

/** Longest result that a model is given; of longer ones the middle is left out. */
export const resultBytesMax = 16 * 1024;

export type Called = {
  results: BetaToolResultBlockParam[];
  /** The ending tool that was used with success; calls after it were not run. */
  endedBy: { tool: Tool; text: string } | null;
};

/** Runs them; null where the session's signal aborted before all had a result. Rejects where the host does. */
export async function runCalls(talk: Talk, uses: readonly ToolUse[]): Promise<Called | null> {
  const called: Called = { results: [], endedBy: null };
  for (const use of uses) {
    if (talk.signal.aborted) return null;
    const reply = await runOne(talk, use, called);
    if (reply === null) return null;
    called.results.push({ type: 'tool_result', tool_use_id: use.id, content: reply.text, is_error: !reply.ok });
  }
  return called;
}

async function runOne(talk: Talk, use: ToolUse, called: Called): Promise<ToolReply | null> {
  const { transcript, tools, onEvent } = talk.options;
  talk.calls += 1;
  const call = talk.calls;
  await transcript.append({ kind: 'intent', call, tool: use.name, toolUse: use.id, input: use.input });
  onEvent?.({ kind: 'call', call, tool: use.name });
  const tool = tools.find((known) => known.name === use.name);
  const reply = await replyTo(talk, tool, use, called);
  if (reply === null) return null;
  const text = shown(talk, call, reply.text, tool);
  const digest = digestOf(text);
  await transcript.append({ kind: 'result', call, ok: reply.ok, digest, text });
  onEvent?.({ kind: 'result', call, tool: use.name, ok: reply.ok });
  if (tool?.evidence && reply.ok) talk.digests.set(call, digest);
  if (tool?.ends && reply.ok) called.endedBy = { tool, text: reply.text };
  if (reply.published !== undefined) talk.published = reply.published;
  return { ...reply, text };
}

async function replyTo(talk: Talk, tool: Tool | undefined, use: ToolUse, called: Called): Promise<ToolReply | null> {
  const { tools, host } = talk.options;
  if (called.endedBy) return { ok: false, text: `not run: ${called.endedBy.tool.name} ended the session` };
  if (!tool) {
    return {
      ok: false,
      text: `there is no tool ${use.name}; yours are ${tools.map((known) => known.name).join(', ')}`,
    };
  }
  try {
    return await tool.call(use.input, { host, signal: talk.signal, cite: (n) => talk.digests.get(n) ?? null });
  } catch (error) {
    // An abort may surface as any error; what else rejects is a broken machine, or a bug.
    if (talk.signal.aborted) return null;
    throw error;
  }
}

/** What the model sees, and what the digest is of: redacted, bounded, with the number under which it can be cited. */
function shown(talk: Talk, call: number, text: string, tool: Tool | undefined): string {
  const rest = tool?.rest ?? 'ask for less at a time';
  return `[call ${call}]\n${bounded(talk.options.redact(text), resultBytesMax, rest)}`;
}
