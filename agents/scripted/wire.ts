// A scripted answer in the form of the Messages API: one JSON message, or the server-sent events that build it up.

import type { Play } from './play.ts';

const textChunk = 48;
const jsonChunk = 64;
/** A rough average, used only to report the usage of answers that cost nothing. */
const bytesPerToken = 4;

export type WireEvent = { type: string; [member: string]: unknown };

type WireBlock = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: unknown };
export type WireMessage = {
  id: string;
  type: 'message';
  role: 'assistant';
  model: 'scripted';
  content: WireBlock[];
  stop_reason: string;
  stop_sequence: null;
  stop_details?: { type: 'refusal'; category: null; explanation: string };
  usage: Record<string, number>;
};

/** The message for a turn; `inputBytes` is the size of the request. */
export function wireMessage(play: Play, id: string, inputBytes: number): WireMessage {
  const text: WireBlock[] = play.say === '' ? [] : [{ type: 'text', text: play.say }];
  // The same turn of the same conversation gets the same ids, and no two calls of a conversation share one.
  const calls = play.calls.map(({ tool, input }, index): WireBlock => {
    return { type: 'tool_use', id: `toolu_script_${play.turn}_${index + 1}`, name: tool, input };
  });
  const content = [...text, ...calls];
  const stop = stopOf(play);
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: 'scripted',
    content,
    stop_reason: stop,
    stop_sequence: null,
    ...(stop === 'refusal' && {
      stop_details: { type: 'refusal', category: null, explanation: 'requested by the script' },
    }),
    usage: {
      input_tokens: tokens(inputBytes),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: tokens(Buffer.byteLength(JSON.stringify(content))),
    },
  };
}

/** The events of a message. With `max_tokens`, the last block is cut in half, as by the real service. */
export function wireEvents(message: WireMessage): WireEvent[] {
  const cut = message.stop_reason === 'max_tokens';
  const start = { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } };
  const blocks = message.content.flatMap((block, index) =>
    blockEvents(block, index, cut && index === message.content.length - 1),
  );
  const delta = {
    stop_reason: message.stop_reason,
    stop_sequence: null,
    ...(message.stop_details && { stop_details: message.stop_details }),
  };
  return [
    { type: 'message_start', message: start },
    { type: 'ping' },
    ...blocks,
    { type: 'message_delta', delta, usage: { output_tokens: message.usage.output_tokens } },
    { type: 'message_stop' },
  ];
}

export function sse(event: WireEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function blockEvents(block: WireBlock, index: number, half: boolean): WireEvent[] {
  const whole = block.type === 'text' ? block.text : JSON.stringify(block.input);
  const text = half ? whole.slice(0, Math.ceil(whole.length / 2)) : whole;
  const empty = block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} };
  const deltas = chunks(text, block.type === 'text' ? textChunk : jsonChunk).map((chunk) =>
    block.type === 'text' ? { type: 'text_delta', text: chunk } : { type: 'input_json_delta', partial_json: chunk },
  );
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function stopOf(play: Play): string {
  switch (play.fault?.kind) {
    case 'max_tokens':
    case 'refusal':
    case 'pause_turn':
      return play.fault.kind;
    case 'context_window':
      return 'model_context_window_exceeded';
    case 'filter':
      return 'content_filter';
    case 'tool_unasked':
      return 'end_turn';
    default:
      return play.calls.length > 0 ? 'tool_use' : 'end_turn';
  }
}

/** Splits between whole characters, never inside a surrogate pair. */
function chunks(text: string, size: number): string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / size);
  return Array.from({ length: count }, (_, i) => characters.slice(i * size, (i + 1) * size).join(''));
}

export function tokens(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}
