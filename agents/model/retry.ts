// Decides whether and when to ask the model again. Pure: chance is passed in.

import type { AgentError } from './errors.ts';

/** The most requests made for one answer, including the first. */
export const attemptsMax = 4;
const backoffFirstMs = 500;
const backoffMostMs = 8000;
/** If a limit lifts later than this, the session gives up, and the supervisor waits. */
export const limitWaitMsMax = 60_000;

/**
 * Milliseconds to wait before the next attempt, or null to give up. `attempt` counts from 1; `chance` (0 to below 1)
 * shortens a backoff by up to a quarter, and lengthens a wait that the service named by up to a quarter.
 */
export function retryDelayMs(error: AgentError, attempt: number, nowMs: number, chance: number): number | null {
  if (attempt >= attemptsMax) return null;
  const named = error.resetAtMs === null ? null : Math.max(0, error.resetAtMs - nowMs);
  if (named !== null && named > limitWaitMsMax) return null;
  switch (error.code) {
    case 'retry':
      return named === null ? backoff(attempt, chance) : named * (1 + 0.25 * chance);
    case 'limit':
      return named === null ? null : named * (1 + 0.25 * chance);
    default:
      return null;
  }
}

function backoff(attempt: number, chance: number): number {
  return Math.min(backoffMostMs, backoffFirstMs * 2 ** (attempt - 1)) * (1 - 0.25 * chance);
}
