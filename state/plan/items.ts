// The items in a plan's sections: numbered requirements, gates, and the Definition of Done.

import { fitLine } from '../entry/words.ts';

export const clauseCharsMax = 2000;

export type Line = { text: string; line: number };
export type SectionKind = 'mission' | 'facts' | 'work' | 'gates' | 'guardrails' | 'dod' | 'other';
export type PlanSection = {
  kind: SectionKind;
  number: number | null;
  name: string;
  depth: number;
  line: number;
  lines: Line[];
};

/** The item begins on line `line` of the file, counted from 1. */
export type TextClause = { id: string; text: string; line: number };
export type TextGate = { id: string; text: string; line: number };

const withoutClauses = new Set<SectionKind>(['mission', 'facts', 'gates', 'dod']);

/** A section's numbered items, called `2.1`, `2.2`, … in section 2; `1`, `2`, … in unnumbered work requirements. */
export function clausesOf(section: PlanSection): TextClause[] {
  if (withoutClauses.has(section.kind) || (section.number === null && section.kind !== 'work')) return [];
  const ordered = itemsOf(section.lines, /^(\s*)(?:#+\s+)?(?:\*\*)?(\d{1,3})[.)](?:\*\*)?\s+(.*)$/);
  const dotted = itemsOf(
    section.lines,
    /^(\s*)(?:#+\s+|[-*+]\s+)?(?:\*\*)?(\d{1,3}\.\d{1,3})\.?(?:\*\*)?[):]?\s+(.*)$/,
  );
  if (dotted.length > ordered.length) return dotted.map(({ mark, ...item }) => ({ id: mark, ...item }));
  // Markdown renders a list numbered 1. 1. 1. as 1. 2. 3.
  const isCounted = ordered.every((item, i) => i === 0 || Number(item.mark) > Number(ordered[i - 1]?.mark));
  const prefix = section.number === null ? '' : `${section.number}.`;
  return ordered.map(({ mark, ...item }, i) => ({ id: `${prefix}${isCounted ? Number(mark) : i + 1}`, ...item }));
}

export function dodOf(section: PlanSection): Omit<TextClause, 'id'>[] {
  const items = itemsOf(section.lines, /^(\s*)(?:#+\s+)?([-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)$/);
  if (items.length > 0) return items;
  const line = section.lines.find((one) => one.text.trim() !== '')?.line ?? section.line;
  const parts = splitParts(
    section.lines
      .map((one) => one.text)
      .join(' ')
      .trim()
      .replace(/\.$/, ''),
  );
  return parts.map((part) => ({ text: fitLine(part, clauseCharsMax), line })).filter((part) => part.text !== '');
}

/** Splits at each `;` that is not in brackets or backticks. */
function splitParts(text: string): string[] {
  const pieces = text.match(/`[^`]*`|\([^()]*\)|;|[^`();]+|[`()]/g) ?? [];
  const parts = [''];
  for (const piece of pieces) {
    if (piece === ';') parts.push('');
    else parts.push(`${parts.pop() ?? ''}${piece}`);
  }
  return parts;
}

type Item = { mark: string; text: string; line: number };

/**
 * The items indented no deeper than the first. Each includes the lines below it, up to the next item, or up to an
 * unindented line that follows an empty line.
 */
function itemsOf(lines: Line[], pattern: RegExp): Item[] {
  const items: Item[] = [];
  let depth: number | null = null;
  let isOpen = false;
  for (const [index, { text, line }] of lines.entries()) {
    const [, indent = '', mark, rest = ''] = pattern.exec(text) ?? [];
    if (mark !== undefined && indent.length <= (depth ?? 3)) {
      depth ??= indent.length;
      items.push({ mark, text: rest, line });
      isOpen = true;
    } else {
      isOpen &&= !isNewParagraph(lines, index);
      if (isOpen) addTo(items.at(-1), text);
    }
  }
  return items.map((item) => ({ ...item, text: fitLine(item.text, clauseCharsMax) }));
}

function isNewParagraph(lines: Line[], index: number): boolean {
  return /^\S/.test(lines[index]?.text ?? '') && lines[index - 1]?.text.trim() === '';
}

function addTo(item: { text: string } | undefined, text: string): void {
  if (item) item.text += ` ${text.trim()}`;
}

const gatePattern =
  /^( {0,3}(?:#+|[-*+]|\d{1,3}[.)])?)\s*(\*\*|__|`)?([A-Z][A-Za-z]{0,7}\d[A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)*)(?:\*\*|__|`)?(\s*[—–:(]|\s+-\s|\.?\s|\.?$)(.*)$/;

/** Gates, as in `**M1 — …**`, `### M1 …` or `- M1: …`; a gate counts only if it has the same form as the first one. */
export function gateItems({ lines }: PlanSection): TextGate[] {
  const gates: TextGate[] = [];
  let form: string | null = null;
  for (const [index, { text, line }] of lines.entries()) {
    const gate = gateAt(lines, index);
    if (gate !== null && gate.form === (form ?? gate.form)) {
      form = gate.form;
      gates.push({ id: gate.id, text: gate.text, line });
    } else addTo(gates.at(-1), text);
  }
  return gates.map((gate) => ({ ...gate, text: fitLine(gate.text.replaceAll('**', ''), clauseCharsMax) }));
}

function gateAt(lines: Line[], index: number): { id: string; text: string; form: string } | null {
  const [, lead = '', marks = '', id, after = '', text = ''] = gatePattern.exec(lines[index]?.text ?? '') ?? [];
  const form = `${lead.trim().replace(/\d+/, '1')}${marks}`;
  if (id === undefined) return null;
  // A line without a mark could be an ordinary sentence, so there the gate's id must begin a paragraph and be followed
  // by a dash, a colon or a bracket.
  const isBare = form === '';
  const isPlain = isBare && (!/[—–:(-]/.test(after) || (index > 0 && lines[index - 1]?.text.trim() !== ''));
  return isPlain ? null : { id, text, form };
}
