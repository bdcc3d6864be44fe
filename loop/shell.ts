// The shell around `decide`: it feeds events in, carries commands out, and answers each command with exactly one event.
// It decides nothing. Entries come from the funnel only once they are durable, so whatever is acted on was recorded
// first.
//
// Contract of `Hands`: each call returns a promise. If it resolves, that is the answer, whatever came of the work: the
// result is on the trail. If it rejects, the machine is broken and the shell ends. On abort, a hand winds down and its
// promise still resolves. After a crash, work may be carried out twice.

import type { Entry, Intent } from '../state/entry/entry.ts';
import type { EntryId } from '../state/entry/ids.ts';
import type { TrailState } from '../state/entry/phase.ts';
import { livePhase } from '../state/entry/phase.ts';
import { decide } from './decide/decide.ts';
import { begin, type Cancel, type Command, type LoopEvent, type LoopLimits, type LoopState } from './decide/state.ts';

export type Hands = {
  open(queue: EntryId): Promise<void>;
  append(intent: Intent): Promise<void>;
  run(command: Extract<Command, { kind: 'run' }>, signal: AbortSignal): Promise<void>;
  session(command: Extract<Command, { kind: 'session' }>, signal: AbortSignal): Promise<void>;
  look(deferral: EntryId, signal: AbortSignal): Promise<void>;
  timer(atMs: number, signal: AbortSignal): Promise<void>;
};

export type ShellOptions = {
  trail: { readonly state: TrailState; onAppended(fn: (entries: Entry[]) => void): () => void };
  hands: Hands;
  nowMs(): number;
  limits?: LoopLimits;
  /** Called with each command as it is issued, and with each answer; for progress and logs. Must not throw. */
  onStep?(step: { kind: 'command'; command: Command | Cancel } | { kind: 'answer'; key: string }): void;
};

export type Shell = {
  /** Winds everything down: nothing new starts, whatever runs is cancelled. May be called twice. */
  stop(): void;
  /** Resolves when nothing is under way and nothing can start without the operator; rejects if a hand rejects. */
  quiet: Promise<LoopState>;
};

/** Starts the loop from the trail's current state. */
export function startShell(options: ShellOptions): Shell {
  const { trail, hands, nowMs } = options;
  const signals = new Map<string, AbortController>();
  /**
   * For each `open`, the trail's last id when that command was answered. If the same `open` is wanted again, an entry
   * must have come since.
   */
  const answeredAt = new Map<string, number>();
  const outcome = Promise.withResolvers<LoopState>();
  const unsubscribe = trail.onAppended((entries) => {
    for (const entry of entries) dispatch({ kind: 'appended', entry, atMs: nowMs() });
  });
  let state = begin(trail.state, nowMs(), options.limits);
  let isOver = false;

  function dispatch(event: LoopEvent): void {
    if (isOver) return;
    const step = decide(state, event);
    state = step.state;
    for (const command of step.commands) carryOut(command);
    if (isQuiet(state)) finish(() => outcome.resolve(state));
  }

  function carryOut(command: Command | Cancel): void {
    options.onStep?.({ kind: 'command', command });
    if (command.kind === 'cancel') {
      signals.get(command.target)?.abort(new Error(command.why));
      return;
    }
    if (answeredAt.get(command.key) === state.trail.lastId) {
      // Without this check a bug could fill the disk: the command was carried out, appended nothing and is wanted
      // again.
      fail(new Error(`${command.key} was answered without an entry, and is commanded again`));
      return;
    }
    const controller = new AbortController();
    signals.set(command.key, controller);
    handle(command, controller.signal).then(
      () => {
        signals.delete(command.key);
        if (command.kind === 'open') answeredAt.set(command.key, state.trail.lastId);
        options.onStep?.({ kind: 'answer', key: command.key });
        dispatch({ kind: 'answered', key: command.key, atMs: nowMs() });
      },
      (error: unknown) => fail(error),
    );
  }

  function handle(command: Command, signal: AbortSignal): Promise<void> {
    switch (command.kind) {
      case 'open':
        return hands.open(command.queue);
      case 'append':
        return hands.append(command.intent);
      case 'run':
        return hands.run(command, signal);
      case 'session':
        return hands.session(command, signal);
      case 'look':
        return hands.look(command.deferral, signal);
      case 'timer':
        return hands.timer(command.atMs, signal);
      default:
        return command satisfies never;
    }
  }

  function fail(error: unknown): void {
    finish(() => outcome.reject(error));
    for (const controller of signals.values()) controller.abort(error);
  }

  function finish(settle: () => void): void {
    if (isOver) return;
    isOver = true;
    unsubscribe();
    settle();
  }

  queueMicrotask(() => dispatch({ kind: 'started', atMs: nowMs() }));
  return {
    stop: () => dispatch({ kind: 'stop', atMs: nowMs() }),
    quiet: outcome.promise,
  };
}

/** True if no command is unanswered and no phase is open (or the loop is stopping). */
function isQuiet(state: LoopState): boolean {
  if (Object.keys(state.pending).length > 0) return false;
  const phase = livePhase(state.trail);
  if (state.stopping) return true;
  return phase ? phase.status === 'parked' && !phase.actToAnswer : state.trail.queue.length === 0;
}
