// `coldpass explain GATE`: why a gate holds or does not, by the same rule that the supervisor and the audit ask: each
// condition, met, waived or not, with the entries that show it and what they came to.

import type { Entry } from '../../state/entry/entry.ts';
import { DONE, type EntryId, type GateId, type PhaseId } from '../../state/entry/ids.ts';
import type { Phase, TrailState } from '../../state/entry/phase.ts';
import { livePhase } from '../../state/entry/phase.ts';
import { type Condition, type GateReport, gateReport } from '../../state/gate/gate.ts';
import { entryPlaces } from '../../state/trail/entryPlaces.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { Here } from '../workspace/place.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import { gateStatus, gatesOf } from './status.ts';

export type Explained = Omit<Condition, 'evidence'> & { evidence: Evidence[] };
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
  const { hub } = place.paths;
  return withTrail(hub, (trail) => {
    const found = phaseNamed(trail.state, phase);
    return explained(trail, hub, found, gateNamed(found, gate), nowMs);
  });
}

async function explained(trail: Trail, hub: string, phase: Phase, gate: GateId, nowMs: number): Promise<ExplainReport> {
  const { entries, head } = trail;
  const report = gateReport(phase, gate, nowMs);
  const shown = report.conditions.map((condition) => evidenceIds(condition, phase, report));
  const places = await entryPlaces(hub, head, [...new Set(shown.flat())]);
  const conditions = report.conditions.map((condition, at): Explained => {
    const known = shown[at]?.flatMap((id) => entries[id - 1] ?? []) ?? [];
    const evidence = known.map((entry: Entry) =>
      evidenceOf(entry, places.get(entry.id as EntryId) ?? null, { phase, report, entries }),
    );
    return { ...condition, evidence };
  });
  const { state, claim, holds } = gateStatus(phase, gate, nowMs);
  return { exit: holds ? exits.yes : exits.no, phase: phase.id, gate, holds, state, claim, conditions };
}

/** Entries that the condition names, those of its runs and waivers, and what else a person asks for. In order. */
function evidenceIds(condition: Condition, phase: Phase, report: GateReport): EntryId[] {
  const ofRuns = phase.runs.filter(({ run }) => condition.runs.includes(run)).map(({ id }) => id);
  const ids = [...condition.evidence, ...ofRuns, ...condition.waived, ...alsoAsked(condition, phase, report)];
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** Verdicts that do not count with the sessions that judged, and findings and vetoes that do not block any more. */
function alsoAsked({ name }: Condition, phase: Phase, { gate, claim }: GateReport): EntryId[] {
  if (name === 'verdict' && claim) {
    const judged = phase.sessions.filter(({ reason }) => reason.kind === 'judge' && reason.claim === claim.id);
    return [...claim.verdicts, ...judged].map(({ id }) => id);
  }
  if (name !== 'findings') return [];
  const findings = phase.findings.filter((finding) => gate === DONE || finding.gate === gate);
  return [...findings, ...phase.vetoes].map(({ id }) => id);
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
