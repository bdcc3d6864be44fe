// Variables in the values of compose files, as docker compose reads them: `$A`, `${A}`, `${A:-word}`, `${A-word}`, `${A:?why}`,
// `${A?why}`, `${A:+word}`, `${A+word}`, `$$` for a dollar sign; words may hold variables again. Pure. One difference, on
// purpose: a variable that is not set and has no default is refused, where compose makes it "" without a word.

import { refuse, shown } from '../app/refused.ts';

const nestingMax = 8;
const resultCharsMax = 64 * 1024;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const operator = /:?[-?+]/y;

/** What a run's files may name. `commentedAt` says where `.env.sample` has the name in a comment alone: for messages. */
export type Variables = { values: ReadonlyMap<string, string>; commentedAt: ReadonlyMap<string, string> };

/** `text` with its variables filled in. Throws Refused, which names the variable and `at`. */
export function interpolate(text: string, variables: Variables, at: string): string {
  return text.includes('$') ? fill(partsOf(text, at), variables, at) : text;
}

/** The variables that a text names, and whether it does without them. A text that is malformed names none. */
export function variablesIn(text: string): { name: string; isOptional: boolean }[] {
  try {
    return partsOf(text, '').flatMap(namesOf);
  } catch {
    return [];
  }
}

/** So that nothing in `text` is taken for a variable. */
export function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

type Part = string | Reference;
/** `operator` is '' or one of `- ? +`, with a colon before it where an empty value counts as none. */
type Reference = { name: string; operator: string; word: Part[] };

function fill(parts: Part[], variables: Variables, at: string): string {
  let result = '';
  for (const part of parts) {
    result += typeof part === 'string' ? part : filled(part, variables, at);
    if (result.length > resultCharsMax)
      refuse(at, '', 'this text is too long with its variables filled in', 'shorten it');
  }
  return result;
}

function filled({ name, operator, word }: Reference, variables: Variables, at: string): string {
  const value = variables.values.get(name);
  const isThere = value !== undefined && !(operator.startsWith(':') && value === '');
  const then = operator.at(-1);
  if (then === '+') return isThere ? fill(word, variables, at) : '';
  if (isThere) return value;
  if (then === '-') return fill(word, variables, at);
  const why = then === '?' ? `: ${shown(fill(word, variables, at))}` : '';
  return refuse(at, '', `the variable ${name} is not set${why}`, whereToSet(name, variables.commentedAt.get(name)));
}

function namesOf(part: Part): { name: string; isOptional: boolean }[] {
  if (typeof part === 'string') return [];
  return [{ name: part.name, isOptional: /[-+]$/.test(part.operator) }, ...part.word.flatMap(namesOf)];
}

function partsOf(text: string, where: string): Part[] {
  return readParts(0, 0).parts;

  /** Up to the text's end, or inside braces to the one that closes them. */
  function readParts(start: number, depth: number): { parts: Part[]; end: number } {
    if (depth > nestingMax) malformed('variables stand too deep inside each other');
    const parts: Part[] = [];
    let at = start;
    for (;;) {
      const next = nextOf(at, depth > 0);
      parts.push(text.slice(at, next ?? text.length));
      if (next === null) return { parts, end: text.length };
      if (text[next] === '}') return { parts, end: next + 1 };
      const { part, end } = readReference(next, depth);
      parts.push(part);
      at = end;
    }
  }

  function nextOf(at: number, isInside: boolean): number | null {
    const dollar = text.indexOf('$', at);
    if (!isInside) return dollar === -1 ? null : dollar;
    const brace = text.indexOf('}', at);
    if (brace === -1) return malformed('a brace of `${` is not closed');
    return dollar === -1 ? brace : Math.min(dollar, brace);
  }

  function readReference(dollar: number, depth: number): { part: Part; end: number } {
    const after = dollar + 1;
    if (text[after] === '$') return { part: '$', end: after + 1 };
    const isBraced = text[after] === '{';
    const found = match(name, isBraced ? after + 1 : after);
    if (found === null) return malformed('a `$` that begins no variable');
    if (!isBraced) return { part: { name: found.text, operator: '', word: [] }, end: found.end };
    if (text[found.end] === '}') return { part: { name: found.text, operator: '', word: [] }, end: found.end + 1 };
    const operation = match(operator, found.end);
    if (operation === null) return malformed(`\`\${${shown(found.text)}\` goes on in a way that nobody knows`);
    const { parts: word, end } = readParts(operation.end, depth + 1);
    return { part: { name: found.text, operator: operation.text, word }, end };
  }

  function match(pattern: RegExp, at: number): { text: string; end: number } | null {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    return found && { text: found[0], end: pattern.lastIndex };
  }

  function malformed(what: string): never {
    return refuse(where, '', `${what}: ${shown(text)}`, 'write `$$` for a dollar sign');
  }
}

function whereToSet(name: string, commentedAt: string | undefined): string {
  const there = commentedAt === undefined ? 'in .env.sample' : `at ${commentedAt}, where it is commented out,`;
  return `set it ${there} or in the recipe's env, or give a default: \${${name}:-}`;
}
