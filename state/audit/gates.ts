// Reports the state of every gate of every phase at the end of an audit, by the rule that the supervisor uses.

import type { EntryId, GateId, PhaseId, Sha } from '../entry/ids.ts';
import { type Phase, phaseAt } from '../entry/phase.ts';
import { gatesAndDone } from '../entry/spec.ts';
import { type GateReport, gateReport } from '../gate/gate.ts';
import type { EntriesSoFar } from './entry.ts';
import type { PhaseWork } from './git.ts';

export type AuditGate = { gate: GateId; holds: boolean; claim: EntryId | null; sha: Sha | null };

export type AuditPhase = {
  id: PhaseId;
  status: Phase['status'] | 'queued';
  /**
   * If the phase is done, judged as of the time when it was done; if not, as of the trail's last entry. DONE comes
   * last.
   */
  gates: AuditGate[];
  /** `none` if its runs were not sandboxed, which is allowed only in a demo. Null while the phase is queued. */
  sandbox: Phase['sandbox'] | null;
};

/** All phases, queued ones last. */
export function phasesOf({ state, at }: EntriesSoFar, work: ReadonlyMap<PhaseId, PhaseWork>): AuditPhase[] {
  const opened = Object.values(state.phases).map((phase): AuditPhase => {
    // Evidence for DONE expires, so a finished phase is judged as of the time when it was done.
    const nowMs = Date.parse((phase.status === 'done' ? work.get(phase.id)?.done?.at : undefined) ?? at);
    const gates = gatesAndDone(phase.spec).map((gate) => {
      const { holds, claim, sha } = reportOf(phase, gate, nowMs);
      return { gate, holds, claim: claim?.id ?? null, sha };
    });
    return { id: phase.id, status: phase.status, gates, sandbox: phase.sandbox };
  });
  return [
    ...opened,
    ...state.queue.map(({ phase }): AuditPhase => ({ id: phase, status: 'queued', gates: [], sandbox: null })),
  ];
}

/** The gate's report. If the plan would fail the plan check (gates that require each other), no gate holds. */
function reportOf(phase: Phase, gate: GateId, nowMs: number): Pick<GateReport, 'holds' | 'claim' | 'sha'> {
  try {
    return gateReport(phaseAt(phase, nowMs), gate);
  } catch {
    return { holds: false, claim: null, sha: null };
  }
}
