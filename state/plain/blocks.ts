// Splits a plain file into blocks (headings, paragraphs, list items, code, rules), in order and with their lines. A
// CommonMark parser finds them, with all inline syntax switched off: marks such as ** and ` stay in the text for later
// steps to read. The file is parsed in chunks, because the parser takes quadratic time on long lists and deep nesting.

import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { SourceLine } from './lines.ts';

export type BlockKind = 'heading' | 'paragraph' | 'item' | 'code' | 'rule';
export type PlainSection = { title: string; depth: number; line: number };
export type Block = {
  kind: BlockKind;
  /** The block's text as written, without its heading or item mark; line breaks become spaces. */
  text: string;
  /** Where each line begins in `text`, by ascending offset. */
  lines: { offset: number; line: number }[];
  /** For a heading, its level; for any other block, how many lists and quotes contain it. */
  depth: number;
  ticked: boolean | null;
  /** The heading above the block; a heading is its own section. */
  section: PlainSection | null;
};

const chunkLinesMax = 200;
export const blockCharsMax = 20_000;
const nestingMax = 8;

const switchedOff = [
  'attention',
  'autolink',
  'characterEscape',
  'characterReference',
  'codeText',
  'hardBreakEscape',
  'htmlText',
  'labelEnd',
  'labelStartImage',
  'labelStartLink',
  'codeIndented',
  'definition',
  'htmlFlow',
  'setextUnderline',
];
const tooNested = new RegExp(`^(?:\\s*(?:>|[-*+]|\\d{1,9}[.)])(?=[\\s>]|$)){${nestingMax + 1}}`);

export function blocksOf(lines: SourceLine[]): Block[] {
  let section: PlainSection | null = null;
  return chunksOf(unwrapped(lines)).flatMap((chunk) => {
    return parse(chunk).map((parsed) => {
      const block: Block = { ...parsed, section };
      if (block.kind === 'heading') section = { title: plain(block.text), depth: block.depth, line: lineOf(block) };
      return { ...block, section };
    });
  });
}

/** The line of the file that contains the character at `offset` in the block's text. */
export function lineOf(block: Block, offset = 0): number {
  return block.lines.findLast((one) => one.offset <= offset)?.line ?? block.lines[0]?.line ?? 0;
}

export function lastLineOf(block: Block): number {
  return block.lines.at(-1)?.line ?? 0;
}

/** The text without emphasis and code marks. */
export function plain(text: string): string {
  return text.replaceAll(/\*\*|`/g, '').trim();
}

/**
 * Removes `##` where a wrapped line begins with it by chance: such a line is the end of bold text that began above it.
 */
function unwrapped(lines: SourceLine[]): SourceLine[] {
  return lines.map((one, index) => {
    const above = lines[index - 1]?.text.trim() ?? '';
    const isWrapped = above !== '' && !above.startsWith('#') && (one.text.match(/\*\*/g)?.length ?? 0) % 2 === 1;
    return isWrapped ? { ...one, text: one.text.replace(/^\s*#{1,6} /, '') } : one;
  });
}

/**
 * Cuts before each heading, and at an empty line once a chunk is long, but not inside a fence; a chunk that is twice as
 * long is cut anywhere.
 */
function chunksOf(lines: SourceLine[]): SourceLine[][] {
  const chunks: SourceLine[][] = [[]];
  let fence: string | null = null;
  for (const one of lines) {
    const length = chunks.at(-1)?.length ?? 0;
    const isEmpty = one.text.trim() === '';
    const isEnd = /^#{1,6} /.test(one.text) || (isEmpty && length >= chunkLinesMax);
    if ((fence === null && isEnd) || length >= 2 * chunkLinesMax) chunks.push([]);
    chunks.at(-1)?.push(tooNested.test(one.text) ? { ...one, text: one.text.replace(/^[\s>*+-]+/, '') } : one);
    fence = fenceAfter(fence, one.text);
  }
  return chunks;
}

function fenceAfter(open: string | null, text: string): string | null {
  const mark = /^\s*(?:[-*+]\s+|>\s*)*(`{3,}|~{3,})/.exec(text)?.[1];
  if (mark === undefined) return open;
  if (open === null) return mark;
  return mark.startsWith(open) && text.trim() === mark ? null : open;
}

type ParsedBlock = Omit<Block, 'section'>;

function parse(lines: SourceLine[]): ParsedBlock[] {
  const source = lines.map(({ text }) => text);
  const root = fromMarkdown(source.join('\n'), { extensions: [{ disable: { null: switchedOff } }] });
  const blocks: ParsedBlock[] = [];
  const walk = (node: Nodes, depth: number, isItem: boolean) => {
    const block = blockAt(node, depth, isItem, lines);
    if (block) blocks.push(block);
    else if ('children' in node) {
      const deeper = node.type === 'listItem' || node.type === 'blockquote' ? depth + 1 : depth;
      for (const [index, child] of node.children.entries())
        walk(child, deeper, node.type === 'listItem' && index === 0);
    }
  };
  walk(root, 0, false);
  return blocks;
}

function blockAt(node: Nodes, depth: number, isItem: boolean, lines: SourceLine[]): ParsedBlock | null {
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
