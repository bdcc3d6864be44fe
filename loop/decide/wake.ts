// Decides who is woken, and why. Pure. The Adversary is woken at once for a green claim or a request, and the Builder
// at once for a red or failed claim. When nothing else goes on, the Builder is woken with what is unmet; if such a
// session changes nothing but notes, the phase parks.

import type { WakeReason } from '../../state/entry/entry.ts';
import { type AgentRole, DONE, type EntryId, type GateId, type RunId } from '../../state/entry/ids.ts';
import type { Phase, PhaseAt, Session } from '../../state/entry/phase.ts';
import { gatesOf } from '../../state/entry/spec.ts';
import { waiverOf } from '../../state/fold/requirement.ts';
import { wantedSabotage } from '../../state/gate/admitSabotage.ts';
import { claimsLeft } from '../../state/gate/caps.ts';
import { effectiveVerdict, gateReport, judgingsEnded } from '../../state/gate/gate.ts';
import { lateReproducers, standingOf } from '../../state/gate/standing.ts';
import { failuresInARow, judgingsMax, type Park } from './park.ts';
import { currentClaims } from './runsWanted.ts';
import type { Command, LoopState } from './state.ts';

type Wake = { role: AgentRole; reason: WakeReason; runs: RunId[] };

/** Sessions to start now, or why the phase parks because nothing is left to do. `busy`: some run is wanted. */
export function wakeOf(state: LoopState, at: PhaseAt, busy: boolean): { sessions: Command[]; park: Park | null } {
  const { phase } = at;
  const adversary = mayWake(state, phase, 'adversary') ? adversaryWake(at) : null;
  const news = mayWake(state, phase, 'builder') ? builderNews(at) : null;
  const wakes = [adversary, news].flatMap((wake) => wake ?? []);
  if (wakes.length > 0 || busy || !isQuiet(state, phase))
    return { sessions: wakes.map((wake) => session(phase, wake)), park: null };
  const park = whyIdle(state, at);
  if (park) return { sessions: [], park };
  return { sessions: [session(phase, { role: 'builder', reason: { kind: 'work' }, runs: [] })], park: null };
}

/**
 * The time, in ms, when a role may wake again after its back end failed: after a pause, or when the service allows it;
 * 0 if it did not fail.
 */
export function backoffUntilMs(state: LoopState, phase: Phase, role: AgentRole): number {
  const failures = failuresInARow(phase, role);
  if (failures === 0) return 0;
  const last = phase.sessions.findLast((s) => s.for === role && s.end === 'failed');
  return Math.max(last?.trouble?.untilMs ?? 0, (last?.endedAtMs ?? 0) + state.limits.backoffMs * 2 ** (failures - 1));
}

/** Unmet gates (or DONE, if all of them hold) that no open request blocks. */
export function workable(at: PhaseAt): GateId[] {
  const { phase } = at;
  const unmet = gatesOf(phase.spec).filter((gate) => !gateReport(at, gate).holds);
  const blocked = new Set(phase.blocked.filter((b) => b.closed === null).flatMap((b) => b.blocks));
  return (unmet.length > 0 ? unmet : [DONE]).filter((gate) => !blocked.has(gate));
}

function mayWake(state: LoopState, phase: Phase, role: AgentRole): boolean {
  const asleep = !state.pending[`session:${role}`] && !phase.sessions.some((s) => s.for === role && s.end === null);
  return asleep && state.nowMs >= backoffUntilMs(state, phase, role);
}

/** True if no session, run or answer is awaited and no back-off lasts: nothing will happen unless a role is woken. */
function isQuiet(state: LoopState, phase: Phase): boolean {
  const waiting = Object.values(state.pending).some(({ kind }) => kind !== 'timer' && kind !== 'look');
  const awake = phase.sessions.some((s) => s.end === null);
  const backingOff = (['builder', 'adversary'] as const).some(
    (role) => state.nowMs < backoffUntilMs(state, phase, role),
  );
  return !waiting && !awake && !backingOff;
}

function adversaryWake(at: PhaseAt): Wake | null {
  const { phase } = at;
  for (const claim of currentClaims(phase)) {
    const standing = standingOf(at, claim);
    if (standing.state !== 'green' || effectiveVerdict(phase, claim, standing)) continue;
    const waived = waiverOf(at, claim.gate, 'verdict') ?? waiverOf(at, claim.gate, 'all');
    if (waived !== null || lateReproducers(phase, claim).length > 0) continue;
    if (judgingsEnded(phase, claim, standing).length >= judgingsMax) continue;
    return { role: 'adversary', reason: { kind: 'judge', claim: claim.id }, runs: standing.runs };
  }
  return sabotageWake(at) ?? adviseWake(phase) ?? vetoWake(phase);
}

/**
 * Wakes the Adversary to patch a claim's code. Only one session per claim: if it shows nothing, the operator decides.
 */
function sabotageWake(at: PhaseAt): Wake | null {
  const { phase } = at;
  const wasTried = (claim: EntryId) =>
    phase.sessions.some(
      (s) => isNatural(s) && s.id > phase.resumed && s.reason.kind === 'sabotage' && s.reason.claim === claim,
    );
  const claim = currentClaims(phase).find((one) => !wasTried(one.id) && wantedSabotage(at, one) !== null);
  return claim ? { role: 'adversary', reason: { kind: 'sabotage', claim: claim.id }, runs: [] } : null;
}

function adviseWake(phase: Phase): Wake | null {
  const request = phase.blocked.find(
    (b) =>
      b.closed === null &&
      b.advice === null &&
      b.disputes === null &&
      !wasTried(phase, { kind: 'advise', blocked: b.id }),
  );
  return request ? { role: 'adversary', reason: { kind: 'advise', blocked: request.id }, runs: [] } : null;
}

/** Wakes the Adversary for its veto if a claim was accepted since it last looked: that claim may resolve the veto. */
function vetoWake(phase: Phase): Wake | null {
  const accepted = Math.max(
    0,
    ...phase.claims.flatMap((c) => c.verdicts.filter((v) => v.verdict === 'PASS').map((v) => v.id)),
  );
  const veto = phase.vetoes.find((v) => {
    if (v.lifted !== null || v.by !== 'adversary' || accepted < v.id) return false;
    const looked = phase.sessions.findLast((s) => isNatural(s) && s.reason.kind === 'veto' && s.reason.veto === v.id);
    return accepted > (looked?.id ?? 0);
  });
  return veto ? { role: 'adversary', reason: { kind: 'veto', veto: veto.id }, runs: [] } : null;
}

function wasTried(phase: Phase, reason: { kind: 'advise'; blocked: EntryId }): boolean {
  return phase.sessions.some((s) => isNatural(s) && s.reason.kind === 'advise' && s.reason.blocked === reason.blocked);
}

/** Wakes the Builder for a claim that turned red or got a FAIL since the Builder was last woken. */
function builderNews(at: PhaseAt): Wake | null {
  const { phase } = at;
  const last = phase.sessions.findLast((s) => s.for === 'builder')?.id ?? 0;
  const open = new Set(workable(at));
  for (const claim of currentClaims(phase)) {
    if (!open.has(claim.gate) && claim.gate !== DONE) continue;
    const standing = standingOf(at, claim);
    if (standing.state === 'red' && standing.at > last) return builder({ kind: 'red', claim: claim.id });
    const verdict = effectiveVerdict(phase, claim, standing);
    if (verdict?.verdict === 'FAIL' && verdict.id > last) return builder({ kind: 'failed', claim: claim.id });
  }
  return null;
}

function builder(reason: WakeReason): Wake {
  return { role: 'builder', reason, runs: [] };
}

function whyIdle(state: LoopState, at: PhaseAt): Park | null {
  const { phase } = at;
  const naturals = phase.sessions.filter((s) => s.for === 'builder' && isNatural(s) && s.id > phase.resumed);
  const last = naturals.at(-1);
  if (workable(at).length === 0) {
    const request = phase.blocked.find((b) => b.closed === null);
    return {
      reason: 'blocked',
      why: `nothing is left to do without an answer: ${request?.action ?? 'see the inbox'}`,
      about: request?.id ?? null,
    };
  }
  if (claimsLeft(phase) <= 0)
    return {
      reason: 'budget',
      why: `all ${phase.spec.budget.claims} claims are used; amend the plan to allow more`,
      about: null,
    };
  if (last && phase.lastProgress < last.id)
    return { reason: 'idle', why: 'the Builder was woken with unmet gates and changed nothing', about: null };
  const sinceClaim = Math.max(phase.resumed, phase.claims.at(-1)?.id ?? 0);
  const barren = naturals.filter((s) => s.id > sinceClaim).length;
  if (barren < state.limits.sessionsWithoutClaimMax) return null;
  return { reason: 'idle', why: `${barren} Builder sessions in a row without a claim`, about: null };
}

/** True if the session ended normally: not by a crash, a cancellation or a failed back end. */
function isNatural(s: Session): boolean {
  return s.end !== null && s.end !== 'lost' && s.end !== 'cancelled' && s.end !== 'failed';
}

function session(phase: Phase, { role, reason, runs }: Wake): Command {
  return { kind: 'session', key: `session:${role}`, phase: phase.id, role, reason, runs };
}
