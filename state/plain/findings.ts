// Reads from a sentence that a finding was filed, fixed or closed, or is open. Only the word "closed" closes a finding:
// "resolved" and "fixed" are the Builder's words.

import { idSource, idsIn, looksLikeFinding } from './marks.ts';
import type { PlainStatement, SentenceContext } from './sight.ts';

type Event = Extract<PlainStatement, { kind: 'finding' }>['event'];

const idGroup = String.raw`(\[?${idSource}\]?(?:\s*(?:\+|,|&|and|\/)\s*\[?${idSource}\]?)*)`;
const between = String.raw`(?:\s*[([][^)\]]{0,80}[)\]])?[\s✅—–:*-]*(?:(?:Adversary|is|are|was|now|stays?)\s+)*`;
const events: [Event, RegExp][] = [
  ['closed', new RegExp(`${idGroup}${between}(?:CLOSED|closed)\\b`, 'g')],
  ['fixed', new RegExp(`${idGroup}${between}(?:FIXED|fixed|RESOLVED|resolved)\\b`, 'g')],
  ['opened', new RegExp(`${idGroup}${between}(?:OPENED|opened|FILED|filed)\\b`, 'g')],
  ['open', new RegExp(`${idGroup}${between}(?:stands|OPEN|open|acknowledged)\\b`, 'g')],
];
const filing = /\bfindings?\b|\bfiled\b/i;
const leftOpen = /\b(?:to close|left for the Adversary|awaiting (?:the )?(?:Adversary )?(?:re-verify|close))\b/i;

export function findingEvents(sight: SentenceContext): PlainStatement[] {
  const { words, said } = sight;
  const seen = new Set<string>();
  const stated = (event: Event, ids: string[]): PlainStatement[] => {
    const own = ids.filter((id) => looksLikeFinding(id) && !seen.has(id) && !sight.gates.ids.has(id));
    for (const id of own) seen.add(id);
    return own.length > 0 ? [{ ...said, kind: 'finding', ids: own, event }] : [];
  };
  const named = events.flatMap(([event, pattern]) =>
    [...words.matchAll(pattern)].flatMap(({ 1: group = '' }) =>
      stated(
        event,
        idsIn(group).map(({ id }) => id),
      ),
    ),
  );
  return [
    ...named,
    ...ticked(sight, stated),
    ...filed(sight, stated),
    ...left(sight, stated),
    ...listed(sight, stated),
  ];
}

type Stated = (event: Event, ids: string[]) => PlainStatement[];

/** Reads `- [x] [ADV-1] …` in a list of findings. */
function ticked({ placed, ids, isFirst }: SentenceContext, stated: Stated): PlainStatement[] {
  const { ticked: tick, section } = placed.block;
  if (!isFirst || tick === null || !filing.test(section?.title ?? '')) return [];
  return stated(tick ? 'closed' : 'opened', ids.slice(0, 1));
}

/** Reads ids in brackets, as in `[ADV-1]`, where the text is about filing findings, or is under a gate that failed. */
function filed({ placed, words, said }: SentenceContext, stated: Stated): PlainStatement[] {
  const bracketed = idsIn(words).flatMap(({ id, isBracketed }) => (isBracketed ? [id] : []));
  const isFiling = filing.test(said.section) || filing.test(words) || placed.headline?.word === 'FAIL';
  return isFiling ? stated('opened', bracketed) : [];
}

function left({ placed, words, ids }: SentenceContext, stated: Stated): PlainStatement[] {
  if (!leftOpen.test(words)) return [];
  const own = ids.filter(looksLikeFinding);
  return stated('open', own.length > 0 ? own : placed.owner);
}

/** In a list of findings, reads an item that begins with a finding's id and has no status word. */
function listed({ placed, isFirst }: SentenceContext, stated: Stated): PlainStatement[] {
  const { headline } = placed;
  const isList =
    placed.block.kind === 'item' && /\b(?:findings?|carry-?over|backlog)\b/i.test(placed.block.section?.title ?? '');
  return isFirst && isList && headline?.word === null ? stated('open', headline.ids) : [];
}
