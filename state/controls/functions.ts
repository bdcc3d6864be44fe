// Functions of a source file: where they are, and the file with one of them emptied. Pure. Trails are audited by what this finds:
// another version of a parser may change which functions there are.

import { type Language, languageOf, type Replacement, type SyntaxNode, type Tree } from './languages.ts';

export type SourceFunction = {
  /** With what it stands in: `Store.close`; `(function)` where it has no name. */
  name: string;
  /** Counted from 1. */
  line: number;
  from: number;
  /** From its first character to its last. */
  text: string;
  /** Null where its body is empty already. */
  emptying: Replacement | null;
  inside: ReturnType<Language['inside']>;
};

const anonymous = '(function)';

type Scope = { name: string; isFunction: boolean; to: number };

/** The functions of a file in order: all that have a name, and of the others the outermost. None where its language is not known. */
export function functionsIn(path: string, text: string): SourceFunction[] {
  const language = languageOf(path);
  if (!language) return [];
  const found: SourceFunction[] = [];
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
      if (body && (own !== null || !isNested)) found.push(functionAt(node, body, [...scopes, scope]));
      scopes.push(scope);
    },
  });
  return found;

  function functionAt({ from, to }: SyntaxNode, body: SyntaxNode, within: Scope[]): SourceFunction {
    return {
      ...{ name: within.map(({ name }) => name).join('.'), line: lines(from), from, text: text.slice(from, to) },
      ...{ emptying: language?.empty(body, text) ?? null, inside: language?.inside(body, text) ?? null },
    };
  }
}

/** The file with this one of its functions emptied; null where the result would not be a file of its language any more. */
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

function errorsIn(tree: Tree): number {
  let errors = 0;
  tree.iterate({
    enter({ type }) {
      if (type.isError) errors += 1;
    },
  });
  return errors;
}
