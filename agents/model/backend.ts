// What a model is to a session: something that answers one request with one message. Back ends implement this and nothing
// else; limits, money, retries, tools and transcripts are the session's.

import type {
  BetaContentBlock,
  BetaMessageParam,
  BetaStopReason,
  BetaToolUseBlock,
} from '@anthropic-ai/sdk/resources/beta/messages/messages.js';
import type { Usage } from './usage.ts';

export type Message = BetaMessageParam;
export type ContentBlock = BetaContentBlock;
export type ToolUse = BetaToolUseBlock;
export type StopReason = BetaStopReason;

/** A tool as the model sees it. `input_schema` is JSON Schema, its members always in the same order. */
export type ToolSchema = {
  name: string;
  description: string;
  input_schema: { type: 'object'; [member: string]: unknown };
};

export type CompletionRequest = {
  /** The same bytes in every call of a session: it is what the cache is keyed on. */
  system: string;
  tools: ToolSchema[];
  messages: Message[];
  maxTokens: number;
  /** Longest silence of the stream; a keep-alive is silence. */
  idleMs: number;
  /** Longest time for the whole answer. */
  deadlineMs: number;
  signal: AbortSignal;
  /** Text as it arrives, for people who watch. Never parsed. */
  onDelta?: (text: string) => void;
};

export type Completion = {
  /** In the order of arrival, to be sent back unchanged. */
  content: ContentBlock[];
  stopReason: StopReason;
  /** For a refusal: its category, where the service names one. */
  refusal: string | null;
  usage: Usage;
  requestId: string | null;
};

/**
 * One call is one attempt: at most one request on the wire, one assistant message back. It never retries, because each
 * attempt is reserved and journalled by the caller, who retries on code `retry`.
 * Rejects with `AgentError` only; `lost` there is what the broken-off attempt had used. When the signal aborts it rejects
 * promptly with code `cancelled` and leaves no socket open. May be called for several sessions at once; keeps no state.
 */
export interface ModelBackend {
  /** `anthropic`, …; goes into the trail. */
  readonly name: string;
  readonly model: string;
  complete(request: CompletionRequest): Promise<Completion>;
}
