// What a compose file may contain, as readers: each accepts a part of the file's tree or refuses it and names the line.
// Pure. A group accepts only the keys that it lists, so nothing passes by oversight. `x-…` keys are left out of every
// group.

import { refuse, shown } from '../app/refused.ts';
import type { ComposeTree, Group, Scalar, TreeEntry } from './tree.ts';

const textCharsMax = 32 * 1024;
const itemsMax = 200;
const second = 1;
const unitSeconds: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: second, m: 60, h: 3600 };

/** `path` is `services.app.volumes`, for messages. Throws Refused. */
export type Reader<T> = (tree: ComposeTree, path: string) => T;
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Shape = Record<string, Reader<unknown>>;
type Shaped<S extends Shape> = { [K in keyof S]?: Exclude<ReturnType<S[K]>, undefined> };

/** Reads a group with these keys. A key counts as absent if it has no value or its reader returns undefined. */
export function group<S extends Shape>(shape: S): Reader<Shaped<S>> {
  return (tree, path) => {
    const entries = [...entriesOf(tree, path)].filter(([key]) => !key.startsWith('x-'));
    const read = entries.map(([key, entry]) => [key, member(shape, key, entry, pathOf(path, key))] as const);
    return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as Shaped<S>;
  };
}

function member(shape: Shape, key: string, { at, value }: TreeEntry, path: string): unknown {
  const reader = Object.hasOwn(shape, key) ? shape[key] : undefined;
  if (reader === undefined) return refuse(at, path, 'this key is not allowed', 'remove it');
  return isNull(value) ? undefined : reader(value, path);
}

/** Reads a group whose keys match `name`. For a key without a value, `reader` gets null. */
export function named<T>(
  name: RegExp,
  reader: (tree: ComposeTree, path: string, at: string) => T,
): Reader<Map<string, T>> {
  return (tree, path) => {
    const read = new Map<string, T>();
    for (const [key, { at, value }] of entriesOf(tree, path)) {
      if (!name.test(key) || key in Object.prototype)
        refuse(at, pathOf(path, shown(key)), 'this name is not allowed', 'use lower-case letters, digits, `-` and `_`');
      read.set(key, reader(value, pathOf(path, key), at));
    }
    return read;
  };
}

export function listOf<T>(reader: Reader<T>): Reader<T[]> {
  return (tree, path) => {
    if (tree.kind !== 'list') return refuse(tree.at, path, 'a list is required here', 'begin each item with `- `');
    if (tree.items.length > itemsMax) refuse(tree.at, path, `more than ${itemsMax} items`, 'shorten the list');
    return tree.items.map((item) => reader(item, path));
  };
}

/** One string, or a list of strings. */
export function texts(reader: Reader<string>): Reader<string[]> {
  return (tree, path) => (tree.kind === 'list' ? listOf(reader)(tree, path) : [reader(tree, path)]);
}

/** Checks and leaves out a key that Swarm ignores or the platform sets. */
export function dropped(reader: Reader<unknown>): Reader<undefined> {
  return (tree, path) => {
    reader(tree, path);
    return undefined;
  };
}

/** Refuses a well-known key that is not allowed. */
export function never(fix: string): Reader<undefined> {
  return (tree, path) => refuse(tree.at, path, 'this is not allowed', fix);
}

export const text: Reader<string> = (tree, path) => {
  const { at, text, value } = scalar(tree, path);
  if (value === null) return refuse(at, path, 'a string is required here', 'write one, or remove the key');
  // Unquoted, `1.10` means 1.1 and `yes` means true in YAML, and docker's versions differ in this.
  if (typeof value !== 'string' && String(value) !== text)
    return refuse(at, path, `YAML reads ${shown(text)} as another value`, 'write it in quotes');
  if (typeof value === 'boolean') return refuse(at, path, `docker reads ${text} as a boolean`, 'write it in quotes');
  if (text.length > textCharsMax) refuse(at, path, 'this text is too long', 'put it into a config');
  if (/[^\P{Cc}\n\r\t]/u.test(text) || !text.isWellFormed())
    refuse(at, path, 'it contains control characters', 'remove them');
  return text;
};

/** A string of the given form; `what` completes "this is not …". */
export function form(pattern: RegExp, what: string): Reader<string> {
  return (tree, path) => {
    const read = text(tree, path);
    return pattern.test(read) ? read : refuse(tree.at, path, `${shown(read)} is not ${what}`, 'correct it');
  };
}

export function oneOf<T extends string>(...values: T[]): Reader<T> {
  return (tree, path) => {
    const read = text(tree, path);
    const value = values.find((value) => value === read);
    return value ?? refuse(tree.at, path, `${shown(read)} is not allowed`, `write ${values.join(' or ')}`);
  };
}

export const flag: Reader<boolean> = (tree, path) => {
  const { at, text } = scalar(tree, path);
  return /^(true|false)$/i.test(text)
    ? /^t/i.test(text)
    : refuse(at, path, 'true or false is required here', 'write one');
};

/** Also accepts a string, because YAML reads a number that comes from a variable as a string. */
export function integer(least: number, most: number): Reader<number> {
  return (tree, path) => {
    const { at, text, value } = scalar(tree, path);
    const number = typeof value === 'number' ? value : /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    return refuse(at, path, `${shown(text)} is not a whole number from ${least} to ${most}`, 'correct it');
  };
}

/** In docker's format: `1m30s`. */
export function durationReader(secondsMax: number): Reader<string> {
  return (tree, path) => {
    const read = form(/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/, 'a duration like 1m30s')(tree, path);
    if (secondsOf(read) > secondsMax)
      refuse(tree.at, path, `${read} is longer than ${secondsMax} seconds`, 'shorten it');
    return read;
  };
}

export function secondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)([a-zµ]+)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit as string] ?? 0), 0);
}

/** The path of a file in the app's folder or below. Whoever reads the file must check the path for symbolic links. */
export const filePath: Reader<string> = (tree, path) => {
  const named = text(tree, path);
  const parts = named.replace(/^(\.\/)+/, '').split('/');
  if (named.length > 300 || /[\\\p{Cc}]|^~/u.test(named) || parts.some((part) => ['', '.', '..'].includes(part)))
    refuse(tree.at, path, `the file ${shown(named)} is not allowed`, "name one in the app's folder, like conf/app.ini");
  return parts.join('/');
};

/** Reads `KEY: value` lines or a list of `KEY=value`. A key without a value gives null. */
export const pairs: Reader<Map<string, string | null>> = (tree, path) => {
  if (tree.kind === 'group')
    return new Map(
      [...entriesOf(tree, path)].map(([key, { at, value }]) => {
        if (key === '' || /[=\p{Cc}]/u.test(key)) refuse(at, path, `${shown(key)} is not a name`, 'correct it');
        return [key, isNull(value) ? null : text(value, pathOf(path, shown(key)))];
      }),
    );
  return new Map(
    listOf(text)(tree, path).map((item) => {
      const match = /^([^=\p{Cc}]+)(?:=([\s\S]*))?$/u.exec(item);
      if (match === null) return refuse(tree.at, path, `${shown(item)} has no name`, 'write KEY=value');
      return [match[1] as string, match[2] ?? null];
    }),
  );
};

export function isNull(tree: ComposeTree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}

export function scalar(tree: ComposeTree, path: string): Scalar {
  return tree.kind === 'scalar' ? tree : refuse(tree.at, path, 'a single value is required here', 'write one');
}

export function entriesOf(tree: ComposeTree, path: string): Map<string, TreeEntry> {
  if (isNull(tree)) return new Map();
  const { at, entries } = asGroup(tree, path);
  if (entries.size > itemsMax) refuse(at, path, `more than ${itemsMax} keys`, 'shorten it');
  return entries;
}

function asGroup(tree: ComposeTree, path: string): Group {
  return tree.kind === 'group' ? tree : refuse(tree.at, path, '`key: value` lines are required here', 'write them');
}

function pathOf(path: string, key: string): string {
  return path === '' ? shown(key) : `${path}.${shown(key)}`;
}
