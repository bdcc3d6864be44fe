// The supervisor's decisions: `decide(state, event)` returns the new state and the commands that follow, as plain data.
// Pure: uses no clock, file or process. The shell records, then acts, then answers each command with exactly one event.
//
// It reconciles rather than reacts: it computes what should be going on from the folded trail and the commands not yet
// answered (`pending`), and commands only the difference. So a late, repeated or lost answer changes nothing, and a new
// process that folds the trail with nothing pending continues where the dead one stopped.
//
//   act queue → queued ── open ──▶ open ── every gate holds, then DONE ──▶ done
//                                 │  ▲
//               a reason to stop  │  │ act resume, or the answer that it waits for
//                                 ▼  │
//                                parked ── act drop (from open too) ──▶ abandoned

import type { Intent, WakeReason } from '../../state/entry/entry.ts';
import { DONE } from '../../state/entry/ids.ts';
import { livePhase, type Phase, type PhaseAt, phaseAt, type TrailState } from '../../state/entry/phase.ts';
import { fold } from '../../state/fold/fold.ts';
import { gateReport } from '../../state/gate/gate.ts';
import { parkReasonOf } from './park.ts';
import { looksOf, proposalsOf } from './reentry.ts';
import { isCurrentGreen, isUndecided, isWanted, runsWanted } from './runsWanted.ts';
import type { Cancel, Command, LoopEvent, LoopState } from './state.ts';
import { timersOf } from './timers.ts';
import { wakeOf } from './wake.ts';

/** Makes one step. The caller carries the commands out in order and answers each, except `cancel`. */
export function decide(state: LoopState, event: LoopEvent): { state: LoopState; commands: (Command | Cancel)[] } {
  const next = applyEvent(state, event);
  const live = livePhase(next.trail);
  const at = live && phaseAt(live, next.nowMs);
  const wanted = next.stopping ? [] : [...proposalsOf(next), ...looksOf(next), ...phaseCommands(next, at)];
  const cancels = cancelsOf(next, at);
  const commands = wanted.filter((command) => !next.pending[command.key]);
  const pending = { ...next.pending };
  for (const { target } of cancels) {
    const command = pending[target];
    if (command) pending[target] = { ...command, cancelled: true };
  }
  for (const command of commands) pending[command.key] = command;
  return { state: { ...next, pending }, commands: [...cancels, ...commands] };
}

function applyEvent(state: LoopState, event: LoopEvent): LoopState {
  const nowMs = Math.max(state.nowMs, event.atMs);
  switch (event.kind) {
    case 'started':
      return { ...state, nowMs };
    case 'appended':
      return { ...state, nowMs, trail: fold(state.trail, event.entry) };
    case 'answered': {
      const { [event.key]: _answered, ...pending } = state.pending;
      return { ...state, nowMs, pending };
    }
    case 'stop':
      return { ...state, nowMs, stopping: true };
    default:
      return event satisfies never;
  }
}

function phaseCommands(state: LoopState, at: PhaseAt | null): Command[] {
  if (!at) return opening(state.trail);
  const { phase } = at;
  if (phase.actToAnswer) return [answerTo(phase)];
  if (phase.status !== 'open') return [];
  return [...endsOfLostSessions(state, phase), ...openWork(state, at)];
}

function opening(trail: TrailState): Command[] {
  const next = trail.queue[0];
  return next ? [{ kind: 'open', key: `open:${next.id}`, queue: next.id }] : [];
}

function answerTo(phase: Phase): Command {
  const request = phase.actToAnswer as NonNullable<Phase['actToAnswer']>;
  const event = request.act === 'resume' ? 'resumed' : 'abandoned';
  return append(phase, `${event}:${request.id}`, { event, act: request.id });
}

function openWork(state: LoopState, at: PhaseAt): Command[] {
  const { phase } = at;
  const done = gateReport(at, DONE);
  if (done.holds && done.claim && done.sha)
    return [append(phase, `done:${done.claim.id}`, { event: 'done', claim: done.claim.id, sha: done.sha })];
  const park = parkReasonOf(state, at);
  if (park) return [append(phase, `park:${phase.resumed}`, { event: 'parked', ...park })];
  const runs = runsWanted(at).map((need): Command => ({ kind: 'run', key: `run:${need.slot}`, phase: phase.id, need }));
  const timers = timersOf(state, at);
  const wakes = wakeOf(state, at, runs.length > 0);
  if (wakes.park) return [append(phase, `park:${phase.resumed}`, { event: 'parked', ...wakes.park })];
  return [...runs, ...wakes.sessions, ...timers];
}

/** Ends each session that this process does not run and that has no end on the trail: it died with its own process. */
function endsOfLostSessions(state: LoopState, phase: Phase): Command[] {
  const lost = phase.sessions.filter((session) => session.end === null && !state.pending[`session:${session.for}`]);
  return lost.map((session) => ({
    kind: 'append',
    key: `lost:${session.session}`,
    intent: {
      kind: 'session',
      role: 'supervisor',
      phase: phase.id,
      body: '',
      facts: {
        event: 'ended',
        session: session.session,
        for: session.for,
        end: 'lost',
        why: 'the process that ran it is gone',
        turns: 0,
        tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
        usd: session.usd,
        transcript: null,
        published: null,
      },
    },
  }));
}

function append(phase: Phase, key: string, facts: Extract<Intent, { kind: 'phase' }>['facts']): Command {
  return { kind: 'append', key, intent: { kind: 'phase', role: 'supervisor', phase: phase.id, facts, body: '' } };
}

function cancelsOf(state: LoopState, at: PhaseAt | null): Cancel[] {
  return Object.values(state.pending)
    .filter((command) => !command.cancelled)
    .flatMap((command) => {
      const why = whyCancel(state, at, command);
      return why === null ? [] : [{ kind: 'cancel' as const, target: command.key, why }];
    });
}

function whyCancel(state: LoopState, at: PhaseAt | null, command: Command): string | null {
  const { kind } = command;
  if (kind === 'open' || kind === 'append') return null;
  if (state.stopping) return 'Coldpass is stopping';
  return kind === 'look' ? null : whyNotNow(at, command);
}

/** Why a run or session is no longer wanted; null if it still is. */
function whyNotNow(at: PhaseAt | null, command: Command): string | null {
  if (at?.phase.status !== 'open' || at.phase.actToAnswer) return 'the phase is not open';
  if (command.kind === 'run') return isWanted(at, command.need) ? null : 'its claim no longer needs it';
  return command.kind === 'session' ? whyAsleep(at, command.reason) : null;
}

function whyAsleep(at: PhaseAt, reason: WakeReason): string | null {
  if (reason.kind === 'sabotage') return isUndecided(at, reason.claim) ? null : 'the claim no longer needs a sabotage';
  if (reason.kind === 'judge') return isCurrentGreen(at, reason.claim) ? null : 'the claim no longer needs judging';
  return null;
}
