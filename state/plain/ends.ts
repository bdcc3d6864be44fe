// Reads statements about endings: deferrals, retractions, a phase that is done, and failed checks that a forge's page
// reports for the commit it shows.

import { fitLine } from '../entry/words.ts';
import { plain } from './blocks.ts';
import type { Placed } from './context.ts';
import { excerptCharsMax, type PlainStatement, type PlainVerdictWord, type SentenceContext } from './sight.ts';

export function endEvents(sight: SentenceContext): PlainStatement[] {
  return [...deferrals(sight), ...retractions(sight), ...phaseDone(sight), ...failedChecks(sight)];
}

/** `## DONE` ends a phase, unless the text below it says "not yet" or similar. */
export function doneHeading({ block }: Placed, next: Placed | undefined, [sight]: SentenceContext[]): PlainStatement[] {
  if (!sight || block.kind !== 'heading' || !/^\s*DONE\b(?!-)/.test(sight.words)) return [];
  const isPlaceholder = /^\W*(?:not yet|tbd|todo|pending|none)\b/i.test(next?.block.text ?? '');
  return [{ ...sight.said, kind: 'done', phase: null, isPlaceholder }];
}

function deferrals({ placed, text, words, said, isFirst }: SentenceContext): PlainStatement[] {
  const { ticked } = placed.block;
  if (isFirst && ticked !== null && /\bdeferr(?:ed|als?)\b/i.test(said.section))
    return [{ ...said, kind: 'deferral', state: ticked ? 'closed' : 'open' }];
  const isClosed = /\bDEFERRED\b[^.;]{0,80}?(?:\.md)?[^.;]{0,60}\b(?:closed|resolved|lifted)\b/i.test(
    words.replace('.md', ''),
  );
  const isOpen =
    /(?:—|\bis|\bare|\bwas|BLOCKED\/)\s*DEFERRED\b/.test(words) || /(?<!no )\bdeferred\b(?![-.])/.test(words);
  if (!isClosed && !isOpen) return [];
  const ids = said.ids.length > 0 ? said.ids : placed.owner;
  // Of a sentence with semicolons, uses only the part that says "deferred". `text` and `words` have the same offsets.
  const from = words.lastIndexOf('; ', words.search(/\bdeferred\b/i)) + 1;
  const to = words.indexOf('; ', from);
  const clause = text.slice(from, to === -1 ? undefined : to);
  return [
    {
      ...said,
      text: fitLine(plain(clause), excerptCharsMax),
      kind: 'deferral',
      ids,
      state: isClosed ? 'closed' : 'open',
    },
  ];
}

export function isRetraction(words: string): boolean {
  return (
    /\bCORRECTION\b|\b(?:retract(?:ed|s|ion)|fabricated|falsely claimed)\b/i.test(words) || /\bSUPERSEDES\b/.test(words)
  );
}

function retractions({ placed, gates, words, said }: SentenceContext): PlainStatement[] {
  if (!isRetraction(words)) return [];
  const quoted = [...words.matchAll(/([A-Z][\w.-]*\d[a-z]?) (?:FULL )?(?:PASS|FAIL)\b/g)].map(({ 1: id = '' }) => id);
  const ids = [...new Set([...said.ids.filter((id) => gates.ids.has(id)), ...quoted])];
  const verdict = (/\b(PASS|FAIL)\b/.exec(words)?.[1] ?? null) as PlainVerdictWord | null;
  const saysNone = /\bno such\b|\bdoes not exist\b|\bnever existed\b|\bfabricated\b/i.test(words);
  return [{ ...said, kind: 'retraction', ids: ids.length > 0 ? ids : placed.owner, verdict, saysNone }];
}

function phaseDone({ text, said }: SentenceContext): PlainStatement[] {
  const words = text.replaceAll(/\*\*|`/g, '');
  const phase = /\bphase\s+([a-z0-9][\w-]*)\s+(?:is\s+)?(?:now\s+)?(?:DONE|complete)\b/i.exec(words)?.[1];
  return phase && !/\bnot\b/i.test(words) ? [{ ...said, kind: 'done', phase, isPlaceholder: false }] : [];
}

/**
 * Reads a forge's report of failed checks. The page shows it above the text; it is about the commit that the page
 * shows.
 */
function failedChecks({ placed, words, said }: SentenceContext): PlainStatement[] {
  const isAboveAll = placed.block.section === null;
  return isAboveAll && /\b(?:some checks failed|build is failing)\b/i.test(words) ? [{ ...said, kind: 'checks' }] : [];
}
