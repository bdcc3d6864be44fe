// Whether an operator's act may be appended: fresh, unexpired, about something that is there. The signature itself is checked
// where the bytes are (inbox, hook, audit); this is about what it asks for.

import type { ActPayload } from './act.ts';
import type { EntryOf } from './entry.ts';
import { currentClaim } from './gate.ts';
import { DONE, type EntryId, type GateId } from './ids.ts';
import type { Phase, TrailState } from './phase.ts';
import { standingOf } from './standing.ts';

/** Null where the act may be appended, else why not. */
export function admitAct(state: TrailState, entry: EntryOf<'act'>): string | null {
  const { act } = entry.facts;
  const used = state.nonces[act.nonce];
  if (used !== undefined) return `this act was used before (#${used}); sign a new one`;
  if (entry.at > act.expires) return `this act expired at ${act.expires}; sign a new one`;
  if (act.payload.act === 'queue') return admitQueue(state, act.payload.phase);
  const phase = entry.phase === null ? undefined : state.phases[entry.phase];
  if (!phase) return `there is no phase ${entry.phase ?? '(none named)'}`;
  if ('phase' in act.payload && act.payload.phase !== phase.id) return `the act is about phase ${act.payload.phase}`;
  if (phase.status === 'done' || phase.status === 'abandoned') return `phase ${phase.id} is ${phase.status}`;
  return admitPayload(phase, act.payload, Date.parse(entry.at));
}

function admitQueue(state: TrailState, id: string): string | null {
  if (state.phases[id]) return `phase ${id} was opened before; give the plan another id`;
  return state.queue.some((queued) => queued.phase === id) ? `phase ${id} is queued already` : null;
}

function admitPayload(phase: Phase, payload: Exclude<ActPayload, { act: 'queue' }>, nowMs: number): string | null {
  switch (payload.act) {
    case 'approve':
    case 'refuse':
      return phase.blocked.some((blocked) => blocked.id === payload.target && blocked.closed === null)
        ? null
        : `#${payload.target} is not an open request of the Builder`;
    case 'waive':
      if (payload.gate === DONE && payload.condition === 'all')
        return 'DONE cannot be waived whole; drop the phase, or waive its gates';
      return payload.gate === DONE || phase.spec.gates[payload.gate]
        ? null
        : `phase ${phase.id} has no gate ${payload.gate}`;
    case 'lift':
      return admitLift(phase, payload.target, nowMs);
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

function admitLift(phase: Phase, target: EntryId, nowMs: number): string | null {
  const veto = phase.vetoes.some((v) => v.id === target && v.lifted === null);
  const finding = phase.findings.some((f) => f.id === target && f.closed === null);
  const claims = [...Object.keys(phase.spec.gates), DONE].flatMap((gate) => currentClaim(phase, gate as GateId) ?? []);
  const flake = claims.some((claim) => standingOf(phase, claim, nowMs).pieces.some((piece) => piece.flake === target));
  return veto || finding || flake ? null : `#${target} is no standing veto, open finding or flake`;
}
