// Decides whether work may be deferred, when it is proposed again, and whether the operator may take it up. Pure. The
// supervisor proposes what `firingOf` returns, and admission checks each proposal against what `firingOf` returns.

import type { ActPayload } from '../entry/act.ts';
import { deferralNamed, isComingBack } from '../entry/deferral.ts';
import type { EntryOf, Facts } from '../entry/entry.ts';
import type { EntryId, GateId } from '../entry/ids.ts';
import type { Deferral, Phase, TrailState } from '../entry/phase.ts';
import { coveredBy, gatesAndDone } from '../entry/spec.ts';

export const deferralsByPhaseMax = 10;

/** Null if the work may be deferred, else why not. */
export function admitDeferral(state: TrailState, phase: Phase, { at, facts }: EntryOf<'deferral'>): string | null {
  const { name, trigger, clauses } = facts;
  const taken = state.deferrals.find((deferral) => deferral.name === name && deferral.closed === null);
  if (taken) return `#${taken.id} is an open deferral of that name; close it, or choose another`;
  if (state.deferrals.filter((deferral) => deferral.phase === phase.id).length >= deferralsByPhaseMax)
    return `a phase puts off ${deferralsByPhaseMax} things at most, and all are used`;
  if (trigger.kind === 'date' && trigger.at <= at) return `${trigger.at} has passed already`;
  const covered = clauses.flatMap((clause) => coveringGate(phase, clause) ?? [])[0];
  return covered
    ? `${covered.gate} covers ${covered.clause}, and what a gate covers cannot be put off; do it, or ask the operator with blocked`
    : null;
}

/** Null if the proposal matches the trigger's firing, else why not. */
export function admitReentry(state: TrailState, { at, phase, facts }: EntryOf<'reentry'>): string | null {
  const deferral = state.deferrals.find((one) => one.id === facts.deferral);
  if (!deferral) return `#${facts.deferral} is no deferral`;
  if (deferral.phase !== phase) return `deferral #${deferral.id} is phase ${deferral.phase}'s`;
  const firing = firingOf(state, deferral, Date.parse(at));
  if (!firing) return `the trigger of deferral #${deferral.id} has not fired, or its firing is answered`;
  const { edge, run, why } = facts;
  return edge === firing.edge && run === firing.run && why === firing.why
    ? null
    : `the trigger of deferral #${deferral.id} has fired otherwise: ${firing.why}`;
}

/** The fact that a deferral's trigger has fired, if not proposed yet; null if it has not fired. A date fires once. */
export function firingOf(
  state: TrailState,
  deferral: Deferral,
  nowMs: number,
): Pick<Facts<'reentry'>, 'edge' | 'run' | 'why'> | null {
  const { trigger, closed, proposal, edges, isGreen, greenIn } = deferral;
  if (closed !== null || isComingBack(state, deferral)) return null;
  if (proposal && proposal.answer === null) return null;
  const proposed = proposal?.edge ?? 0;
  switch (trigger.kind) {
    case 'manual':
      return null;
    case 'date':
      return proposed === 0 && nowMs >= Date.parse(trigger.at)
        ? { edge: 1, run: null, why: `its date has come: ${trigger.at}` }
        : null;
    case 'command':
      return isGreen && edges > proposed ? { edge: edges, run: greenIn, why: 'its command has turned green' } : null;
    default:
      return trigger satisfies never;
  }
}

/**
 * Null if the operator may queue a phase for deferred work, else why not. A deferral may be named at any time, a
 * proposal only until it is answered.
 */
export function admitTakingUp(state: TrailState, target: EntryId): string | null {
  const deferral = deferralNamed(state.deferrals, target);
  if (!deferral) return `#${target} is no deferral and no open proposal to take one up again`;
  if (deferral.closed !== null) return `deferral #${deferral.id} is closed (#${deferral.closed})`;
  if (isComingBack(state, deferral)) return `phase ${deferral.reentry} takes deferral #${deferral.id} up already`;
  const { proposal } = deferral;
  return target === proposal?.id && proposal.answer !== null
    ? `#${target} was answered (#${proposal.answer}); name the deferral itself: #${deferral.id}`
    : null;
}

/** The deferral whose open proposal a refusal turns down; null if the refusal is about something else. */
export function proposalRefused(state: TrailState, payload: ActPayload): Deferral | null {
  if (payload.act !== 'refuse') return null;
  const fits = ({ proposal }: Deferral) => proposal?.id === payload.target && proposal.answer === null;
  return state.deferrals.find(fits) ?? null;
}

/** A gate that covers this clause, part of it, or a clause that contains it; DONE covers the whole plan. */
function coveringGate(phase: Phase, clause: string): { gate: GateId; clause: string } | null {
  const isOf = (a: string, b: string) => a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
  for (const gate of gatesAndDone(phase.spec)) {
    const covered = coveredBy(phase.spec, gate).find((one) => isOf(one, clause));
    if (covered !== undefined) return { gate, clause: covered };
  }
  return null;
}
