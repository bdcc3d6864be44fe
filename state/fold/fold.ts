// The fold: the current state, computed from the entries and nothing else. Pure, immutable, one entry at a time, so
// that the supervisor, an auditor and the model checker read the same state. Assumes that every entry was admitted.

import { foldDeferrals } from '../entry/deferral.ts';
import type { Entry, EntryOf, Facts } from '../entry/entry.ts';
import type { EntryId, Sha } from '../entry/ids.ts';
import {
  type Blocked,
  livePhase,
  type Phase,
  type Run,
  type Session,
  type TrailState,
  type Verdict,
  type Veto,
} from '../entry/phase.ts';
import { uncounted } from '../entry/record.ts';
import { foldRefusal } from '../entry/refusal.ts';
import { foldAct, progressed, replace, withPhase } from './act.ts';
import { blockedOf, claimOf, findingOf, sabotageOf, thingOf } from './begin.ts';

/** The state after one more entry. */
export function fold(state: TrailState, entry: Entry): TrailState {
  return known(folded({ ...state, lastId: entry.id, deferrals: foldDeferrals(state.deferrals, entry) }, entry));
}

/** Copies the current deferrals into the phase under way. */
function known(state: TrailState): TrailState {
  const live = livePhase(state);
  if (!live || live.deferrals === state.deferrals) return state;
  return withPhase(state, { ...live, deferrals: state.deferrals });
}

function folded(counted: TrailState, entry: Entry): TrailState {
  if (entry.kind === 'act') return foldAct(counted, entry);
  if (entry.kind === 'refusal') return { ...counted, refusals: foldRefusal(counted.refusals, entry) };
  if (entry.kind === 'phase' && entry.facts.event === 'opened') return openPhase(counted, entry, entry.facts);
  const phase = entry.phase === null ? undefined : counted.phases[entry.phase];
  if (!phase) return counted;
  const isEnd = entry.kind === 'phase' && (entry.facts.event === 'done' || entry.facts.event === 'abandoned');
  return withPhase(isEnd ? { ...counted, ended: entry.id } : counted, foldPhase(phase, entry));
}

function openPhase(
  state: TrailState,
  entry: EntryOf<'phase'>,
  facts: Extract<Facts<'phase'>, { event: 'opened' }>,
): TrailState {
  const id = facts.spec.phase;
  const phase: Phase = {
    id,
    status: 'open',
    opened: entry.id,
    plan: facts.plan,
    spec: facts.spec,
    base: facts.base,
    recipes: facts.recipes,
    apps: facts.apps ?? [],
    holdout: facts.holdout ?? null,
    pinned: Object.values(facts.recipes),
    amended: {},
    sandbox: facts.sandbox,
    parked: null,
    actToAnswer: null,
    resumed: entry.id,
    resumedAtMs: Date.parse(entry.at),
    barChanged: entry.id,
    lastProgress: entry.id,
    claims: [],
    runs: [],
    findings: [],
    vetoes: [],
    sabotages: [],
    blocked: [],
    waivers: [],
    lifted: {},
    sessions: [],
    writings: [],
    deferrals: state.deferrals,
    operatorNotes: [],
  };
  return withPhase({ ...state, queue: state.queue.filter((queued) => queued.id !== facts.queue) }, phase);
}

function foldPhase(phase: Phase, entry: Entry): Phase {
  switch (entry.kind) {
    case 'phase':
      return foldLife(phase, entry);
    case 'session':
      return foldSession(phase, entry);
    case 'run':
      return foldRun(phase, entry);
    case 'claim':
      return progressed(phase, entry.id, { claims: [...phase.claims, claimOf(entry)] });
    case 'verdict':
      return foldVerdict(phase, entry);
    case 'finding':
      return progressed(phase, entry.id, { findings: [...phase.findings, findingOf(entry)] });
    case 'sabotage':
      return progressed(phase, entry.id, { sabotages: [...phase.sabotages, sabotageOf(entry)] });
    case 'veto':
      return foldVeto(phase, entry);
    case 'blocked':
      return progressed(phase, entry.id, { blocked: [...phase.blocked, blockedOf(entry)] });
    case 'advice':
      return progressed(phase, entry.id, {
        blocked: replace(phase.blocked, entry.facts.blocked, (b) => ({ ...b, advice: entry.id })),
      });
    case 'close':
      return foldClose(phase, entry);
    case 'note':
    case 'item':
    case 'journal':
    case 'decision':
      return { ...phase, writings: [...phase.writings, thingOf(entry)] };
    case 'deferral':
    case 'reentry':
    case 'act':
    case 'refusal':
      return phase;
    default:
      return entry satisfies never;
  }
}

function foldLife(phase: Phase, entry: EntryOf<'phase'>): Phase {
  const { facts } = entry;
  switch (facts.event) {
    case 'opened':
      return phase;
    case 'parked':
      return {
        ...phase,
        status: 'parked',
        parked: { id: entry.id, reason: facts.reason, why: facts.why, about: facts.about },
      };
    case 'resumed':
      return {
        ...phase,
        status: 'open',
        parked: null,
        actToAnswer: null,
        resumed: entry.id,
        resumedAtMs: Date.parse(entry.at),
        lastProgress: entry.id,
      };
    case 'done':
      return { ...phase, status: 'done' };
    case 'abandoned':
      return { ...phase, status: 'abandoned', parked: null, actToAnswer: null };
    default:
      return facts satisfies never;
  }
}

function foldSession(phase: Phase, entry: EntryOf<'session'>): Phase {
  const { facts } = entry;
  if (facts.event === 'started') {
    const session: Session = {
      id: entry.id,
      session: facts.session,
      for: facts.for,
      reason: facts.reason,
      shownRuns: facts.shown.runs,
      usd: facts.reservedUsd,
      end: null,
      endedAtMs: 0,
      trouble: null,
      published: null,
      vetoed: false,
    };
    return { ...phase, sessions: [...phase.sessions, session] };
  }
  const sessions = phase.sessions.map((session) =>
    session.session === facts.session
      ? { ...session, end: facts.end, endedAtMs: Date.parse(entry.at), usd: facts.usd, published: facts.published }
      : session,
  );
  return facts.published ? progressed(phase, entry.id, { sessions }) : { ...phase, sessions };
}

function foldRun(phase: Phase, entry: EntryOf<'run'>): Phase {
  const { facts } = entry;
  const {
    run,
    purpose,
    recipe,
    recipeDigest,
    outcome,
    level,
    alike,
    reason,
    unmet,
    control,
    kept,
    reproducer,
    sandbox,
    counts,
  } = facts;
  const added: Run = {
    id: entry.id,
    run,
    purpose,
    recipe,
    recipeDigest,
    outcome,
    level,
    alike,
    reason,
    unmet,
    sandbox,
    counts,
    ...(control && { control }),
    ...(kept && { kept }),
    ...(reproducer && { reproducer }),
    sha: facts.shas.main as Sha,
    tree: facts.trees.main as Sha,
    atMs: Date.parse(entry.at),
  };
  const runs = [...phase.runs, added];
  return uncounted.has(outcome) || purpose.kind === 'base' || purpose.kind === 'trial' || purpose.kind === 'trigger'
    ? { ...phase, runs }
    : progressed(phase, entry.id, { runs });
}

function foldVerdict(phase: Phase, entry: EntryOf<'verdict'>): Phase {
  const { facts } = entry;
  const verdict: Verdict = {
    id: entry.id,
    verdict: facts.verdict,
    session: facts.session,
    findings: facts.findings,
    atMs: Date.parse(entry.at),
  };
  const claims = replace(phase.claims, facts.claim, (claim) => ({ ...claim, verdicts: [...claim.verdicts, verdict] }));
  const closed = new Set(facts.closes.map((answer) => answer.finding));
  const findings = phase.findings.map((finding) =>
    closed.has(finding.id) ? { ...finding, closed: entry.id } : finding,
  );
  const blocked = undisputed(phase.blocked, entry.id, (finding) => closed.has(finding));
  return progressed(phase, entry.id, { claims, findings, blocked });
}

function foldVeto(phase: Phase, entry: EntryOf<'veto'>): Phase {
  const veto: Veto = {
    id: entry.id,
    by: 'adversary',
    title: entry.facts.title,
    until: entry.facts.until,
    lifted: null,
  };
  const sessions = phase.sessions.map((session) =>
    session.session === entry.facts.session ? { ...session, vetoed: true } : session,
  );
  return progressed(phase, entry.id, { vetoes: [...phase.vetoes, veto], sessions });
}

function foldClose(phase: Phase, entry: EntryOf<'close'>): Phase {
  const { target } = entry.facts;
  return progressed(phase, entry.id, {
    claims: replace(phase.claims, target, (claim) => ({ ...claim, withdrawn: entry.id })),
    findings: replace(phase.findings, target, (finding) => ({ ...finding, closed: entry.id })),
    vetoes: replace(phase.vetoes, target, (veto) => ({ ...veto, lifted: entry.id })),
    blocked: undisputed(
      replace(phase.blocked, target, (blocked) => ({ ...blocked, closed: entry.id })),
      entry.id,
      (finding) => finding === target,
    ),
    writings: replace(phase.writings, target, (thing) => ({ ...thing, closed: entry.id })),
  });
}

/** Closes each open request that disputes a finding which has just been closed. */
function undisputed(list: Blocked[], id: EntryId, isClosed: (finding: EntryId) => boolean): Blocked[] {
  const ends = ({ disputes, closed }: Blocked) => closed === null && disputes !== null && isClosed(disputes);
  return list.some(ends) ? list.map((blocked) => (ends(blocked) ? { ...blocked, closed: id } : blocked)) : list;
}
