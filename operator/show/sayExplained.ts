// Why a gate holds or does not, in words: a line for each condition; below it what is missing, then each relevant entry
// with its outcome. Agents' texts are wrapped here, so that the terminal need not wrap them.

import wrapAnsi from 'wrap-ansi';
import { countWords, entryLine, purposeWords, short } from '../terminal/lines.ts';
import { clean, cleanLine, type Paint, type Painted, type Screen, styled } from '../terminal/print.ts';
import type { CheckShown, EvidenceItem } from './evidence.ts';
import type { ExplainedCondition, ExplainReport } from './explain.ts';

const columns = 80;
const indent = 9;
const deeper = indent + 10;

/** A title for each condition. A condition without a title here is shown by its name. */
const titles: Record<string, string> = {
  claim: 'a live claim names a full commit',
  runs: 'cold runs of exactly that commit agree and are as expected',
  closed: 'everything that the plan expects closed is closed',
  controls: 'every control bites',
  tests: 'earlier tests still pass on its code',
  holdout: 'the hold-outs pass',
  protected: 'protected paths are untouched',
  verdict: 'the Adversary gave a PASS on this evidence',
  findings: 'no open finding, veto or flake blocks it',
  requires: 'the gates that it requires hold at an ancestor',
};

export function sayExplained(report: ExplainReport, out: Screen): void {
  const { paint } = out;
  const { gate, phase, holds, claim } = report;
  const word = holds ? paint.good('holds') : paint.bad('does not hold');
  const at = claim === null ? '' : ` at ${short(claim.sha)} (claim #${claim.id})`;
  out.line(styled`${paint.bold(gate)} of ${phase} ${word}${at}`);
  for (const condition of report.conditions) sayCondition(condition, out);
}

function sayCondition({ n, name, met, unmet, evidence, waived }: ExplainedCondition, out: Screen): void {
  const { paint } = out;
  const isWaived = waived.length > 0;
  const mark = isWaived ? paint.warn('waived') : met ? paint.good('yes   ') : paint.bad('no    ');
  const by = isWaived ? ` (by act ${waived.map((id) => `#${id}`).join(', ')})` : '';
  out.line(styled`${mark} ${n} ${titles[name] ?? name}${by}`);
  for (const why of unmet) sayText(why, indent, out);
  for (const one of evidence) sayEvidence(one, out);
}

function sayEvidence({ entry, place, state, checks = [] }: EvidenceItem, out: Screen): void {
  const { paint } = out;
  sayHead(headOf(entry, paint), out);
  if (state !== undefined) sayText(state, deeper, out);
  if (entry.kind === 'run') sayResult(entry, out);
  if (entry.kind === 'finding') for (const fix of entry.facts.fix) sayText(`fix: ${fix}`, deeper, out);
  if (entry.kind === 'veto') for (const until of entry.facts.until) sayText(`until: ${until}`, deeper, out);
  for (const check of checks) sayCheck(check, out);
  if (place) out.line(styled`${' '.repeat(deeper)}${paint.dim(`${short(place.commit)}:${place.path}`)}`);
}

type RunEntry = Extract<EvidenceItem['entry'], { kind: 'run' }>;

/** Prints what a run showed, if the run's own line does not say that. */
function sayResult({ facts }: RunEntry, out: Screen): void {
  const why = facts.control?.why ?? facts.kept?.why;
  if (why !== undefined) sayText(why, deeper, out);
  for (const lacking of facts.unmet) sayText(lacking, deeper, out);
  if (facts.outcome !== 'PASS' && why === undefined) sayText(facts.reason, deeper, out);
}

function sayCheck({ clause, text, saw, cites }: CheckShown, out: Screen): void {
  sayText(`${clause} ${text}`, deeper, out);
  sayText(`saw: ${saw} [${cites.join(', ')}]`, deeper + 2, out);
}

function headOf(entry: EvidenceItem['entry'], paint: Paint): Painted {
  if (entry.kind !== 'run') return entryLine(entry, paint);
  const { control, kept, reproducer, outcome, purpose, counts } = entry.facts;
  const word = control?.result ?? kept?.result ?? reproducer ?? outcome;
  const number = `#${entry.id}`.padEnd(5);
  // For a judged run, the lines below say more than its number of failed tests.
  const tests = control || kept ? '' : `, ${countWords(counts)}`;
  const what = `${purposeWords(purpose)}${tests}`;
  return styled`${paint.dim(entry.at.slice(11, 19))}  ${paint.dim(number)} ${paint.outcome(word)} ${what}`;
}

/** Prints a head; a head that is too long for one line is wrapped and loses its colours. */
function sayHead(head: Painted, out: Screen): void {
  const plain = clean(head.text);
  const [first = '', ...more] = plain.length <= columns - indent ? [head] : wrapped(plain, columns - deeper);
  out.line(styled`${' '.repeat(indent)}${first}`);
  for (const line of more) out.line(styled`${' '.repeat(deeper)}${line}`);
}

function sayText(text: string, margin: number, out: Screen): void {
  for (const line of wrapped(cleanLine(text, 1000), columns - margin)) out.line(`${' '.repeat(margin)}${line}`);
}

/** Breaks at spaces; a word longer than a line gets its own line. */
function wrapped(text: string, columnsMax: number): string[] {
  return wrapAnsi(text, columnsMax).split('\n');
}
