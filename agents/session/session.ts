// One wake of an agent, from its opening to its end. Nothing that a model writes in prose has any effect: only tool
// calls have, and only those that the host accepts. Trouble with the model is a value in the result; this rejects only
// if the transcript or the host is broken, and even then the transcript shows how far the session got.
//
//   limits? → ask → tool_use: run each, send the results back ┐
//      ↑          → end_turn: one nudge, then `finished`      │ an accepted ending tool: `finished` or `waited`
//      └──────────→ cut or paused: ask again, bounded ────────┘ refusal, context full, money, time, cancel: other ends
//
// No end is a verdict by itself: without an accepted verdict, a claim that was to be judged stays unverified.

import type { SessionEnd } from '../../state/entry/entry.ts';
import type { Digest, Sha } from '../../state/entry/ids.ts';
import { fitLine } from '../../state/entry/words.ts';
import type { Completion, Message, StopReason } from '../model/backend.ts';
import type { Clock } from '../model/clock.ts';
import type { AgentErrorCode } from '../model/errors.ts';
import type { Usage } from '../model/usage.ts';
import { runCalls } from './calls.ts';
import { newTalk, type SessionOptions, type Talk } from './talk.ts';
import { ask, type ModelAnswer } from './turn.ts';

const pausesMax = 5;
const whyCharsMax = 1000;
/** When this many turns or fewer are left, the model is told how many. */
const warnTurns = 3;

export type SessionResult = {
  end: SessionEnd;
  why: string;
  turns: number;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number };
  usd: number;
  transcript: Digest;
  published: Sha | null;
  /** The kind of trouble, and when it may be over; null if the model could be reached and paid for. */
  trouble: { code: AgentErrorCode; resetAtMs: number | null } | null;
};

type Ending = Pick<SessionResult, 'end' | 'why'> & { trouble?: SessionResult['trouble'] };

/** Runs one session to its end; see the top of this file. The transcript is closed when it returns. */
export async function runSession(options: SessionOptions): Promise<SessionResult> {
  const wall = withTimeLimit(options.clock, options.limits.wallMs, options.signal);
  const talk = newTalk(options, wall.signal);
  try {
    await open(talk);
    const ending = await converse(talk);
    return await close(talk, ending);
  } catch (error) {
    // Report this error, not a second one from closing: the transcript may be what is broken.
    await close(talk, { end: 'failed', why: 'something the session needs is broken' })
      .catch(() => options.transcript.close())
      .catch(() => undefined);
    throw error;
  } finally {
    wall.stop();
  }
}

async function open(talk: Talk): Promise<void> {
  const { session, role, backend, prompt, limits, opening, transcript, redact } = talk.options;
  const { name, model } = backend;
  await transcript.append({
    kind: 'session',
    v: 1,
    session,
    role,
    backend: name,
    model,
    prompt: prompt.digest,
    system: prompt.system,
    tools: talk.schemas,
    limits,
  });
  await say(talk, { role: 'user', content: [{ type: 'text', text: redact(opening) }] });
}

async function converse(talk: Talk): Promise<Ending> {
  for (;;) {
    const over = overLimit(talk);
    if (over) return over;
    if (!talk.widened) talk.turns += 1;
    talk.options.onEvent?.({ kind: 'turn', turn: talk.turns });
    const { answerTokens } = talk.options.limits;
    const answer = await ask(talk, talk.widened ? 2 * answerTokens : answerTokens);
    const ending = answer.kind === 'answered' ? await take(talk, answer) : withoutAnswer(talk, answer);
    if (ending) return ending;
  }
}

function overLimit(talk: Talk): Ending | null {
  const { limits } = talk.options;
  const { input, output, cacheWrite5m, cacheWrite1h } = talk.usage;
  if (talk.signal.aborted) return abortEnding(talk);
  if (talk.turns >= limits.turns) return { end: 'limit', why: `all ${limits.turns} turns are used` };
  const used = input + output + cacheWrite5m + cacheWrite1h;
  return used >= limits.tokens ? { end: 'limit', why: `${used} of ${limits.tokens} tokens are used` } : null;
}

/** How the session ends after this answer; null to ask again. */
async function take(talk: Talk, answer: Extract<ModelAnswer, { kind: 'answered' }>): Promise<Ending | null> {
  const { completion } = answer;
  const cut = completion.stopReason === 'max_tokens';
  await addAnswer(talk, answer, cut);
  const again = talk.widened;
  talk.widened = false;
  switch (completion.stopReason) {
    case 'tool_use':
      return useTools(talk, completion);
    case 'end_turn':
    case 'stop_sequence':
      return nudge(talk);
    case 'max_tokens':
      talk.widened = !again;
      return again ? { end: 'limit', why: 'the answer did not fit into twice the tokens either' } : null;
    case 'pause_turn':
      talk.pauses += 1;
      return talk.pauses > pausesMax ? { end: 'limit', why: `the model paused ${talk.pauses} times` } : null;
    case 'model_context_window_exceeded':
      return { end: 'limit', why: "the model's context is full" };
    case 'refusal':
      // A refusal is no failure of the back end: the session has ended, and a claim to be judged stays unverified.
      return { end: 'finished', why: `the model refused to answer (${completion.refusal ?? 'no category given'})` };
    default:
      return { end: 'finished', why: unknownStop(completion.stopReason) };
  }
}

/** For stop reasons such as a content filter: the session ends as after a refusal, without running any tool call. */
function unknownStop(reason: StopReason): string {
  return `the answer stopped for an unexpected reason: ${String(reason).slice(0, 60)}`;
}

async function useTools(talk: Talk, completion: Completion): Promise<Ending | null> {
  const uses = completion.content.filter((block) => block.type === 'tool_use');
  const called = await runCalls(talk, uses);
  if (called === null) return abortEnding(talk);
  if (called.endedBy) {
    const { tool } = called.endedBy;
    return {
      end: tool.ends ?? 'finished',
      why: tool.ends === 'waited' ? waitReason(uses) : `${tool.name} was accepted`,
    };
  }
  const left = talk.options.limits.turns - talk.turns;
  const warning = left > warnTurns ? [] : [{ type: 'text' as const, text: `[turns left in this session: ${left}]` }];
  await say(talk, { role: 'user', content: [...called.results, ...warning] });
  return null;
}

/** The agent's reason for waiting, for people to read. */
function waitReason(uses: readonly { name: string; input: unknown }[]): string {
  const { why } = (uses.find((use) => use.name === 'wait')?.input ?? {}) as { why?: unknown };
  return typeof why === 'string' ? `waits: ${why}` : 'waits';
}

async function nudge(talk: Talk): Promise<Ending | null> {
  if (talk.nudged) return { end: 'finished', why: 'the model stopped' };
  talk.nudged = true;
  const ends = talk.options.tools.filter((tool) => tool.ends !== null).map((tool) => tool.name);
  const text =
    'You stopped without using a tool. What you write is read by nobody and decides nothing: only tools do. ' +
    `Go on with what is left to do; if nothing is, end the session with ${ends.join(' or ')}.`;
  await say(talk, { role: 'user', content: [{ type: 'text', text }] });
  return null;
}

function withoutAnswer(talk: Talk, answer: Exclude<ModelAnswer, { kind: 'answered' }>): Ending {
  if (answer.kind === 'unaffordable') return { end: 'budget', why: answer.why };
  const { code, resetAtMs, message } = answer.error;
  if (code === 'cancelled') return abortEnding(talk);
  return { end: 'failed', why: message, trouble: { code, resetAtMs } };
}

function abortEnding(talk: Talk): Ending {
  if (talk.options.signal.aborted) return { end: 'cancelled', why: 'cancelled' };
  return {
    end: 'limit',
    why: `this session's time is up (${Math.round(talk.options.limits.wallMs / 60_000)} min)`,
  };
}

/** Adds a message from us: first to the transcript on disk, then to the conversation. */
async function say(talk: Talk, message: Message & { role: 'user' }): Promise<void> {
  const content = message.content as { type: string }[];
  await talk.options.transcript.append({ kind: 'message', role: 'user', content });
  talk.messages.push(message);
}

/**
 * Adds the model's message likewise, first to the transcript. A message that was cut off is not added to the
 * conversation, because its last tool call is incomplete.
 */
async function addAnswer(
  talk: Talk,
  answer: Extract<ModelAnswer, { kind: 'answered' }>,
  discarded: boolean,
): Promise<void> {
  const { content, stopReason, requestId, usage } = answer.completion;
  await talk.options.transcript.append({
    kind: 'message',
    role: 'assistant',
    content: content as { type: string }[],
    discarded,
    stopReason,
    requestId,
    usage,
    usd: answer.usd,
  });
  // The API refuses an assistant message without content.
  if (!discarded && content.length > 0) talk.messages.push({ role: 'assistant', content });
}

async function close(talk: Talk, ending: Ending): Promise<SessionResult> {
  const { transcript } = talk.options;
  const why = fitLine(talk.options.redact(ending.why), whyCharsMax);
  const usd = talk.purse.spentUsd;
  await transcript.append({ kind: 'end', end: ending.end, why, turns: talk.turns, usage: talk.usage, usd });
  return {
    end: ending.end,
    why,
    turns: talk.turns,
    tokens: tokensOf(talk.usage),
    usd,
    transcript: await transcript.close(),
    published: talk.published,
    trouble: ending.trouble ?? null,
  };
}

function tokensOf(usage: Usage): SessionResult['tokens'] {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = usage;
  return { input, output, cacheRead, cacheWrite: cacheWrite5m + cacheWrite1h };
}

/** A signal that aborts when the caller's signal does, or when the time is up. */
function withTimeLimit(clock: Clock, ms: number, signal: AbortSignal): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const stop = clock.after(ms, () => controller.abort());
  return { signal: AbortSignal.any([signal, controller.signal]), stop };
}
