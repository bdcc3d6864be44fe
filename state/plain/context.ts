// Decides which gates or findings each block is about: those in the headline above it. A headline in a heading applies
// until the next heading at the same or a higher level, or a rule. A headline in a paragraph applies until the next
// such paragraph, a heading or a rule. A headline in a list item applies to everything inside that item.

import type { Block } from './blocks.ts';
import { type Headline, headlineOf, type Part, partsIn } from './headline.ts';
import { looksLikeFinding, withoutCode } from './marks.ts';

export type Placed = {
  file: string;
  block: Block;
  /** The headline in the block itself. */
  headline: Headline | null;
  /** The other block whose headline applies to this one; null if the block's own headline applies, or if none does. */
  head: Placed | null;
  /** The ids of the gates and findings that the block is about. */
  owner: string[];
  /** If the block belongs to a claim, the part or parts of the claim that it is in. */
  parts: Part[];
  /** True for a claim without a gate line: its gate, if known, was guessed from a name in its text. */
  isGuessed: boolean;
};
const headlineCharsMax = 400;
export const plainGatesMax = 1000;

export type Gates = {
  ids: Set<string>;
  names: Map<string, Set<string>>;
  /** Ids that are declared by a list of gates or by a gate line, even if nothing else mentions them. */
  declared: Set<string>;
};

const gateSections = /^(?:\d+[.)]?\s*)?(?:gates|milestones)\b/i;

/** Finds the ids that the files themselves treat as gates, and the gates' names. */
export function gatesIn(blocks: Block[]): Gates {
  const gates: Gates = { ids: new Set(), names: new Map(), declared: new Set() };
  const heads = blocks.flatMap((block) => {
    const headline = headlineOf(block);
    return (headline?.ids ?? []).flatMap((id) => (headline ? [{ block, headline, id }] : []));
  });
  // An id that has a checkbox, but is not in the list of gates, is a clause, not a gate.
  const clauses = new Set(heads.flatMap(({ block, id }) => (block.ticked === null || isInList(block) ? [] : [id])));
  for (const { block, headline, id } of heads) {
    const isListed = isInList(block);
    if (!isGateOf(headline, id, isListed, clauses.has(id))) continue;
    addGate(gates, id, headline.name);
    if (isListed || headline.isGate) gates.declared.add(id);
  }
  // If S1 is a gate, so is any id that has the same letter and begins a block, such as S4.7.
  const letters = new Set([...gates.ids].filter((id) => !looksLikeFinding(id)).map(lettersOf));
  const akin = heads.filter(({ id }) => !looksLikeFinding(id) && !clauses.has(id) && letters.has(lettersOf(id)));
  for (const { headline, id } of akin) addGate(gates, id, headline.name);
  for (const { name, id } of blocks.flatMap(namesIn)) if (gates.ids.has(id)) addGate(gates, id, name);
  return gates;
}

/** Finds names followed by an id, as in "notes (S4.7)". */
function namesIn({ text }: Block): { name: string; id: string }[] {
  const named = /(?:^|[*,;:(]\s*)([a-z][\w-]{2,40})\**\s+\(([A-Z][^\s()]{1,9})[\s)]/g;
  return [...withoutCode(text).matchAll(named)].map(({ 1: name = '', 2: id = '' }) => ({ name, id }));
}

function isInList({ kind, depth, section }: Block): boolean {
  return kind === 'item' && depth === 1 && gateSections.test(section?.title ?? '');
}

function isGateOf({ word, isGate, ids }: Headline, id: string, isListed: boolean, isClause: boolean): boolean {
  const isClaimed = word === 'claimed' || word === 'PASS' || word === 'FAIL' || word === 'UNVERIFIED';
  if (looksLikeFinding(id)) return isClaimed || (isGate && ids.length === 1);
  return isGate || (!isClause && (isListed || isClaimed));
}

function lettersOf(id: string): string {
  return /^[A-Z]+/.exec(id)?.[0] ?? '';
}

function addGate(gates: Gates, id: string, name: string): void {
  if (gates.ids.size >= plainGatesMax) return;
  gates.ids.add(id);
  if (name !== '') gates.names.set(name, (gates.names.get(name) ?? new Set()).add(id));
}

/** Splits blocks before each headline, even if no empty line precedes it; above the title, splits at every line. */
export function splitAtHeadlines(blocks: Block[]): Block[] {
  return blocks.flatMap((block) => {
    if (block.kind !== 'paragraph' && block.kind !== 'item') return [block];
    const starts = block.lines.slice(1).filter(({ offset }) => {
      if (block.section === null) return true;
      const text = block.text.slice(offset, offset + headlineCharsMax);
      return text.startsWith('**') && headlineOf({ ...block, text })?.word != null;
    });
    return [block.lines[0], ...starts].flatMap((from, index) => {
      const [start, end] = [from?.offset ?? 0, starts[index]?.offset ?? block.text.length + 1];
      const lines = block.lines.filter(({ offset }) => offset >= start && offset < end);
      return [
        {
          ...block,
          text: block.text.slice(start, end).trimEnd(),
          lines: lines.map(({ offset, line }) => ({ offset: offset - start, line })),
        },
      ];
    });
  });
}

/** The headlines that currently apply, and the headlines below which a WHAT was already found. */
type Holders = { heading: Placed | null; paragraph: Placed | null; items: Placed[]; claimed: Set<Placed> };

export function place(file: string, blocks: Block[], gates: Gates): Placed[] {
  const holders: Holders = { heading: null, paragraph: null, items: [], claimed: new Set() };
  const all: Placed[] = [];
  for (const block of blocks) {
    const headline = headlineOf(block);
    const owner = (headline?.ids ?? []).filter((id) => gates.ids.has(id) || looksLikeFinding(id));
    const own: Placed = { file, block, headline, head: null, owner, parts: partsIn(block), isGuessed: false };
    hold(holders, own, gates);
    const head = holders.items.at(-1) ?? holders.paragraph ?? holders.heading;
    if (head !== own) {
      own.head = head;
      own.owner = head?.owner ?? [];
      if (own.parts.length === 0) own.parts = inheritedParts(all.at(-1), head, block);
    }
    if (own.parts.includes('WHAT')) holders.claimed.add(headlineAbove(own));
    all.push(own);
  }
  return all;
}

/** Updates the headlines that apply to this block and to those after it. */
function hold(holders: Holders, own: Placed, gates: Gates): void {
  const { kind, depth } = own.block;
  const isHead = own.owner.length > 0;
  if (kind === 'rule') Object.assign(holders, { heading: null, paragraph: null, items: [] });
  else if (kind === 'heading') holdHeading(holders, own, isHead);
  else if (depth === 0) {
    holders.items = [];
    const another = startsAnother(own.block) ? null : (unnamed(holders, own, gates) ?? holders.paragraph);
    holders.paragraph = isHead ? own : another;
  } else {
    holders.items = holders.items.filter(({ block }) => block.depth < depth);
    if (isHead) holders.items.push(own);
  }
}

function holdHeading(holders: Holders, own: Placed, isHead: boolean): void {
  Object.assign(holders, { paragraph: null, items: [] });
  const isDeeper = holders.heading !== null && own.block.depth > holders.heading.block.depth;
  if (isHead) holders.heading = own;
  else if (!isDeeper) holders.heading = null;
}

/**
 * True if the block begins another subject, even without an id; that is, if it begins with bold text that contains a
 * dash.
 */
function startsAnother({ text }: Block): boolean {
  return /^\*\*(?!(?:Verdict|Claim|Re-claim)\b)[^*]*\s[—–]\s[^*]*\*\*/.test(text);
}

/** Handles a second WHAT under one headline: a claim whose gate line is missing, but whose text may name the gate. */
function unnamed({ paragraph, heading, claimed }: Holders, own: Placed, { names }: Gates): Placed | null {
  const holder = paragraph ?? heading;
  if (holder === null || !own.parts.includes('WHAT') || !claimed.has(holder)) return null;
  const subject = /^\*\*WHAT\W*([a-z][\w-]{2,})/.exec(own.block.text)?.[1] ?? '';
  const ids = [...(names.get(subject) ?? [])];
  own.isGuessed = true;
  own.owner = ids.length === 1 ? ids : [];
  return own;
}

/** The block whose headline applies to this one; the block itself if there is no other. */
export function headlineAbove(placed: Placed): Placed {
  return placed.head ?? placed;
}

function inheritedParts(before: Placed | undefined, head: Placed | null, block: Block): Part[] {
  const isSame = before !== undefined && headlineAbove(before) === head;
  return isSame && (block.depth > 0 || block.kind === 'code') ? before.parts : [];
}
