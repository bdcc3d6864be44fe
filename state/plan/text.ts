// A plan's text, read by lines: its title, numbered clauses, gates and Definition of Done. People write plans in many
// shapes, and pasted plans lose their heading marks, so a heading of any depth counts, and so does a plain line, such
// as `2. Work requirements`, that follows an empty line. Fenced code and HTML comments are skipped.

import { PhaseId } from '../entry/ids.ts';
import { fitLine } from '../entry/words.ts';
import {
  clausesOf,
  dodOf,
  gateItems,
  type Line,
  type PlanSection,
  type SectionKind,
  type TextClause,
  type TextGate,
} from './items.ts';

export const titleCharsMax = 300;

export type PlanText = {
  title: string;
  /** The phase that the title names, as in `Phase mailu — …`. */
  phase: PhaseId | null;
  clauses: TextClause[];
  dod: TextClause[];
  gates: TextGate[];
};

type Heading = Omit<PlanSection, 'line' | 'lines'>;

const names: [SectionKind, RegExp][] = [
  ['mission', /^(mission|goal)$/i],
  ['facts', /^((starting )?facts|context|background)$/i],
  ['work', /^((work )?requirements|work)$/i],
  ['gates', /^(gates|milestones)$/i],
  ['guardrails', /^guardrails$/i],
  ['dod', /^(definition of done|dod|done when)$/i],
];
// A heading without marks counts only if its name is known, and gets the usual depth of a plan's sections.
const plainDepth = 2;

/** Reads the lines below a plan's front matter; `firstLine` is the number that the first of them has in the file. */
export function readPlanText(text: string[], firstLine: number): PlanText {
  const lines = visible(text.map((one, i) => ({ text: one, line: firstLine + i })));
  const sections = sectionsOf(lines);
  const named = titleOf(lines);
  const [first] = sections;
  const opening = first?.kind === 'other' ? first.name : lines.find((line) => line.text.trim() !== '')?.text;
  return {
    title: fitLine(named?.title ?? opening ?? '', titleCharsMax),
    phase: named?.phase ?? null,
    clauses: sections.flatMap(clausesOf),
    dod: sections
      .filter((section) => section.kind === 'dod')
      .flatMap(dodOf)
      .map((item, i) => ({ id: `DoD.${i + 1}`, ...item })),
    gates: unique(sections.filter((section) => section.kind === 'gates').flatMap(gateItems)),
  };
}

/** Blanks fenced code and HTML comments that begin a line, so that nothing in them counts as a clause or a heading. */
function visible(lines: Line[]): Line[] {
  let end: RegExp | null = null;
  return lines.map(({ text, line }) => {
    const opened: RegExp | null = end ?? endOfBlock(text);
    const isLast = end === null ? opened === oneLine : end.test(text);
    end = isLast ? null : opened;
    return opened === null ? { text, line } : { text: '', line };
  });
}

const oneLine = /$/;

/** Matches the end of the fence or comment that this line opens; null if it opens none. */
function endOfBlock(text: string): RegExp | null {
  const fence = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
  if (fence) return new RegExp(`^\\s*\\${fence[0]}{${fence.length},}\\s*$`);
  if (!/^\s*<!--/.test(text)) return null;
  return text.includes('-->') ? oneLine : /-->/;
}

function sectionsOf(lines: Line[]): PlanSection[] {
  const sections: PlanSection[] = [];
  for (const [index, line] of lines.entries()) {
    const current = sections.at(-1);
    const heading = headingAt(lines, index);
    if (heading !== null && (heading.kind !== 'other' || heading.depth <= (current?.depth ?? 6))) {
      sections.push({ ...heading, line: line.line, lines: [] });
    } else if (!isRule(line.text)) current?.lines.push(line);
  }
  return sections;
}

function isRule(text: string): boolean {
  return /^\s*(=+|-{2,})\s*$/.test(text);
}

function headingAt(lines: Line[], index: number): Heading | null {
  const text = lines[index]?.text ?? '';
  const marked = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(text);
  if (marked) return heading(marked[2] ?? '', marked[1]?.length ?? 1);
  if (text.trim() === '' || (lines[index - 1]?.text ?? '').trim() !== '') return null;
  const under = /^ {0,3}(=+|-{2,})\s*$/.exec(lines[index + 1]?.text ?? '');
  if (under) return heading(text.trim(), under[1]?.startsWith('=') ? 1 : 2);
  const plain = heading(text.trim().replace(/^\*\*(.*?)\*\*:?$/, '$1'), plainDepth);
  return plain.kind === 'other' ? null : plain;
}

function heading(text: string, depth: number): Heading {
  const [, number, rest] = /^(?:(\d{1,3})[.)]?\s+)?(.*)$/.exec(text) ?? [];
  const name = (rest ?? text)
    .replace(/\s*\([^)]*\)\s*:?$/, '')
    .replace(/[:.]$/, '')
    .trim();
  const kind = names.find(([, known]) => known.test(name))?.[0] ?? 'other';
  return { kind, number: number === undefined ? null : Number(number), depth, name: rest ?? text };
}

function titleOf(lines: Line[]): { phase: PhaseId | null; title: string } | null {
  for (const { text } of lines) {
    const [, id, title] =
      /^\s*(?:#+\s+)?(?:\*\*)?Phase\s+`?([A-Za-z0-9-]+)`?\s*(?:[—–:]|\s-)\s*(.+?)(?:\*\*)?\s*$/i.exec(text) ?? [];
    const phase = PhaseId.safeParse(id);
    if (title !== undefined) return { phase: phase.success ? phase.data : null, title };
  }
  return null;
}

function unique(gates: TextGate[]): TextGate[] {
  return gates.filter((gate, i) => gates.findIndex((other) => other.id === gate.id) === i);
}
