// `coldpass explain GATE`: why a gate holds or does not, by the same rule that the supervisor and the audit use. Lists
// each condition (met, waived or neither) with the entries that show it, and the outcomes of these entries.

import type { Entry } from '../../state/entry/entry.ts';
import { DONE, type EntryId, type GateId, type PhaseId } from '../../state/entry/ids.ts';
import { livePhase, type Phase, phaseAt, type TrailState } from '../../state/entry/phase.ts';
import { gatesAndDone } from '../../state/entry/spec.ts';
import { type Condition, type GateReport, gateReport } from '../../state/gate/gate.ts';
import { entryPlaces } from '../../state/trail/entryPlaces.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { Here } from '../workspace/place.ts';
import { type EvidenceItem, evidenceItem } from './evidence.ts';
import { gateStatus } from './status.ts';

export type ExplainedCondition = Omit<Condition, 'evidence'> & { evidence: EvidenceItem[] };
export type ExplainReport = {
  /** 0 if the gate holds, 1 if not. */
  exit: Exit;
  phase: PhaseId;
  gate: GateId;
  holds: boolean;
  state: string;
  claim: { id: EntryId; sha: string } | null;
  conditions: ExplainedCondition[];
};

/** Throws UsageError if there is no such phase or gate. */
export function explain(place: Here, gate: string, phase: string | undefined, nowMs: number): Promise<ExplainReport> {
  const { hub } = place.paths;
  return withTrail(hub, (trail) => {
    const chosen = phaseNamed(trail.state, phase);
    return explained(trail, hub, chosen, gateNamed(chosen, gate), nowMs);
  });
}

async function explained(trail: Trail, hub: string, phase: Phase, gate: GateId, nowMs: number): Promise<ExplainReport> {
  const { entries, head } = trail;
  const report = gateReport(phaseAt(phase, nowMs), gate);
  const shown = report.conditions.map((condition) => evidenceIds(condition, phase, report));
  const places = await entryPlaces(hub, head, [...new Set(shown.flat())]);
  const conditions = report.conditions.map((condition, at): ExplainedCondition => {
    const cited = shown[at]?.flatMap((id) => entries[id - 1] ?? []) ?? [];
    const evidence = cited.map((entry: Entry) =>
      evidenceItem(entry, places.get(entry.id as EntryId) ?? null, { phase, report, entries }),
    );
    return { ...condition, evidence };
  });
  const { state, claim, holds } = gateStatus(phase, gate, nowMs);
  return { exit: holds ? exits.yes : exits.no, phase: phase.id, gate, holds, state, claim, conditions };
}

/**
 * The sorted ids of the entries that the condition names, of the entries of its runs and waivers, and of related
 * entries.
 */
function evidenceIds(condition: Condition, phase: Phase, report: GateReport): EntryId[] {
  const ofRuns = phase.runs.filter(({ run }) => condition.runs.includes(run)).map(({ id }) => id);
  const ids = [...condition.evidence, ...ofRuns, ...condition.waived, ...relatedIds(condition, phase, report)];
  return [...new Set(ids)].sort((a, b) => a - b);
}

/**
 * Related entries: verdicts that do not count, the sessions that judged, and findings and vetoes that no longer block.
 */
function relatedIds({ name }: Condition, phase: Phase, { gate, claim }: GateReport): EntryId[] {
  if (name === 'verdict' && claim) {
    const sessions = phase.sessions.filter(({ reason }) => reason.kind === 'judge' && reason.claim === claim.id);
    return [...claim.verdicts, ...sessions].map(({ id }) => id);
  }
  if (name !== 'findings') return [];
  const findings = phase.findings.filter((finding) => gate === DONE || finding.gate === gate);
  return [...findings, ...phase.vetoes].map(({ id }) => id);
}

/** The phase with that id; without an id the live phase, else the newest. Throws UsageError if there is none. */
export function phaseNamed(state: TrailState, id: string | undefined): Phase {
  const newest = () => Object.values(state.phases).sort((a, b) => b.opened - a.opened)[0];
  const phase = id === undefined ? (livePhase(state) ?? newest()) : state.phases[id];
  if (phase) return phase;
  const known = Object.keys(state.phases).join(', ');
  if (known === '') throw new UsageError('no phase has been opened yet; type: coldpass run PLAN');
  throw new UsageError(`there is no phase ${id}; the phases are: ${known}`);
}

/** Throws UsageError if the phase has no such gate. */
export function gateNamed(phase: Phase, name: string): GateId {
  const gates = gatesAndDone(phase.spec);
  const match = gates.find((gate) => gate === name) ?? gates.find((gate) => gate.toLowerCase() === name.toLowerCase());
  if (match) return match;
  throw new UsageError(`phase ${phase.id} has no gate ${name}; its gates are: ${gates.join(', ')}`);
}
