// The state of one session under way: messages, usage and cost so far. Changed only by `session.ts`, `turn.ts` and
// `calls.ts`.

import type { AgentRole, Digest, SessionId, Sha } from '../../state/entry/ids.ts';
import type { Message, ModelBackend, ToolSchema } from '../model/backend.ts';
import type { Clock } from '../model/clock.ts';
import { openPurse, type Price, type Purse } from '../model/spend.ts';
import { noUsage, type Usage } from '../model/usage.ts';
import type { Fence } from '../text/fence.ts';
import type { Redact } from '../text/redact.ts';
import type { ToolHost } from '../tools/host.ts';
import type { Tool } from '../tools/tool.ts';
import type { Prompt } from '../view/prompt.ts';
import type { Limits } from './limits.ts';
import type { Transcript } from './transcript.ts';

export type SessionOptions = {
  session: SessionId;
  role: AgentRole;
  prompt: Prompt;
  /** The first message: plan, projection, and why the role was woken. */
  opening: string;
  tools: readonly Tool[];
  host: ToolHost;
  backend: ModelBackend;
  price: Price;
  limits: Limits;
  /** Marks off text that is not ours; the opening explains the marks. */
  fence: Fence;
  transcript: Transcript;
  redact: Redact;
  clock: Clock;
  /** Cancels the session. */
  signal: AbortSignal;
  onEvent?: (event: SessionEvent) => void;
};

/** For display; nothing depends on it. */
export type SessionEvent =
  | { kind: 'turn'; turn: number }
  | { kind: 'text'; text: string }
  | { kind: 'call'; call: number; tool: string }
  | { kind: 'result'; call: number; tool: string; ok: boolean }
  | { kind: 'trouble'; what: string; againInMs: number | null };

export type Talk = {
  readonly options: SessionOptions;
  /** Aborts when the caller's signal does, or when the time is up. */
  readonly signal: AbortSignal;
  readonly schemas: ToolSchema[];
  readonly purse: Purse;
  readonly messages: Message[];
  /**
   * The digests of the results that may be cited, and the parts of the diff that were shown: from earlier answers only,
   * so that the model has read them.
   */
  readonly digests: Map<number, Digest>;
  readonly parts: Set<number>;
  /** The prompt of the last answer: its tokens, and the bytes that they were counted from. */
  measured: { tokens: number; bytes: number } | null;
  usage: Usage;
  turns: number;
  calls: number;
  pauses: number;
  nudged: boolean;
  /** True while an answer that was cut off is being requested again. */
  widened: boolean;
  published: Sha | null;
};

export function newTalk(options: SessionOptions, signal: AbortSignal): Talk {
  return {
    options,
    signal,
    schemas: options.tools.map((tool) => tool.schema),
    purse: openPurse('session', options.limits.usd),
    messages: [],
    digests: new Map(),
    parts: new Set(),
    measured: null,
    usage: noUsage,
    turns: 0,
    calls: 0,
    pauses: 0,
    nudged: false,
    widened: false,
    published: null,
  };
}
