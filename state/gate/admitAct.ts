// Decides whether an operator's act may be appended: it must not have been used before or have expired, and must be
// about something that exists. The inbox, the hook and the audit, which have the bytes, check the signature.

import type { ActPayload } from '../entry/act.ts';
import type { EntryOf } from '../entry/entry.ts';
import { DONE, type EntryId, type GateId } from '../entry/ids.ts';
import { type Phase, type PhaseAt, phaseAt, type TrailState } from '../entry/phase.ts';
import { amendmentFault } from '../fold/amendment.ts';
import { admitTakingUp, proposalRefused } from './admitDeferral.ts';
import { currentClaim } from './gate.ts';
import { standingOf } from './standing.ts';

/** Null if the act may be appended, else why not. */
export function admitAct(state: TrailState, entry: EntryOf<'act'>): string | null {
  const { act } = entry.facts;
  const used = state.nonces[act.nonce];
  if (used !== undefined) return `this act was used before (#${used}); sign a new one`;
  if (entry.at > act.expires) return `this act expired at ${act.expires}; sign a new one`;
  if (act.payload.act === 'queue') return admitQueue(state, act.payload);
  if (act.payload.act === 'rotate') return null; // entries contain no keys: see keys/signers.ts
  const refused = proposalRefused(state, act.payload);
  if (refused) return entry.phase === refused.phase ? null : `deferral #${refused.id} is phase ${refused.phase}'s`;
  return admitInPhase(state, entry, act.payload);
}

function admitQueue(state: TrailState, { phase: id, reentry }: Extract<ActPayload, { act: 'queue' }>): string | null {
  if (state.phases[id]) return `phase ${id} was opened before; give the plan another id`;
  if (state.queue.some((queued) => queued.phase === id)) return `phase ${id} is queued already`;
  return reentry ? admitTakingUp(state, reentry.target) : null;
}

type PhasePayload = Exclude<ActPayload, { act: 'queue' | 'rotate' }>;

function admitInPhase(state: TrailState, entry: EntryOf<'act'>, payload: PhasePayload): string | null {
  const phase = entry.phase === null ? undefined : state.phases[entry.phase];
  if (!phase) return `there is no phase ${entry.phase ?? '(none named)'}`;
  if ('phase' in payload && payload.phase !== phase.id) return `the act is about phase ${payload.phase}`;
  if (phase.status === 'done' || phase.status === 'abandoned') return `phase ${phase.id} is ${phase.status}`;
  return admitPayload(phaseAt(phase, Date.parse(entry.at)), payload);
}

function admitPayload(at: PhaseAt, payload: PhasePayload): string | null {
  const { phase } = at;
  switch (payload.act) {
    case 'approve':
    case 'refuse':
      return admitAnswer(phase, payload);
    case 'waive':
      if (payload.gate === DONE && payload.condition === 'all')
        return 'DONE cannot be waived whole; drop the phase, or waive its gates';
      return payload.gate === DONE || phase.spec.gates[payload.gate]
        ? null
        : `phase ${phase.id} has no gate ${payload.gate}`;
    case 'lift':
      return admitLift(at, payload.target);
    case 'amend':
      return amendmentFault(phase, payload);
    case 'resume':
      return phase.status === 'parked' ? null : `phase ${phase.id} is ${phase.status}, not parked`;
    case 'veto':
    case 'drop':
    case 'note':
      return null;
    default:
      return payload satisfies never;
  }
}

function admitAnswer(phase: Phase, { act, target }: Extract<ActPayload, { act: 'approve' | 'refuse' }>): string | null {
  const request = phase.blocked.find((blocked) => blocked.id === target && blocked.closed === null);
  if (!request) return `#${target} is not an open request of the Builder`;
  if (act === 'refuse' || request.disputes === null) return null;
  return `#${target} disputes finding #${request.disputes}: lift ${request.disputes}, or refuse ${target}`;
}

function admitLift(at: PhaseAt, target: EntryId): string | null {
  const { phase } = at;
  const veto = phase.vetoes.some((v) => v.id === target && v.lifted === null);
  const finding = phase.findings.some((f) => f.id === target && f.closed === null);
  const claims = [...Object.keys(phase.spec.gates), DONE].flatMap((gate) => currentClaim(phase, gate as GateId) ?? []);
  const flake = claims.some((claim) =>
    standingOf(at, claim).requirements.some((requirement) => requirement.flake === target),
  );
  return veto || finding || flake ? null : `#${target} is no standing veto, open finding or flake`;
}
