// Decides whether a patch by the Adversary may be appended: it must come from the session that was woken for it, and be
// for the gate with an inconclusive control. Pure. The host and the audit, which have git, check that the patch touches
// only production files.

import { sabotageGate } from '../controls/requirements.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { Claim, PhaseAt } from '../entry/phase.ts';
import { currentClaim } from './gate.ts';
import { standingOf } from './standing.ts';

/** Null if the patch may be appended, else why not. */
export function admitSabotage(at: PhaseAt, { facts }: EntryOf<'sabotage'>): string | null {
  const { phase } = at;
  const { session, claim: id, gate } = facts;
  const reason = phase.sessions.find((one) => one.session === session)?.reason;
  if (reason?.kind !== 'sabotage' || reason.claim !== id)
    return `this session was not woken for a sabotage of claim #${id}`;
  const claim = phase.claims.find((one) => one.id === id);
  if (!claim || currentClaim(phase, claim.gate)?.id !== id) return `#${id} is not the live claim of its gate`;
  const wanted = wantedSabotage(at, claim);
  if (wanted === null) return `claim #${id} needs no sabotage now`;
  return wanted === gate ? null : `the control of ${wanted} is the one that says nothing, not that of ${gate}`;
}

/** The gate for which a held claim needs a patch; null if there is none. */
export function wantedSabotage(at: PhaseAt, claim: Claim) {
  const { phase } = at;
  const standing = standingOf(at, claim);
  return standing.state === 'held' ? sabotageGate(phase, claim, standing.requirements) : null;
}
