// What the supervisor's hands work with: one trail, one hub, one sandbox, one clock. Opened once, by `supervisor.ts`.

import type { Logger } from 'pino';
import type { ModelBackend } from '../../agents/model/backend.ts';
import type { Clock } from '../../agents/model/clock.ts';
import type { Price } from '../../agents/model/spend.ts';
import type { Limits } from '../../agents/session/limits.ts';
import type { SessionEvent } from '../../agents/session/talk.ts';
import type { Sandbox } from '../../runner/box/sandbox.ts';
import type { Engine } from '../../runner/run/engine.ts';
import type { Entry } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { AgentRole, PhaseId, RunId, SessionId } from '../../state/entry/ids.ts';
import type { TrailState } from '../../state/entry/phase.ts';
import { livePhase, type Phase } from '../../state/entry/phase.ts';
import type { Outcome } from '../../state/entry/record.ts';
import type { Funnel } from '../../state/trail/funnel.ts';
import type { StatePaths, Workspace } from '../../state/trail/workspace.ts';
import type { EntryLog } from './log.ts';
import type { Places } from './places.ts';

/** How the model of one role is reached, and the limits for it. */
export type AgentSetup = { backend: ModelBackend; price: Price; limits: Limits; secrets: string[] };

/** What is reported to whoever is watching; nothing depends on it. */
export type LoopProgress =
  | { kind: 'entry'; entry: Entry }
  | { kind: 'run'; run: RunId; what: string; at: 'started' | 'stage' | 'ended'; stage?: string; outcome?: Outcome }
  | {
      kind: 'session';
      session: SessionId;
      role: AgentRole;
      event: SessionEvent | { kind: 'started' } | { kind: 'ended' };
    };

export type World = {
  workspace: Workspace;
  paths: StatePaths;
  trail: Funnel<TrailState>;
  entries: EntryLog;
  sandbox: Sandbox;
  engine: Engine;
  places: Places;
  /** Runs whose tree was copied after setup, by recipe and commit; the copies are gone when this process ends. */
  snapshots: Map<string, RunId>;
  clock: Clock;
  log: Logger;
  agents: Record<AgentRole, AgentSetup>;
  onProgress(progress: LoopProgress): void;
};

/** The part of the world that determines how a run is made. Whoever can read the hub and its trail has this part. */
export type Sources = {
  paths: Pick<StatePaths, 'hub'>;
  trail: Pick<Funnel<TrailState>, 'blob' | 'file' | 'state'>;
};

/** The phase with that id, as it is now. */
export function phaseNow(world: World, id: PhaseId): Phase {
  const phase = world.trail.state.phases[id];
  if (!phase) throw new Error(`there is no phase ${id}`);
  return phase;
}

/** The open phase. Throws Refused if there is none. */
export function openPhase(world: World): Phase {
  const phase = livePhase(world.trail.state);
  if (phase?.status !== 'open') throw new Refused('no phase is open');
  return phase;
}

export type Author = { role: AgentRole; session: SessionId; phase: PhaseId };

/** Resolves once an entry makes `isOver` true or the signal aborts; at once if either has already happened. */
export async function untilTrail(
  { trail }: Pick<World, 'trail'>,
  isOver: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (isOver() || signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const stop = trail.onAppended(() => {
    if (isOver()) over.resolve();
  });
  signal.addEventListener('abort', () => over.resolve(), { once: true });
  await over.promise.finally(stop);
}
