// Collects the gates in a plain trail, each with its claims, verdicts and states, and the standing that these show.

import type { Gates, Placed } from './context.ts';
import {
  addClaim,
  addEvidence,
  addVerdict,
  evidenceByHead,
  joinDetail,
  noEvidence,
  retract,
  whenOf,
} from './repeats.ts';
import type { DraftState, GateDraft, PlainEvidence, PlainStanding } from './report.ts';
import type { Of, PlainStatement } from './sight.ts';
import { isBefore, type TimeSpan } from './time.ts';

const perGateMax = 200;
const forms = ['headline', 'field', 'mention', 'list'];

export function foldGates(statements: PlainStatement[], placed: Placed[], gates: Gates): GateDraft[] {
  const drafts = draftsOf(statements, gates);
  const forEachGate = (one: PlainStatement, act: (gate: GateDraft) => void) => {
    for (const id of one.ids) {
      const gate = drafts.get(id);
      if (gate) act(gate);
    }
  };
  for (const one of ranked(statements)) forEachGate(one, (gate) => addStatement(gate, one));
  const evidence = evidenceByHead(placed);
  for (const gate of drafts.values()) complete(gate, evidence);
  for (const one of statements) if (one.kind === 'retraction') forEachGate(one, (gate) => retract(gate, one));
  const shown = [...drafts.values()].filter((one) => gates.declared.has(one.id) || hasStatements(one));
  return shown.map((gate) => ({ ...gate, standing: standingOf(gate) })).sort((a, b) => byGateNumber(a.id, b.id));
}

/** One draft for each gate, and for each id about which the text retracts a verdict. */
function draftsOf(statements: PlainStatement[], gates: Gates): Map<string, GateDraft> {
  const retracted = statements.flatMap((one) => (one.kind === 'retraction' && one.verdict ? one.ids : []));
  const namesOf = (id: string) => [...gates.names].flatMap(([name, ids]) => (ids.has(id) ? [name] : []));
  const draft = (id: string): GateDraft => ({
    id,
    names: namesOf(id),
    standing: 'unknown',
    claims: [],
    verdicts: [],
    states: [],
  });
  return new Map([...gates.ids, ...retracted].map((id) => [id, draft(id)]));
}

/** Sorts verdicts in headlines before verdicts mentioned in passing. */
function ranked(statements: PlainStatement[]): PlainStatement[] {
  const rank = (one: PlainStatement) => (one.kind === 'verdict' ? forms.indexOf(one.form) : 0);
  return statements.toSorted((a, b) => rank(a) - rank(b));
}

function addStatement(gate: GateDraft, one: PlainStatement): void {
  if (one.kind === 'claim' && gate.claims.length < perGateMax) addClaim(gate, one);
  if (one.kind === 'verdict' && gate.verdicts.length < perGateMax) addVerdict(gate, one);
  if (one.kind === 'state' && gate.states.length < perGateMax) gate.states.push(stateOf(one));
}

function stateOf(one: Of<'state'>): DraftState {
  const where = { file: one.file, line: one.line };
  return { ...whenOf(one.at), state: one.state, section: one.section, where, stamp: one.at };
}

function complete(gate: GateDraft, evidence: Map<Placed, PlainEvidence>): void {
  gate.claims = joinDetail(gate.claims);
  for (const verdict of gate.verdicts) {
    for (const head of verdict.heads) addEvidence(verdict.evidence, evidence.get(head) ?? noEvidence());
  }
  gate.verdicts.sort((a, b) => (a.stamp?.fromMs ?? 0) - (b.stamp?.fromMs ?? 0));
}

function hasStatements({ claims, verdicts, states }: GateDraft): boolean {
  return claims.length + verdicts.length + states.length > 0;
}

/** The newest verdict that is not retracted decides; without verdicts, a claim; without claims, the newest state. */
function standingOf({ verdicts, claims, states }: GateDraft): PlainStanding {
  const last = newest(verdicts.filter(({ retracted }) => retracted === null));
  if (last) return last.bare ? 'only listed' : last.verdict;
  if (verdicts.length > 0) return 'retracted';
  return claims.length > 0 ? 'claimed' : (newest(states)?.state ?? 'unknown');
}

/** The newest of all by their times; one without a time counts as older than one with a time. */
function newest<T extends { stamp: TimeSpan | null }>(all: T[]): T | undefined {
  const isOlder = (one: T, other: T) =>
    one.stamp === null ? other.stamp !== null : other.stamp !== null && isBefore(one.stamp, other.stamp);
  return all.reduce<T | undefined>((best, one) => (best && isOlder(one, best) ? best : one), undefined);
}

/** Compares digits as numbers: S4.9 before S4.10. */
export function byGateNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
