// `coldpass status`: the state of phases and gates from the trail, and what is running now. Reads only; takes no lock.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { RunIntent } from '../../runner/run/janitor.ts';
import { runPaths } from '../../runner/run/paths.ts';
import type { Entry } from '../../state/entry/entry.ts';
import { type EntryId, type GateId, type PhaseId, RunId, type Sha } from '../../state/entry/ids.ts';
import { type Phase, phaseAt, type TrailState } from '../../state/entry/phase.ts';
import { gatesAndDone } from '../../state/entry/spec.ts';
import { unreproduced } from '../../state/gate/caps.ts';
import { gateReport } from '../../state/gate/gate.ts';
import { inboxOf } from '../../state/gate/inbox.ts';
import { branchHead } from '../../state/git/git.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { type Exit, exits } from '../terminal/errors.ts';
import { purposeWords, wakeWords } from '../terminal/lines.ts';
import type { Here } from '../workspace/place.ts';
import { supervisorOf } from '../workspace/running.ts';
import { waitingActs } from './inbox.ts';

export type GateStatus = {
  gate: GateId;
  /** `holds`, `FAIL`, `green` (verdict missing), `running`, `red`, `held`, or `unclaimed`. */
  state: string;
  holds: boolean;
  claim: { id: EntryId; sha: Sha } | null;
  unmet: string[];
};
/** Something in progress. */
export type Doing = { what: string; sinceMs: number };
export type PhaseStatus = {
  phase: PhaseId;
  title: string;
  status: Phase['status'];
  parked: { reason: string; why: string } | null;
  head: Sha | null;
  gates: GateStatus[];
  doing: Doing[];
  spentUsd: number;
  budgetUsd: number;
  claims: number;
  claimsMax: number;
  /** Findings whose reproducer was not red when they were filed: they do not block. */
  unreproduced: number;
};
export type StatusReport = {
  exit: Exit;
  atMs: number;
  workspace: string;
  demo: boolean;
  /** The supervisor's process id; null if none is running. */
  supervisor: number | null;
  trail: { head: Sha; entries: number };
  phases: PhaseStatus[];
  queued: PhaseId[];
  /** How many items wait for you, and how many of your acts wait for a supervisor. */
  inbox: number;
  actsWaiting: number;
};

/** Throws TrailError if the hub or the trail cannot be read. */
export function status(place: Here, nowMs: number): Promise<StatusReport> {
  return withTrail(place.paths.hub, (trail) => statusReport(trail, place, nowMs));
}

/** The status from a trail that has already been read. */
export async function statusReport({ state, entries, head }: Trail, place: Here, nowMs: number): Promise<StatusReport> {
  const { workspace, paths } = place;
  const supervisor = supervisorOf(paths);
  const phases: PhaseStatus[] = [];
  for (const phase of Object.values(state.phases)) {
    const isActive = phase.status === 'open' && supervisor !== null;
    const doing = isActive ? [...awake(phase, entries), ...runsUnderWay(paths.runs)] : [];
    phases.push(await phaseStatus(phase, doing, paths.hub, nowMs));
  }
  return {
    exit: exits.yes,
    atMs: nowMs,
    workspace: workspace.name,
    demo: workspace.demo,
    supervisor,
    trail: { head, entries: entries.length },
    phases,
    queued: state.queue.map((item) => item.phase),
    inbox: needed(state, nowMs),
    actsWaiting: waitingActs(paths.inbox).length,
  };
}

/** How many inbox items stop the work. Deferred work does not. */
export function needed(state: TrailState, nowMs: number): number {
  return inboxOf(state, nowMs).filter((item) => item.kind !== 'deferral').length;
}

/** A gate's current state by the gate rule. */
export function gateStatus(phase: Phase, gate: GateId, nowMs: number): GateStatus {
  const { claim, standing, verdict, holds, conditions } = gateReport(phaseAt(phase, nowMs), gate);
  const state = holds ? 'holds' : verdict?.verdict === 'FAIL' ? 'FAIL' : (standing?.state ?? 'unclaimed');
  const unmet = holds ? [] : conditions.flatMap((condition) => condition.unmet);
  return { gate, state, holds, claim: claim && { id: claim.id, sha: claim.sha }, unmet };
}

async function phaseStatus(phase: Phase, doing: Doing[], hub: string, nowMs: number): Promise<PhaseStatus> {
  const { spec, sessions, claims } = phase;
  return {
    phase: phase.id,
    title: spec.title,
    status: phase.status,
    parked: phase.parked && { reason: phase.parked.reason, why: phase.parked.why },
    head: await branchHead(hub, `phase/${phase.id}`),
    gates: gatesAndDone(phase.spec).map((gate) => gateStatus(phase, gate, nowMs)),
    doing,
    spentUsd: sessions.reduce((sum, session) => sum + session.usd, 0),
    budgetUsd: spec.budget.usd,
    claims: claims.length,
    claimsMax: spec.budget.claims,
    unreproduced: unreproduced(phase).length,
  };
}

function awake({ sessions }: Phase, entries: readonly Entry[]): Doing[] {
  const open = sessions.filter((session) => session.end === null);
  return open.map((session) => ({
    what: `${session.for} is awake: ${wakeWords(session.reason)}`,
    sinceMs: Date.parse(entries[session.id - 1]?.at ?? ''),
  }));
}

/**
 * Runs that have started and have no results. A dead supervisor may have left some, so call this only if one is alive.
 */
function runsUnderWay(runsDir: string): Doing[] {
  const runs = readdirSync(runsDir).filter((name): name is RunId => RunId.safeParse(name).success);
  return runs.flatMap((run) => {
    const paths = runPaths(runsDir, run);
    const intent = existsSync(paths.results) ? null : readIntent(paths.intent);
    return intent ? [{ what: purposeWords(intent.purpose), sinceMs: intent.startedAtMs }] : [];
  });
}

function readIntent(path: string): RunIntent | null {
  try {
    return RunIntent.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null; // being written, or already removed
  }
}
