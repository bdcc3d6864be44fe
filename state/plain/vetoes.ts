// Collects vetoes, each with its requirements and which of these are met. A veto is identified by its time; checklist
// items and lifts belong to the last veto in force. Only a lift ends a veto.

import { whenOf } from './repeats.ts';
import type { PlainVeto, Where } from './report.ts';
import type { Of, PlainStatement, VetoItem } from './sight.ts';
import type { TimeSpan } from './time.ts';

type VetoDraft = PlainVeto & { stamp: TimeSpan | null };

const checklistMax = 100;

export function foldVetoes(statements: PlainStatement[]): PlainVeto[] {
  const vetoes: VetoDraft[] = [];
  const all = statements.filter((one): one is Of<'veto'> => one.kind === 'veto');
  for (const one of all) if (one.event === 'stands') assert(vetoes, one);
  for (const one of all) if (one.event !== 'stands') apply(vetoes, one);
  return vetoes.map(({ stamp: _, ...veto }) => veto);
}

function assert(vetoes: VetoDraft[], one: Of<'veto'>): void {
  const where = { file: one.file, line: one.line };
  const known = vetoes.find(({ stamp }) => stamp === null || one.at === null || stamp.at === one.at.at);
  const veto: VetoDraft = known ?? {
    ...whenOf(one.at),
    text: one.text,
    stamp: one.at,
    standing: true,
    lifted: null,
    checklist: [],
    where: [],
  };
  if (!known) vetoes.push(veto);
  if (veto.stamp === null && one.at !== null) {
    Object.assign(veto, { stamp: one.at, ...whenOf(one.at), text: one.text });
    veto.where.unshift(where);
  } else veto.where.push(where);
  for (const item of one.items) addItem(veto, item, where);
}

function apply(vetoes: VetoDraft[], one: Of<'veto'>): void {
  const where = { file: one.file, line: one.line };
  const veto = vetoes.findLast(({ standing }) => standing);
  if (!veto) return;
  if (one.event === 'lifted') Object.assign(veto, { standing: false, lifted: where });
  else for (const item of one.items) addItem(veto, item, where);
}

/** Adds an item to a veto's checklist. "alpha" and "alpha S1" are one item, as are two that name the same gate. */
function addItem({ checklist }: PlainVeto, { text, ids, isMet }: VetoItem, where: Where): void {
  const isSame = (what: string, others: string[]) =>
    ids.some((id) => others.includes(id)) || hasWord(what, text) || hasWord(text, what);
  const known = checklist.find((item) => isSame(item.what, item.ids));
  const item = known ?? { what: text, ids: [], met: null, where: [] };
  if (!known && checklist.length < checklistMax) checklist.push(item);
  if (text.length > item.what.length) item.what = text;
  item.ids = [...new Set([...item.ids, ...ids])];
  item.met = isMet ?? item.met;
  item.where.push(where);
}

function hasWord(text: string, word: string): boolean {
  return ` ${text} `.includes(` ${word} `);
}
