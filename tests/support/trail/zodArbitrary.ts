// Derives fast-check values from a zod schema, so that a member added to an entry is tested without a change here.
// Supports only what the trail's schemas use.

import type { z } from 'zod';
import { fc } from '../property.ts';

/** Text for a member without a pattern; `key` is its name. */
export type TextOf = (key: string) => fc.Arbitrary<string>;

export function arbitraryOf(schema: z.ZodType, text: TextOf, key = ''): fc.Arbitrary<unknown> {
  return build(schema as unknown as Schema, text, key).filter((value) => schema.safeParse(value).success);
}

type Schema = { _zod: { def: Def } };
type Check = {
  _zod: {
    def: { check: string; format?: string; pattern?: RegExp; maximum?: number; minimum?: number; value?: number };
  };
};
type Def = {
  type: string;
  checks?: Check[];
  shape: Record<string, Schema>;
  element: Schema;
  options: Schema[];
  entries: Record<string, string>;
  values: unknown[];
  innerType: Schema;
  keyType: Schema;
  valueType: Schema;
};

function build(schema: Schema, text: TextOf, key: string): fc.Arbitrary<unknown> {
  const { def } = schema._zod;
  const limits = limitsOf(def.checks ?? []);
  const of = (inner: Schema, name = key) => build(inner, text, name);
  switch (def.type) {
    case 'object':
      return objectOf(def.shape, of);
    case 'array':
      return fc.array(of(def.element), { maxLength: 3, minLength: Math.min(limits.least ?? 0, 1) });
    case 'record':
      return fc.dictionary(of(def.keyType, '') as fc.Arbitrary<string>, of(def.valueType), { minKeys: 1, maxKeys: 2 });
    case 'union':
      return fc.oneof(...def.options.map((option) => of(option)));
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    case 'literal':
      return fc.constantFrom(...def.values);
    case 'nullable':
      return fc.option(of(def.innerType), { nil: null });
    case 'optional':
    case 'default':
    case 'prefault':
      return of(def.innerType);
    case 'boolean':
      return fc.boolean();
    case 'number':
      return numberOf(limits);
    case 'string':
      return stringOf(limits, text, key);
    default:
      throw new Error(`no values are known for zod's ${def.type}`);
  }
}

function objectOf(
  shape: Record<string, Schema>,
  of: (inner: Schema, name: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const members = Object.entries(shape).map(([name, inner]) => [name, of(inner, name)] as const);
  const required = Object.entries(shape)
    .filter(([, inner]) => inner._zod.def.type !== 'optional')
    .map(([name]) => name);
  return fc.record(Object.fromEntries(members), { requiredKeys: required, noNullPrototype: true });
}

type Limits = { least?: number; most?: number; isInteger: boolean; pattern?: RegExp };

function limitsOf(checks: Check[]): Limits {
  const limits: Limits = { isInteger: false };
  for (const { def } of checks.map((check) => check._zod)) {
    if (def.check === 'number_format') limits.isInteger = true;
    if (def.pattern) limits.pattern = def.pattern;
    if (/^(min_length|greater_than)$/.test(def.check)) limits.least = def.minimum ?? def.value ?? 0;
    if (/^(max_length|less_than)$/.test(def.check)) limits.most = def.maximum ?? def.value ?? 0;
  }
  return limits;
}

function numberOf({ least = 0, most = 1e6, isInteger }: Limits): fc.Arbitrary<number> {
  if (isInteger) return fc.integer({ min: least, max: most });
  return fc.integer({ min: least * 8 + 1, max: most * 8 }).map((eighths) => eighths / 8);
}

function stringOf({ pattern, most = 1000 }: Limits, text: TextOf, key: string): fc.Arbitrary<string> {
  if (pattern) return fc.stringMatching(pattern);
  return text(key).map((value) => value.slice(0, most).toWellFormed().replaceAll('\ufffd', '').normalize('NFC'));
}
