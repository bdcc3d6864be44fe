// Classifies what went wrong with a request: the class decides who can help. Pure. Branches on class, code, type and
// status, never on the text of a message: its wording changes, and proxies have their own.

import { AnthropicError, APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import type { AgentErrorCode } from './errors.ts';

/** Why we aborted the request ourselves; null if we did not. */
export type AbortedBy = 'caller' | 'idle' | 'deadline' | null;

export type Trouble = { code: AgentErrorCode; what: string; resetAtMs: number | null; requestId: string | null };

const spendCodes: ReadonlySet<string> = new Set([
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
  'linked_organization_spend_limit_reached',
  'linked_organization_billing_unavailable',
]);
const passingStatus: ReadonlySet<number> = new Set([408, 409]);
const passingTypes: ReadonlySet<string> = new Set(['overloaded_error', 'api_error', 'timeout_error', 'conflict_error']);

/**
 * Classifies an error that was thrown while we waited for an answer. Null for a bug: neither service nor network caused
 * it.
 */
export function classify(error: unknown, abortedBy: AbortedBy, nowMs: number): Trouble | null {
  if (abortedBy !== null) return ownAbort(abortedBy);
  if (!(error instanceof AnthropicError)) return null;
  // A cut socket, a premature end and malformed events are thrown as the bare base class: all may be retried.
  if (!(error instanceof APIError)) return trouble('retry', 'the answer broke off or could not be read');
  if (error instanceof APIUserAbortError) return trouble('retry', 'the request was aborted from outside');
  if (error instanceof APIConnectionError) return trouble('retry', 'the service could not be reached');
  return { ...ofService(error, nowMs), requestId: error.requestID ?? null };
}

function ownAbort(by: Exclude<AbortedBy, null>): Trouble {
  if (by === 'caller') return trouble('cancelled', 'cancelled');
  return trouble('retry', by === 'idle' ? 'the answer stalled' : 'the answer took too long');
}

function ofService(error: APIError, nowMs: number): Trouble {
  const { status, type, errorCode } = error;
  const named = [status, errorCode ?? type].filter((part) => part != null).join(' ');
  if (isSpend(status, type, errorCode)) return trouble('spend', `the account's spending limit is reached (${named})`);
  if (status === 429 || type === 'rate_limit_error') {
    return trouble('limit', `a usage limit is reached (${named})`, resetOf(error.headers, nowMs));
  }
  if (isPassing(status, type)) {
    return trouble('retry', `the service cannot answer now (${named})`, resetOf(error.headers, nowMs));
  }
  return trouble('fatal', `the service refused the request (${named})`);
}

function isSpend(status: number | undefined, type: string | null, errorCode: string | null): boolean {
  return status === 402 || type === 'billing_error' || (errorCode !== null && spendCodes.has(errorCode));
}

function isPassing(status: number | undefined, type: string | null): boolean {
  if (status !== undefined) return status >= 500 || passingStatus.has(status);
  return type !== null && passingTypes.has(type);
}

/** We wait no longer than this, whatever the service says: a huge value could not even be written as a date. */
const resetMsMax = 30 * 24 * 3_600_000;

function resetOf(headers: Headers | undefined, nowMs: number): number | null {
  const ms = waitOf(headers, nowMs);
  return ms === null ? null : nowMs + Math.min(Math.max(0, ms), resetMsMax);
}

/** Milliseconds from `retry-after-ms`, else from `retry-after`, in seconds or as a date. */
function waitOf(headers: Headers | undefined, nowMs: number): number | null {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (Number.isFinite(ms)) return ms;
  const after = headers?.get('retry-after') ?? '';
  if (/^\s*\d+(\.\d+)?\s*$/.test(after)) return Number.parseFloat(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? null : date - nowMs;
}

function trouble(code: AgentErrorCode, what: string, resetAtMs: number | null = null): Trouble {
  return { code, what, resetAtMs, requestId: null };
}
