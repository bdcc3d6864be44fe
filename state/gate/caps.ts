// Limits how much one session may write, and how much may stay open. Pure. An agent that writes too much is refused and
// turns to its verdict or ends, so the cost of reading stays bounded. The plan limits claims; `admitDeferral.ts` limits
// deferrals.

import type { Entry } from '../entry/entry.ts';
import { DONE, type GateId } from '../entry/ids.ts';
import type { Finding, Phase, Run, Session } from '../entry/phase.ts';
import { uncounted } from '../entry/record.ts';
import { openFindings } from './standing.ts';

export const openFindingsMax = { gate: 10, phase: 20 };
/** The most vetoes by the Adversary that may be in force at once: each wakes it whenever a claim is accepted. */
export const standingVetoesMax = 3;
export const bySessionMax = { findings: 10, requests: 5, writings: 40 };

/** Why one more entry by this session would be too many; null if it would not. */
export function overCap(phase: Phase, session: Session, entry: Entry): string | null {
  const since = <T extends { id: number }>(list: T[]) => list.filter(({ id }) => id > session.id).length;
  switch (entry.kind) {
    case 'finding':
      return tooManyFindings(phase, since(phase.findings), entry.facts.gate);
    case 'blocked':
      return since(phase.blocked) >= bySessionMax.requests
        ? `this session has asked the operator ${bySessionMax.requests} times; go on with other work, or wait`
        : null;
    case 'veto':
      return phase.vetoes.filter(({ by, lifted }) => by === 'adversary' && lifted === null).length >= standingVetoesMax
        ? `${standingVetoesMax} vetoes of yours stand already; the phase is blocked by each of them`
        : null;
    case 'note':
    case 'item':
    case 'journal':
    case 'decision':
      return since(phase.writings.filter(({ by }) => by === session.for)) >= bySessionMax.writings
        ? `this session has written ${bySessionMax.writings} notes, items and the like; that is enough of words`
        : null;
    default:
      return null;
  }
}

function tooManyFindings(phase: Phase, bySession: number, gate: GateId): string | null {
  if (bySession >= bySessionMax.findings)
    return `this session has filed ${bySessionMax.findings} findings; give your verdict on those`;
  if (openFindings(phase, DONE).length >= openFindingsMax.phase)
    return `${openFindingsMax.phase} findings are open in the phase; close some first`;
  const ofGate = phase.findings.filter((finding) => finding.closed === null && finding.gate === gate).length;
  return ofGate >= openFindingsMax.gate ? `${ofGate} findings of ${gate} are open; close some first` : null;
}

/** How many more claims the plan allows. Resuming adds none: that takes a new plan, which the operator signs. */
export function claimsLeft({ claims, spec }: Phase): number {
  return spec.budget.claims - claims.length;
}

/** Findings whose reproducer was not red at the claim against which they were filed, so that they do not block it. */
export function unreproduced(phase: Phase): Finding[] {
  return phase.findings.filter(({ id, claim, reproducer }) => {
    if (!reproducer || claim === null) return false;
    const fits = ({ purpose }: Run) =>
      purpose.kind === 'reproducer' && purpose.finding === id && purpose.claim === claim;
    const run = phase.runs.findLast((one) => fits(one) && !uncounted.has(one.outcome));
    return run !== undefined && run.reproducer !== 'red';
  });
}
