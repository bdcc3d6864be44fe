// What waits for the operator, computed from the fold: each item with why and the acts that settle it. Pure.

import { currentClaim } from './gate.ts';
import { DONE, type EntryId, type GateId, type PhaseId } from './ids.ts';
import type { Phase, TrailState } from './phase.ts';
import { standingOf } from './standing.ts';

export type InboxItem = {
  /** The entry it is about; acts name it. */
  id: EntryId;
  phase: PhaseId;
  kind: 'parked' | 'blocked' | 'held' | 'veto' | 'deferral';
  title: string;
  why: string;
  /** Commands, as they are typed. */
  acts: string[];
};

/** Items in the order in which they stop the work. */
export function inboxOf(state: TrailState, nowMs: number): InboxItem[] {
  return Object.values(state.phases).flatMap((phase) => itemsOf(phase, nowMs));
}

function itemsOf(phase: Phase, nowMs: number): InboxItem[] {
  const deferrals = phase.things.filter((thing) => thing.kind === 'deferral' && thing.closed === null);
  const parkedOnes = deferrals.map(
    (thing): InboxItem => ({
      ...about(phase, thing.id, 'deferral'),
      title: thing.title,
      why: 'work put off, outside the gates',
      acts: [],
    }),
  );
  if (phase.status === 'done' || phase.status === 'abandoned') return parkedOnes;
  return [...parked(phase), ...blocked(phase), ...held(phase, nowMs), ...vetoes(phase), ...parkedOnes];
}

function about(phase: Phase, id: EntryId, kind: InboxItem['kind']): Pick<InboxItem, 'id' | 'phase' | 'kind'> {
  return { id, phase: phase.id, kind };
}

function parked(phase: Phase): InboxItem[] {
  if (!phase.parked) return [];
  const { id, reason, why } = phase.parked;
  const acts = [
    'coldpass resume',
    'coldpass waive GATE CONDITION --until DATE --because "…"',
    'coldpass drop --because "…"',
  ];
  return [{ ...about(phase, id, 'parked'), title: `phase ${phase.id} is parked: ${reason}`, why, acts }];
}

function blocked(phase: Phase): InboxItem[] {
  const open = phase.blocked.filter((item) => item.closed === null);
  return open.map((item) => ({
    ...about(phase, item.id, 'blocked'),
    title: `the Builder asks: ${item.action}`,
    why: `blocks ${item.blocks.join(', ')}; afterwards: ${item.verify}${item.advice ? `; the Adversary's advice is #${item.advice}` : ''}`,
    acts: [`coldpass approve ${item.id}`, `coldpass refuse ${item.id} --because "…"`],
  }));
}

function held(phase: Phase, nowMs: number): InboxItem[] {
  const gates = [...(Object.keys(phase.spec.gates) as GateId[]), DONE];
  return gates.flatMap((gate) => {
    const claim = currentClaim(phase, gate);
    const standing = claim && standingOf(phase, claim, nowMs);
    if (!claim || standing?.state !== 'held') return [];
    const lifts = standing.flakes.map((flake) => `coldpass lift ${flake} --because "…"`);
    const waive =
      standing.flakes.length > 0
        ? 'flake'
        : (standing.pieces.find((piece) => piece.result === 'held')?.condition ?? 'control:revert');
    const gateOf = standing.pieces.find((piece) => piece.result === 'held')?.gate ?? gate;
    return [
      {
        ...about(phase, claim.id, 'held'),
        title: `claim #${claim.id} of ${gate} is held`,
        why: standing.why.join('; '),
        acts: [...lifts, `coldpass waive ${gateOf} ${waive} --until DATE --because "…"`],
      },
    ];
  });
}

function vetoes(phase: Phase): InboxItem[] {
  const standing = phase.vetoes.filter((veto) => veto.lifted === null);
  return standing.map((veto) => ({
    ...about(phase, veto.id, 'veto'),
    title: `veto by the ${veto.by}: ${veto.title}`,
    why: `until: ${veto.until.join('; ')}`,
    acts: [`coldpass lift ${veto.id} --because "…"`],
  }));
}
