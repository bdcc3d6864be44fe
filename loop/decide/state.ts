// What `decide` works on, as data: its state, the events that change the state, and the commands that it gives. Pure.

import type { Entry, Intent, WakeReason } from '../../state/entry/entry.ts';
import type { AgentRole, EntryId, PhaseId, RunId } from '../../state/entry/ids.ts';
import type { TrailState } from '../../state/entry/phase.ts';
import type { RunNeed } from '../../state/fold/requirement.ts';

/** The limits that the loop sets; the plan sets others. */
export type LoopLimits = {
  /** The most Builder sessions in a row without a claim. */
  sessionsWithoutClaimMax: number;
  /** How many runs of one slot may end INFRA or be lost before the phase parks. */
  uncountedRunsMax: number;
  /** The most sessions of a role in a row that fail because of the back end. */
  failedSessionsMax: number;
  backoffMs: number;
  /** Milliseconds from one look at a deferral's trigger command to the next, while work goes on. */
  lookEveryMs: number;
};
export const loopLimits: LoopLimits = {
  sessionsWithoutClaimMax: 10,
  uncountedRunsMax: 3,
  failedSessionsMax: 3,
  backoffMs: 30_000,
  lookEveryMs: 30 * 60_000,
};

/** Each command has a key; while it is unanswered, no second command with that key is issued. */
export type Command =
  | { kind: 'open'; key: string; queue: EntryId }
  | { kind: 'append'; key: string; intent: Intent }
  | { kind: 'run'; key: string; phase: PhaseId; need: RunNeed }
  | { kind: 'session'; key: string; phase: PhaseId; role: AgentRole; reason: WakeReason; runs: RunId[] }
  | { kind: 'look'; key: string; deferral: EntryId }
  | { kind: 'timer'; key: string; atMs: number };
/** Ends the command with the key `target` early; that command is still answered itself. May be issued twice. */
export type Cancel = { kind: 'cancel'; target: string; why: string };

export type LoopEvent =
  | { kind: 'started'; atMs: number }
  | { kind: 'appended'; entry: Entry; atMs: number }
  | { kind: 'answered'; key: string; atMs: number }
  | { kind: 'stop'; atMs: number };

export type Pending = Command & { cancelled?: boolean };
export type LoopState = {
  trail: TrailState;
  /** The number of the trail's newest entry when this process started. */
  begun: number;
  pending: Record<string, Pending>;
  nowMs: number;
  stopping: boolean;
  limits: LoopLimits;
};

/** The state in which a process starts: the folded trail, nothing pending. */
export function begin(trail: TrailState, nowMs: number, limits: LoopLimits = loopLimits): LoopState {
  return { trail, begun: trail.lastId, pending: {}, nowMs, stopping: false, limits };
}
