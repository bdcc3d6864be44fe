// Entries of the trail as single lines for a terminal, and the words for what a run is for. Made from the facts alone: what an
// agent wrote is shown as text, cleaned and cut.

import type { ActPayload } from '../../state/entry/act.ts';
import type { Entry, EntryOf } from '../../state/entry/entry.ts';
import type { Purpose } from '../../state/entry/record.ts';
import { cleanLine, type Paint, type Painted, styled } from './print.ts';

const textCharsMax = 160;

/** `10:58:03  #41  M1 FAIL …`. */
export function entryLine(entry: Entry, paint: Paint): Painted {
  const number = `#${entry.id}`.padEnd(5);
  return styled`${paint.dim(entry.at.slice(11, 19))}  ${paint.dim(number)} ${wordsOf(entry, paint)}`;
}

/** True for what moves a phase, or shows where it stands; false for notes, journals and the like. */
export function matters(entry: Entry): boolean {
  switch (entry.kind) {
    case 'note':
    case 'item':
    case 'journal':
      return false;
    case 'session':
      return entry.facts.event === 'started' || !['finished', 'waited'].includes(entry.facts.end);
    case 'run':
      return entry.facts.purpose.kind !== 'trial';
    default:
      return true;
  }
}

/** What a run is for, in words: `M1, cold run 2`. */
export function purposeWords(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'gate':
      return `${purpose.gate}, cold run ${purpose.k} (claim #${purpose.claim})`;
    case 'control':
      return `${purpose.gate}, control ${purpose.control} (claim #${purpose.claim})`;
    case 'reproducer':
      return `reproducer of finding #${purpose.finding} (claim #${purpose.claim})`;
    case 'base':
      return `the base, recipe ${purpose.recipe}`;
    case 'kept':
      return `tests of ${purpose.from.slice(0, 7)} over claim #${purpose.claim}`;
    case 'holdout':
      return `hold-outs over claim #${purpose.claim}`;
    case 'trigger':
      return `trigger of deferral #${purpose.deferral}`;
    case 'trial':
      return `trial by the ${purpose.by}`;
    default:
      return purpose satisfies never;
  }
}

/** `41 tests`, `2 of 41 tests failed`, with what was skipped. */
export function countWords({ pass, fail, skip }: { pass: number; fail: number; skip: number }): string {
  const ran = pass + fail;
  const tests = ran === 0 ? 'no test' : `${ran} ${ran === 1 ? 'test' : 'tests'}`;
  return `${fail > 0 ? `${fail} of ${tests} failed` : tests}${skip > 0 ? `, ${skip} skipped` : ''}`;
}

/** The first twelve digits, for reading. */
export function short(sha: string): string {
  return sha.slice(0, 12);
}

function wordsOf(entry: Entry, paint: Paint): Painted {
  switch (entry.kind) {
    case 'phase':
      return phaseWords(entry, paint);
    case 'session':
      return sessionWords(entry, paint);
    case 'run':
      return runWords(entry, paint);
    case 'act':
      return styled`${paint.bold('operator')}: ${actWords(entry.facts.act.payload)}`;
    case 'refusal':
      return styled`${paint.bad('REFUSED')} ${entry.facts.act ?? 'what was no act'}: ${line(entry.facts.reason)}`;
    case 'claim':
      return styled`${paint.bold(`CLAIM ${entry.facts.gate}`)} at ${short(entry.facts.shas.main ?? '')}`;
    case 'verdict': {
      const { gate, verdict, claim, findings } = entry.facts;
      const because = findings.length > 0 ? `, ${findings.map((id) => `#${id}`).join(', ')}` : '';
      return styled`${paint.bold(gate)} ${paint.outcome(verdict)} by the Adversary (claim #${claim}${because})`;
    }
    case 'finding': {
      const { gate, title, reproducer } = entry.facts;
      const how = reproducer ? 'with a reproducer' : 'on its word';
      return styled`${paint.warn(`FINDING ${gate}`)} ${line(title)} (${how})`;
    }
    case 'veto':
      return styled`${paint.bad('VETO')} ${line(entry.facts.title)}`;
    case 'blocked':
      return styled`${paint.warn(`BLOCKED ${entry.facts.blocks.join(', ')}`)} ${line(entry.facts.action)}`;
    case 'advice':
      return styled`ADVICE on #${entry.facts.blocked}: ${line(entry.body)}`;
    case 'sabotage':
      return styled`SABOTAGE of claim #${entry.facts.claim}: ${line(entry.body)}`;
    case 'close':
      return styled`CLOSED #${entry.facts.target}, ${entry.facts.as}`;
    case 'reentry':
      return styled`${paint.warn('RE-ENTRY')} of #${entry.facts.deferral} proposed: ${line(entry.facts.why)}`;
    case 'note':
    case 'item':
    case 'journal':
    case 'decision':
    case 'deferral':
      return styled`${entry.kind.toUpperCase()} by the ${entry.role}: ${line(entry.facts.title)}`;
    default:
      return entry satisfies never;
  }
}

function phaseWords({ phase, facts }: EntryOf<'phase'>, paint: Paint): Painted {
  switch (facts.event) {
    case 'opened': {
      const gates = Object.keys(facts.spec.gates).join(', ');
      return styled`${paint.bold(`phase ${phase ?? ''} is open`)}: base ${short(facts.base)}, gates ${gates}`;
    }
    case 'parked':
      return styled`${paint.warn(`PARKED, ${facts.reason}`)}: ${line(facts.why)}`;
    case 'resumed':
      return styled`${paint.bold('RESUMED')} by act #${facts.act}`;
    case 'done':
      return styled`${paint.good('DONE')} at ${short(facts.sha)}`;
    case 'abandoned':
      return styled`${paint.bad('ABANDONED')} by act #${facts.act}`;
    default:
      return facts satisfies never;
  }
}

function sessionWords({ facts }: EntryOf<'session'>, paint: Paint): Painted {
  if (facts.event === 'started') return styled`${paint.dim(`${facts.for} wakes: ${wakeWords(facts.reason)}`)}`;
  const cost = facts.usd > 0 ? `, $${facts.usd.toFixed(2)}` : '';
  const words = `${facts.for} sleeps: ${facts.end}, ${facts.turns} turns${cost}`;
  const isTrouble = facts.end === 'failed' || facts.end === 'lost' || facts.end === 'budget';
  return isTrouble ? styled`${paint.warn(words)}: ${line(facts.why)}` : styled`${paint.dim(words)}`;
}

/** Why a role was woken. */
export function wakeWords(reason: (EntryOf<'session'>['facts'] & { event: 'started' })['reason']): string {
  switch (reason.kind) {
    case 'work':
      return 'there is work';
    case 'red':
      return `claim #${reason.claim} is red`;
    case 'failed':
      return `claim #${reason.claim} was failed`;
    case 'judge':
      return `claim #${reason.claim} is to be judged`;
    case 'sabotage':
      return `the controls of claim #${reason.claim} say nothing`;
    case 'advise':
      return `request #${reason.blocked} wants advice`;
    case 'veto':
      return `veto #${reason.veto} may be met`;
    default:
      return reason satisfies never;
  }
}

function runWords({ facts }: EntryOf<'run'>, paint: Paint): Painted {
  const what = purposeWords(facts.purpose);
  const red = facts.outcome === 'PASS' && facts.unmet.length === 0 ? '' : `: ${line(facts.unmet[0] ?? facts.reason)}`;
  const judged = facts.control ?? facts.kept;
  if (judged) {
    const isFine = judged.result === 'BITES' || judged.result === 'KEPT';
    return styled`${paint.outcome(judged.result)} ${what}${isFine ? '' : `: ${line(judged.why)}`}`;
  }
  if (facts.reproducer) return styled`${paint.outcome(facts.reproducer)} ${what}`;
  return styled`${paint.outcome(facts.outcome)} ${what}, ${countWords(facts.counts)}${red}`;
}

/** An act as its author would say it. */
export function actWords(payload: ActPayload): string {
  switch (payload.act) {
    case 'queue':
      return `queues phase ${payload.phase} on ${short(payload.baseSha)}${payload.reentry ? `, to take up #${payload.reentry.target}` : ''}`;
    case 'approve':
      return `approves #${payload.target}`;
    case 'refuse':
      return `refuses #${payload.target}: ${line(payload.because)}`;
    case 'lift':
      return `lifts #${payload.target}: ${line(payload.because)}`;
    case 'waive':
      return `waives ${payload.condition} of ${payload.gate} until ${payload.until}: ${line(payload.because)}`;
    case 'veto':
      return `vetoes: ${line(payload.because)}`;
    case 'resume':
      return `resumes ${payload.phase}`;
    case 'drop':
      return `drops ${payload.phase}: ${line(payload.because)}`;
    case 'note':
      return `notes: ${line(payload.text)}`;
    case 'amend':
      return `amends the plan of ${payload.phase} (${short(payload.plan)}): ${line(payload.because)}`;
    case 'rotate':
      return `rotates the ${payload.role}'s key, ${payload.old} counts no more`;
    default:
      return payload satisfies never;
  }
}

function line(text: string): string {
  return cleanLine(text, textCharsMax);
}
