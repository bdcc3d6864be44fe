// Where one session ends at the latest, whatever the model does. The phase's own budget is the loop's to keep.

import type { SessionLimits } from '../../state/plan/config.ts';

export type Limits = {
  /** Answers asked of the model. */
  turns: number;
  /** Output tokens of one answer; an answer cut there is asked for once more with twice as many. */
  answerTokens: number;
  /** Tokens of the session, without those read from the cache. */
  tokens: number;
  usd: number;
  /** The most that one call may be expected to cost. */
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
  // A model may think for minutes without a word when its thinking is not shown.
  idleMs: 300_000,
  answerMs: 20 * 60_000,
};

/** The limits of a session, from what the configuration says of them. */
export function limitsFrom(settings: SessionLimits = {}): Limits {
  const given: Partial<Limits> = {
    ...(settings.turns !== undefined && { turns: settings.turns }),
    ...(settings.answerTokens !== undefined && { answerTokens: settings.answerTokens }),
    ...(settings.tokens !== undefined && { tokens: settings.tokens }),
    ...(settings.usd !== undefined && { usd: settings.usd }),
    ...(settings.minutes !== undefined && { wallMs: settings.minutes * 60_000 }),
    ...(settings.idleSeconds !== undefined && { idleMs: settings.idleSeconds * 1000 }),
  };
  return { ...limitsDefault, ...given };
}
