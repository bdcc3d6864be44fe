// The first words of a block, where they say whom they are about and what is so: `## M1 FAIL @…`, `**Gate: S2 — PASS @…**`,
// `- **notes (S4.7)** — CLAIMED @…`. And the parts of a claim: WHAT, HOW, EXPECTED, WHERE.

import type { Block } from './blocks.ts';
import { idsIn, sentencesOf, withoutCode } from './marks.ts';

export type Word =
  | 'PASS'
  | 'FAIL'
  | 'UNVERIFIED'
  | 'claimed'
  | 'unclaimed'
  | 'blocked'
  | 'deferred'
  | 'closed'
  | 'fixed'
  | 'open';
export type Headline = {
  ids: string[];
  /** What the subject is called besides its id: `notes`. */
  name: string;
  /** Null where it says nothing that is known. */
  word: Word | null;
  /** It says that it is a gate's. */
  isGate: boolean;
  isAgain: boolean;
};

export const partNames = ['WHAT', 'HOW', 'EXPECTED', 'WHERE'] as const;
export type Part = (typeof partNames)[number];

const subjectCharsMax = 120;
/** The id stands near the beginning of what it is the subject of. */
const idIndexMax = 40;
const nameWordsMax = 3;

// What may stand before the word that counts: ticks, brackets, who said it.
const lead = String.raw`^[^\p{L}\p{N}(]*(?:\([^)]*\)\s*)?(?:(?:Adversary|Builder|COLD|cold|FULL|CONDITIONAL|is|are)[ -]+)*`;
const words: [Word, RegExp][] = [
  ['unclaimed', /\bnot (?:yet )?claimed\b/iu],
  ['PASS', new RegExp(`${lead}PASS(?:ED)?\\b`, 'u')],
  ['FAIL', new RegExp(`${lead}FAIL(?:ED)?\\b`, 'u')],
  ['UNVERIFIED', new RegExp(`${lead}UNVERIFIED\\b`, 'u')],
  ['claimed', new RegExp(`${lead}(?:RE-?)?CLAIMED\\b`, 'u')],
  ['blocked', new RegExp(`${lead}(?:[A-Z]+ [A-Z]+ )?(?:BLOCKED|blocked)\\b`, 'u')],
  ['deferred', new RegExp(`${lead}DEFERRED\\b`, 'u')],
  ['closed', new RegExp(`${lead}(?:CLOSED|closed)\\b`, 'u')],
  ['fixed', new RegExp(`${lead}(?:FIXED|fixed|RESOLVED|resolved)\\b`, 'u')],
  ['open', new RegExp(`${lead}(?:RE-?)?(?:OPEN(?:ED)?|open(?:ed)?|FILED|filed)\\b`, 'u')],
];

/** Null where the block does not begin with a subject. */
export function headlineOf(block: Block): Headline | null {
  if (block.kind === 'code' || block.kind === 'rule' || partsIn(block).length > 0) return null;
  const first = block.kind === 'heading' ? block.text : (sentencesOf(block.text)[0]?.text ?? '');
  const text = withoutCode(first)
    .replaceAll('**', '')
    .replace(/^[^\p{L}\p{N}[]+/u, '');
  const isGate = /^gate\b/i.test(text);
  const [subject, status] = partsOf(
    text
      .replace(/^gate\b:?\s*/i, '')
      .replace(/^claim\(([^)]+)\):?\s*/, '$1 — CLAIMED ')
      .replace(/^review\(([^)]+)\):?\s*/, '$1 — '),
  );
  if (subject.length > subjectCharsMax) return null;
  const found = idsIn(subject);
  const ids = found.map(({ id }) => id);
  if ((found[0]?.index ?? idIndexMax) >= idIndexMax || subject.includes(':')) return null;
  if (ids.length === 0 || !(isGate || block.kind === 'heading' || begins(block.text))) return null;
  const isAgain = /\bRE-?CLAIMED\b/.test(status);
  return { ids: [...new Set(ids)], name: nameOf(subject), word: wordOf(status), isGate, isAgain };
}

/** The part of a claim that the block begins; two where one heading serves both. */
export function partsIn(block: Block): Part[] {
  const first = /^\*\*([^*]{1,200})\*\*/.exec(block.text)?.[1] ?? '';
  if (!/^(?:WHAT|HOW|EXPECTED|WHERE)\b/.test(first)) return [];
  return partNames.filter((part) => new RegExp(`^[^(.]*\\b${part}\\b`).test(first));
}

/** At the first dash, or the colon after an id, or right after the id that it begins with. */
function partsOf(text: string): [string, string] {
  const dash = /\s(?:—|–|--|-)\s/.exec(text);
  const begun =
    /^(\[?[\w.-]+\]?(?:\([^)]*\))?):?\s+(?=[\s✅❌*]*(?:Adversary )?(?:(?:RE-?)?CLAIMED|PASS|FAIL|UNVERIFIED|BLOCKED|CLOSED))/.exec(
      text,
    );
  if (begun?.[1] !== undefined) return [begun[1], text.slice(begun[0].length)];
  if (dash) return [text.slice(0, dash.index), text.slice(dash.index + dash[0].length)];
  const [, id = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  return [id, rest];
}

function wordOf(status: string): Word | null {
  return words.find(([, pattern]) => pattern.test(status))?.[0] ?? null;
}

function begins(text: string): boolean {
  return /^[^\p{L}\p{N}]*(?:\*\*|\[|(?:claim|review)\()/u.test(text) || idsIn(text.slice(0, 60))[0]?.index === 0;
}

function nameOf(subject: string): string {
  const rest = idsIn(subject).reduce((text, { id }) => text.replace(id, ' '), subject);
  const words = rest
    .replace(/\(\s*\)|[+,&]/g, ' ')
    .trim()
    .split(/\s+/);
  return words.length <= nameWordsMax && words.every((word) => /^[a-z][\w-]+$/.test(word)) ? words.join(' ') : '';
}
