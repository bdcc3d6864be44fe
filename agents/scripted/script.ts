// The schema of scripts. A script consists of turns, written in advance for the demo and for tests; a turn is what an
// agent says and which tools it calls. No model is called. docs/scripts.md explains the format.

import { z } from 'zod';
import { AgentRole } from '../../state/entry/ids.ts';
import { readYaml } from '../../state/plan/yaml.ts';

const Pattern = z.string().min(1).max(1000).refine(isPattern, 'not a regular expression');
const Name = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]*$/, 'a name is letters, digits and underscores, the first a lower-case letter');
/** One text or a list. A single text is made a list first, because the errors of a union would not name the line. */
const Texts = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string().min(1)).min(1));

/** Conditions on one text; all of those given must hold. */
export const WakeCondition = z.strictObject({
  contains: Texts.optional(),
  lacks: Texts.optional(),
  matches: Pattern.optional(),
});
export type WakeCondition = z.infer<typeof WakeCondition>;

/** How an answer fails. */
export const FaultKind = z.enum([
  'overloaded',
  'overloaded_midway',
  'rate_limit',
  'cut',
  'eof',
  'stall',
  'malformed',
  'max_tokens',
  'spend_limit',
  'unauthorized',
  'refusal',
  'pause_turn',
  'context_window',
  'filter',
  'tool_unasked',
]);
export type FaultKind = z.infer<typeof FaultKind>;

export const ServiceFault = z.strictObject({
  kind: FaultKind,
  /** How often the fault happens in one conversation before the turn itself is played. */
  times: z.number().int().positive().max(1000).default(1),
  /** Seconds, sent as `retry-after`. */
  retryAfter: z.number().nonnegative().max(86_400).optional(),
});
export type ServiceFault = z.infer<typeof ServiceFault>;

const parts = {
  say: z.string().optional(),
  call: z
    .array(z.strictObject({ tool: z.string().min(1).max(100), input: z.record(z.string(), z.unknown()).default({}) }))
    .min(1)
    .optional(),
  /** Values taken from the results of this turn's calls, for later turns. */
  save: z.record(Name, z.strictObject({ from: z.string().min(1), match: Pattern })).optional(),
  fault: z.preprocess((value) => (typeof value === 'string' ? { kind: value } : value), ServiceFault).optional(),
};

/** One way to continue; `when` has conditions on what was heard last. */
export const ScriptStep = z
  .strictObject({ when: WakeCondition.optional(), ...parts })
  .refine(doesSomething, 'an alternative needs `say`, `call` or `fault`');
export type ScriptStep = z.infer<typeof ScriptStep>;

/** One answer: a step, or the first alternative whose `when` matches. */
export const Turn = z
  .strictObject({ ...parts, either: z.array(ScriptStep).min(1).optional() })
  .refine((turn) => turn.either !== undefined || doesSomething(turn), 'a turn needs `say`, `call` or `fault`')
  .refine(
    ({ either, ...rest }) => either === undefined || Object.values(rest).every((part) => part === undefined),
    '`either` must be alone: move the rest into its alternatives',
  );
export type Turn = z.infer<typeof Turn>;

export const Wake = z.strictObject({
  name: z.string().min(1).max(100),
  /** Conditions on the first message, which says what woke the agent. A wake without `when` always matches. */
  when: WakeCondition.optional(),
  /** Values taken from the first message. */
  save: z.record(Name, Pattern).default({}),
  turns: z.array(Turn).min(1).max(200),
});
export type Wake = z.infer<typeof Wake>;

/** `any` is for clients whose system text names no role. */
export const ScriptRole = z.enum([...AgentRole.options, 'any']);
export type ScriptRole = z.infer<typeof ScriptRole>;

export const Script = z.strictObject({
  title: z.string().max(200).optional(),
  roles: z
    .strictObject({
      builder: z.array(Wake).min(1).optional(),
      adversary: z.array(Wake).min(1).optional(),
      any: z.array(Wake).min(1).optional(),
    })
    .refine((roles) => Object.values(roles).some((wakes) => wakes !== undefined), 'a script needs at least one role'),
});
export type Script = z.infer<typeof Script>;

/** Reads a script; error messages name `file`. Throws `TrailError` (bad-file) with file, line and what to do. */
export function readScript(text: string, file: string): Script {
  return readYaml(Script, text, file);
}

function doesSomething({ say, call, fault }: { say?: unknown; call?: unknown; fault?: unknown }): boolean {
  return say !== undefined || call !== undefined || fault !== undefined;
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'm');
    return true;
  } catch {
    return false;
  }
}
