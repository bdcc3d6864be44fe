// One tool: from what a model sends (checked by zod) to one call of the host. Whether it ends the session, and whether its
// result may be cited as evidence, is a property of its definition. What is turned down comes back in words that help.

import { z } from 'zod';
import type { Digest } from '../../state/entry/ids.ts';
import type { ToolSchema } from '../model/backend.ts';
import type { ToolHost, ToolReply } from './host.ts';

/** What a call knows of its session. */
export type CallContext = {
  host: ToolHost;
  signal: AbortSignal;
  /** Digest of the n-th result of this session, where it is one that may be cited. */
  cite(call: number): Digest | null;
  /** Parts of the diff that results of this session held. */
  seen: readonly number[];
};

export type Tool = {
  name: string;
  /** How the session ends once this tool was used with success; null: it goes on. */
  ends: 'finished' | 'waited' | null;
  /** True where its results are observations, which a verdict may cite. */
  evidence: boolean;
  /** How to get at what was left out of a long result. */
  rest: string;
  /** True where results come in parts that fit, and nothing of them may be left out. */
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

/** Makes a tool of its definition. The schema's bytes depend on the definition alone: they are part of a cache's key. */
export function tool<I extends z.ZodObject>(definition: Definition<I>): Tool {
  const { name, description, input, run } = definition;
  return {
    name,
    ends: definition.ends ?? null,
    evidence: definition.evidence ?? false,
    rest: definition.rest ?? 'ask for less at a time',
    whole: definition.whole ?? false,
    schema: { name, description, input_schema: jsonSchemaOf(input) },
    async call(given, context) {
      const parsed = input.safeParse(given);
      if (parsed.success) return run(parsed.data, context);
      return { ok: false, text: `${name} was not run: ${parsed.error.issues.map(inWords).join('; ')}.` };
    },
  };
}

/** A refusal that the tool itself can see. */
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
