// Adds up the usage of one streamed answer as it arrives: if the stream breaks off, the SDK forgets the usage, but the
// service still bills it.

import type {
  BetaIterationsUsage,
  BetaRawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/beta/messages/messages.js';
import { addUsage, noUsage, type Usage } from './usage.ts';

/** Few tokens have fewer bytes. Used only to estimate output whose token count never arrived. */
const bytesPerToken = 3;

type ReportedUsage = {
  input_tokens?: number | null;
  output_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  cache_creation_input_tokens?: number | null;
  cache_creation?: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number } | null;
  iterations?: BetaIterationsUsage | null;
};

/**
 * Meters one answer. `total` is for a complete answer; `brokenOff` also counts the streamed text, because the last
 * count never arrived.
 */
export function meter() {
  let usage = noUsage;
  let compaction = noUsage;
  let streamedBytes = 0;
  return {
    see(event: BetaRawMessageStreamEvent): void {
      streamedBytes += bytesOf(event);
      const reported: ReportedUsage | null = reportedBy(event);
      if (reported === null) return;
      usage = merge(usage, reported);
      compaction = compactionOf(reported.iterations);
    },
    total: (): Usage => addUsage(usage, compaction),
    brokenOff(): Usage {
      const output = Math.max(usage.output, Math.ceil(streamedBytes / bytesPerToken));
      return addUsage({ ...usage, output }, compaction);
    },
  };
}

function reportedBy(event: BetaRawMessageStreamEvent): ReportedUsage | null {
  if (event.type === 'message_start') return event.message.usage;
  return event.type === 'message_delta' ? event.usage : null;
}

/** Keeps the larger counts: those in `message_delta` are cumulative, but some services omit some, or send 0. */
function merge(usage: Usage, now: ReportedUsage): Usage {
  const hour = Math.max(usage.cacheWrite1h, count(now.cache_creation?.ephemeral_1h_input_tokens));
  const written = Math.max(usage.cacheWrite5m + usage.cacheWrite1h, count(now.cache_creation_input_tokens));
  return {
    input: Math.max(usage.input, count(now.input_tokens)),
    output: Math.max(usage.output, count(now.output_tokens)),
    cacheRead: Math.max(usage.cacheRead, count(now.cache_read_input_tokens)),
    cacheWrite5m: Math.max(0, written - hour),
    cacheWrite1h: hour,
  };
}

/** Ignores token counts that are not numbers: after one NaN, no budget would ever be used up. */
function count(reported: number | null | undefined): number {
  return Number.isSafeInteger(reported) ? (reported as number) : 0;
}

/** The tokens of compactions: they are billed, but no other count includes them. */
function compactionOf(iterations: BetaIterationsUsage | null | undefined): Usage {
  const compactions = (iterations ?? []).filter((iteration) => iteration.type === 'compaction');
  return compactions.map((iteration) => merge(noUsage, iteration)).reduce(addUsage, noUsage);
}

function bytesOf(event: BetaRawMessageStreamEvent): number {
  if (event.type !== 'content_block_delta') return 0;
  const delta = event.delta;
  if (delta.type === 'text_delta') return Buffer.byteLength(delta.text);
  if (delta.type === 'input_json_delta') return Buffer.byteLength(delta.partial_json);
  return delta.type === 'thinking_delta' ? Buffer.byteLength(delta.thinking) : 0;
}
