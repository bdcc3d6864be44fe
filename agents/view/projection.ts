// The trail in a few thousand tokens: what a role needs to know when it wakes, and no more. Pure. Text by agents and
// programs is fenced item by item, so that it cannot pass for our own. The Adversary is shown no journal and no
// backlog. Lines that begin with `Woken:` and `- <gate>: <state>` keep their form, because scripts match them.

import { type AgentRole, type RunId, stampOf } from '../../state/entry/ids.ts';
import { visible } from '../../state/entry/words.ts';
import { type Datum, type Fence, fenceRule } from '../text/fence.ts';
import type { FindingView, GateView, PhaseView, Quote, RunView } from './view.ts';

/** Longest projection; the `trail` tool shows what does not fit. */
export const projectionBytesMax = 24 * 1024;

/**
 * How many characters of each quoted text to show, from generous to none. The first number with which the projection
 * fits is used.
 */
const quoteChars = [4000, 1200, 300, 0];
const notesChars = 2000;
const failingShown = 8;
const listShown = 20;
const journalShown = 5;

export type Projection = {
  text: string;
  /** Runs whose results are in the text; a verdict may rest only on runs that its session was shown. */
  shownRuns: RunId[];
};

/** What `role` is told about the phase. */
export function project(view: PhaseView, role: AgentRole, fence: Fence): Projection {
  const shownRuns = view.runs.map((run) => run.run);
  const texts = quoteChars.map((chars) => render(view, role, { fence, chars }));
  const text =
    texts.find((candidate) => Buffer.byteLength(candidate) <= projectionBytesMax) ?? (texts.at(-1) as string);
  return { text, shownRuns };
}

/** The first message of a session: how data are marked, the binding plan, the current state, and the diff to judge. */
export function openingOf(
  plan: string,
  projection: Projection,
  fence: Fence,
  shown: { text: string; data: Datum[] } | null,
): string {
  const parts = [
    fenceRule(fence),
    `# The plan\n\nThe operator's, and pinned: what it says binds.\n\n${plan.trim()}`,
    projection.text,
    ...(shown ? [shown.text, ...shown.data.map((datum) => fence.block(datum))] : []),
  ];
  return parts.join('\n\n');
}

/**
 * For a session that judges or sabotages a claim: says that the clone is at the claim's commit, wherever the branch is
 * by now.
 */
function cloneAt({ woken, gates }: PhaseView): string[] {
  const isOfClaim = woken.reason === 'judge' || woken.reason === 'sabotage';
  const claim = isOfClaim ? gates.find(({ gate }) => gate === woken.gate)?.claim : null;
  return claim ? [`Your clone is at ${claim.sha}, the commit that is claimed.`] : [];
}

/** How untrusted text is written: the session's fences, and how many characters of a long text are shown. */
type Pen = { fence: Fence; chars: number };

function render(view: PhaseView, role: AgentRole, pen: Pen): string {
  const short = (chars: number): Pen => ({ ...pen, chars: Math.min(pen.chars, chars) });
  const { inline } = pen.fence;
  const veto = (one: PhaseView['vetoes'][number]) =>
    quoteItem(`#${one.id} by the ${one.by}`, one, pen, [`until: ${inline(one.until.join('; '))}`]);
  const own = role === 'builder' ? view : { items: [], journal: [] };
  const sections = [
    head(view),
    section(
      'Gates',
      view.gates.map((gate) => gateLines(gate, pen)),
    ),
    section(
      'Runs',
      view.runs.map((run) => runLines(run, pen)),
    ),
    section(
      'Open findings',
      view.findings.map((finding) => findingLines(finding, pen)),
    ),
    section('Vetoes', view.vetoes.map(veto)),
    section(
      'Requests to the operator',
      view.requests.map((request) => requestLines(request, pen)),
    ),
    section(
      'Waivers',
      view.waivers.map(
        ({ id, gate, condition, untilMs }) => `- #${id} ${gate}: ${condition} until ${stampOf(untilMs)}`,
      ),
    ),
    section(
      "The operator's notes",
      view.operatorNotes.slice(-listShown).map(({ id, text }) => `- #${id}:\n${operatorsWords(text)}`),
    ),
    section(
      'Notes, decisions, deferrals',
      view.notes
        .slice(-listShown)
        .map((note) => quoteItem(`#${note.id} ${note.kind} by the ${note.by}`, note, short(1200))),
    ),
    section(
      'Your backlog',
      own.items.slice(-listShown).map((item) => quoteItem(`#${item.id}`, item, short(300))),
    ),
    section(
      'Your journal, newest last',
      own.journal.slice(-journalShown).map((page) => quoteItem(`#${page.id}`, page, pen)),
    ),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function head(view: PhaseView): string {
  const { usd, hours, claims } = view.left;
  return [
    `# Phase ${view.phase}: ${visible(view.title.replace(/\s+/gu, ' '))}`,
    '',
    `Woken: ${wokenWords(view.woken)}`,
    `Branch: phase/${view.phase} is at ${view.head}; the base is ${view.base}.`,
    ...cloneAt(view),
    `Left: $${usd.toFixed(2)}, ${hours.toFixed(1)} hours, ${claims} claims.`,
  ].join('\n');
}

function wokenWords({ reason, about, gate }: PhaseView['woken']): string {
  switch (reason) {
    case 'work':
      return 'work: conditions are unmet, and nothing else is under way.';
    case 'red':
      return `red: claim #${about} of ${gate} turned red.`;
    case 'failed':
      return `failed: the Adversary failed claim #${about} of ${gate}.`;
    case 'judge':
      return `judge: claim #${about} of ${gate} is green and awaits your verdict.`;
    case 'sabotage':
      return `sabotage: the controls of claim #${about} of ${gate} say nothing; show by a patch that its tests look. No verdict is asked for, and none is taken.`;
    case 'advise':
      return `advise: the Builder asks the operator for something (#${about}) and your advice is wanted.`;
    case 'veto':
      return `veto: a claim was accepted since your veto #${about}; lift it if it is met.`;
    default:
      return reason satisfies never;
  }
}

function gateLines(gate: GateView, pen: Pen): string {
  const { claim, verdict } = gate;
  const facts = [
    claim && `claim #${claim.id} at ${claim.sha}`,
    verdict && `verdict ${verdict.verdict} (#${verdict.id})`,
    gate.covers.length > 0 && `covers ${gate.covers.join(', ')}`,
    gate.requires.length > 0 && `requires ${gate.requires.join(', ')}`,
  ].filter((fact) => typeof fact === 'string');
  const lines = [`- ${gate.gate}: ${gate.state}${facts.map((fact) => ` · ${fact}`).join('')}`];
  lines.push(...gate.unmet.map(({ condition, why }) => `  - ${condition}: ${pen.fence.inline(why)}`));
  if (claim && gate.state !== 'holds') lines.push(...words(`what claim #${claim.id} says`, claim, pen));
  if (verdict && gate.state !== 'holds') lines.push(...words(`what verdict #${verdict.id} says`, verdict, pen));
  return lines.join('\n');
}

function runLines(run: RunView, { fence: { inline } }: Pen): string {
  const { pass, fail, skip } = run.counts;
  const shows = run.shows === '' ? '' : ` · ${inline(run.shows)}`;
  const first = `- ${run.run} (${run.purpose}) at ${run.sha.slice(0, 12)}: ${run.outcome}, level ${run.level}, ${pass} passed, ${fail} failed, ${skip} skipped${shows}`;
  const why = run.outcome === 'PASS' ? [] : [`  - ${inline(run.reason)}`];
  const unmet = run.unmet.slice(0, failingShown).map((what) => `  - not as expected: ${inline(what)}`);
  const failing = run.failing
    .slice(0, failingShown)
    .map(({ id, message }) => `  - failed: ${inline(`${id}: ${message}`)}`);
  const more = run.failing.length - failing.length;
  const rest = more > 0 ? [`  - and ${more} more; trail {run: "${run.run}"} has them all`] : [];
  return [first, ...why, ...unmet, ...failing, ...rest].join('\n');
}

function findingLines(finding: FindingView, pen: Pen): string {
  const { reproducer } = finding;
  const { inline } = pen.fence;
  const facts = finding.fix.map((criterion, i) => `fix ${i + 1}: ${inline(criterion)}`);
  if (reproducer)
    facts.push(`reproducer ${inline(reproducer.path)}, run by ${inline(reproducer.command)}: ${reproducer.last}`);
  return quoteItem(
    `#${finding.id} of ${finding.gate}, ${finding.blocks ? 'blocks' : 'does not block now'}`,
    finding,
    pen,
    facts,
  );
}

function requestLines(request: PhaseView['requests'][number], pen: Pen): string {
  const { inline } = pen.fence;
  const facts = [`blocks ${request.blocks.join(', ')}`, `done when: ${inline(request.verify)}`];
  if (request.disputes !== null) facts.push(`disputes finding #${request.disputes}`);
  facts.push(...request.options.map((option) => `option: ${inline(option)}`));
  if (request.answer !== null)
    facts.push(`the operator's answer: ${request.answer.act}. ${inline(request.answer.because)}`);
  const lines = [quoteItem(`#${request.id}`, request, pen, facts)];
  if (request.advice !== null) lines.push(block(`advice by the Adversary on #${request.id}`, request.advice, pen));
  return lines.join('\n');
}

function quoteItem(name: string, quote: Quote, pen: Pen, facts: string[] = []): string {
  const lines = [`- ${name}: ${pen.fence.inline(quote.title)}`, ...facts.map((fact) => `  - ${fact}`)];
  return [...lines, ...words(`the words of #${quote.id}`, quote, pen)].join('\n');
}

function words(what: string, quote: Quote, pen: Pen): string[] {
  if (quote.words.trim() === '') return [];
  return pen.chars === 0 ? [`  - ${what}: see trail {entry: ${quote.id}}`] : [block(what, quote.words, pen)];
}

/** A text of several lines, cut if it is too long. */
function block(what: string, text: string, { fence, chars }: Pen): string {
  const safe = fence.own(text.trim());
  const left = safe.length - chars;
  return fence.block({
    what,
    text: left > 0 ? `${safe.slice(0, chars).toWellFormed()}\n[… ${left} more characters]` : safe,
  });
}

/** The operator's text, not fenced: besides the plan, it is the only text that a role must follow. */
function operatorsWords(text: string): string {
  return `  ${visible(text.slice(0, notesChars)).trim().replaceAll('\n', '\n  ')}`;
}

function section(title: string, items: string[]): string {
  return items.length === 0 ? '' : `## ${title}\n\n${items.join('\n')}`;
}
