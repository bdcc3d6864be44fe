// The gate rule. Pure: computes from the fold and a time whether each condition of a gate is met, in words and with
// evidence. The supervisor, `explain`, the audit, and the admission of verdicts and of `done` use this rule and no
// other.
//
//   1 claim      a live claim of full SHAs              5 verdict   a PASS by the Adversary on this evidence
//   2 runs       cold runs of exactly these SHAs agree; 6 findings  no open blocking finding, no veto
//                all of `expect.closed` is closed       7 requires  required gates hold at this SHA or an ancestor
//   3 controls   each bites
//   4 tests      earlier tests and hold-outs pass; no protected path was changed

import type { Waivable } from '../entry/act.ts';
import { takenUp } from '../entry/deferral.ts';
import { type AgentRole, DONE, type EntryId, type GateId, type RunId, type Sha } from '../entry/ids.ts';
import type { Claim, Finding, Phase, PhaseAt, Session, Verdict } from '../entry/phase.ts';
import { gatesOf } from '../entry/spec.ts';
import { type Requirement, waiverOf } from '../fold/requirement.ts';
import { openFindings, reproducerRun, type Standing, standingOf } from './standing.ts';

export type Condition = {
  n: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  name:
    | 'claim'
    | 'runs'
    | 'closed'
    | 'controls'
    | 'tests'
    | 'holdout'
    | 'protected'
    | 'verdict'
    | 'findings'
    | 'requires';
  met: boolean;
  /** Everything that is missing, in words. */
  unmet: string[];
  /** Entries that prove the condition. */
  evidence: EntryId[];
  runs: RunId[];
  waived: EntryId[];
};

export type GateReport = {
  gate: GateId;
  claim: Claim | null;
  standing: Standing | null;
  verdict: Verdict | null;
  conditions: Condition[];
  holds: boolean;
  /** The commit where the gate holds; null if it does not hold, or is waived completely without a claim. */
  sha: Sha | null;
};

/** Every condition of `gate` at `nowMs`. A completely waived gate holds at any SHA. */
export function gateReport(at: PhaseAt, gate: GateId): GateReport {
  const { phase } = at;
  const claim = currentClaim(phase, gate);
  const standing = claim ? standingOf(at, claim) : null;
  const verdict = claim && standing ? effectiveVerdict(phase, claim, standing) : null;
  const conditions = [
    claimCondition(phase, gate, claim),
    requirementCondition(2, 'runs', standing, ({ condition }) => condition === 'runs' || condition === 'reproducers'),
    closedCondition(at, gate),
    requirementCondition(3, 'controls', standing, ({ condition }) => condition.startsWith('control:')),
    requirementCondition(4, 'tests', standing, ({ condition }) => condition === 'tests'),
    requirementCondition(4, 'holdout', standing, ({ condition }) => condition === 'holdout'),
    requirementCondition(4, 'protected', standing, ({ condition }) => condition === 'protected'),
    verdictCondition(at, gate, claim, standing, verdict),
    findingsCondition(at, gate, claim),
    requiresCondition(at, gate, claim),
  ];
  const whole = gate === DONE ? null : waiverOf(at, gate, 'all');
  const holds = conditions.every((condition) => condition.met) || whole !== null;
  return { gate, claim, standing, verdict, conditions, holds, sha: holds && claim ? claim.sha : null };
}

/** The newest claim of a gate; null if that one was withdrawn, because older claims stay superseded. */
export function currentClaim(phase: Phase, gate: GateId): Claim | null {
  const newest = phase.claims.findLast((claim) => claim.gate === gate);
  return newest && newest.withdrawn === null ? newest : null;
}

/**
 * The verdict that counts, given under the gate's current plan: the newest that is a FAIL, or a PASS by a session that
 * began after the claim turned green and saw the claim's runs.
 */
export function effectiveVerdict(phase: Phase, claim: Claim, standing: Standing): Verdict | null {
  const counts = (verdict: Verdict) =>
    verdict.verdict === 'FAIL' || mayJudge(phase, verdict.session, standing) === null;
  const since = phase.amended[claim.gate] ?? 0;
  const decided = claim.verdicts.filter((verdict) => verdict.id > since && verdict.verdict !== 'UNVERIFIED');
  return decided.findLast(counts) ?? null;
}

/** Why a session may not judge a claim with this standing; null if it may. */
export function mayJudge(phase: Phase, session: string, standing: Standing): string | null {
  if (standing.state !== 'green') return `its evidence is ${standing.state}, not green`;
  const known = phase.sessions.find((s) => s.session === session);
  if (known?.for !== 'adversary') return 'only a session of the Adversary gives verdicts';
  if (known.reason.kind === 'sabotage') return 'a session that was woken for sabotage gives no verdict';
  if (known.id < standing.at) return `this session began before the claim turned green (#${standing.at})`;
  const unseen = standing.runs.filter((run) => !known.shownRuns.includes(run));
  return unseen.length > 0 ? `this session was not shown ${unseen.join(', ')}` : null;
}

/** True if the open finding blocks the claim: it has no reproducer, or its reproducer is red at the claim. */
export function isBlocking(phase: Phase, claim: Claim | null, finding: Finding): boolean {
  if (finding.closed !== null) return false;
  if (!finding.reproducer) return true;
  return claim !== null && reproducerRun(phase, claim, finding)?.reproducer === 'red';
}

/** True if the gate holds at the claimed SHA or at an ancestor of that SHA, or is completely waived. */
export function holdsBefore(at: PhaseAt, gate: GateId, claim: Pick<Claim, 'id' | 'sha' | 'descends'>): boolean {
  if (waiverOf(at, gate, 'all') !== null) return true;
  const report = gateReport(at, gate);
  if (!report.holds || !report.claim) return false;
  const { id, sha, precedes } = report.claim;
  return sha === claim.sha || claim.descends.includes(id) || precedes.includes(claim.id);
}

/** Sessions that judged this standing and ended regularly or at a limit; one without a verdict counts as UNVERIFIED. */
export function judgingsEnded(phase: Phase, claim: Claim, standing: Standing): Session[] {
  const since = Math.max(phase.resumed, standing.state === 'green' ? standing.at : 0);
  return phase.sessions.filter(
    (s) =>
      s.reason.kind === 'judge' &&
      s.reason.claim === claim.id &&
      s.id > since &&
      (s.end === 'finished' || s.end === 'waited' || s.end === 'limit' || s.end === 'budget'),
  );
}

function condition(
  n: Condition['n'],
  name: Condition['name'],
  unmet: string[],
  rest: Partial<Condition> = {},
): Condition {
  return { n, name, met: unmet.length === 0, unmet, evidence: [], runs: [], waived: [], ...rest };
}

function claimCondition(phase: Phase, gate: GateId, claim: Claim | null): Condition {
  if (claim) return condition(1, 'claim', [], { evidence: [claim.id] });
  const withdrawn = phase.claims.some((c) => c.gate === gate);
  return condition(1, 'claim', [withdrawn ? `the last claim of ${gate} was withdrawn` : `nobody has claimed ${gate}`]);
}

function requirementCondition(
  n: 2 | 3 | 4,
  name: Condition['name'],
  standing: Standing | null,
  isOf: (requirement: Requirement) => boolean,
): Condition {
  if (!standing) return condition(n, name, n === 4 ? [] : ['there is no claim to run']);
  const requirements = standing.requirements.filter(isOf);
  const unmet = requirements
    .filter((requirement) => requirement.result !== 'good')
    .map((requirement) => requirement.why);
  return condition(n, name, unmet, {
    evidence: requirements.flatMap((requirement) => (requirement.at === 0 ? [] : [requirement.at])),
    runs: requirements.flatMap((requirement) => requirement.run ?? []),
    waived: requirements.flatMap((requirement) => requirement.waived ?? []),
  });
}

/** The condition that each deferral and item in a gate's `expect.closed` is closed by an entry. */
function closedCondition(at: PhaseAt, gate: GateId): Condition {
  const { phase } = at;
  const waived = waiverOf(at, gate, 'closed');
  const lacking = stillOpen(phase, gate);
  if (lacking.length > 0 && waived !== null) return condition(2, 'closed', [], { waived: [waived] });
  return condition(
    2,
    'closed',
    lacking.map((name) => `"${name}" is to be closed first, and no entry closes it as done`),
  );
}

/**
 * The names in a gate's `expect.closed` for which there is neither a deferral that was closed as done nor a closed
 * item. For DONE: the same for all gates, and the deferrals that this phase takes up.
 */
export function stillOpen(phase: Phase, gate: GateId): string[] {
  const specs = gate === DONE ? Object.values(phase.spec.gates) : [phase.spec.gates[gate]];
  const again = gate === DONE ? takenUp(phase).filter((deferral) => deferral.closedAs !== 'done') : [];
  const names = new Set(specs.flatMap((spec) => spec?.expect.closed ?? []));
  const lacking = [...names].filter((name) => {
    const deferral = phase.deferrals.findLast((one) => one.name === name);
    if (deferral) return deferral.closedAs !== 'done';
    const meant = phase.writings.filter((thing) => thing.title === name);
    return meant.length === 0 || meant.some((thing) => thing.closed === null);
  });
  return [...new Set([...lacking, ...again.map(({ name }) => name)])];
}

/**
 * Why a claim by the Builder, or a PASS by the Adversary, is too early, namely what that role must close first; null if
 * it is not.
 */
export function notClosed(at: PhaseAt, gate: GateId, by: AgentRole): string | null {
  const { phase } = at;
  if (waiverOf(at, gate, 'closed') !== null) return null;
  const author = (name: string) => phase.deferrals.findLast((one) => one.name === name)?.by ?? 'builder';
  const name = stillOpen(phase, gate).find((one) => author(one) === by);
  return name === undefined ? null : `"${name}" is to be closed before ${gate} holds: close it as done first`;
}

function verdictCondition(
  at: PhaseAt,
  gate: GateId,
  claim: Claim | null,
  standing: Standing | null,
  verdict: Verdict | null,
): Condition {
  const waived = waiverOf(at, gate, 'verdict');
  const evidence = verdict ? [verdict.id] : [];
  if (verdict?.verdict === 'PASS') return condition(5, 'verdict', [], { evidence });
  if (waived !== null && claim && standing?.state === 'green')
    return condition(5, 'verdict', [], { evidence, waived: [waived] });
  if (verdict) return condition(5, 'verdict', [`the Adversary's verdict is FAIL (#${verdict.id})`], { evidence });
  return condition(5, 'verdict', [
    claim ? 'the Adversary has not passed it on this evidence' : 'there is no claim to judge',
  ]);
}

function findingsCondition(at: PhaseAt, gate: GateId, claim: Claim | null): Condition {
  const { phase } = at;
  const waived = waiverOf(at, gate, 'findings');
  const findings = openFindings(phase, gate).filter((finding) => isBlocking(phase, claim, finding));
  const vetoes = phase.vetoes.filter((veto) => veto.lifted === null);
  const unmet = [
    ...(waived === null ? findings.map((finding) => openWords(phase, finding)) : []),
    ...vetoes.map((veto) => `veto #${veto.id} stands: ${veto.title} (until: ${veto.until.join('; ')})`),
  ];
  const evidence = [...findings, ...vetoes].map((item) => item.id);
  return condition(6, 'findings', unmet, {
    evidence,
    waived: waived === null || findings.length === 0 ? [] : [waived],
  });
}

function openWords({ blocked }: Phase, { id, title }: Finding): string {
  const dispute = blocked.find(({ disputes, closed }) => disputes === id && closed === null);
  return `finding #${id} is open${dispute ? ` and disputed (#${dispute.id})` : ''}: ${title}`;
}

function requiresCondition(at: PhaseAt, gate: GateId, claim: Claim | null): Condition {
  const { phase } = at;
  const required = gate === DONE ? gatesOf(phase.spec) : (phase.spec.gates[gate]?.requires ?? []);
  const waived = waiverOf(at, gate, 'requires' satisfies Waivable);
  const lacking = required.filter((other) => (claim ? !holdsBefore(at, other, claim) : !gateReport(at, other).holds));
  if (lacking.length > 0 && waived !== null) return condition(7, 'requires', [], { waived: [waived] });
  const evidence = required.flatMap((other) => currentClaim(phase, other)?.id ?? []);
  const unmet = lacking.map((other) => `${other} does not hold${claim ? " at an ancestor of this claim's SHA" : ''}`);
  return condition(7, 'requires', unmet, { evidence });
}
