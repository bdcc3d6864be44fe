// YAML that people write, read strictly: returns data that fits the schema, or throws one line that names the file and
// line, what is wrong and how to fix it. Only the first problem is reported, since later ones often follow from it.

import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { TrailError } from '../entry/errors.ts';

export const yamlBytesMax = 256 * 1024;
const aliasesMax = 20;
const kinds: Record<string, string> = {
  object: 'a group of `key: value` lines',
  record: 'a group of `key: value` lines',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** zod's default message for a union without a custom one. */
const defaultMessage = 'Invalid input';

/**
 * Parses `text` by `schema`. `file` and `firstLine` (the text's line number in that file, from 1) are for messages
 * only. Throws TrailError 'bad-file' with one line: `file:line: at: what; fix`.
 */
export function readYaml<T extends z.ZodType>(schema: T, text: string, file: string, firstLine = 1): z.infer<T> {
  if (Buffer.byteLength(text) > yamlBytesMax)
    throw badFile(file, null, `is larger than ${yamlBytesMax / 1024} KiB`, 'shorten it');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number): number => lines.linePos(offset).line + firstLine - 1;
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken) throw badFile(file, lineAt(broken.pos[0]), notYaml(broken), 'fix the indentation or quotes there');
  if (!isMap(document.contents))
    throw badFile(file, firstLine, 'this is not a list of `key: value` lines', 'begin with a key');
  const parsed = schema.safeParse(plain(document, file));
  if (parsed.success) return parsed.data;
  const issue = closest(parsed.error.issues[0] as z.core.$ZodIssue);
  const spot = locate(document.contents, issue);
  const at = spot.path.length > 0 ? `${spot.path.join('.')}: ` : '';
  throw badFile(file, spot.offset === null ? firstLine : lineAt(spot.offset), `${at}${inWords(issue)}`, fixFor(issue));
}

/** The error for a file that people write: `file:line: what; fix`, on one line. */
export function badFile(file: string, line: number | null, what: string, fix: string): TrailError {
  return new TrailError('bad-file', `${file}${line === null ? '' : `:${line}`}: ${oneLine(what)}; ${oneLine(fix)}`);
}

function plain(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch {
    throw badFile(file, null, 'has too many aliases', 'write the values out');
  }
}

/** The issue to report. If exactly one member of a failed union has a single issue: that one. Otherwise `issue`. */
function closest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const near = issue.errors.filter((issues) => issues.length === 1);
  const [[only] = []] = near;
  if (near.length !== 1 || !only) return issue;
  return closest({ ...only, path: [...issue.path, ...only.path] } as z.core.$ZodIssue);
}

/** Where to report an issue: its path, which ends in an unknown key, and the deepest node there that exists. */
function locate(root: Node, issue: z.core.$ZodIssue): { path: string[]; offset: number | null } {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...unknown].map(String);
  let node: unknown = root;
  let offset = offsetOf(root);
  for (const part of path) {
    const child = childOf(node, part);
    if (child === null) break;
    offset = offsetOf(child.key) ?? offset;
    node = child.value;
  }
  return { path, offset };
}

function childOf(node: unknown, part: string): { key: unknown; value: unknown } | null {
  if (isMap(node)) return node.items.find((pair) => keyOf(pair) === part) ?? null;
  if (!isSeq(node)) return null;
  const item = node.items[Number(part)];
  return item === undefined ? null : { key: item, value: item };
}

function keyOf(pair: Pair): string | null {
  return isScalar(pair.key) ? String(pair.key.value) : null;
}

function offsetOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null;
}

function notYaml(error: YAMLError): string {
  // The library's message for this error is meant for programmers.
  return error.code === 'MULTIPLE_DOCS' ? 'a second document begins here (`---`)' : `not valid YAML: ${error.message}`;
}

function inWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'no such key';
    case 'invalid_type':
      return isMissing(issue) ? 'is missing' : `${kinds[issue.expected] ?? issue.expected} is needed here`;
    case 'invalid_value':
      return `needs ${issue.values.map((value) => `"${String(value)}"`).join(' or ')}`;
    case 'invalid_key':
      return `this name is not valid here: ${issue.issues[0]?.message ?? issue.message}`;
    case 'invalid_union':
      return issue.message !== defaultMessage || !issue.errors[0]?.[0] ? issue.message : inWords(issue.errors[0][0]);
    default:
      return issue.message;
  }
}

function fixFor(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'remove it or correct its spelling';
  if (issue.code === 'invalid_key') return 'rename it';
  return isMissing(issue) ? 'add it' : 'correct it';
}

// zod leaves the input out of an issue, so only the message tells a missing key from one of the wrong type.
function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
