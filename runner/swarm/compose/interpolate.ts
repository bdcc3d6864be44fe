// Variables in the values of compose files, as docker compose reads them: `$A`, `${A}`, `${A:-word}`, `${A-word}`,
// `${A:?why}`, `${A?why}`, `${A:+word}`, `${A+word}`, `$$` for a dollar sign; words may contain variables. Pure. One
// deliberate difference: a variable that is not set and has no default is refused, where compose silently makes it "".

import { refuse, shown } from '../app/refused.ts';

const nestingMax = 8;
const resultCharsMax = 64 * 1024;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const operator = /:?[-?+]/y;

/**
 * The variables for a run's files. `commentedAt` has the line of `.env.sample` that comments a variable out, for
 * messages.
 */
export type Variables = { values: ReadonlyMap<string, string>; commentedAt: ReadonlyMap<string, string> };

/** `text` with its variables resolved. Throws AppRefused, whose message names the variable and `at`. */
export function interpolate(text: string, variables: Variables, at: string): string {
  return text.includes('$') ? fill(partsOf(text, at), variables, at) : text;
}

/** The variables in a text, and whether each is optional. Empty if the text is malformed. */
export function variablesIn(text: string): { name: string; isOptional: boolean }[] {
  try {
    return partsOf(text, '').flatMap(namesOf);
  } catch {
    return [];
  }
}

/** `text` escaped so that nothing in it is read as a variable. */
export function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

type Part = string | Reference;
/** `operator` is '' or one of `- ? +`, preceded by a colon if an empty value counts as not set. */
type Reference = { name: string; operator: string; word: Part[] };

function fill(parts: Part[], variables: Variables, at: string): string {
  let result = '';
  for (const part of parts) {
    result += typeof part === 'string' ? part : filled(part, variables, at);
    if (result.length > resultCharsMax)
      refuse(at, '', 'this text is too long once its variables are resolved', 'shorten it');
  }
  return result;
}

function filled({ name, operator, word }: Reference, variables: Variables, at: string): string {
  const value = variables.values.get(name);
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  const action = operator.at(-1);
  if (action === '+') return isSet ? fill(word, variables, at) : '';
  if (isSet) return value;
  if (action === '-') return fill(word, variables, at);
  const why = action === '?' ? `: ${shown(fill(word, variables, at))}` : '';
  return refuse(at, '', `the variable ${name} is not set${why}`, whereToSet(name, variables.commentedAt.get(name)));
}

function namesOf(part: Part): { name: string; isOptional: boolean }[] {
  if (typeof part === 'string') return [];
  return [{ name: part.name, isOptional: /[-+]$/.test(part.operator) }, ...part.word.flatMap(namesOf)];
}

function partsOf(text: string, where: string): Part[] {
  return readParts(0, 0).parts;

  /** Reads up to the end of the text or, inside braces, up to the closing brace. */
  function readParts(start: number, depth: number): { parts: Part[]; end: number } {
    if (depth > nestingMax) malformed('variables are nested too deep');
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
    if (brace === -1) return malformed('the brace of a `${` is not closed');
    return dollar === -1 ? brace : Math.min(dollar, brace);
  }

  function readReference(dollar: number, depth: number): { part: Part; end: number } {
    const after = dollar + 1;
    if (text[after] === '$') return { part: '$', end: after + 1 };
    const isBraced = text[after] === '{';
    const variable = match(name, isBraced ? after + 1 : after);
    if (variable === null) return malformed('a `$` without a variable name');
    const plain = { name: variable.text, operator: '', word: [] };
    if (!isBraced) return { part: plain, end: variable.end };
    if (text[variable.end] === '}') return { part: plain, end: variable.end + 1 };
    const operation = match(operator, variable.end);
    if (operation === null) return malformed(`an unknown operator after \`\${${shown(variable.text)}\``);
    const { parts: word, end } = readParts(operation.end, depth + 1);
    return { part: { name: variable.text, operator: operation.text, word }, end };
  }

  function match(pattern: RegExp, at: number): { text: string; end: number } | null {
    pattern.lastIndex = at;
    const result = pattern.exec(text);
    return result && { text: result[0], end: pattern.lastIndex };
  }

  function malformed(what: string): never {
    return refuse(where, '', `${what}: ${shown(text)}`, 'write `$$` for a dollar sign');
  }
}

function whereToSet(name: string, commentedAt: string | undefined): string {
  const there = commentedAt === undefined ? 'in .env.sample' : `at ${commentedAt}, where it is commented out,`;
  return `set it ${there} or in the recipe's env, or give a default: \${${name}:-}`;
}
