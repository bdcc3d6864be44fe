// Decides whether an entry may be appended to the current state. Pure. The funnel asks before it writes, and the audit
// asks again about every entry, so it detects a trail that an honest supervisor could not have made. Agents read
// refusals, so each says why and what to do. What only git knows (reachable SHAs, ancestors) is checked elsewhere.

import type { Entry, EntryOf } from '../entry/entry.ts';
import { DONE, type EntryId, type GateId, type Sha } from '../entry/ids.ts';
import {
  type Finding,
  livePhase,
  type Phase,
  type PhaseAt,
  phaseAt,
  type Session,
  type TrailState,
} from '../entry/phase.ts';
import { admitRefusal } from '../entry/refusal.ts';
import { gatesOf } from '../entry/spec.ts';
import { admitAct } from './admitAct.ts';
import { admitClaim, isLive } from './admitClaim.ts';
import { admitDeferral, admitReentry } from './admitDeferral.ts';
import { admitSabotage } from './admitSabotage.ts';
import { admitVerdict } from './admitVerdict.ts';
import { overCap } from './caps.ts';
import { currentClaim, gateReport } from './gate.ts';
import { openFindings, reproducerRun } from './standing.ts';

export const reclaimsBeforeDispute = 2;

/** Null if the entry may be appended, else the reason in words. */
export function admit(state: TrailState, entry: Entry): string | null {
  if (entry.id !== state.lastId + 1) return `entry #${entry.id} does not follow #${state.lastId}`;
  if (entry.kind === 'act') return admitAct(state, entry);
  if (entry.kind === 'refusal') return admitRefusal(state.refusals, entry);
  if (entry.kind === 'phase') return admitPhase(state, entry);
  const phase = entry.phase === null ? undefined : state.phases[entry.phase];
  if (!phase) return `there is no phase ${entry.phase ?? '(none named)'}`;
  if (entry.kind === 'session') return admitSession(phase, entry);
  if (entry.kind === 'run') return admitRun(state, phase, entry);
  if (entry.kind === 'reentry') return admitReentry(state, entry);
  return admitAgent(state, phase, entry);
}

/** Checks that what a run was made for exists. The audit checks the run's results against the runner's record. */
function admitRun(state: TrailState, phase: Phase, entry: EntryOf<'run'>): string | null {
  const { run, purpose, recipeDigest, shas } = entry.facts;
  if (phase.runs.some((known) => known.run === run)) return `run ${run} is on the trail already`;
  if (!phase.pinned.includes(recipeDigest)) return `run ${run} is not of a recipe that the phase pinned`;
  if (purpose.kind === 'trial') return null;
  if (purpose.kind === 'trigger') {
    const deferral = state.deferrals.find((one) => one.id === purpose.deferral);
    return deferral?.trigger.kind === 'command'
      ? null
      : `run ${run} is for #${purpose.deferral}, which waits for no command`;
  }
  if (purpose.kind === 'base') return shas.main === phase.base ? null : `run ${run} is not of the phase's base`;
  const claim = phase.claims.find((known) => known.id === purpose.claim);
  if (!claim) return `run ${run} is for claim #${purpose.claim}, which is not there`;
  return claim.sha === shas.main ? null : `run ${run} is not of the SHA that #${claim.id} claims`;
}

type AgentEntry = Exclude<Entry, { kind: 'act' | 'refusal' | 'phase' | 'session' | 'run' | 'reentry' }>;

function admitAgent(state: TrailState, phase: Phase, entry: AgentEntry): string | null {
  const session = phase.sessions.find((s) => s.session === entry.facts.session);
  if (!session || session.for !== entry.role) return 'this session is not known to the trail';
  if (session.end !== null) return 'this session has ended';
  if (phase.status !== 'open') return `phase ${phase.id} is ${phase.status}: nothing can be added now`;
  const enough = overCap(phase, session, entry);
  if (enough !== null) return enough;
  const nowMs = Date.parse(entry.at);
  switch (entry.kind) {
    case 'claim':
      return admitClaim(phaseAt(phase, nowMs), entry);
    case 'verdict':
      return admitVerdict(phaseAt(phase, nowMs), entry);
    case 'finding':
      return admitFinding(phase, entry);
    case 'sabotage':
      return admitSabotage(phaseAt(phase, nowMs), entry);
    case 'veto':
      return session.vetoed ? 'one veto a session: this one has given its own' : null;
    case 'blocked':
      return admitBlocked(phase, entry);
    case 'advice':
      return admitAdvice(phase, entry);
    case 'close':
      return admitClose(phaseAt(phase, nowMs), entry, session);
    case 'note':
    case 'item':
    case 'journal':
    case 'decision':
      return null;
    case 'deferral':
      return admitDeferral(state, phase, entry);
    default:
      return entry satisfies never;
  }
}

function admitFinding(phase: Phase, entry: EntryOf<'finding'>): string | null {
  const { gate, claim } = entry.facts;
  if (gate !== DONE && !phase.spec.gates[gate]) return `the plan has no gate ${gate}`;
  if (claim !== null && currentClaim(phase, gate)?.id !== claim) return `#${claim} is not the live claim of ${gate}`;
  return null;
}

function admitBlocked(phase: Phase, entry: EntryOf<'blocked'>): string | null {
  const { blocks, disputes } = entry.facts;
  const unknown = blocks.find((gate) => gate !== DONE && !phase.spec.gates[gate]);
  if (unknown) return `the plan has no gate ${unknown}`;
  const open = phase.blocked.find(
    (blocked) => blocked.closed === null && blocked.blocks.some((gate) => blocks.includes(gate)),
  );
  if (open) return `#${open.id} already asks the operator about ${open.blocks.join(', ')}`;
  return disputes === undefined ? null : admitDispute(phase, disputes, blocks);
}

/** After the operator refuses a dispute, the count restarts: two more claims must be tried before the next one. */
function admitDispute(phase: Phase, target: EntryId, blocks: GateId[]): string | null {
  const finding = openFindings(phase, DONE).find((f) => f.id === target);
  if (!finding) return `#${target} is not an open finding`;
  if (blocks.length !== 1 || blocks[0] !== finding.gate)
    return `finding #${target} is about ${finding.gate}: name that gate`;
  const from = phase.blocked.findLast((blocked) => blocked.disputes === target)?.id ?? target;
  const since = phase.claims.filter((claim) => claim.gate === finding.gate && claim.id > from).length;
  return since >= reclaimsBeforeDispute
    ? null
    : `a finding may be disputed after ${reclaimsBeforeDispute} new claims of its gate; since #${from} there have been ${since}`;
}

function admitAdvice(phase: Phase, entry: EntryOf<'advice'>): string | null {
  const blocked = phase.blocked.find((b) => b.id === entry.facts.blocked);
  if (!blocked || blocked.closed !== null) return `#${entry.facts.blocked} is not an open request of the Builder`;
  return blocked.advice === null ? null : `#${blocked.id} has advice already (#${blocked.advice})`;
}

/** Checks that the author closes the entry, and in a way that entries of this kind allow. */
function admitClose(at: PhaseAt, entry: EntryOf<'close'>, session: Session): string | null {
  const { phase } = at;
  const { target, as } = entry.facts;
  const wrong = (what: string, ways: string[]) =>
    ways.includes(as) ? null : `${what} closes as ${ways.join(' or ')}, not as ${as}`;
  const mine = (by: string) => (session.for === by ? null : `#${target} is the ${by}'s to close`);
  const finding = phase.findings.find((f) => f.id === target && f.closed === null);
  if (finding)
    return mine('adversary') ?? wrong('a finding', ['fixed', 'retracted']) ?? notFixed(phase, finding, entry);
  if (phase.vetoes.some((v) => v.id === target && v.lifted === null && v.by === 'adversary'))
    return mine('adversary') ?? wrong('a veto', ['lifted', 'retracted']);
  if (phase.blocked.some((b) => b.id === target && b.closed === null))
    return mine('builder') ?? wrong('a request', ['withdrawn']);
  const claim = phase.claims.find((c) => c.id === target);
  if (claim && isLive(at, claim)) return mine('builder') ?? wrong('a claim', ['withdrawn']);
  const putOff = phase.deferrals.map((deferral) => ({ ...deferral, kind: 'deferral' as const }));
  const thing = [...phase.writings, ...putOff].find((t) => t.id === target && t.closed === null);
  if (thing) return mine(thing.by) ?? wrong(`a ${thing.kind}`, ['done', 'retracted', 'superseded']);
  return `#${target} is not open, or cannot be closed`;
}

function notFixed(phase: Phase, finding: Finding, entry: EntryOf<'close'>): string | null {
  if (entry.facts.as !== 'fixed') return null;
  if (entry.facts.answers.length !== finding.fix.length)
    return `answer each of the ${finding.fix.length} criteria of finding #${finding.id}`;
  const claim = currentClaim(phase, finding.gate);
  const green = !finding.reproducer || (claim && reproducerRun(phase, claim, finding)?.reproducer === 'green');
  return green ? null : `the reproducer of #${finding.id} has not run green at the live claim`;
}

function admitSession(phase: Phase, entry: EntryOf<'session'>): string | null {
  const { facts } = entry;
  const known = phase.sessions.find((s) => s.session === facts.session);
  if (facts.event === 'ended') return known && known.end === null ? null : `session ${facts.session} is not running`;
  if (phase.status !== 'open') return `phase ${phase.id} is ${phase.status}`;
  if (known) return `session ${facts.session} began before`;
  const running = phase.sessions.find((s) => s.for === facts.for && s.end === null);
  return running ? `the ${facts.for} is already awake in ${running.session}` : null;
}

function admitPhase(state: TrailState, entry: EntryOf<'phase'>): string | null {
  const { facts } = entry;
  if (facts.event === 'opened') return admitOpening(state, entry, facts);
  const phase = entry.phase === null ? undefined : state.phases[entry.phase];
  if (!phase) return `there is no phase ${entry.phase}`;
  switch (facts.event) {
    case 'parked':
      return phase.status === 'open' ? null : `phase ${phase.id} is ${phase.status}`;
    case 'resumed':
      return phase.actToAnswer?.id === facts.act && phase.actToAnswer.act === 'resume'
        ? null
        : `no act #${facts.act} asks to resume`;
    case 'abandoned':
      return phase.actToAnswer?.id === facts.act && phase.actToAnswer.act === 'drop'
        ? null
        : `no act #${facts.act} asks to drop`;
    case 'done':
      return admitDone(phaseAt(phase, Date.parse(entry.at)), facts.claim, facts.sha);
    default:
      return facts satisfies never;
  }
}

function admitOpening(
  state: TrailState,
  entry: EntryOf<'phase'>,
  facts: Extract<EntryOf<'phase'>['facts'], { event: 'opened' }>,
): string | null {
  const queued = state.queue.find((q) => q.id === facts.queue);
  if (!queued) return `no act #${facts.queue} queues this phase`;
  if (queued.phase !== facts.spec.phase || entry.phase !== facts.spec.phase) return 'the act queues another phase';
  if (queued.plan !== facts.plan || queued.baseSha !== facts.base || queued.holdout !== facts.holdout)
    return 'plan or base are not those that the operator signed';
  const same = Object.keys(facts.recipes).length === Object.keys(queued.recipes).length;
  const recipes = Object.entries(facts.recipes).every(([name, digest]) => queued.recipes[name] === digest);
  const apps = (facts.apps ?? []).join() === queued.apps.join();
  if (!same || !recipes || !apps) return 'the recipes are not those that the operator signed';
  const live = livePhase(state);
  return live ? `phase ${live.id} is ${live.status}; one at a time` : null;
}

function admitDone(at: PhaseAt, claim: EntryId, sha: Sha): string | null {
  const { phase } = at;
  if (phase.status !== 'open') return `phase ${phase.id} is ${phase.status}`;
  const report = gateReport(at, DONE);
  if (!report.holds || report.claim?.id !== claim || report.sha !== sha) {
    return `DONE does not hold: ${report.conditions.flatMap((condition) => condition.unmet).join('; ')}`;
  }
  const live = gatesOf(phase.spec)
    .flatMap((gate) => currentClaim(phase, gate) ?? [])
    .find((c) => isLive(at, c));
  return live ? `claim #${live.id} of ${live.gate} is still being judged` : null;
}
