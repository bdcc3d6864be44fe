// Explores every state of a world, breadth-first and each once. `key.ts` decides when two states count as one.

import { DONE } from '../../../state/entry/ids.ts';
import { type Phase, phaseAt } from '../../../state/entry/phase.ts';
import { uncounted } from '../../../state/entry/record.ts';
import { gatesOf } from '../../../state/entry/spec.ts';
import { waiverOf } from '../../../state/fold/requirement.ts';
import { isLive } from '../../../state/gate/admitClaim.ts';
import { gateReport, isBlocking } from '../../../state/gate/gate.ts';
import { inboxOf } from '../../../state/gate/inbox.ts';
import { openFindings } from '../../../state/gate/standing.ts';
import { keyOf } from './key.ts';
import { firstState, type ModelState, type Step, stepsFrom, type World } from './model.ts';

export type Exploration = {
  states: number;
  steps: number;
  ends: Record<string, number>;
  broken: { why: string; path: string[] } | null;
};

/** Explores `world` completely; stops at the first state that breaks a rule and returns the path to it. */
export function explore(world: World, statesMax: number): Exploration {
  const known = statesFrom(firstState(world));
  const own: number[][] = [];
  const ends: Record<string, number> = {};
  let steps = 0;
  const report = (why: string | null, at: number): Exploration => ({
    states: known.size(),
    steps,
    ends,
    broken: why === null ? null : { why, path: known.pathTo(at) },
  });
  for (let i = 0; i < known.size(); i++) {
    const state = known.take(i);
    const why = known.size() > statesMax ? `more than ${statesMax} states` : whatIsWrong(state);
    if (why) return report(why, i);
    const end = endOf(state);
    if (end) ends[end] = (ends[end] ?? 0) + 1;
    const next = stepsFrom(world, state).map((step) => ({ own: step.own, to: known.add(step, i) }));
    steps += next.length;
    own.push(next.filter((step) => step.own && step.to !== i).map((step) => step.to));
  }
  const cycle = findCycle(own);
  if (cycle === null) return report(null, 0);
  return report(`the loop can go round for ever: ${cycle.map((i) => known.label(i)).join(' → ')}`, cycle[0] as number);
}

/** Keeps the states found so far, in order. `take` drops a state; only its key and the path to it stay. */
function statesFrom(first: ModelState) {
  const numbers = new Map<string, number>([[keyOf(first, whatIsWrong), 0]]);
  const states: (ModelState | null)[] = [first];
  const from: { parent: number; label: string }[] = [{ parent: -1, label: 'queue' }];
  const label = (i: number): string => (from[i] as { label: string }).label;
  return {
    label,
    size: () => states.length,
    take: (i: number): ModelState => {
      const state = states[i] as ModelState;
      states[i] = null;
      return state;
    },
    add: (step: Step, parent: number): number => {
      const key = keyOf(step.next, whatIsWrong);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, states.length);
      from.push({ parent, label: step.label });
      return states.push(step.next) - 1;
    },
    pathTo: (at: number): string[] => {
      const labels: string[] = [];
      for (let i = at; i >= 0; i = (from[i] as { parent: number }).parent) labels.unshift(label(i));
      return labels;
    },
  };
}

/** Returns which rule of the life cycle the state breaks, or null. No reachable state may break one. */
function whatIsWrong(state: ModelState): string | null {
  if (state.broken) return state.broken;
  for (const phase of Object.values(state.loop.trail.phases)) {
    const why =
      phase.status === 'done' ? wrongDone(phase, state.loop.nowMs) : (deadEnd(state, phase) ?? overrun(state, phase));
    if (why) return why;
  }
  return null;
}

/** If nothing can ever happen in this phase again and nobody was told, returns why; otherwise null. */
function deadEnd({ loop: { trail, pending, nowMs } }: ModelState, phase: Phase): string | null {
  const isTold = inboxOf(trail, nowMs).some((item) => item.kind === 'parked' && item.acts.length > 0);
  if (phase.status === 'parked') return isTold ? null : 'parked without an inbox item';
  const moves = Object.values(pending).some(
    (command) => command.kind !== 'timer' || command.key.startsWith('timer:backoff'),
  );
  return phase.status !== 'open' || moves ? null : 'open, but without a session, a run or a dated timer';
}

/** If something still runs in a phase that is not open, returns why that is wrong; otherwise null. */
function overrun({ loop: { pending } }: ModelState, phase: Phase): string | null {
  const runs = Object.values(pending).some((command) => command.kind === 'run' || command.kind === 'session');
  return phase.status !== 'open' && runs ? `${phase.status}, but something runs` : null;
}

function wrongDone(phase: Phase, nowMs: number): string | null {
  const report = gateReport(phaseAt(phase, nowMs), DONE);
  const unmet = report.conditions.filter((condition) => !condition.met);
  if (unmet.length > 0) return `done with an unmet condition: ${unmet.map((condition) => condition.name).join(', ')}`;
  if (phase.claims.some((claim) => isLive(phaseAt(phase, nowMs), claim))) return 'done with a live claim';
  const verdictWaived = waiverOf(phaseAt(phase, nowMs), DONE, 'verdict') !== null;
  const findings = openFindings(phase, DONE).filter(
    (finding) => !verdictWaived || isBlocking(phase, report.claim, finding),
  );
  if (findings.length > 0 && waiverOf(phaseAt(phase, nowMs), DONE, 'findings') === null)
    return 'done with an open finding';
  if (phase.vetoes.some((veto) => veto.lifted === null)) return 'done under a veto';
  for (const gate of gatesOf(phase.spec)) {
    const saw = phase.runs.some(
      (run) =>
        run.purpose.kind === 'gate' &&
        run.purpose.gate === gate &&
        run.sha === report.sha &&
        !uncounted.has(run.outcome),
    );
    if (!saw) return `done at a SHA that no run of ${gate} saw`;
  }
  return null;
}

function endOf(state: ModelState): string | null {
  const phase = Object.values(state.loop.trail.phases)[0];
  if (!phase || phase.status === 'open') return null;
  return phase.parked ? `parked: ${phase.parked.reason}` : phase.status;
}

/**
 * Returns a cycle among the loop's own steps, as state numbers, or null. Removes states without successors until only
 * those that lead to a cycle are left.
 */
function findCycle(edges: number[][]): number[] | null {
  const into = edges.map((): number[] => []);
  for (const [from, targets] of edges.entries()) for (const to of targets) into[to]?.push(from);
  const left = edges.map((targets) => targets.length);
  const peeled = [...left.keys()].filter((i) => left[i] === 0);
  for (const i of peeled) {
    for (const from of into[i] ?? []) {
      left[from] = (left[from] as number) - 1;
      if (left[from] === 0) peeled.push(from);
    }
  }
  const start = left.findIndex((count) => count > 0);
  return start < 0 ? null : walkRound(edges, left, start);
}

function walkRound(edges: number[][], left: number[], start: number): number[] {
  const path = [start];
  for (;;) {
    const next = edges[path.at(-1) as number]?.find((to) => (left[to] as number) > 0) as number;
    const seen = path.indexOf(next);
    path.push(next);
    if (seen >= 0) return path.slice(seen);
  }
}
