// Why a gate holds or does not, in words: a line for each condition, below it what is missing, then each entry that shows
// something with what it came to. Texts of agents are wrapped here, so that a terminal need not.

import { countWords, entryLine, purposeWords, short } from '../terminal/lines.ts';
import { clean, cleanLine, type Paint, type Painted, type Screen, styled } from '../terminal/print.ts';
import type { CheckShown, Evidence } from './evidence.ts';
import type { Explained, ExplainReport } from './explain.ts';

const columns = 80;
const indent = 9;
const deeper = indent + 10;

/** A condition that is not here is called by its own name. */
const titles: Record<string, string> = {
  claim: 'a live claim of a full commit',
  runs: 'cold runs of exactly that commit, alike and as expected',
  closed: 'what the plan expects to be closed is closed',
  controls: 'every control bites',
  tests: 'earlier tests hold over its code',
  holdout: 'the hold-outs hold',
  protected: 'protected paths untouched',
  verdict: 'a PASS by the Adversary, given on this evidence',
  findings: 'no open finding, veto or flake',
  requires: 'the gates it requires hold at an ancestor',
};

export function sayExplained(report: ExplainReport, out: Screen): void {
  const { paint } = out;
  const { gate, phase, holds, claim } = report;
  const word = holds ? paint.good('holds') : paint.bad('does not hold');
  const at = claim === null ? '' : ` at ${short(claim.sha)} (claim #${claim.id})`;
  out.line(styled`${paint.bold(gate)} of ${phase} ${word}${at}`);
  for (const condition of report.conditions) sayCondition(condition, out);
}

function sayCondition({ n, name, met, unmet, evidence, waived }: Explained, out: Screen): void {
  const { paint } = out;
  const isWaived = waived.length > 0;
  const mark = isWaived ? paint.warn('waived') : met ? paint.good('yes   ') : paint.bad('no    ');
  const by = isWaived ? ` (by act ${waived.map((id) => `#${id}`).join(', ')})` : '';
  out.line(styled`${mark} ${n} ${titles[name] ?? name}${by}`);
  for (const why of unmet) sayText(why, indent, out);
  for (const one of evidence) sayEvidence(one, out);
}

function sayEvidence({ entry, place, state, checks = [] }: Evidence, out: Screen): void {
  const { paint } = out;
  sayHead(headOf(entry, paint), out);
  if (state !== undefined) sayText(state, deeper, out);
  if (entry.kind === 'run') sayShown(entry, out);
  if (entry.kind === 'finding') for (const fix of entry.facts.fix) sayText(`fix: ${fix}`, deeper, out);
  if (entry.kind === 'veto') for (const until of entry.facts.until) sayText(`until: ${until}`, deeper, out);
  for (const check of checks) sayCheck(check, out);
  if (place) out.line(styled`${' '.repeat(deeper)}${paint.dim(`${short(place.commit)}:${place.path}`)}`);
}

type RunEntry = Extract<Evidence['entry'], { kind: 'run' }>;

/** A run that judges is told with what it showed; the line of any other says it. */
function sayShown({ facts }: RunEntry, out: Screen): void {
  const why = facts.control?.why ?? facts.kept?.why;
  if (why !== undefined) sayText(why, deeper, out);
  for (const lacking of facts.unmet) sayText(lacking, deeper, out);
  if (facts.outcome !== 'PASS' && why === undefined) sayText(facts.reason, deeper, out);
}

function sayCheck({ clause, text, saw, cites }: CheckShown, out: Screen): void {
  sayText(`${clause} ${text}`, deeper, out);
  sayText(`saw: ${saw} [${cites.join(', ')}]`, deeper + 2, out);
}

function headOf(entry: Evidence['entry'], paint: Paint): Painted {
  if (entry.kind !== 'run') return entryLine(entry, paint);
  const { control, kept, reproducer, outcome, purpose, counts } = entry.facts;
  const word = control?.result ?? kept?.result ?? reproducer ?? outcome;
  const number = `#${entry.id}`.padEnd(5);
  // What a judged run showed is told below, and is more than how many of its tests failed.
  const tests = control || kept ? '' : `, ${countWords(counts)}`;
  const what = `${purposeWords(purpose)}${tests}`;
  return styled`${paint.dim(entry.at.slice(11, 19))}  ${paint.dim(number)} ${paint.outcome(word)} ${what}`;
}

/** Where it is too long for one line, it loses its colours rather than its order. */
function sayHead(head: Painted, out: Screen): void {
  const plain = clean(head.text);
  const [first = '', ...more] = plain.length <= columns - indent ? [head] : wrapped(plain, columns - deeper);
  out.line(styled`${' '.repeat(indent)}${first}`);
  for (const line of more) out.line(styled`${' '.repeat(deeper)}${line}`);
}

function sayText(text: string, margin: number, out: Screen): void {
  for (const line of wrapped(cleanLine(text, 1000), columns - margin)) out.line(`${' '.repeat(margin)}${line}`);
}

/** At spaces; a word that is longer than a line stands alone. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
