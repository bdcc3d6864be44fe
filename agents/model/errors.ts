// The one error class of this room. The code says who can help: time, the operator's purse, or the operator.

import { noUsage, type Usage } from './usage.ts';

export type AgentErrorCode =
  | 'retry' // overloaded, cut, stalled, malformed: the same request may do better
  | 'limit' // a rate or usage limit: later, see `resetAtMs`
  | 'spend' // the account's own spending limit: nothing helps but the operator
  | 'fatal' // key, model or request refused: the same request will never do better
  | 'cancelled' // the caller's signal
  | 'price' // a model without a known price
  | 'prompt' // a role prompt that is missing or has no marker
  | 'script' // a script of turns that does not hold
  | 'transcript'; // a transcript that cannot be written or read

export type AgentErrorFacts = {
  /** When the service said it would answer again; null where it said nothing. */
  resetAtMs?: number | null;
  /** What the failed attempt had used by then; a broken-off answer is paid for all the same. */
  lost?: Usage;
  requestId?: string | null;
};

export class AgentError extends Error {
  readonly code: AgentErrorCode;
  readonly resetAtMs: number | null;
  readonly lost: Usage;
  readonly requestId: string | null;

  constructor(code: AgentErrorCode, message: string, options: ErrorOptions & AgentErrorFacts = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AgentError';
    this.code = code;
    this.resetAtMs = options.resetAtMs ?? null;
    this.lost = options.lost ?? noUsage;
    this.requestId = options.requestId ?? null;
  }
}
