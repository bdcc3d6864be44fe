// The fold: what is so, computed from the entries and from nothing else. Pure, immutable, one entry at a time, so that the
// supervisor, an auditor and the model checker read the same state. Assumes admitted entries.

import type { Entry, EntryOf, Facts } from './entry.ts';
import { foldAct, progressed, replace, withPhase } from './foldAct.ts';
import type { AgentRole, Sha } from './ids.ts';
import type { Blocked, Claim, Finding, Phase, Run, Session, Thing, TrailState, Verdict, Veto } from './phase.ts';
import { uncounted } from './record.ts';

/** The state after one more entry. */
export function fold(state: TrailState, entry: Entry): TrailState {
  const counted = { ...state, lastId: entry.id };
  if (entry.kind === 'act') return foldAct(counted, entry);
  if (entry.kind === 'phase' && entry.facts.event === 'opened') return openPhase(counted, entry, entry.facts);
  const phase = entry.phase === null ? undefined : counted.phases[entry.phase];
  if (!phase) return counted;
  return withPhase(counted, foldPhase(phase, entry));
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
    sandbox: facts.sandbox,
    parked: null,
    asked: null,
    resumed: entry.id,
    resumedAtMs: Date.parse(entry.at),
    bar: entry.id,
    progress: entry.id,
    claims: [],
    runs: [],
    findings: [],
    vetoes: [],
    blocked: [],
    waivers: [],
    lifted: {},
    sessions: [],
    things: [],
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
    case 'deferral':
      return { ...phase, things: [...phase.things, thingOf(entry)] };
    case 'act':
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
        asked: null,
        resumed: entry.id,
        resumedAtMs: Date.parse(entry.at),
        progress: entry.id,
      };
    case 'done':
      return { ...phase, status: 'done' };
    case 'abandoned':
      return { ...phase, status: 'abandoned', parked: null, asked: null };
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
    reproducer,
    sandbox,
    counts,
  } = facts;
  const made: Run = {
    ...{ id: entry.id, run, purpose, recipe, recipeDigest, outcome, level, alike, reason, unmet, sandbox, counts },
    ...(control && { control }),
    ...(reproducer && { reproducer }),
    sha: facts.shas.main as Sha,
    tree: facts.trees.main as Sha,
    atMs: Date.parse(entry.at),
  };
  const runs = [...phase.runs, made];
  return uncounted.has(outcome) || purpose.kind === 'base' || purpose.kind === 'trial'
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
  return progressed(phase, entry.id, { claims, findings });
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
    blocked: replace(phase.blocked, target, (blocked) => ({ ...blocked, closed: entry.id })),
    things: replace(phase.things, target, (thing) => ({ ...thing, closed: entry.id })),
  });
}

function claimOf(entry: EntryOf<'claim'>): Claim {
  const { gate, shas, trees, descends, precedes, references, touches } = entry.facts;
  return {
    ...{ id: entry.id, gate, sha: shas.main as Sha, tree: trees.main as Sha, atMs: Date.parse(entry.at) },
    ...{ descends, precedes, references, touches, verdicts: [], withdrawn: null },
  };
}

function findingOf(entry: EntryOf<'finding'>): Finding {
  const { gate, title, fix, reproducer } = entry.facts;
  return { id: entry.id, gate, title, fix, reproducer: reproducer ?? null, closed: null };
}

function blockedOf(entry: EntryOf<'blocked'>): Blocked {
  const { action, verify, blocks, options, disputes } = entry.facts;
  return { id: entry.id, action, verify, blocks, options, disputes: disputes ?? null, advice: null, closed: null };
}

function thingOf(entry: EntryOf<'note' | 'item' | 'journal' | 'decision' | 'deferral'>): Thing {
  return { id: entry.id, kind: entry.kind, by: entry.role as AgentRole, title: entry.facts.title, closed: null };
}
