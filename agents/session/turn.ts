// Gets one answer from the model: reserves its cost, journals the request, asks, settles, and retries if a retry may
// help. Each attempt is reserved and journalled separately, so a retry can neither exceed a ceiling nor go unrecorded.

import { digestOfJson } from '../../state/entry/digest.ts';
import type { Completion, StopReason } from '../model/backend.ts';
import { pause } from '../model/clock.ts';
import { AgentError } from '../model/errors.ts';
import { retryDelayMs } from '../model/retry.ts';
import { costOf, maxCostOf, openPurse, reserve, settle } from '../model/spend.ts';
import { addUsage, promptTokens } from '../model/usage.ts';
import type { Talk } from './talk.ts';

/** For estimating uncounted text: the whole prompt at first, later only what was added since the last count. */
const bytesPerToken = 2.5;

/** Stop reasons after which the conversation continues without tool results. */
const withoutResults: ReadonlySet<StopReason> = new Set(['end_turn', 'stop_sequence', 'pause_turn'] as const);

export type ModelAnswer =
  | { kind: 'answered'; completion: Completion; usd: number }
  | { kind: 'unaffordable'; why: string }
  | { kind: 'failed'; error: AgentError };

/** Asks for the next answer to `talk.messages`. Rejects only if the transcript cannot be written, or on a bug. */
export async function ask(talk: Talk, maxTokens: number): Promise<ModelAnswer> {
  const { clock, limits, price, backend, transcript, prompt } = talk.options;
  const { model } = backend;
  const digest = digestOfJson({ model, prompt: prompt.digest, messages: talk.messages, maxTokens });
  for (let attempt = 1; ; attempt += 1) {
    const size = sizeOf(talk);
    const reservation = reserve([openPurse('call', limits.callUsd), talk.purse], maxCostOf(price, size, maxTokens));
    if ('refused' in reservation) return { kind: 'unaffordable', why: reservation.refused };
    const at = { turn: talk.turns, attempt };
    const { hold } = reservation;
    const heldUsd = hold.usd;
    await transcript.append({ kind: 'request', ...at, digest, messages: talk.messages.length, maxTokens, heldUsd });
    const outcome = await attemptOnce(talk, maxTokens);
    const used = outcome instanceof AgentError ? outcome.lost : outcome.usage;
    const usd = costOf(price, used);
    settle(hold, usd);
    talk.usage = addUsage(talk.usage, used);
    if (!(outcome instanceof AgentError)) {
      talk.measured = { tokens: promptTokens(used), bytes: size.bytes };
      return { kind: 'answered', completion: outcome, usd };
    }
    await transcript.append({ kind: 'trouble', ...at, code: outcome.code, what: outcome.message, lost: used, usd });
    const againInMs = retryDelayMs(outcome, attempt, clock.nowMs(), clock.random());
    talk.options.onEvent?.({ kind: 'trouble', what: outcome.message, againInMs });
    if (againInMs === null) return { kind: 'failed', error: outcome };
    await pause(clock, againInMs, talk.signal);
    if (talk.signal.aborted) return { kind: 'failed', error: new AgentError('cancelled', 'cancelled') };
  }
}

async function attemptOnce(talk: Talk, maxTokens: number): Promise<Completion | AgentError> {
  const { backend, limits, prompt, onEvent } = talk.options;
  try {
    const completion = await backend.complete({
      system: prompt.system,
      tools: talk.schemas,
      messages: talk.messages,
      maxTokens,
      idleMs: limits.idleMs,
      deadlineMs: limits.answerMs,
      signal: talk.signal,
      ...(onEvent && { onDelta: (text: string) => onEvent({ kind: 'text', text }) }),
    });
    return faultIn(completion) ?? completion;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

/** The fault in an answer that must not be added to the conversation, because the service would then refuse it. */
function faultIn(completion: Completion): AgentError | null {
  const ids = completion.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
  const fault = (text: string) => new AgentError('retry', text, { lost: completion.usage });
  if (new Set(ids).size < ids.length) return fault('two tool calls of the answer have the same id');
  const { stopReason } = completion;
  if (stopReason === 'tool_use' && ids.length === 0) return fault('the answer announces a tool call but has none');
  // After a call without a result, the service would refuse the next request.
  if (withoutResults.has(stopReason) && ids.length > 0)
    return fault(`the answer has a tool call but stopped for ${stopReason}`);
  return null;
}

/** The prompt in bytes and in estimated tokens; the estimate builds on the last answer's count if there is one. */
function sizeOf(talk: Talk): { stableTokens: number; tailTokens: number; bytes: number } {
  const stable = Buffer.byteLength(talk.options.prompt.system) + Buffer.byteLength(JSON.stringify(talk.schemas));
  const bytes = stable + Buffer.byteLength(JSON.stringify(talk.messages));
  const known = talk.measured;
  const tokens = known ? known.tokens + (bytes - known.bytes) / bytesPerToken : bytes / bytesPerToken;
  const stableTokens = Math.ceil(Math.min(tokens, stable / bytesPerToken));
  return { stableTokens, tailTokens: Math.ceil(tokens - stableTokens), bytes };
}
