// A plain file as blocks: headings, paragraphs, list items, code, rules, in order and with their lines. CommonMark's own parser
// finds them, with everything inside a paragraph switched off: marks such as ** and ` stay in the text, where they are read.
// The file is parsed in stretches, since the parser takes quadratic time over long lists and deep nesting.

import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { SourceLine } from './lines.ts';

export type BlockKind = 'heading' | 'paragraph' | 'item' | 'code' | 'rule';
export type Section = { title: string; depth: number; line: number };
export type Block = {
  kind: BlockKind;
  /** As written, without the mark that makes it a heading or an item; a line break is a space. */
  text: string;
  /** The line of each character of `text` that begins one: ascending offsets. */
  lines: { offset: number; line: number }[];
  /** A heading's own depth, else how many lists and quotes it lies in. */
  depth: number;
  ticked: boolean | null;
  /** The heading that it stands under, or is. */
  section: Section | null;
};

const stretchLinesMax = 200;
export const blockCharsMax = 20_000;
const nestingMax = 8;

const switchedOff = [
  ...['attention', 'autolink', 'characterEscape', 'characterReference', 'codeText', 'hardBreakEscape', 'htmlText'],
  ...['labelEnd', 'labelStartImage', 'labelStartLink', 'codeIndented', 'definition', 'htmlFlow', 'setextUnderline'],
];
const tooNested = new RegExp(`^(?:\\s*(?:>|[-*+]|\\d{1,9}[.)])(?=[\\s>]|$)){${nestingMax + 1}}`);

export function blocksOf(lines: SourceLine[]): Block[] {
  let section: Section | null = null;
  return stretches(unwrapped(lines)).flatMap((stretch) => {
    return parse(stretch).map((found) => {
      const block: Block = { ...found, section };
      if (block.kind === 'heading') section = { title: plain(block.text), depth: block.depth, line: lineOf(block) };
      return { ...block, section };
    });
  });
}

/** The line of the file that holds the character at `offset` of the block's text. */
export function lineOf(block: Block, offset = 0): number {
  return block.lines.findLast((one) => one.offset <= offset)?.line ?? block.lines[0]?.line ?? 0;
}

export function lastLineOf(block: Block): number {
  return block.lines.at(-1)?.line ?? 0;
}

/** Without the marks of emphasis and code. */
export function plain(text: string): string {
  return text.replaceAll(/\*\*|`/g, '').trim();
}

/** A sentence that was wrapped before `## …` makes no heading: bold that began above it ends in it. */
function unwrapped(lines: SourceLine[]): SourceLine[] {
  return lines.map((one, index) => {
    const above = lines[index - 1]?.text.trim() ?? '';
    const isWrapped = above !== '' && !above.startsWith('#') && (one.text.match(/\*\*/g)?.length ?? 0) % 2 === 1;
    return isWrapped ? { ...one, text: one.text.replace(/^\s*#{1,6} /, '') } : one;
  });
}

/** Cut where a heading begins, or at an empty line once it is long; in a fence only where it is far too long. */
function stretches(lines: SourceLine[]): SourceLine[][] {
  const cut: SourceLine[][] = [[]];
  let fence: string | null = null;
  for (const one of lines) {
    const length = cut.at(-1)?.length ?? 0;
    const isEmpty = one.text.trim() === '';
    const isEnd = /^#{1,6} /.test(one.text) || (isEmpty && length >= stretchLinesMax);
    if ((fence === null && isEnd) || length >= 2 * stretchLinesMax) cut.push([]);
    cut.at(-1)?.push(tooNested.test(one.text) ? { ...one, text: one.text.replace(/^[\s>*+-]+/, '') } : one);
    fence = fenceAfter(fence, one.text);
  }
  return cut;
}

function fenceAfter(open: string | null, text: string): string | null {
  const mark = /^\s*(?:[-*+]\s+|>\s*)*(`{3,}|~{3,})/.exec(text)?.[1];
  if (mark === undefined) return open;
  if (open === null) return mark;
  return mark.startsWith(open) && text.trim() === mark ? null : open;
}

type Found = Omit<Block, 'section'>;

function parse(lines: SourceLine[]): Found[] {
  const source = lines.map(({ text }) => text);
  const root = fromMarkdown(source.join('\n'), { extensions: [{ disable: { null: switchedOff } }] });
  const found: Found[] = [];
  const walk = (node: Nodes, depth: number, isItem: boolean) => {
    const block = blockAt(node, depth, isItem, lines);
    if (block) found.push(block);
    else if ('children' in node) {
      const deeper = node.type === 'listItem' || node.type === 'blockquote' ? depth + 1 : depth;
      for (const [index, child] of node.children.entries())
        walk(child, deeper, node.type === 'listItem' && index === 0);
    }
  };
  walk(root, 0, false);
  return found;
}

function blockAt(node: Nodes, depth: number, isItem: boolean, lines: SourceLine[]): Found | null {
  const kind = kindOf(node, isItem);
  if (kind === null || !node.position) return null;
  const { start, end } = node.position;
  const own = lines.slice(start.line - 1, end.line);
  const texts = own.map(({ text }, index) => cleaned(index === 0 ? text.slice(start.column - 1) : text, kind));
  const ticked = kind === 'item' ? tickOf(texts[0] ?? '') : null;
  if (ticked !== null) texts[0] = (texts[0] ?? '').replace(/^\[[ xX]\]\s*/, '');
  let offset = 0;
  const starts = own.map(({ line }, index) => {
    const at = { offset, line };
    offset += (texts[index] ?? '').length + 1;
    return at;
  });
  const level = node.type === 'heading' ? node.depth : depth;
  const text = texts.join(' ').slice(0, blockCharsMax);
  return { kind, text, lines: starts.filter((one) => one.offset <= text.length), depth: level, ticked };
}

function kindOf(node: Nodes, isItem: boolean): BlockKind | null {
  switch (node.type) {
    case 'heading':
      return 'heading';
    case 'paragraph':
      return isItem ? 'item' : 'paragraph';
    case 'code':
      return 'code';
    case 'thematicBreak':
      return 'rule';
    default:
      return null;
  }
}

function cleaned(text: string, kind: BlockKind): string {
  if (kind === 'code') return text;
  const words = text.replace(/^[\s>]+/, '').trimEnd();
  return kind === 'heading' ? words.replace(/^#{1,6}\s+/, '').replace(/\s+#+$/, '') : words;
}

function tickOf(text: string): boolean | null {
  const mark = /^\[([ xX])\](?=\s|$)/.exec(text)?.[1];
  return mark === undefined ? null : mark !== ' ';
}
