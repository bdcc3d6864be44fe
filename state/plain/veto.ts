// Reads from a sentence that a veto is in force, with what it requires; that a veto was lifted; or which items of a
// veto's checklist are met. A veto with all items met is still not lifted.

import { fitLine } from '../entry/words.ts';
import { idsIn, withoutCode } from './marks.ts';
import type { PlainStatement, SentenceContext, VetoItem } from './sight.ts';

const itemsMax = 50;
const itemCharsMax = 120;
const shortCharsMax = 40;

const veto = /\bVETO(?:ED|ES)?\b/;
const denied = /\b(?:no|not a|without a?) ?veto\b/i;
const notLifted = /\bnot\b[^.;]{0,30}\blift|\bunlifted\b/i;
const lifted = /\bVETO\b[^.;]{0,60}\b(?:lifted|withdrawn|cleared)\b|\blift(?:s|ed|ing)\b[^.;]{0,40}\bVETO\b/i;
const asserted =
  /^\s*VETO\b|\b(?:standing|raised?|stands|named)\b[^.;]{0,40}\bVETO\b|\bVETO\b[^.;]{0,60}\b(?:stands|requires?|blocks|on DONE)\b/i;

export function vetoEvents(sight: SentenceContext): PlainStatement[] {
  return [...stated(sight), ...ticked(sight), ...met(sight), ...pending(sight)];
}

function stated({ words, text, stamps, said }: SentenceContext): PlainStatement[] {
  if (!veto.test(words) || denied.test(words)) return [];
  const at = stamps[0] ?? null;
  if (lifted.test(words) && !notLifted.test(words)) return [{ ...said, at, kind: 'veto', event: 'lifted', items: [] }];
  if (!asserted.test(words) && !notLifted.test(words)) return [];
  return [{ ...said, at, kind: 'veto', event: 'stands', items: required(text) }];
}

/** Reads "VETO … requires: alpha + beta all …" and "VETO (…: alpha+beta must …". */
function required(text: string): VetoItem[] {
  const words = withoutCode(text).replaceAll('**', '');
  const listed = /\bVETO\b.{0,80}?(?:\brequires\s*:?|Z:)\s+(.{3,200}?)\s+(?:all|must|to|each|both|have)\b/.exec(
    words,
  )?.[1];
  const items = listed?.split(/\s*(?:\+|,|;|·|\band\b)\s*/).filter((item) => item !== '') ?? [];
  if (items.some((item) => item.length > shortCharsMax)) return [];
  return items.slice(0, itemsMax).map((item) => itemOf(item, null));
}

/** Reads `- [ ] alpha` under a veto's heading. */
function ticked({ placed, said, isFirst, text }: SentenceContext): PlainStatement[] {
  const { ticked: tick, section } = placed.block;
  if (!isFirst || tick === null || !veto.test(section?.title ?? '')) return [];
  return [{ ...said, kind: 'veto', event: 'item', items: [itemOf(text, tick)] }];
}

/** Reads "alpha S1 ✅PASS" under a heading about the veto's checklist. */
function met({ placed, gates, words, said }: SentenceContext): PlainStatement[] {
  const { section, kind } = placed.block;
  const isChecklist = veto.test(section?.title ?? '') && /\bchecklist\b/i.test(section?.title ?? '');
  if (!isChecklist || kind === 'heading' || !/\bPASS/.test(words)) return [];
  const subject = words.slice(0, words.search(/[✅\s]*\bPASS/)).replace(/^[^\p{L}]+/u, '');
  const ids = idsIn(subject).flatMap(({ id }) => (gates.ids.has(id) ? [id] : []));
  if (ids.length === 0 || subject.length > shortCharsMax) return [];
  return [{ ...said, kind: 'veto', event: 'item', items: [itemOf(subject, true)] }];
}

/** Reads "pending the remaining items: **alpha S1** + **beta S2**". */
function pending({ placed, text, words, said }: SentenceContext): PlainStatement[] {
  if (!veto.test(placed.block.section?.title ?? '') || !/\b(?:remaining|pending|open)\b[^:]{0,80}:/i.test(words))
    return [];
  const bold = [...text.matchAll(/\*\*([^*]{2,40})\*\*/g)].filter(({ index }) => index > text.search(/:\s/));
  const items = bold.flatMap(({ 1: item = '' }) => (idsIn(item).length > 0 ? [itemOf(item, false)] : []));
  return items.length > 0 ? [{ ...said, kind: 'veto', event: 'item', items: items.slice(0, itemsMax) }] : [];
}

function itemOf(text: string, isMet: boolean | null): VetoItem {
  const words = text.replaceAll('**', '').trim();
  return { text: fitLine(words, itemCharsMax), ids: idsIn(words).map(({ id }) => id), isMet };
}
