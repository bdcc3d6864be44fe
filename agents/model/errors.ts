// The one error class of this room. The code says what can help: waiting, more money, or the operator.

import { noUsage, type Usage } from './usage.ts';

export type AgentErrorCode =
  | 'retry' // overloaded, cut off, stalled or malformed: the same request may succeed if sent again
  | 'limit' // a rate or usage limit: try later, see `resetAtMs`
  | 'spend' // the account's spending limit: only the operator can help
  | 'fatal' // the service refuses key, model or request: the same request will never succeed
  | 'cancelled' // by the caller's signal
  | 'price' // a model without a known price
  | 'prompt' // a role prompt that cannot be read
  | 'script' // the scripted back end cannot start
  | 'transcript'; // a transcript that cannot be written or read

export type AgentErrorFacts = {
  /** When the service expects to answer again; null if it did not say. */
  resetAtMs?: number | null;
  /** What the failed attempt used; a broken-off answer is billed all the same. */
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
