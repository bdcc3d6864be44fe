// Defines one tool: from a model's input (checked by zod) to one call of the host. The definition also says whether the
// tool ends the session, and whether its result may be cited as evidence. A refusal says in words what would help.

import { z } from 'zod';
import type { Digest } from '../../state/entry/ids.ts';
import type { ToolSchema } from '../model/backend.ts';
import type { ToolHost, ToolReply } from './host.ts';

/** What a call knows about its session. */
export type CallContext = {
  host: ToolHost;
  signal: AbortSignal;
  /** Digest of the result of call `call` in this session; null if it may not be cited. */
  cite(call: number): Digest | null;
  /** The parts of the diff that results of this session have shown. */
  seen: readonly number[];
};

export type Tool = {
  name: string;
  /** How the session ends once this tool has succeeded; null if it goes on. */
  ends: 'finished' | 'waited' | null;
  /** True if the tool's results are observations, which a verdict may cite. */
  evidence: boolean;
  /** How to see what was left out of a long result. */
  rest: string;
  /** True if the tool's results come in parts that fit, so that nothing may be left out. */
  whole: boolean;
  schema: ToolSchema;
  /** Never rejects because of its input. */
  call(input: unknown, context: CallContext): Promise<ToolReply>;
};

type Definition<I extends z.ZodObject> = {
  name: string;
  description: string;
  input: I;
  ends?: 'finished' | 'waited';
  evidence?: boolean;
  rest?: string;
  whole?: boolean;
  run(input: z.output<I>, context: CallContext): Promise<ToolReply>;
};

/** Makes a tool from its definition. The schema's bytes depend only on the definition: the cache key includes them. */
export function tool<I extends z.ZodObject>(definition: Definition<I>): Tool {
  const { name, description, input, run } = definition;
  return {
    name,
    ends: definition.ends ?? null,
    evidence: definition.evidence ?? false,
    rest: definition.rest ?? 'ask for less at a time',
    whole: definition.whole ?? false,
    schema: { name, description, input_schema: jsonSchemaOf(input) },
    async call(value, context) {
      const parsed = input.safeParse(value);
      if (parsed.success) return run(parsed.data, context);
      return { ok: false, text: `${name} was not run: ${parsed.error.issues.map(inWords).join('; ')}.` };
    },
  };
}

/** A refusal that the tool decides by itself. */
export function refused(text: string): ToolReply {
  return { ok: false, text };
}

function jsonSchemaOf(input: z.ZodObject): ToolSchema['input_schema'] {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input' });
  return { ...schema, type: 'object' };
}

function inWords(issue: z.core.$ZodIssue): string {
  const at = issue.path.length === 0 ? 'its input' : `\`${issue.path.join('.')}\``;
  if (issue.code === 'unrecognized_keys') return `${at} has no member ${issue.keys.join(', ')}`;
  return `${at}: ${issue.message}`;
}
