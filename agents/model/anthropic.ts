// The back end that speaks the Messages API through the official SDK, to Anthropic or to any compatible base URL. Sends
// one streamed request per call; see `ModelBackend` for the contract. The SDK's own retries are off: they would spend
// money that nobody reserved. Not here: tools, limits, prices.

import Anthropic from '@anthropic-ai/sdk';
import type { BetaMessage, BetaRawMessageStreamEvent } from '@anthropic-ai/sdk/resources/beta/messages/messages.js';
import type { Completion, CompletionRequest, ModelBackend } from './backend.ts';
import { type AbortedBy, classify } from './classify.ts';
import type { Clock } from './clock.ts';
import { AgentError } from './errors.ts';
import { meter } from './meter.ts';

export type AnthropicOptions = {
  apiKey: string;
  baseURL: string;
  model: string;
  clock: Clock;
  /** How hard the model thinks; if this is omitted, the model decides. */
  effort?: 'low' | 'medium' | 'high' | 'max';
};

/** Makes the back end; throws `AgentError` (fatal) without a key, since the SDK would then look for one on disk. */
export function anthropic(options: AnthropicOptions): ModelBackend {
  if (options.apiKey === '') throw new AgentError('fatal', 'no API key: set ANTHROPIC_API_KEY');
  const client = new Anthropic({
    apiKey: options.apiKey,
    baseURL: options.baseURL,
    maxRetries: 0,
    openTelemetry: false,
    // At any other level the SDK prints the bodies of failed responses, which contain agents' text, to standard error.
    logLevel: 'off',
  });
  return {
    name: 'anthropic',
    model: options.model,
    complete: (request) => complete(client, options, request),
  };
}

async function complete(client: Anthropic, options: AnthropicOptions, request: CompletionRequest): Promise<Completion> {
  const watch = watchdog(options.clock, request);
  const used = meter();
  try {
    const stream = client.beta.messages.stream(bodyOf(options, request), {
      signal: watch.signal,
      timeout: request.deadlineMs,
    });
    stream.on('streamEvent', (event) => {
      watch.alive();
      used.see(event);
      report(event, request);
    });
    const message = await stream.finalMessage();
    return completionOf(message, used.total(), stream.request_id ?? null);
  } catch (error) {
    throw toAgentError(error, watch.abortedBy(), options.clock.nowMs(), used);
  } finally {
    watch.stop();
  }
}

function bodyOf(
  options: AnthropicOptions,
  request: CompletionRequest,
): Anthropic.Beta.Messages.MessageCreateParamsStreaming {
  return {
    stream: true,
    model: options.model,
    max_tokens: request.maxTokens,
    // Tools come before the system text in the cache key, so this one breakpoint caches both for an hour.
    system: [{ type: 'text', text: request.system, cache_control: { type: 'ephemeral', ttl: '1h' } }],
    tools: request.tools,
    messages: request.messages,
    cache_control: { type: 'ephemeral' },
    ...(options.effort === undefined ? {} : { output_config: { effort: options.effort } }),
  };
}

function report(event: BetaRawMessageStreamEvent, request: CompletionRequest): void {
  if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') request.onDelta?.(event.delta.text);
}

function completionOf(message: BetaMessage, usage: Completion['usage'], requestId: string | null): Completion {
  if (message.stop_reason === null) throw new AgentError('retry', 'the answer has no stop reason', { lost: usage });
  return {
    content: message.content,
    stopReason: message.stop_reason,
    refusal: message.stop_details?.category ?? null,
    usage,
    requestId,
  };
}

function toAgentError(error: unknown, by: AbortedBy, nowMs: number, used: ReturnType<typeof meter>): unknown {
  if (error instanceof AgentError) return error;
  const trouble = classify(error, by, nowMs);
  if (trouble === null) return error;
  const { code, what, resetAtMs, requestId } = trouble;
  return new AgentError(code, what, { cause: error, resetAtMs, requestId, lost: used.brokenOff() });
}

/** Aborts the request on the caller's signal, on silence, or at the deadline; remembers which came first. */
function watchdog(clock: Clock, request: CompletionRequest) {
  const controller = new AbortController();
  let by: AbortedBy = null;
  const end = (reason: Exclude<AbortedBy, null>) => {
    by ??= reason;
    controller.abort();
  };
  const onCaller = () => end('caller');
  let disarm = clock.after(request.idleMs, () => end('idle'));
  const disarmDeadline = clock.after(request.deadlineMs, () => end('deadline'));
  request.signal.addEventListener('abort', onCaller);
  if (request.signal.aborted) onCaller();
  return {
    signal: controller.signal,
    abortedBy: () => by,
    alive() {
      disarm();
      disarm = clock.after(request.idleMs, () => end('idle'));
    },
    stop() {
      disarm();
      disarmDeadline();
      request.signal.removeEventListener('abort', onCaller);
    },
  };
}
