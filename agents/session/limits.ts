// The limits at which a session ends, whatever the model does. The phase's budget is enforced by the loop, not here.

import type { SessionLimits } from '../../state/plan/config.ts';

export type Limits = {
  /** Answers requested from the model. */
  turns: number;
  /** Output tokens of one answer; an answer that is cut off there is requested once more, with twice as many. */
  answerTokens: number;
  /** Tokens of the session, not counting those read from the cache. */
  tokens: number;
  usd: number;
  /** The most that one call may be estimated to cost. */
  callUsd: number;
  wallMs: number;
  idleMs: number;
  answerMs: number;
};

export const limitsDefault: Limits = {
  turns: 200,
  answerTokens: 16_000,
  tokens: 4_000_000,
  usd: 5,
  callUsd: 4,
  wallMs: 2 * 3600_000,
  // A model whose thinking is not shown may be silent for minutes.
  idleMs: 300_000,
  answerMs: 20 * 60_000,
};

/** The limits of a session: the defaults, as overridden by the configuration. */
export function limitsFrom(settings: SessionLimits = {}): Limits {
  const overrides: Partial<Limits> = {
    ...(settings.turns !== undefined && { turns: settings.turns }),
    ...(settings.answerTokens !== undefined && { answerTokens: settings.answerTokens }),
    ...(settings.tokens !== undefined && { tokens: settings.tokens }),
    ...(settings.usd !== undefined && { usd: settings.usd }),
    ...(settings.minutes !== undefined && { wallMs: settings.minutes * 60_000 }),
    ...(settings.idleSeconds !== undefined && { idleMs: settings.idleSeconds * 1000 }),
  };
  return { ...limitsDefault, ...overrides };
}
