// `coldpass explain GATE`: why a gate holds or does not, by the same rule that the supervisor and the audit ask: each
// condition, met or not, with the entries and runs that show it.

import { type Condition, gateReport } from '../state/gate.ts';
import type { EntryId, GateId, PhaseId, RunId } from '../state/ids.ts';
import type { Phase, TrailState } from '../state/phase.ts';
import { livePhase } from '../state/phase.ts';
import { type Trail, withTrail } from '../state/readTrail.ts';
import { type Exit, exits, UsageError } from './errors.ts';
import type { Here } from './here.ts';
import { entryLine, short } from './lines.ts';
import { type Screen, styled } from './print.ts';
import { gateStatus, gatesOf } from './status.ts';

const titles: Record<string, string> = {
  claim: 'a live claim of a full commit',
  runs: 'cold runs of exactly that commit, alike and as expected',
  controls: 'every control bites',
  protected: 'protected paths untouched',
  verdict: 'a PASS by the Adversary, given on this evidence',
  findings: 'no open finding, veto or flake',
  requires: 'the gates it requires hold at an ancestor',
};

export type Shown = { id: EntryId; entry: Trail['entries'][number] };
export type Explained = Omit<Condition, 'evidence'> & { title: string; evidence: Shown[]; runs: RunId[] };
export type ExplainReport = {
  /** 0 where it holds, 1 where it does not. */
  exit: Exit;
  phase: PhaseId;
  gate: GateId;
  holds: boolean;
  state: string;
  claim: { id: EntryId; sha: string } | null;
  conditions: Explained[];
};

/** UsageError where there is no such phase or gate. */
export function explain(place: Here, gate: string, phase: string | undefined, nowMs: number): Promise<ExplainReport> {
  return withTrail(place.paths.hub, ({ state, entries }) => {
    const found = phaseNamed(state, phase);
    const id = gateNamed(found, gate);
    const { conditions, holds } = gateReport(found, id, nowMs);
    const shown = (evidence: EntryId[]) =>
      [...new Set(evidence)].flatMap((number) => {
        const entry = entries[number - 1];
        return entry ? [{ id: number, entry }] : [];
      });
    const told = conditions.map((one) => ({
      ...one,
      title: titles[one.name] ?? one.name,
      evidence: shown(one.evidence),
    }));
    const { state: word, claim } = gateStatus(found, id, nowMs);
    return {
      exit: holds ? exits.yes : exits.no,
      phase: found.id,
      gate: id,
      holds,
      state: word,
      claim,
      conditions: told,
    };
  });
}

export function sayExplained(report: ExplainReport, out: Screen): void {
  const { paint } = out;
  const { gate, phase, holds, claim } = report;
  const word = holds ? paint.good('holds') : paint.bad('does not hold');
  const at = claim === null ? '' : ` at ${short(claim.sha)} (claim #${claim.id})`;
  out.line(styled`${paint.bold(gate)} of ${phase} ${word}${at}`);
  for (const condition of report.conditions) sayCondition(condition, out);
}

function sayCondition({ n, title, met, unmet, evidence, waived }: Explained, out: Screen): void {
  const { paint } = out;
  const isWaived = waived.length > 0;
  const mark = isWaived ? paint.warn('waived') : met ? paint.good('yes   ') : paint.bad('no    ');
  const by = isWaived ? ` (by act ${waived.map((id) => `#${id}`).join(', ')})` : '';
  out.line(styled`${mark} ${n} ${title}${by}`);
  for (const why of unmet) out.line(styled`         ${why}`);
  for (const { entry } of evidence) out.line(styled`         ${entryLine(entry, paint)}`);
}

/** The phase of that id; without one, the phase that is live, else the newest. */
export function phaseNamed(state: TrailState, id: string | undefined): Phase {
  const newest = () => Object.values(state.phases).sort((a, b) => b.opened - a.opened)[0];
  const found = id === undefined ? (livePhase(state) ?? newest()) : state.phases[id];
  if (found) return found;
  const known = Object.keys(state.phases).join(', ');
  if (known === '') throw new UsageError('no phase was opened yet; type: coldpass run PLAN');
  throw new UsageError(`there is no phase ${id}; those there are: ${known}`);
}

/** UsageError where the phase has no such gate. */
export function gateNamed(phase: Phase, name: string): GateId {
  const gates = gatesOf(phase);
  const found = gates.find((gate) => gate === name) ?? gates.find((gate) => gate.toLowerCase() === name.toLowerCase());
  if (found) return found;
  throw new UsageError(`phase ${phase.id} has no gate ${name}; those there are: ${gates.join(', ')}`);
}
