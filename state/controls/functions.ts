// Finds the functions in a source file, and empties one of them. Pure. Audits depend on the result: another version of
// a parser may find other functions.

import { type Language, languageOf, type Replacement, type SyntaxNode, type SyntaxTree } from './languages.ts';

export type SourceFunction = {
  /** The function's name with the scopes that contain it: `Store.close`; `(function)` if it has no name. */
  name: string;
  /** The line on which the function begins, counted from 1. */
  line: number;
  from: number;
  /** The source of the function, from its first character to its last. */
  text: string;
  /** The change that empties the body; null if the body is empty already. */
  emptying: Replacement | null;
  inside: ReturnType<Language['inside']>;
};

const anonymous = '(function)';

type Scope = { name: string; isFunction: boolean; to: number };

/**
 * The functions in a file, in order: all named ones, and the outermost unnamed ones. None if the language is unknown.
 */
export function functionsIn(path: string, text: string): SourceFunction[] {
  const language = languageOf(path);
  if (!language) return [];
  const functions: SourceFunction[] = [];
  const lines = lineCounter(text);
  const scopes: Scope[] = [];
  language.parse(text).iterate({
    enter({ node }) {
      while (scopes.length > 0 && (scopes.at(-1)?.to ?? 0) <= node.from) scopes.pop();
      const body = language.bodyOf(node);
      const own = language.nameOf(node, text);
      if (!body && own === null) return;
      const scope = { name: own ?? anonymous, isFunction: body !== null, to: node.to };
      const isNested = scopes.some(({ isFunction }) => isFunction);
      if (body && (own !== null || !isNested)) functions.push(functionAt(node, body, [...scopes, scope]));
      scopes.push(scope);
    },
  });
  return functions;

  function functionAt({ from, to }: SyntaxNode, body: SyntaxNode, within: Scope[]): SourceFunction {
    return {
      name: within.map(({ name }) => name).join('.'),
      line: lines(from),
      from,
      text: text.slice(from, to),
      emptying: language?.empty(body, text) ?? null,
      inside: language?.inside(body, text) ?? null,
    };
  }
}

/** The file with this function emptied; null if the result would no longer be valid in its language. */
export function emptied(path: string, text: string, { name, from, emptying }: SourceFunction): string | null {
  const language = languageOf(path);
  if (!language || !emptying) return null;
  const without = replaced(text, emptying);
  const there = functionsIn(path, without).find((one) => one.name === name && one.from === from);
  const isEmptied = there?.emptying === null && errorsIn(language.parse(without)) <= errorsIn(language.parse(text));
  return isEmptied ? withHeader(without, language.header) : null;
}

function replaced(text: string, { from, to, text: instead }: Replacement): string {
  return text.slice(0, from) + instead + text.slice(to);
}

function withHeader(text: string, header: string): string {
  const [first = ''] = /^#!.*\n/.exec(text) ?? [];
  return first + header + text.slice(first.length);
}

function lineCounter(text: string): (at: number) => number {
  let line = 1;
  let upTo = 0;
  return (at) => {
    for (; upTo < at; upTo += 1) if (text[upTo] === '\n') line += 1;
    return line;
  };
}

function errorsIn(tree: SyntaxTree): number {
  let errors = 0;
  tree.iterate({
    enter({ type }) {
      if (type.isError) errors += 1;
    },
  });
  return errors;
}
