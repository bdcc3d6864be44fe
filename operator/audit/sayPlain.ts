// The report of `coldpass audit FILE…` in words: the phases, each gate with its claims and verdicts, findings and the
// rest, then what does not add up, and what could not be placed. All of it is other people's text: cleaned and cut.

import type { PlainGate, PlainTrail, PlainVerdict, Where } from '../../state/plain/report.ts';
import { exits } from '../terminal/errors.ts';
import { short } from '../terminal/lines.ts';
import { cleanLine, type Paint, type Painted, type Screen, styled } from '../terminal/print.ts';
import type { PlainAuditReport } from './plain.ts';

const listedMax = 40;
const placesMax = 4;
const evidenceMax = 5;
const textCharsMax = 160;

export function sayPlain(report: PlainAuditReport, out: Screen): void {
  const { paint } = out;
  const at = placesIn(report.files);
  const blocks: [string, Painted[]][] = [
    ['', phaseLines(report, paint, at)],
    ['', report.gates.flatMap((gate) => gateLines(gate, paint, at))],
    ['findings', findingLines(report, paint, at)],
    ['vetoes', vetoLines(report, paint, at)],
    [
      'deferrals',
      report.deferrals.map(
        ({ state, text, where }) => styled`  ${state.padEnd(7)} ${line(text)}  ${paint.dim(at(where))}`,
      ),
    ],
    ['retractions', report.retractions.map(({ text, where }) => styled`  ${line(text)}  ${paint.dim(at([where]))}`)],
    [
      'does not add up',
      report.flags.map(({ kind, what, where }) => styled`  ${paint.bad(kind)}  ${what}  ${paint.dim(at(where))}`),
    ],
    ['could not place', unplacedLines(report, paint)],
  ];
  for (const [title, lines] of blocks) sayBlock(title, lines, title === 'does not add up', out);
  if (report.commits.length > 0 && report.repository === null)
    out.line(`the files cite ${report.commits.length} commits; to look them up, add --repo FOLDER`);
  out.line('prose proves nothing: this shows where to look');
  const { length } = report.flags;
  out.line(report.exit === exits.yes ? paint.good('nothing flagged') : paint.bad(`${length} flagged`));
}

/** Shows all flags; of everything else, the first ones and how many more there are. */
function sayBlock(title: string, lines: Painted[], isWhole: boolean, out: Screen): void {
  if (lines.length === 0) return;
  if (title !== '') out.line(out.paint.bold(title));
  const isLong = !isWhole && title !== '' && lines.length > listedMax;
  for (const one of isLong ? lines.slice(0, listedMax) : lines) out.line(one);
  if (isLong) out.line(`  and ${lines.length - listedMax} more; see them with --json`);
  out.line('');
}

/** `:84`, preceded by the file's name if there are several files. */
function placesIn(files: string[]): (where: Where[]) => string {
  const named = (where: Where) => `${files.length > 1 ? where.file : ''}:${where.line}`;
  return (where) => `${where.slice(0, placesMax).map(named).join(' ')}${where.length > placesMax ? ' …' : ''}`;
}

function phaseLines({ phases }: PlainTrail, paint: Paint, at: (where: Where[]) => string): Painted[] {
  return phases.map(({ id, status, at: when, where }) => {
    const word = status === 'DONE' ? paint.outcome(status) : paint.bold(status);
    return styled`phase ${id ?? '?'}: ${word}${when ? ` at ${when}` : ''}  ${paint.dim(at(where))}`;
  });
}

function gateLines(
  { id, names, standing, claims, verdicts, states }: PlainGate,
  paint: Paint,
  at: (where: Where[]) => string,
): Painted[] {
  return [
    styled`${paint.bold(id)}${names.length > 0 ? ` ${names.join(', ')}` : ''}: ${paint.outcome(standing)}`,
    ...claims.map(({ again, at: when, parts, evidence, where }) =>
      row([again ? 'claimed again' : 'claimed', when, parts.join('/'), evidenceWords(evidence)], paint.dim(at(where))),
    ),
    ...states.map(({ state, at: when, where }) => row([state, when], paint.dim(at([where])))),
    ...verdicts.map((verdict) => row(verdictWords(verdict), paint.dim(at(verdict.where)))),
  ];
}

function verdictWords({ verdict, at, assumed, bare, retracted, evidence }: PlainVerdict): (string | null)[] {
  const when = at && (assumed ? `${at} (date taken from above)` : at);
  return [verdict, when, retracted ? 'RETRACTED' : bare ? 'only listed' : null, evidenceWords(evidence)];
}

function row(words: (string | null)[], where: Painted): Painted {
  return styled`  ${words.filter((word) => word).join('  ')}  ${where}`;
}

function evidenceWords({ commits, builds, logs }: PlainVerdict['evidence']): string {
  const all = [...builds.map((build) => `build #${build}`), ...commits.map(short), ...logs];
  return `${all.slice(0, evidenceMax).join(', ')}${all.length > evidenceMax ? ', …' : ''}`;
}

function findingLines({ findings }: PlainTrail, paint: Paint, at: (where: Where[]) => string): Painted[] {
  return findings.map(({ id, state, events }) => {
    const history = events.map(({ event, at: when }) => `${event}${when ? ` ${when}` : ''}`).join(', ');
    return styled`  ${id}: ${state === 'closed' ? paint.good(state) : paint.warn(state)} (${history})  ${paint.dim(at(events.map(({ where }) => where)))}`;
  });
}

function vetoLines({ vetoes }: PlainTrail, paint: Paint, at: (where: Where[]) => string): Painted[] {
  return vetoes.flatMap(({ text, standing, checklist, where }) => [
    styled`  ${standing ? paint.bad('STANDS') : paint.good('lifted')}  ${line(text)}  ${paint.dim(at(where))}`,
    ...checklist.map(
      ({ what, met, where: places }) =>
        styled`    [${met ? 'x' : met === null ? '?' : ' '}] ${what}  ${paint.dim(at(places))}`,
    ),
  ]);
}

function unplacedLines({ unplaced }: PlainTrail, paint: Paint): Painted[] {
  return unplaced.map(({ file, from, to, text }) => styled`  ${paint.dim(`${file}:${from}-${to}`)}  ${line(text)}`);
}

function line(text: string): string {
  return cleanLine(text, textCharsMax);
}
