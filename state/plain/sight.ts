// A sentence of a plain file with its context, and the statements that a sentence can make. A statement is a fact about
// the text, not yet about the work. It has the line, the time if known, and the commits, builds and logs it cites.

import { fitLine } from '../entry/words.ts';
import { type Block, lineOf, plain } from './blocks.ts';
import { type Gates, headlineAbove, type Placed } from './context.ts';
import type { Part } from './headline.ts';
import { buildsIn, type CommitAt, commitsIn, idsIn, logsIn, sentencesOf, withoutCode } from './marks.ts';
import { type StampAt, stampsIn, type TimeSpan } from './time.ts';

const sentenceCharsMax = 4000;
export const excerptCharsMax = 240;
/** A timestamp that begins after this many characters of a block is not the block's time. */
const stampIndexMax = 120;

export type Cites = { commits: CommitAt[]; builds: number[]; logs: string[] };
export type Said = {
  file: string;
  line: number;
  /** The title of the heading above the sentence. */
  section: string;
  ids: string[];
  /** The time in the sentence, else the time of the headline above it. */
  at: TimeSpan | null;
  text: string;
  cites: Cites;
  placed: Placed;
};
export type PlainVerdictWord = 'PASS' | 'FAIL' | 'UNVERIFIED';
export type PlainStatement = Said &
  (
    | { kind: 'claim'; isAgain: boolean; parts: Part[]; isGuessed: boolean }
    | { kind: 'verdict'; verdict: PlainVerdictWord; form: 'headline' | 'field' | 'mention' | 'list' }
    | { kind: 'state'; state: 'unclaimed' | 'awaiting' | 'blocked' | 'deferred' | 'signed off' }
    | { kind: 'finding'; event: 'opened' | 'fixed' | 'closed' | 'open' }
    | { kind: 'veto'; event: 'stands' | 'lifted' | 'item'; items: VetoItem[] }
    | { kind: 'deferral'; state: 'open' | 'closed' }
    | { kind: 'retraction'; verdict: PlainVerdictWord | null; saysNone: boolean }
    | { kind: 'done'; phase: string | null; isPlaceholder: boolean }
    | { kind: 'checks' }
  );
export type Of<K extends PlainStatement['kind']> = Extract<PlainStatement, { kind: K }>;
export type VetoItem = { text: string; ids: string[]; isMet: boolean | null };

/** One sentence with its context. */
export type SentenceContext = {
  placed: Placed;
  gates: Gates;
  /** The sentence as written, with code and bold marks. */
  text: string;
  /** The sentence with code and bold marks replaced; offsets are the same as in `text`. */
  words: string;
  ids: string[];
  /** The timestamps in the sentence, with their offsets in `text`. */
  stamps: StampAt[];
  isFirst: boolean;
  said: Said;
};

/** Every block with its sentences, in order. A time without a date takes the last date above it in the same file. */
export function* sightsIn(
  placed: Placed[],
  gates: Gates,
): Generator<{ one: Placed; next: Placed | undefined; sights: SentenceContext[] }> {
  const times: Times = { heads: new Map(), heading: null };
  let above: TimeSpan | null = null;
  for (const [index, one] of placed.entries()) {
    if (placed[index - 1]?.file !== one.file) [above, times.heading] = [null, null];
    const stamps = stampsIn(one.block.text, above);
    const dated = datedIn(one.block, stamps);
    above = dated ?? above;
    if (one.block.kind === 'heading' || one.block.kind === 'rule') times.heading = dated;
    yield { one, next: placed[index + 1], sights: sightsOf(one, gates, stamps, times) };
  }
}

/**
 * From where a block without a time takes one: the time of its headline, which itself may come from the heading above.
 */
type Times = { heads: Map<Placed, TimeSpan | null>; heading: TimeSpan | null };

/**
 * The block's timestamp that also applies below the block: it has a full date and, except in headings, is near the
 * start.
 */
function datedIn(block: Block, stamps: StampAt[]): TimeSpan | null {
  const dated = stamps.filter(({ assumed }) => !assumed);
  return (block.kind === 'heading' ? dated.at(-1) : dated.find(({ index }) => index < stampIndexMax)) ?? null;
}

function sightsOf(placed: Placed, gates: Gates, stamps: StampAt[], { heads, heading }: Times): SentenceContext[] {
  const { block, file } = placed;
  if (block.kind === 'code' || block.kind === 'rule') return [];
  const sentences = block.kind === 'heading' ? [{ text: block.text, offset: 0 }] : sentencesOf(block.text);
  return sentences.map(({ text: whole, offset }, index) => {
    const text = whole.slice(0, sentenceCharsMax);
    const within = stamps.filter((one) => one.index >= offset && one.index < offset + text.length);
    const own = within[0] ?? null;
    if (placed.head === null && index === 0) heads.set(placed, own ?? (heading && { ...heading, assumed: true }));
    const words = withoutCode(text).replaceAll('**', '  ');
    const ids = [...new Set(idsIn(words).map(({ id }) => id))];
    const start = offset + (text.length - text.trimStart().length);
    const said: Said = {
      file,
      line: lineOf(block, start),
      section: block.section?.title ?? '',
      ids,
      at: own ?? heads.get(headlineAbove(placed)) ?? null,
      text: fitLine(plain(text), excerptCharsMax),
      cites: { commits: commitsIn(text), builds: buildsIn(text).map(({ build }) => build), logs: logsIn(text) },
      placed,
    };
    const ownStamps = within.map((one) => ({ ...one, index: one.index - offset }));
    return { placed, gates, text, words, ids, stamps: ownStamps, isFirst: index === 0, said };
  });
}
