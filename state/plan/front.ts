// A plan's front matter: the YAML between its first two `---` lines, read strictly. Reports each problem with its line.

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { checkFacts } from '../entry/body.ts';
import { error, type Problem } from '../entry/problem.ts';
import { Budget, CalibrationFloor, DeclaredControl, Expect, FrontMatter, GateSpec } from '../entry/spec.ts';

type Path = readonly PropertyKey[];

/** The line of a key or item in the front matter; if it is missing, the line of its nearest parent that is there. */
export type LineOf = (path: Path) => number;

export type Front = { front: FrontMatter; lineOf: LineOf } | { problems: Problem[] };

/** A plan's lines, split into front matter (null if missing) and text. Line numbers are those of the file, from 1. */
export type PlanParts = {
  front: string | null;
  frontLine: number;
  text: string[];
  textLine: number;
  problem: Problem | null;
};

// Keys that the design describes but this version does not read yet.
const unsupported = new Set(['repos']);

export function splitPlan(lines: string[]): PlanParts {
  const first = lines.findIndex((line) => line.trim() !== '');
  const none = { front: null, frontLine: 1, text: lines, textLine: 1, problem: null };
  if (first < 0 || lines[first]?.trimEnd() !== '---') return none;
  const last = lines.findIndex((line, i) => i > first && line.trimEnd() === '---');
  if (last < 0)
    return { ...none, problem: error(first + 1, 'the front matter has no end', 'add a line `---` after it') };
  return {
    front: lines.slice(first + 1, last).join('\n'),
    frontLine: first + 2,
    text: lines.slice(last + 1),
    textLine: last + 2,
    problem: null,
  };
}

/** Reads `yaml`, whose first line is line `firstLine` of the file. */
export function readFront(yaml: string, firstLine: number): Front {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number): number => lines.linePos(offset).line + firstLine - 1;
  const broken = [...document.errors, ...document.warnings].map((one) =>
    error(
      lineAt(one.pos[0]),
      `the front matter is not valid YAML: ${one.message.split('\n')[0]}`,
      'fix the indentation, quotes or brackets there',
    ),
  );
  // Aliases of aliases could expand without limit.
  visit(document, {
    Alias: (_, node) =>
      void broken.push(
        error(lineAt(node.range?.[0] ?? 0), `the alias *${node.source} is not allowed`, 'write the value out'),
      ),
  });
  if (broken.length > 0) return { problems: broken };
  if (!isMap(document.contents)) {
    return { problems: [error(firstLine, 'the front matter has no `key: value` lines', 'begin with `phase:`')] };
  }
  const data: unknown = document.toJS();
  const lineOf: LineOf = (path) => lineAt(offsetOf(document.contents, path));
  const parsed = FrontMatter.safeParse(data);
  if (!parsed.success) return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, data, lineOf)) };
  const unfit = checkFacts(parsed.data, 'the front matter');
  if (unfit !== null) return { problems: [error(firstLine, unfit, 'retype the text')] };
  return { front: parsed.data, lineOf };
}

function problemsOf(issue: z.core.$ZodIssue, data: unknown, lineOf: LineOf): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, lineOf));
  const at = path.length === 0 ? 'the front matter' : path.join('.');
  const [what, fix] = explain(issue, valueAt(data, path));
  return [error(lineOf(path), `${at} ${what}`, fix)];
}

function unknownKey(key: string, path: Path, lineOf: LineOf): Problem {
  const at = [...path, key];
  if (unsupported.has(key)) return error(lineOf(at), `${at.join('.')} is not supported in this version`, 'remove it');
  return error(
    lineOf(at),
    `${at.join('.')} is unknown`,
    `remove it, or change it to one of ${keysAt(path).join(', ')}`,
  );
}

function keysAt(path: Path): string[] {
  if (path[0] === 'budget') return Object.keys(Budget.shape);
  if (path[0] === 'calibration') return Object.keys(CalibrationFloor.shape);
  if (path[0] !== 'gates') return Object.keys(FrontMatter.shape);
  if (path[2] === 'controls') return ['none'];
  return Object.keys(path[2] === 'expect' ? Expect.shape : GateSpec.shape);
}

/** What is wrong and what to do, for one issue. */
function explain(issue: z.core.$ZodIssue, value: unknown): [what: string, fix: string] {
  const { path } = issue;
  if (path[0] === 'gates' && path[2] === 'controls')
    return explainControls(path.includes('none') ? { none: value } : value);
  if (path.includes('covers') && typeof value === 'number')
    return [`is the number ${value}, and a number loses trailing zeros`, `write "${value}" in quotes`];
  if (value === undefined || value === null) return ['is missing', `add it${exampleOf(path)}`];
  if (issue.code === 'invalid_key')
    return [`is not a valid name: ${issue.issues[0]?.message ?? issue.message}`, 'rename it'];
  if (issue.code === 'invalid_type')
    return [`is not ${nameOf(issue.expected)}`, `write ${nameOf(issue.expected)}${exampleOf(path)}`];
  return [`is not valid: ${issue.message}`, 'correct it'];
}

function explainControls(value: unknown): [what: string, fix: string] {
  const isNone = value === 'none' || (typeof value === 'object' && value !== null && 'none' in value);
  if (isNone)
    return [
      'is none without a reason of 10 to 500 characters',
      'write { none: "why no test of this gate could go red" }',
    ];
  const known = DeclaredControl.options.join(', ');
  return [
    'is not a list of controls',
    `list some of ${known}, as in [hollow]; leave it out (revert, or published for apps, is added automatically); or write { none: "reason" }`,
  ];
}

const kinds: Record<string, string> = {
  object: 'a group of `key: value` lines',
  record: 'a group of `key: value` lines',
  array: 'a list',
  string: 'text',
  int: 'a whole number',
};

function nameOf(expected: string): string {
  return kinds[expected] ?? `a ${expected}`;
}

function exampleOf(path: Path): string {
  const examples: Record<string, string> = {
    phase: 'phase: list-json',
    gates: 'gates: { M1: { recipe: test, covers: ["2.1"] } }',
    recipe: 'recipe: test',
    covers: 'covers: ["2.1"]',
    calibration: 'calibration: { detects: 0.8, alarms: 0.2 }',
    detects: 'detects: 0.8',
  };
  const example = examples[String(path.at(-1))];
  return example === undefined ? '' : `, as in \`${example}\``;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], data);
}

function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    const child = childOf(node, String(key));
    if (child === null) break;
    offset = (child.at as Node | null)?.range?.[0] ?? offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: unknown, key: string): { at: unknown; value: unknown } | null {
  if (isSeq(node))
    return node.items[Number(key)] === undefined
      ? null
      : { at: node.items[Number(key)], value: node.items[Number(key)] };
  if (!isMap(node)) return null;
  const pair = node.items.find((one) => isScalar(one.key) && !isAlias(one.key) && String(one.key.value) === key);
  return pair ? { at: pair.key, value: pair.value } : null;
}
