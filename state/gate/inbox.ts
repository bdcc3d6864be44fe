// Computes from the fold what waits for the operator: each item with its reason and the acts that settle it. Pure.

import { isComingBack } from '../entry/deferral.ts';
import type { EntryId, PhaseId } from '../entry/ids.ts';
import { type Blocked, type Deferral, type Phase, type PhaseAt, phaseAt, type TrailState } from '../entry/phase.ts';
import { gatesAndDone } from '../entry/spec.ts';
import { currentClaim } from './gate.ts';
import { standingOf } from './standing.ts';

export type InboxItem = {
  /** The entry that the item is about, which acts name. */
  id: EntryId;
  phase: PhaseId;
  kind: 'parked' | 'blocked' | 'held' | 'veto' | 'reentry' | 'deferral';
  title: string;
  why: string;
  /** Commands to type. */
  acts: string[];
};

/** All items; items that stop the work come first. */
export function inboxOf(state: TrailState, nowMs: number): InboxItem[] {
  const underWay = Object.values(state.phases).filter(({ status }) => status === 'open' || status === 'parked');
  const putOff = state.deferrals.filter((deferral) => deferral.closed === null && !isComingBack(state, deferral));
  return [...underWay.flatMap((phase) => itemsOf(phaseAt(phase, nowMs))), ...reentries(putOff), ...waiting(putOff)];
}

function itemsOf(at: PhaseAt): InboxItem[] {
  const { phase } = at;
  return [...parked(phase), ...blocked(phase), ...held(at), ...vetoes(phase)];
}

function about(
  phase: Pick<Phase, 'id'>,
  id: EntryId,
  kind: InboxItem['kind'],
): Pick<InboxItem, 'id' | 'phase' | 'kind'> {
  return { id, phase: phase.id, kind };
}

function parked(phase: Phase): InboxItem[] {
  if (!phase.parked) return [];
  const { id, reason, why } = phase.parked;
  const acts = [...answersOf(phase), 'coldpass resume', ...liftsOf(phase), ...wholeActs];
  return [{ ...about(phase, id, 'parked'), title: `phase ${phase.id} is parked: ${reason}`, why, acts }];
}

const wholeActs = [
  'coldpass waive GATE CONDITION --until DATE --because "…"',
  'coldpass amend PHASE --plan FILE --because "…"',
  'coldpass drop --because "…"',
];

/** If the phase is parked for a dispute: the acts that settle the dispute, one for each side. */
function answersOf(phase: Phase): string[] {
  const dispute = phase.blocked.find(({ id, closed }) => id === phase.parked?.about && closed === null);
  return dispute && dispute.disputes !== null ? settling(dispute) : [];
}

function settling({ id, disputes }: Blocked): string[] {
  return [`coldpass lift ${disputes} --because "…"`, `coldpass refuse ${id} --because "…"`];
}

/** If the phase is parked for findings without a reproducer: the acts that lift them. */
function liftsOf({ parked, findings }: Phase): string[] {
  const onWord = parked?.reason === 'word' ? findings.filter((one) => one.closed === null && !one.reproducer) : [];
  return onWord.map(({ id }) => `coldpass lift ${id} --because "…"`);
}

function blocked(phase: Phase): InboxItem[] {
  const open = phase.blocked.filter((item) => item.closed === null);
  return open.map((item) => ({
    ...about(phase, item.id, 'blocked'),
    title: `the Builder asks: ${item.action}`,
    why: `blocks ${item.blocks.join(', ')}; afterwards: ${item.verify}${item.advice ? `; the Adversary's advice is #${item.advice}` : ''}`,
    acts:
      item.disputes === null
        ? [`coldpass approve ${item.id}`, `coldpass refuse ${item.id} --because "…"`]
        : settling(item),
  }));
}

function held(at: PhaseAt): InboxItem[] {
  const { phase } = at;
  const gates = gatesAndDone(phase.spec);
  return gates.flatMap((gate) => {
    const claim = currentClaim(phase, gate);
    const standing = claim && standingOf(at, claim);
    if (!claim || standing?.state !== 'held') return [];
    const lifts = standing.flakes.map((flake) => `coldpass lift ${flake} --because "…"`);
    const waives = standing.requirements
      .filter((requirement) => requirement.result === 'held')
      .map(
        (requirement) =>
          `coldpass waive ${requirement.gate} ${requirement.flake ? 'flake' : requirement.condition} --until DATE --because "…"`,
      );
    return [
      {
        ...about(phase, claim.id, 'held'),
        title: `claim #${claim.id} of ${gate} is held`,
        why: standing.why.join('; '),
        acts: [...new Set([...lifts, ...waives])],
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

/** Deferred work whose trigger has fired. */
function reentries(deferrals: Deferral[]): InboxItem[] {
  return deferrals.flatMap(({ id, name, phase, title, proposal, trigger }) =>
    proposal === null || proposal.answer !== null
      ? []
      : {
          ...about({ id: phase }, proposal.id, 'reentry'),
          title: `${name} may be taken up again: ${title}`,
          why: `deferral #${id}: ${trigger.kind === 'date' ? `its date has come, ${trigger.at}` : 'its command has turned green'}`,
          acts: [`coldpass approve ${proposal.id} --plan FILE`, `coldpass refuse ${proposal.id} --because "…"`],
        },
  );
}

/** Deferred work that waits for its trigger, or for the operator. */
function waiting(deferrals: Deferral[]): InboxItem[] {
  const quiet = deferrals.filter(({ proposal }) => proposal === null || proposal.answer !== null);
  return quiet.map(({ id, name, phase, title, trigger }) => ({
    ...about({ id: phase }, id, 'deferral'),
    title: `${name}: ${title}`,
    why: `work put off, outside the gates; comes back ${comesBack(trigger)}`,
    acts: [`coldpass approve ${id} --plan FILE`],
  }));
}

function comesBack(trigger: Deferral['trigger']): string {
  switch (trigger.kind) {
    case 'manual':
      return 'when you say so';
    case 'date':
      return `on ${trigger.at}`;
    case 'command':
      return `when this succeeds: ${trigger.run}`;
    default:
      return trigger satisfies never;
  }
}
