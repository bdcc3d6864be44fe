// Judges each entry of the trail by everything before it. Applies the rules that an honest supervisor applies before it
// appends an entry (`admit`), and the audit's own rules about times, references, acts, runs and stored files.

import type { Entry, EntryOf } from '../entry/entry.ts';
import { emptyTrail, type Phase, type TrailState } from '../entry/phase.ts';
import { fold } from '../fold/fold.ts';
import { admit } from '../gate/admit.ts';
import { actProblems, openedProblems } from './acts.ts';
import { functionProblems, sabotageProblems } from './controls.ts';
import { runProblems } from './runs.ts';
import { servedProblems } from './served.ts';
import type { AuditStore } from './store.ts';

export type EntryAudit = {
  readonly judged: EntriesSoFar;
  /** Everything wrong with the next entry, in words; the entry is folded in any case. Never rejects. */
  judge(entry: Entry): Promise<string[]>;
};

/** What is known about all entries so far. Plain data. */
export type EntriesSoFar = {
  /** The fold of these entries. */
  state: TrailState;
  /** The time of the newest entry; '' before the first. */
  at: string;
  /** The entries that an act can still be about. */
  targets: Entry[];
};

export type EntryAuditOptions = { hub: string; store: AuditStore; workspace: string | null; root: string };

const nothing: EntriesSoFar = { state: emptyTrail, at: '', targets: [] };

/** Audits entries in order: from #1 on, or from the first one that `from` does not include. */
export function entryAudit({ hub, store, workspace, root }: EntryAuditOptions, from = nothing): EntryAudit {
  const targets = new Map<number, Entry>(from.targets.map((entry) => [entry.id, entry]));
  let { state, at } = from;

  async function judge(entry: Entry): Promise<string[]> {
    const problems: string[] = [];
    try {
      const refusal = admit(state, entry);
      if (refusal !== null) problems.push(`an honest supervisor could not have appended this: ${refusal}`);
      if (entry.at < at) problems.push(`its time ${entry.at} is before that of the previous entry (${at})`);
      problems.push(...(await auditProblems(entry)));
    } catch (error) {
      problems.push(`it cannot be judged: ${(error as Error).message}`);
    }
    remember(entry);
    at = entry.at > at ? entry.at : at;
    return problems;
  }

  /** Applies the rules that only the audit has, by the entry's kind. */
  async function auditProblems(entry: Entry): Promise<string[]> {
    if (entry.kind === 'act') return actProblems(entry, { store, workspace, root, target: (id) => targets.get(id) });
    if (entry.kind === 'phase' && entry.facts.event === 'opened') return openedProblems(entry.facts, store);
    const phase = entry.phase === null ? undefined : state.phases[entry.phase];
    return phase ? inPhase(entry, phase) : [];
  }

  async function inPhase(entry: Entry, phase: Phase): Promise<string[]> {
    switch (entry.kind) {
      case 'run':
        return runProblems(entry, phase, { hub, store });
      case 'session':
        return sessionProblems(entry, phase);
      case 'finding':
        return reproducerProblems(entry);
      case 'claim':
        return functionProblems(entry, phase, { hub, store });
      case 'sabotage':
        return sabotageProblems(entry, phase, { hub, store });
      case 'verdict':
        return servedProblems(entry, phase, hub);
      default:
        return [];
    }
  }

  function reproducerProblems({ facts }: EntryOf<'finding'>): string[] {
    const file = facts.reproducer?.file;
    return file === undefined || store.hasBlob(file) ? [] : [`its reproducer ${file} is not stored`];
  }

  function remember(entry: Entry): void {
    if (isTarget(entry)) targets.set(entry.id, entry);
    if (entry.kind === 'phase') forget(entry);
    try {
      state = fold(state, entry);
    } catch {
      state = { ...state, lastId: entry.id }; // `judge` has reported the problem
    }
  }

  function forget({ phase, facts: { event } }: EntryOf<'phase'>): void {
    if (event !== 'done' && event !== 'abandoned') return;
    for (const [id, target] of targets) if (target.phase === phase && !outlives(target)) targets.delete(id);
  }

  return {
    get judged() {
      return { state, at, targets: [...targets.values()] };
    },
    judge,
  };
}

/** True if an act may be about the entry even after its phase has ended: deferred work is taken up later. */
function outlives({ kind }: Entry): boolean {
  return kind === 'deferral' || kind === 'reentry';
}

/**
 * True if an act can be about the entry: acts answer requests, deferrals and re-entries, and lift vetoes, findings and
 * flakes.
 */
function isTarget({ kind, facts }: Entry): boolean {
  if (kind === 'act') return (facts as EntryOf<'act'>['facts']).act.payload.act === 'veto';
  if (kind === 'deferral' || kind === 'reentry') return true;
  return kind === 'blocked' || kind === 'veto' || kind === 'finding' || kind === 'run';
}

/** Everything wrong with a session's entry: the entries that the session was shown or woken for must already exist. */
function sessionProblems({ id, facts }: EntryOf<'session'>, phase: Phase): string[] {
  if (facts.event === 'ended') return [];
  const { reason, shown } = facts;
  const problems: string[] = [];
  if (shown.upTo >= id) problems.push(`it was shown entries up to #${shown.upTo}, which do not exist yet`);
  const unknown = shown.runs.find((run) => !phase.runs.some((known) => known.run === run));
  if (unknown !== undefined) problems.push(`it was shown ${unknown}, which is not yet a run of this phase`);
  const lists = { claim: phase.claims, blocked: phase.blocked, veto: phase.vetoes } as const;
  for (const [name, known] of Object.entries(lists)) {
    const about = (reason as Record<string, unknown>)[name];
    if (about !== undefined && !known.some((one) => one.id === about))
      problems.push(`#${about} is not a ${name} entry of this phase`);
  }
  return problems;
}
