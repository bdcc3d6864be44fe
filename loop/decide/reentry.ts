// Decides about deferred work: which trigger commands to run now (a "look"), which fired triggers to propose to the
// operator, and when to look again. Pure. A look is due if there was none since the latest of three events (the work
// was deferred, this process started, a phase ended), and at intervals while work goes on.

import { isComingBack } from '../../state/entry/deferral.ts';
import type { Deferral } from '../../state/entry/phase.ts';
import { firingOf } from '../../state/gate/admitDeferral.ts';
import type { Command, LoopState } from './state.ts';

/** A proposal for each trigger that has fired and was not proposed yet. */
export function proposalsOf({ trail, nowMs }: LoopState): Command[] {
  return trail.deferrals.flatMap((deferral) => {
    const firing = firingOf(trail, deferral, nowMs);
    if (!firing) return [];
    const facts = { deferral: deferral.id, ...firing };
    const intent = { kind: 'reentry' as const, role: 'supervisor' as const, phase: deferral.phase, facts, body: '' };
    return { kind: 'append', key: `reentry:${deferral.id}:${firing.edge}`, intent };
  });
}

/** A look at each deferral whose trigger command is due. */
export function looksOf(state: LoopState): Command[] {
  return watched(state)
    .filter((deferral) => isDue(state, deferral))
    .map(({ id }) => ({ kind: 'look', key: `look:${id}`, deferral: id }));
}

/** The dates of date triggers and of the next looks. */
export function triggerDates(state: LoopState): [name: string, atMs: number][] {
  const dated = state.trail.deferrals.flatMap(({ id, closed, trigger }): [string, number][] =>
    closed === null && trigger.kind === 'date' ? [[`date:${id}`, Date.parse(trigger.at)]] : [],
  );
  const looks = watched(state).flatMap(({ id, look }): [string, number][] =>
    look ? [[`look:${id}`, look.atMs + state.limits.lookEveryMs]] : [],
  );
  return [...dated, ...looks];
}

/**
 * Open deferrals with a trigger command, unless a phase takes them up or a proposal waits for the operator's answer.
 */
function watched({ trail }: LoopState): Deferral[] {
  return trail.deferrals.filter(
    (deferral) =>
      deferral.trigger.kind === 'command' &&
      deferral.closed === null &&
      deferral.proposal?.answer !== null &&
      !isComingBack(trail, deferral),
  );
}

function isDue({ trail, begun, nowMs, limits }: LoopState, { id, look }: Deferral): boolean {
  return !look || look.id <= Math.max(id, begun, trail.ended) || nowMs >= look.atMs + limits.lookEveryMs;
}
