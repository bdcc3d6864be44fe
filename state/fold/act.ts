// The fold of the operator's acts. Pure; part of `fold.ts`.

import type { ActPayload } from '../entry/act.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { EntryId, Sha } from '../entry/ids.ts';
import type { Blocked, Phase, TrailState, Veto, Waiver } from '../entry/phase.ts';
import { amend } from './amendment.ts';

/** The state after an act. */
export function foldAct(state: TrailState, entry: EntryOf<'act'>): TrailState {
  const { act } = entry.facts;
  const seen = { ...state, nonces: { ...state.nonces, [act.nonce]: entry.id } };
  const { payload } = act;
  if (payload.act === 'queue') {
    const { phase, plan, recipes, apps = [], baseSha, holdout = null } = payload;
    return {
      ...seen,
      queue: [...seen.queue, { id: entry.id, phase, plan, recipes, apps, baseSha: baseSha as Sha, holdout }],
    };
  }
  if (payload.act === 'rotate') return seen;
  const phase = entry.phase === null ? undefined : seen.phases[entry.phase];
  return phase ? withPhase(seen, foldPhaseAct(phase, entry.id, payload)) : seen;
}

function foldPhaseAct(phase: Phase, id: EntryId, payload: Exclude<ActPayload, { act: 'queue' | 'rotate' }>): Phase {
  switch (payload.act) {
    case 'approve':
    case 'refuse':
      return progressed(
        phase,
        id,
        answered(phase, id, payload, (blocked) => blocked.id === payload.target),
      );
    case 'waive': {
      const waiver: Waiver = {
        id,
        gate: payload.gate,
        condition: payload.condition,
        untilMs: Date.parse(payload.until),
      };
      return progressed(phase, id, {
        waivers: [...phase.waivers, waiver],
        barChanged: id,
        actToAnswer: phase.parked?.reason === 'blocked' ? { act: 'resume', id } : phase.actToAnswer,
      });
    }
    case 'veto': {
      const veto: Veto = { id, by: 'operator', title: payload.because, until: payload.until, lifted: null };
      return progressed(phase, id, { vetoes: [...phase.vetoes, veto] });
    }
    case 'lift':
      return progressed(phase, id, {
        barChanged: id,
        ...answered(phase, id, payload, ({ disputes }) => disputes === payload.target),
        vetoes: replace(phase.vetoes, payload.target, (veto) => ({ ...veto, lifted: id })),
        findings: replace(phase.findings, payload.target, (finding) => ({ ...finding, closed: id })),
        lifted: phase.runs.some((run) => run.id === payload.target)
          ? { ...phase.lifted, [payload.target]: id }
          : phase.lifted,
      });
    case 'amend':
      return progressed(phase, id, amend(phase, id, payload));
    case 'note':
      return { ...phase, operatorNotes: [...phase.operatorNotes, { id, text: payload.text }] };
    case 'resume':
    case 'drop':
      return { ...phase, actToAnswer: { act: payload.act, id } };
    default:
      return payload satisfies never;
  }
}

type Answer = Extract<ActPayload, { act: 'approve' | 'refuse' | 'lift' }>;

/**
 * Records an act as the answer to requests. If the phase is parked for one of them, the answer also resumes the phase.
 */
function answered(
  phase: Phase,
  id: EntryId,
  { act, because = '' }: Answer,
  isMeant: (blocked: Blocked) => boolean,
): Pick<Phase, 'blocked' | 'actToAnswer'> {
  const meant = phase.blocked.filter((blocked) => blocked.closed === null && isMeant(blocked));
  const { parked } = phase;
  const settles = meant.some((blocked) => parked?.reason === 'blocked' || parked?.about === blocked.id);
  const answer = { act, because };
  return {
    blocked: phase.blocked.map((blocked) => (meant.includes(blocked) ? { ...blocked, closed: id, answer } : blocked)),
    actToAnswer: parked && settles ? { act: 'resume', id } : phase.actToAnswer,
  };
}

/** The phase after an entry that counts as progress. */
export function progressed(phase: Phase, id: EntryId, change: Partial<Phase>): Phase {
  return { ...phase, ...change, lastProgress: id };
}

/** The list, with the item that has this id changed, if there is one. */
export function replace<T extends { id: EntryId }>(list: T[], id: EntryId, change: (item: T) => T): T[] {
  return list.some((item) => item.id === id) ? list.map((item) => (item.id === id ? change(item) : item)) : list;
}

/** The state with this version of the phase. */
export function withPhase(state: TrailState, phase: Phase): TrailState {
  return { ...state, phases: { ...state.phases, [phase.id]: phase } };
}
