// Trail entries as single lines for a terminal, and the words for a run's purpose. Built from the facts; text that an
// agent wrote is cleaned and cut.

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

/** True for entries that move a phase or show its progress; false for notes, journals and the like. */
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

/** A run's purpose in words: `M1, cold run 2 (claim #7)`. */
export function purposeWords(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'gate':
      return `${purpose.gate}, cold run ${purpose.k} (claim #${purpose.claim})`;
    case 'control':
      return `${purpose.gate}, control ${purpose.control} (claim #${purpose.claim})`;
    case 'reproducer':
      return `reproducer of finding #${purpose.finding} (claim #${purpose.claim})`;
    case 'base':
      return `base commit, recipe ${purpose.recipe}`;
    case 'kept':
      return `earlier tests of ${purpose.from.slice(0, 7)} (claim #${purpose.claim})`;
    case 'holdout':
      return `hold-outs (claim #${purpose.claim})`;
    case 'trigger':
      return `trigger of deferral #${purpose.deferral}`;
    case 'trial':
      return purpose.by === 'operator' ? 'your trial' : `trial by the ${purpose.by}`;
    default:
      return purpose satisfies never;
  }
}

/** `41 tests`, `2 of 41 tests failed, 3 skipped`. */
export function countWords({ pass, fail, skip }: { pass: number; fail: number; skip: number }): string {
  const ran = pass + fail;
  const tests = ran === 0 ? 'no tests' : `${ran} ${ran === 1 ? 'test' : 'tests'}`;
  return `${fail > 0 ? `${fail} of ${tests} failed` : tests}${skip > 0 ? `, ${skip} skipped` : ''}`;
}

/** The first twelve digits of a commit, for display. */
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
      return styled`${paint.bold('you')}: ${actWords(entry.facts.act.payload)}`;
    case 'refusal':
      return styled`${paint.bad('REFUSED')} ${entry.facts.act ?? 'an invalid act'}: ${line(entry.facts.reason)}`;
    case 'claim':
      return styled`${paint.bold(`CLAIM ${entry.facts.gate}`)} at ${short(entry.facts.shas.main ?? '')}`;
    case 'verdict': {
      const { gate, verdict, claim, findings } = entry.facts;
      const because = findings.length > 0 ? `, ${findings.map((id) => `#${id}`).join(', ')}` : '';
      return styled`${paint.bold(gate)} ${paint.outcome(verdict)} by the Adversary (claim #${claim}${because})`;
    }
    case 'finding': {
      const { gate, title, reproducer } = entry.facts;
      const how = reproducer ? 'with a reproducer' : 'no reproducer';
      return styled`${paint.warn(`FINDING ${gate}`)} ${line(title)} (${how})`;
    }
    case 'veto':
      return styled`${paint.bad('VETO')} ${line(entry.facts.title)}`;
    case 'blocked':
      return styled`${paint.warn(`BLOCKED ${entry.facts.blocks.join(', ')}`)} ${line(entry.facts.action)}`;
    case 'advice':
      return styled`ADVICE on #${entry.facts.blocked}: ${line(entry.body)}`;
    case 'sabotage':
      return styled`SABOTAGE for claim #${entry.facts.claim}: ${line(entry.body)}`;
    case 'close':
      return styled`CLOSED #${entry.facts.target} as ${entry.facts.as}`;
    case 'reentry':
      return styled`${paint.warn('RE-ENTRY')} proposed for #${entry.facts.deferral}: ${line(entry.facts.why)}`;
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
      return styled`${paint.warn(`PARKED (${facts.reason})`)}: ${line(facts.why)}`;
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

/** Why an agent was woken. */
export function wakeWords(reason: (EntryOf<'session'>['facts'] & { event: 'started' })['reason']): string {
  switch (reason.kind) {
    case 'work':
      return 'there is work to do';
    case 'red':
      return `claim #${reason.claim} is red`;
    case 'failed':
      return `claim #${reason.claim} got a FAIL`;
    case 'judge':
      return `claim #${reason.claim} is ready to judge`;
    case 'sabotage':
      return `the controls of claim #${reason.claim} are inconclusive`;
    case 'advise':
      return `request #${reason.blocked} needs advice`;
    case 'veto':
      return `the conditions of veto #${reason.veto} may be met`;
    default:
      return reason satisfies never;
  }
}

function runWords({ facts }: EntryOf<'run'>, paint: Paint): Painted {
  const what = purposeWords(facts.purpose);
  const red = facts.outcome === 'PASS' && facts.unmet.length === 0 ? '' : `: ${line(facts.unmet[0] ?? facts.reason)}`;
  const judgement = facts.control ?? facts.kept;
  if (judgement) {
    const isFine = judgement.result === 'BITES' || judgement.result === 'KEPT';
    return styled`${paint.outcome(judgement.result)} ${what}${isFine ? '' : `: ${line(judgement.why)}`}`;
  }
  if (facts.reproducer) return styled`${paint.outcome(facts.reproducer)} ${what}`;
  return styled`${paint.outcome(facts.outcome)} ${what}, ${countWords(facts.counts)}${red}`;
}

/** An act in the form of its command: `approve #41`. */
export function actWords(payload: ActPayload): string {
  switch (payload.act) {
    case 'queue':
      return `queue phase ${payload.phase} on ${short(payload.baseSha)}${payload.reentry ? `, approving #${payload.reentry.target}` : ''}`;
    case 'approve':
      return `approve #${payload.target}`;
    case 'refuse':
      return `refuse #${payload.target}: ${line(payload.because)}`;
    case 'lift':
      return `lift #${payload.target}: ${line(payload.because)}`;
    case 'waive':
      return `waive ${payload.condition} of ${payload.gate} until ${payload.until}: ${line(payload.because)}`;
    case 'veto':
      return `veto: ${line(payload.because)}`;
    case 'resume':
      return `resume ${payload.phase}`;
    case 'drop':
      return `drop ${payload.phase}: ${line(payload.because)}`;
    case 'note':
      return `note: ${line(payload.text)}`;
    case 'amend':
      return `amend the plan of ${payload.phase} (${short(payload.plan)}): ${line(payload.because)}`;
    case 'rotate':
      return `rotate the ${payload.role}'s key; ${payload.old} no longer counts`;
    default:
      return payload satisfies never;
  }
}

function line(text: string): string {
  return cleanLine(text, textCharsMax);
}
