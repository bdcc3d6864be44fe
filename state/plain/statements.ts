// Reads statements from the blocks of a plain file, sentence by sentence. This file reads claims, verdicts and the
// states of gates; `findings.ts`, `veto.ts` and `ends.ts` read findings, vetoes and endings.

import { type Gates, headlineAbove, type Placed } from './context.ts';
import { doneHeading, endEvents, isRetraction } from './ends.ts';
import { findingEvents } from './findings.ts';
import type { Word } from './headline.ts';
import { idSource, idsIn } from './marks.ts';
import { type PlainStatement, type PlainVerdictWord, type Said, type SentenceContext, sightsIn } from './sight.ts';
import { vetoEvents } from './veto.ts';

export const statementsMax = 5000;
/** A timestamp belongs to the verdict before it if at most this many characters are between the two. */
const stampGapMax = 4;

export function statementsOf(placed: Placed[], gates: Gates): PlainStatement[] {
  const statements: PlainStatement[] = [];
  for (const { one, next, sights } of sightsIn(placed, gates)) {
    if (statements.length > statementsMax) break;
    statements.push(...claimsOf(one, sights), ...doneHeading(one, next, sights), ...sights.flatMap(sentenceStatements));
  }
  return statements;
}

/** Takes a block for a claim if it begins a part of one, is a "Claim:" line or is about objective evidence. */
function claimsOf(placed: Placed, sights: SentenceContext[]): PlainStatement[] {
  const first = sights[0];
  if (!first || placed.owner.length === 0) return [];
  const isField = /^\s*(?:Re-)?claim\s*:/i.test(first.words);
  const isPart = placed.parts.length > 0;
  // As in "Objective evidence pointers (M1):".
  const isEvidence = /^\*\*[^*]{0,80}\b(?:objective evidence|evidence pointers|claim detail)\b/i.test(
    placed.block.text,
  );
  if (!isField && !isPart && !isEvidence) return [];
  const cites = sights.map(({ said }) => said.cites);
  return [
    {
      ...first.said,
      kind: 'claim',
      ids: placed.owner,
      at: null,
      cites: {
        commits: cites.flatMap(({ commits }) => commits),
        builds: cites.flatMap((one) => one.builds),
        logs: cites.flatMap((one) => one.logs),
      },
      isAgain: /^\s*re-/i.test(first.words),
      parts: isPart ? placed.parts : [],
      isGuessed: headlineAbove(placed).isGuessed,
    },
  ];
}

function sentenceStatements(sight: SentenceContext): PlainStatement[] {
  return [
    ...headlineStatement(sight),
    ...fieldVerdict(sight),
    ...mentionedVerdicts(sight),
    ...listedVerdicts(sight),
    ...failedClaim(sight),
    ...states(sight),
    ...findingEvents(sight),
    ...vetoEvents(sight),
    ...endEvents(sight),
  ];
}

const stateWords: Partial<Record<Word, 'unclaimed' | 'blocked' | 'deferred'>> = {
  unclaimed: 'unclaimed',
  blocked: 'blocked',
  deferred: 'deferred',
};

function headlineStatement({ placed, gates, said, isFirst }: SentenceContext): PlainStatement[] {
  const { headline } = placed;
  const word = headline?.word ?? null;
  const ids = (headline?.ids ?? []).filter((id) => gates.ids.has(id));
  if (!isFirst || !headline || ids.length === 0) return [];
  if (word === null) return /^blocked\b/i.test(said.section) ? [{ ...said, kind: 'state', ids, state: 'blocked' }] : [];
  if (word === 'PASS' || word === 'FAIL' || word === 'UNVERIFIED') {
    return [{ ...said, kind: 'verdict', ids, verdict: word, form: 'headline' }];
  }
  if (word === 'claimed')
    return [{ ...said, kind: 'claim', ids, isAgain: headline.isAgain, parts: [], isGuessed: false }];
  const state = stateWords[word];
  return state ? [{ ...said, kind: 'state', ids, state }] : [];
}

function fieldVerdict({ placed, words, said }: SentenceContext): PlainStatement[] {
  const verdict = /^\s*Verdict\s*:\s*(PASS|FAIL|UNVERIFIED)\b/.exec(words)?.[1] as PlainVerdictWord | undefined;
  return verdict && placed.owner.length > 0
    ? [{ ...said, kind: 'verdict', ids: placed.owner, verdict, form: 'field' }]
    : [];
}

const mention = new RegExp(
  `(?<![\\w./#-])(${idSource}(?:\\s*(?:\\+|,|&|and)\\s*${idSource})*)(?:\\s*\\([^)]{0,60}\\))?[\\s✅❌]*(?:Adversary[ -])?(PASS|FAIL)(?:ED)?\\b`,
  'g',
);
const conditional = /\b(?:until|unless|if|once|needs?|requires?|before|expect(?:ed)?|without)\b[^,;]{0,40}$/i;

/** Reads `S3.2 ✅PASS @05:34Z` within a sentence. A verdict quoted in a retraction does not count. */
function mentionedVerdicts({ placed, gates, words, stamps, said, isFirst }: SentenceContext): PlainStatement[] {
  if (isRetraction(words)) return [];
  const isHeadlines = isFirst && placed.headline?.word != null ? placed.headline.ids : [];
  return [...words.matchAll(mention)].flatMap(({ 0: whole, 1: names = '', 2: verdict, index }) => {
    const ids = idsIn(names).flatMap(({ id }) => (gates.ids.has(id) && !isHeadlines.includes(id) ? [id] : []));
    if (ids.length === 0 || conditional.test(words.slice(0, index))) return [];
    const end = index + whole.length;
    const at = stamps.find((one) => one.index >= end && one.index <= end + stampGapMax) ?? null;
    return [{ ...said, at, kind: 'verdict', ids, verdict: verdict as PlainVerdictWord, form: 'mention' }];
  });
}

/** Reads "With a PASS: alpha (S1), beta (S2)". */
function listedVerdicts({ gates, words, said }: SentenceContext): PlainStatement[] {
  const from = /\bPASS(?:ED|es)?\s*:\s/.exec(words)?.index;
  if (from === undefined || isRetraction(words) || /^\s*Verdict\b/.test(words)) return [];
  const ids = [...words.slice(from).matchAll(/\(([^()]{1,40})\)/g)].flatMap(({ 1: inner = '' }) =>
    idsIn(inner).flatMap(({ id }) => (gates.ids.has(id) ? [id] : [])),
  );
  return ids.length > 1 ? [{ ...said, at: null, kind: 'verdict', ids, verdict: 'PASS', form: 'list' }] : [];
}

/** Reads "First claim 911680f FAILed". */
function failedClaim({ placed, text, said }: SentenceContext): PlainStatement[] {
  const commit = /\bclaim\s+`?([0-9a-f]{7,40})`?\s+FAIL(?:ed|ED)?\b/i.exec(text)?.[1];
  if (commit === undefined || placed.owner.length === 0) return [];
  const cites = { ...said.cites, commits: said.cites.commits.filter((one) => one.commit === commit) };
  return [{ ...said, at: null, cites, kind: 'verdict', ids: placed.owner, verdict: 'FAIL', form: 'mention' }];
}

/**
 * Reads states mentioned in passing. They belong to the only gate that the sentence names, else to the block's gates.
 */
function states(sight: SentenceContext): PlainStatement[] {
  const { placed, gates, words, stamps, ids, said, isFirst } = sight;
  const named = ids.filter((id) => gates.ids.has(id));
  const about = named.length === 1 ? named : placed.owner.filter((id) => gates.ids.has(id));
  if (about.length === 0) return [];
  const at = stamps[0] ?? said.at;
  const base = { ...said, ids: about, at };
  const isHeadline = isFirst && placed.headline?.word != null;
  const statements: PlainStatement[] = isHeadline ? [] : claimWords(words, base);
  if (/\bawaiting (?:the )?Adversary\b/i.test(words)) statements.push({ ...base, kind: 'state', state: 'awaiting' });
  // A sign-off inside a block may be for only part of the gate, and older than the block's headline.
  const own = stamps[0] ?? (isFirst ? said.at : null);
  if (/\bsign-off GRANTED\b/.test(words)) statements.push({ ...base, at: own, kind: 'state', state: 'signed off' });
  return statements;
}

function claimWords(words: string, base: Said): PlainStatement[] {
  if (/\bNOT (?:yet )?claimed\b/i.test(words)) return [{ ...base, kind: 'state', state: 'unclaimed' }];
  const claimed = /\b(?:RE-?)?CLAIMED\b/.exec(words)?.[0];
  if (claimed === undefined) return [];
  return [{ ...base, kind: 'claim', isAgain: claimed.startsWith('RE'), parts: [], isGuessed: false }];
}
