// Reads headlines: the first words of a block, if they name a subject and its status, as in `## M1 FAIL @…`,
// `**Gate: S2 — PASS @…**` or `- **notes (S4.7)** — CLAIMED @…`. Also finds parts of claims: WHAT, HOW, EXPECTED,
// WHERE.

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
  /** The subject's name, if it has one in addition to its id: `notes`. */
  name: string;
  /** The status word; null if there is none that we know. */
  word: Word | null;
  /** True if the headline begins with "gate". */
  isGate: boolean;
  isAgain: boolean;
};

export const partNames = ['WHAT', 'HOW', 'EXPECTED', 'WHERE'] as const;
export type Part = (typeof partNames)[number];

const subjectCharsMax = 120;
/** An id is the subject only if it begins within this many characters. */
const idIndexMax = 40;
const nameWordsMax = 3;

// What may come before the status word: ticks, brackets, the name of a role.
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

/** The block's headline; null if the block does not begin with a subject. */
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
  const subjectIds = idsIn(subject);
  const ids = subjectIds.map(({ id }) => id);
  if ((subjectIds[0]?.index ?? idIndexMax) >= idIndexMax || subject.includes(':')) return null;
  if (ids.length === 0 || !(isGate || block.kind === 'heading' || begins(block.text))) return null;
  const isAgain = /\bRE-?CLAIMED\b/.test(status);
  return { ids: [...new Set(ids)], name: nameOf(subject), word: wordOf(status), isGate, isAgain };
}

/** The parts of a claim that the block begins; more than one if they share a heading. */
export function partsIn(block: Block): Part[] {
  const first = /^\*\*([^*]{1,200})\*\*/.exec(block.text)?.[1] ?? '';
  if (!/^(?:WHAT|HOW|EXPECTED|WHERE)\b/.test(first)) return [];
  return partNames.filter((part) => new RegExp(`^[^(.]*\\b${part}\\b`).test(first));
}

/**
 * Splits a headline into subject and status: before a status word that follows an id, else at a dash, else after one
 * word.
 */
function partsOf(text: string): [string, string] {
  const dash = /\s(?:—|–|--|-)\s/.exec(text);
  const leadingId =
    /^(\[?[\w.-]+\]?(?:\([^)]*\))?):?\s+(?=[\s✅❌*]*(?:Adversary )?(?:(?:RE-?)?CLAIMED|PASS|FAIL|UNVERIFIED|BLOCKED|CLOSED))/.exec(
      text,
    );
  if (leadingId?.[1] !== undefined) return [leadingId[1], text.slice(leadingId[0].length)];
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
