// What a session needs from a model: an answer to one request, as one message. Back ends implement only this; limits,
// money, retries, tools and transcripts belong to the session.

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

/** A tool as the model sees it. `input_schema` is JSON Schema, with its members always in the same order. */
export type ToolSchema = {
  name: string;
  description: string;
  input_schema: { type: 'object'; [member: string]: unknown };
};

export type CompletionRequest = {
  /** The same bytes in every call of a session, like `tools`: the cache key depends on both. */
  system: string;
  tools: ToolSchema[];
  messages: Message[];
  maxTokens: number;
  /** The longest time that the stream may be silent; keep-alives count as silence. */
  idleMs: number;
  /** The longest time that the whole answer may take. */
  deadlineMs: number;
  signal: AbortSignal;
  /** Receives text as it arrives, for display. Never parsed. */
  onDelta?: (text: string) => void;
};

export type Completion = {
  /** In order of arrival, to be sent back unchanged. */
  content: ContentBlock[];
  stopReason: StopReason;
  /** Category of a refusal; null if there was no refusal or the service does not name one. */
  refusal: string | null;
  usage: Usage;
  requestId: string | null;
};

/**
 * One call is one attempt: at most one request on the wire and one assistant message back. The back end never retries:
 * the caller reserves and journals each attempt, and retries on code `retry`. Rejects only with `AgentError`, whose
 * `lost` is what the broken-off attempt used. When the signal aborts, it rejects promptly with code `cancelled` and
 * leaves no socket open. Keeps no state; several sessions may call it at once.
 */
export interface ModelBackend {
  /** `anthropic`, …; recorded on the trail. */
  readonly name: string;
  readonly model: string;
  complete(request: CompletionRequest): Promise<Completion>;
}
