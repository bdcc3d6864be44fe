// A deferral: work put off under a name, outside the gates, with a trigger that brings it back. Pure: how entries
// change the list of deferrals, and which deferrals a phase takes up again. The loop runs the triggers' commands. When
// a trigger fires, the supervisor proposes the re-entry, and the operator approves or refuses it.
//
//   parked → proposed → approved: its phase is queued, and is not DONE until an entry closes the deferral
//                     → refused: parked again, until the trigger fires again

import { targetOf } from './act.ts';
import type { Entry, EntryOf } from './entry.ts';
import type { AgentRole, EntryId, PhaseId } from './ids.ts';
import type { Deferral, Phase, TrailState } from './phase.ts';

/** The trail's deferrals after one more entry; the same list if nothing changed. */
export function foldDeferrals(deferrals: Deferral[], entry: Entry): Deferral[] {
  switch (entry.kind) {
    case 'deferral':
      return [...deferrals, deferralOf(entry)];
    case 'run':
      return entry.facts.purpose.kind === 'trigger'
        ? changed(deferrals, entry.facts.purpose.deferral, (deferral) => lookedAt(deferral, entry))
        : deferrals;
    case 'reentry': {
      const { edge } = entry.facts;
      const proposal = { id: entry.id, edge, answer: null };
      return changed(deferrals, entry.facts.deferral, (deferral) => ({ ...deferral, proposal }));
    }
    case 'close': {
      const { target, as } = entry.facts;
      return changed(deferrals, target, (deferral) => ({ ...deferral, closed: entry.id, closedAs: as }));
    }
    case 'act':
      return answered(deferrals, entry);
    default:
      return deferrals;
  }
}

/** The deferral that has this number, or the one whose newest re-entry proposal has it; null if there is none. */
export function deferralNamed(deferrals: Deferral[], id: EntryId): Deferral | null {
  return deferrals.find((deferral) => deferral.id === id || deferral.proposal?.id === id) ?? null;
}

/**
 * True while the deferral is coming back: the operator has queued a phase to take it up again, and that phase is still
 * queued, open or parked.
 */
export function isComingBack({ queue, phases }: TrailState, { reentry }: Deferral): boolean {
  const status = reentry === null ? undefined : phases[reentry]?.status;
  return queue.some((queued) => queued.phase === reentry) || status === 'open' || status === 'parked';
}

/** The operator queued `phase` to take these deferrals up again: it is not DONE until they are closed. */
export function takenUp(phase: Phase): Deferral[] {
  return phase.deferrals.filter((deferral) => deferral.reentry === phase.id);
}

function deferralOf({ id, phase, role, facts }: EntryOf<'deferral'>): Deferral {
  const { name, title, trigger } = facts;
  return {
    id,
    name,
    title,
    by: role as AgentRole,
    phase: phase as PhaseId,
    trigger,
    closed: null,
    closedAs: null,
    look: null,
    isGreen: false,
    greenIn: null,
    edges: 0,
    proposal: null,
    reentry: null,
  };
}

/** Records a run of the trigger's command: PASS is green, FAIL is red, any other outcome is inconclusive. */
function lookedAt(deferral: Deferral, { id, at, facts }: EntryOf<'run'>): Deferral {
  const look = { id, atMs: Date.parse(at) };
  if (facts.outcome === 'FAIL') return { ...deferral, look, isGreen: false };
  if (facts.outcome !== 'PASS' || deferral.isGreen) return { ...deferral, look };
  return { ...deferral, look, isGreen: true, greenIn: facts.run, edges: deferral.edges + 1 };
}

/** Two acts answer a deferral's proposal: a `queue` that takes the deferral up again, and a `refuse`. */
function answered(deferrals: Deferral[], { id, facts }: EntryOf<'act'>): Deferral[] {
  const { payload } = facts.act;
  const about = payload.act === 'queue' || payload.act === 'refuse' ? targetOf(payload) : null;
  const named = about && deferralNamed(deferrals, about.target);
  if (!named) return deferrals;
  return changed(deferrals, named.id, (deferral) => ({
    ...deferral,
    proposal: deferral.proposal && { ...deferral.proposal, answer: deferral.proposal.answer ?? id },
    reentry: payload.act === 'queue' ? payload.phase : deferral.reentry,
  }));
}

function changed(deferrals: Deferral[], id: EntryId, change: (deferral: Deferral) => Deferral): Deferral[] {
  return deferrals.some((one) => one.id === id)
    ? deferrals.map((one) => (one.id === id ? change(one) : one))
    : deferrals;
}
