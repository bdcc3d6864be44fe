// Chooses the turn of a script that answers a request. Pure, and without memory: the first message determines the wake,
// the number of answers so far determines the turn, and earlier tool results provide the values. So a supervisor that
// was killed and restarted gets answers that fit the state it finds.

import { z } from 'zod';
import { roleIn } from '../view/prompt.ts';
import type { Script, ScriptRole, ScriptStep, ServiceFault, Turn, Wake, WakeCondition } from './script.ts';

const Block = z.looseObject({ type: z.string() });
const Content = z.union([z.string(), z.array(Block)]);

/** The part of a Messages request that we read; the rest is let through unchecked. */
export const MessagesRequest = z.looseObject({
  model: z.string(),
  max_tokens: z.number().int().positive().optional(),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: Content })).min(1),
  tools: z.array(z.looseObject({ name: z.string().optional() })).optional(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

export type Play = {
  role: ScriptRole;
  wake: string;
  /** Counted from 1; beyond the last turn if the script has ended. */
  turn: number;
  say: string;
  calls: { tool: string; input: unknown }[];
  fault: ServiceFault | null;
};

type Values = Map<string, string>;
class Unplayable extends Error {}

/** The turn that answers `request`, or a `problem` that says why no turn does. */
export function play(script: Script, request: MessagesRequest): Play | { problem: string } {
  try {
    return chooseTurn(script, request);
  } catch (error) {
    if (error instanceof Unplayable) return { problem: error.message };
    throw error;
  }
}

function chooseTurn(script: Script, request: MessagesRequest): Play {
  const role: ScriptRole = roleIn(textOf(request.system ?? '')) ?? 'any';
  const opening = textOf(request.messages[0]?.content ?? '');
  const wake = wakeFor(script, role, opening);
  const talk = exchanges(request);
  const values = savedValues(wake, opening, talk);
  const turn = talk.length;
  const heard = talk.at(-1)?.heard ?? '';
  const spec = wake.turns[turn - 1];
  const at = { role, wake: wake.name, turn };
  if (spec === undefined) return { ...at, say: 'The script has no more turns.', calls: [], fault: null };
  const where = `turn ${turn} of wake "${wake.name}" (${role})`;
  const step = stepFor(spec, heard);
  if (step === null) throw new Unplayable(`no alternative of ${where} matches what was heard last`);
  const calls = (step.call ?? []).map((call) => ({
    tool: offeredName(request, call.tool),
    input: fill(call.input, values, where),
  }));
  return { ...at, say: String(fill(step.say ?? '', values, where)), calls, fault: step.fault ?? null };
}

function wakeFor(script: Script, role: ScriptRole, opening: string): Wake {
  const wakes = script.roles[role];
  if (!wakes) throw new Unplayable(`the script has no role ${role}`);
  const wake = wakes.find(({ when }) => holds(when, opening));
  if (wake) return wake;
  throw new Unplayable(`no wake of role ${role} matches the first message, which begins: ${opening.slice(0, 300)}`);
}

/**
 * What was heard before an answer, and the results of the answer's tool calls (none yet if the answer is still to be
 * given).
 */
type Exchange = { heard: string; results: { tool: string; text: string }[] };

function exchanges(request: MessagesRequest): Exchange[] {
  const list: Exchange[] = [{ heard: '', results: [] }];
  let names = new Map<string, string>();
  for (const { role, content } of request.messages) {
    if (role === 'assistant') {
      names = new Map(blocksOf(content).flatMap((block) => toolUse(block)));
      list.push({ heard: '', results: [] });
      continue;
    }
    const current = list.at(-1) as Exchange;
    current.heard += `${textOf(content)}\n`;
    const before = list.at(-2);
    before?.results.push(...blocksOf(content).flatMap((block) => toolResult(block, names)));
  }
  return list;
}

function toolUse(block: z.infer<typeof Block>): [string, string][] {
  return block.type === 'tool_use' ? [[String(block.id), baseName(String(block.name))]] : [];
}

function toolResult(block: z.infer<typeof Block>, names: Map<string, string>): Exchange['results'] {
  const tool = block.type === 'tool_result' ? names.get(String(block.tool_use_id)) : undefined;
  return tool === undefined ? [] : [{ tool, text: textOf([block]) }];
}

/** Values from the first message, then from the results of each played turn; later values replace earlier ones. */
function savedValues(wake: Wake, opening: string, talk: readonly Exchange[]): Values {
  const values: Values = new Map();
  const keep = (name: string, pattern: string, texts: string[]) => {
    const match = texts.map((text) => new RegExp(pattern, 'm').exec(text)).find((result) => result !== null);
    if (match) values.set(name, match[1] ?? match[0]);
  };
  for (const [name, pattern] of Object.entries(wake.save)) keep(name, pattern, [opening]);
  talk.forEach(({ heard, results }, index) => {
    const spec = wake.turns[index];
    const step = spec === undefined ? null : stepFor(spec, heard);
    for (const [name, { from, match }] of Object.entries(step?.save ?? {})) {
      keep(
        name,
        match,
        results.filter((result) => result.tool === from).map((result) => result.text),
      );
    }
  });
  return values;
}

function stepFor(turn: Turn, heard: string): ScriptStep | null {
  if (turn.either === undefined) return turn;
  return turn.either.find(({ when }) => holds(when, heard)) ?? null;
}

function holds(when: WakeCondition | undefined, text: string): boolean {
  if (when === undefined) return true;
  const has = (part: string) => text.includes(part);
  if (!(when.contains ?? []).every(has) || (when.lacks ?? []).some(has)) return false;
  return when.matches === undefined || new RegExp(when.matches, 'm').test(text);
}

/** `{{ name }}` becomes the value's text; a text that is only `{{ name:number }}` becomes a number. */
function fill(value: unknown, values: Values, where: string): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, values, where));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, values, where)]));
  }
  if (typeof value !== 'string') return value;
  const lookUp = (name: string) => {
    const saved = values.get(name);
    if (saved === undefined) throw new Unplayable(`${where} uses {{ ${name} }}, but nothing has saved it yet`);
    return saved;
  };
  const number = /^\{\{\s*(\w+)\s*:\s*number\s*\}\}$/.exec(value);
  if (number) return Number(lookUp(number[1] as string));
  return value.replace(/\{\{\s*([a-z]\w*)\s*\}\}/g, (_, name: string) => lookUp(name));
}

/** The client's name for `tool`: over MCP, `claim` is called `mcp__coldpass__claim`. */
function offeredName(request: MessagesRequest, tool: string): string {
  const names = (request.tools ?? []).flatMap(({ name }) => name ?? []);
  return names.find((name) => name === tool) ?? names.find((name) => baseName(name) === tool) ?? tool;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('__') + (name.includes('__') ? 2 : 1));
}

function blocksOf(content: z.infer<typeof Content>): z.infer<typeof Block>[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function textOf(content: z.infer<typeof Content>): string {
  const texts = blocksOf(content).map((block) => {
    if (block.type === 'text') return String(block.text ?? '');
    const inner = block.type === 'tool_result' ? Content.safeParse(block.content) : null;
    return inner?.success ? textOf(inner.data) : '';
  });
  return texts.filter((text) => text !== '').join('\n');
}
