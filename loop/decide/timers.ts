// Computes the timers of an open phase. Pure. The key of a timer names its purpose and date, so that a timer that fired
// is not set again.

import { DONE } from '../../state/entry/ids.ts';
import type { PhaseAt } from '../../state/entry/phase.ts';
import { currentClaim } from '../../state/gate/gate.ts';
import { standingOf } from '../../state/gate/standing.ts';
import { triggerDates } from './reentry.ts';
import type { Command, LoopState } from './state.ts';
import { backoffUntilMs } from './wake.ts';

/**
 * Timers for dates to come: when a back-off, a waiver, evidence or the plan's hours end, and when a deferral's trigger
 * fires.
 */
export function timersOf(state: LoopState, at: PhaseAt): Command[] {
  const { phase } = at;
  const claim = currentClaim(phase, DONE);
  const standing = claim && standingOf(at, claim);
  const dates: [string, number | null][] = [
    ...(['builder', 'adversary'] as const).map((role): [string, number] => [
      `backoff:${role}`,
      backoffUntilMs(state, phase, role),
    ]),
    ...phase.waivers.map((waiver): [string, number] => [`waiver:${waiver.id}`, waiver.untilMs]),
    ['hours', phase.resumedAtMs + phase.spec.budget.hours * 3_600_000],
    ...triggerDates(state),
    [`aged:${claim?.id ?? 0}`, standing?.state === 'green' ? standing.staleAtMs : null],
  ];
  return dates
    .filter((date): date is [string, number] => date[1] !== null && date[1] > state.nowMs)
    .map(([name, atMs]) => ({ kind: 'timer', key: `timer:${name}:${atMs}`, atMs }));
}
