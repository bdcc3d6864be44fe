// Parses a compose file into a tree. Each node has its line; aliases, merge keys (`<<`) and variables are resolved.
// Pure. Scalars are read as docker's YAML reads them (`0555` is octal); where docker's versions differ (`yes`, `on`),
// the value is a boolean, which no reader of strings accepts. Bytes, depth and nodes are limited, so that no alias can
// blow the tree up.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
  type Scalar as YamlScalar,
} from 'yaml';
import { refuse, shown } from '../app/refused.ts';
import { interpolate, type Variables } from './interpolate.ts';

export const composeBytesMax = 256 * 1024;
const depthMax = 24;
const nodesMax = 20_000;
const charsMax = 2 * 1024 * 1024;
const tags = new Set([undefined, 'tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq']);

export type ComposeTree = Scalar | List | Group;
/** `raw` is as written, `text` has its variables resolved, `value` is how YAML reads it. */
export type Scalar = {
  kind: 'scalar';
  at: string;
  text: string;
  raw: string;
  value: string | number | boolean | null;
};
export type List = { kind: 'list'; at: string; items: ComposeTree[] };
export type Group = { kind: 'group'; at: string; entries: Map<string, TreeEntry> };
export type TreeEntry = { at: string; value: ComposeTree };

/** Without `variables` no variable is resolved. Drops top-level `x-…` keys, but keeps what aliases take from them. */
export function composeTree(text: string, file: string, variables: Variables | null): Group {
  if (Buffer.byteLength(text) > composeBytesMax)
    refuse(file, '', `it is larger than ${composeBytesMax / 1024} KiB`, 'shorten it');
  const { contents, aliases, atOf } = parsed(text, file);
  let nodes = 0;
  let chars = 0;
  if (!isMap(contents)) return refuse(`${file}:1`, '', 'this is not a compose file', 'begin with `version:`');
  contents.items = contents.items.filter((pair) => !(isScalar(pair.key) && String(pair.key.value).startsWith('x-')));
  return treeOf(contents, 0) as Group;

  function treeOf(node: Node | null, depth: number): ComposeTree {
    const at = atOf(node);
    nodes += 1;
    if (depth > depthMax) refuse(at, '', 'it is nested too deep', 'flatten it');
    if (nodes > nodesMax) refuse(at, '', 'the file is too large once its aliases are resolved', 'use fewer of them');
    if (isAlias(node)) return treeOf(aliases.get(node) ?? noAnchor(at, node.source), depth + 1);
    if (isMap(node)) return groupOf(node, at, depth);
    if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => treeOf(item as Node, depth + 1)) };
    return scalarOf(node as YamlScalar | null, at);
  }

  function groupOf(map: YAMLMap, at: string, depth: number): Group {
    const entries = new Map<string, TreeEntry>();
    const merged: ComposeTree[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const key = keyOf(pair.key);
      const value = treeOf(pair.value, depth + 1);
      if (key === null) merged.push(value);
      else if (entries.has(key)) refuse(atOf(pair.key), '', `${shown(key)} is defined twice`, 'remove one');
      else entries.set(key, { at: atOf(pair.key), value });
    }
    for (const source of merged.flatMap((tree) => (tree.kind === 'list' ? tree.items : [tree])))
      addMissing(entries, source);
    return { kind: 'group', at, entries };
  }

  /** The text of a key; null for the merge key. */
  function keyOf(node: Node): string | null {
    const key = isAlias(node) ? aliases.get(node) : node;
    if (!isScalar(key)) return refuse(atOf(node), '', 'this key is not a plain string', 'write a name');
    return key.value === '<<' && key.type === 'PLAIN' ? null : String(key.value);
  }

  function scalarOf(scalar: YamlScalar | null, at: string): Scalar {
    const raw = String(scalar?.value ?? '');
    const isText = !isPlain(scalar) || raw.includes('$');
    const text = variables === null ? raw : interpolate(raw, variables, at);
    chars += text.length;
    if (chars > charsMax) refuse(at, '', 'the file is too large once its variables are resolved', 'shorten it');
    return { kind: 'scalar', at, text, raw, value: isText ? text : meaningOf(raw) };
  }
}

/** A group's own keys win over merged ones; among merged groups, the first one with the key wins. */
function addMissing(entries: Map<string, TreeEntry>, source: ComposeTree): void {
  if (source.kind !== 'group')
    refuse(source.at, '', '`<<` merges something without keys', 'give it the alias of a mapping');
  for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
}

function noAnchor(at: string, name: string): never {
  return refuse(at, '', `there is no anchor ${shown(name)} before this`, 'correct the name');
}

/** The parsed contents, the node that each alias refers to, and a function for the position of a node. */
function parsed(text: string, file: string) {
  const lines = new LineCounter();
  const atOf = (node: Node | null | undefined): string => `${file}:${lineAt(node?.range?.[0] ?? 0)}`;
  const lineAt = (offset: number): number => Math.max(lines.linePos(offset).line, 1);
  try {
    const options = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, lineCounter: lines } as const;
    const document = parseDocument(text, options);
    const broken = document.errors[0] ?? document.warnings[0];
    if (broken) {
      const what = broken.code === 'MULTIPLE_DOCS' ? 'a second document begins here' : shown(broken.message);
      return refuse(`${file}:${lineAt(broken.pos[0])}`, '', `not valid YAML: ${what}`, 'fix it');
    }
    const anchors = new Map<string, Node>();
    const aliases = new Map<Node, Node | undefined>();
    visit(document, {
      Node(_key, node) {
        if (!isAlias(node) && !tags.has(node.tag))
          refuse(atOf(node), '', `the tag ${shown(node.tag ?? '')} is not allowed`, 'remove it');
        if (isAlias(node)) aliases.set(node, anchors.get(node.source));
        else if (node.anchor !== undefined) anchors.set(node.anchor, node);
      },
    });
    return { contents: document.contents, aliases, atOf };
  } catch (error) {
    // The library recurses: a file of nothing but brackets exhausts the stack.
    if (error instanceof RangeError) return refuse(file, '', 'it is nested too deep', 'flatten it');
    throw error;
  }
}

function isPlain(scalar: YamlScalar | null): boolean {
  return scalar === null || (scalar.type === 'PLAIN' && scalar.tag === undefined);
}

/** The value of an unquoted scalar, as go-yaml reads it. */
function meaningOf(text: string): string | number | boolean | null {
  if (/^(|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(true|yes|on|y)$/i.test(text)) return true;
  if (/^(false|no|off|n)$/i.test(text)) return false;
  if (/^[-+]?0[0-7_]+$/.test(text)) return Number.parseInt(text.replaceAll('_', ''), 8);
  if (/^0(o[0-7]+|x[0-9a-fA-F]+|b[01]+)$/.test(text)) return Number(text);
  if (/^[-+]?[0-9][0-9_]*$/.test(text)) return Number(text.replaceAll('_', ''));
  return /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text) ? Number(text) : text;
}
