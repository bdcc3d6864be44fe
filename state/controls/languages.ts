// The languages in which we can find functions, one row each: the parser (which accepts any text, valid or not), what a
// function is, and how to empty its body. Pure. Emptying makes the function return at once but keeps its text: a test
// that only searches the source for words still finds them and passes, so it does not count as noticing.

import { parser as javascript } from '@lezer/javascript';
import { parser as python } from '@lezer/python';

export type SyntaxTree = ReturnType<typeof javascript.parse>;
export type SyntaxNode = SyntaxTree['topNode'];
/** A range of text and its replacement. */
export type Replacement = { from: number; to: number; text: string };

export type Language = {
  parse(text: string): SyntaxTree;
  /** The body of a node that is a function; null for any other node. */
  bodyOf(node: SyntaxNode): SyntaxNode | null;
  nameOf(node: SyntaxNode, text: string): string | null;
  /** The change that empties the body; null if the body is empty already. */
  empty(body: SyntaxNode, text: string): Replacement | null;
  /** Where a new line can be inserted into the body, and its indentation; null if the body is on one line. */
  inside(body: SyntaxNode, text: string): { at: number; indent: string } | null;
  /**
   * Text added at the top of a file with an emptied function, so that a type check does not end the run before its
   * tests.
   */
  header: string;
};

/** The language of a file, by its ending; null if unknown. */
export function languageOf(path: string): Language | null {
  const ending = /\.(\w+)$/.exec(path)?.[1] ?? '';
  return Object.hasOwn(languages, ending) ? (languages[ending] as Language) : null;
}

const javascriptRow: Omit<Language, 'parse' | 'header'> = {
  bodyOf(node) {
    if (node.name === 'ArrowFunction') return node.lastChild;
    return ['FunctionDeclaration', 'FunctionExpression', 'MethodDeclaration', 'Property'].includes(node.name)
      ? node.getChild('Block')
      : null;
  },
  nameOf(node, text) {
    const named = node.getChild('VariableDefinition') ?? node.getChild('PropertyDefinition');
    const own = named ?? node.getChild('PrivatePropertyDefinition');
    switch (node.name) {
      case 'FunctionDeclaration':
      case 'MethodDeclaration':
      case 'ClassDeclaration':
        return own && text.slice(own.from, own.to);
      case 'Property':
        return own && node.getChild('Block') && text.slice(own.from, own.to);
      case 'FunctionExpression':
      case 'ArrowFunction':
      case 'ClassExpression':
        return assignedName(node, text);
      default:
        return null;
    }
  },
  empty(body, text) {
    return body.name === 'Block' ? emptyBlock(body, text) : emptyExpression(body, text);
  },
  inside(body, text) {
    if (body.name !== 'Block') return null;
    const [, indent] = /^[ \t]*\r?\n([ \t]*)/.exec(text.slice(body.from + 1, body.to)) ?? [];
    return indent === undefined ? null : { at: text.indexOf('\n', body.from) + 1, indent };
  },
};

const pythonRow: Language = {
  parse: (text) => python.parse(text),
  bodyOf: (node) => (node.name === 'FunctionDefinition' ? node.getChild('Body') : null),
  nameOf(node, text) {
    if (node.name !== 'FunctionDefinition' && node.name !== 'ClassDefinition') return null;
    const own = node.getChild('VariableName');
    return own && text.slice(own.from, own.to);
  },
  empty: emptySuite,
  inside(body, text) {
    const first = body.firstChild?.nextSibling;
    const start = first ? lineStart(text, first.from) : -1;
    return first && start > body.from ? { at: start, indent: text.slice(start, first.from) } : null;
  },
  header: '',
};

// `@ts-nocheck` turns off type errors only, so files stay valid for type checkers and test loaders.
const noTypes = '// @ts-nocheck\n';
const plain = dialect('jsx', '');
const typed = dialect('ts', noTypes);
const typedJsx = dialect('jsx ts', noTypes);

const languages: Record<string, Language> = {
  js: plain,
  mjs: plain,
  cjs: plain,
  jsx: plain,
  ts: typed,
  mts: typed,
  cts: typed,
  tsx: typedJsx,
  py: pythonRow,
  pyw: pythonRow,
};

function dialect(name: string, header: string): Language {
  const parser = javascript.configure({ dialect: name });
  return { ...javascriptRow, parse: (text) => parser.parse(text), header };
}

/** The name that a function is assigned to, as in `const name =`, `name:`, `exports.name =`. */
function assignedName(node: SyntaxNode, text: string): string | null {
  const own = node.getChild('VariableDefinition');
  if (own && node.name !== 'ArrowFunction') return text.slice(own.from, own.to);
  const before = node.prevSibling;
  const target = before?.name === 'Equals' || before?.name === ':' ? before.prevSibling : null;
  const isTarget =
    target && /^(VariableDefinition|(Private)?PropertyDefinition|VariableName|MemberExpression)$/.test(target.name);
  return isTarget ? text.slice(target.from, target.to).replace(/\s+/g, '') : typedName(node, text);
}

/** The name in `const name: Type =`, where the type is in between. */
function typedName(node: SyntaxNode, text: string): string | null {
  const type = node.prevSibling?.name === 'Equals' ? node.prevSibling.prevSibling : null;
  const target = type?.name === 'TypeAnnotation' ? type.prevSibling : null;
  return target ? text.slice(target.from, target.to) : null;
}

function emptyBlock(body: SyntaxNode, text: string): Replacement | null {
  const statements = childrenOf(body).filter(({ name }) => !['{', '}', 'LineComment', 'BlockComment'].includes(name));
  const kept = statements.find(isSuperCall);
  const [first] = statements.filter((statement) => statement !== kept);
  if (!first || isReturn(first, text) || text[body.to - 1] !== '}') return null;
  const call = kept ? ` ${textOf(kept, text).replace(/;?$/, ';')}` : '';
  return insertion(body.from + 1, `${call} return;`);
}

function emptyExpression(body: SyntaxNode, text: string): Replacement | null {
  const expression = textOf(body, text);
  if (/^(undefined$|void 0$|undefined && \()/.test(expression) || body.type.isError) return null;
  return { from: body.from, to: body.to, text: `undefined && (${expression})` };
}

/** Empties a Python body, with the new `return` after the docstring. */
function emptySuite(body: SyntaxNode, text: string): Replacement | null {
  const statements = childrenOf(body).filter(({ name }) => name !== ':' && name !== 'Comment');
  const says = statements[0]?.name === 'ExpressionStatement' && statements[0].firstChild?.name === 'String';
  const rest = statements.slice(says ? 1 : 0);
  const [first] = rest;
  if (!first || isReturn(first, text) || rest.every((one) => /^(pass|\.\.\.)$/.test(textOf(one, text)))) return null;
  const start = lineStart(text, first.from);
  const indent = text.slice(start, first.from);
  const isOwnLine = start > body.from && /^[ \t]*$/.test(indent);
  return insertion(first.from, isOwnLine ? `return\n${indent}` : 'return; ');
}

/** True for a return without a value, after which nothing runs. */
function isReturn(statement: SyntaxNode, text: string): boolean {
  return /^return( None)?\s*(;|$)/.test(textOf(statement, text));
}

function insertion(at: number, text: string): Replacement {
  return { from: at, to: at, text };
}

function isSuperCall(statement: SyntaxNode): boolean {
  const call = statement.name === 'ExpressionStatement' ? statement.firstChild : null;
  return call?.name === 'CallExpression' && call.firstChild?.name === 'super';
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

function textOf({ from, to }: SyntaxNode, text: string): string {
  return text.slice(from, to);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}
