// Decides whether a claim may be made. Also tells what does not depend on a claim's evidence alone: whether it is live
// or freezes the branch, and what its controls compare it with. Pure.

import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import { DONE, type GateId, type Sha } from '../entry/ids.ts';
import type { Claim, PhaseAt } from '../entry/phase.ts';
import { gatesOf, gatesUnder } from '../entry/spec.ts';
import { waiverOf } from '../fold/requirement.ts';
import { claimsLeft } from './caps.ts';
import { currentClaim, effectiveVerdict, gateReport, holdsBefore, notClosed } from './gate.ts';
import { standingOf } from './standing.ts';

/** What is known of a claim before it is on the trail. */
type NewClaim = Pick<Claim, 'id' | 'sha' | 'descends'>;

/** Null if the claim may be appended, else why not. */
export function admitClaim(at: PhaseAt, entry: EntryOf<'claim'>): string | null {
  const { phase } = at;
  const { gate, shas } = entry.facts;
  if (gate !== DONE && !phase.spec.gates[gate])
    return `the plan has no gate ${gate}; it has ${Object.keys(phase.spec.gates).join(', ')}`;
  if (claimsLeft(phase) <= 0) return `the plan allows ${phase.spec.budget.claims} claims and all are used`;
  const sha = shas.main as Sha | undefined;
  const tree = entry.facts.trees.main as Sha | undefined;
  if (!sha || !tree) return 'a claim names the full SHA of main and its tree';
  const frozen = frozenBy(at);
  if (frozen && gate !== DONE)
    return `DONE is being judged at ${frozen.sha} (#${frozen.id}); withdraw it before you claim ${gate}`;
  const claim = { id: entry.id, sha, descends: entry.facts.descends };
  return (
    stillJudged(at, gate, sha) ??
    alreadyRed(at, gate, tree) ??
    (gate === DONE ? admitHandOff(at, claim) : unmetRequirements(at, gate, claim)) ??
    notClosed(at, gate, 'builder') ??
    wrongReferences(at, entry, claim)
  );
}

/** The live claim of DONE, which freezes `phase/<id>`. */
export function frozenBy(at: PhaseAt): Claim | null {
  const { phase } = at;
  const claim = currentClaim(phase, DONE);
  return claim && isLive(at, claim) ? claim : null;
}

/** True while `phase/<id>` must not move: DONE is being judged at its head or holds there, or the phase is not open. */
export function standsStill(at: PhaseAt): boolean {
  const { phase } = at;
  return phase.status !== 'open' || frozenBy(at) !== null || gateReport(at, DONE).holds;
}

function stillJudged(at: PhaseAt, gate: GateId, sha: Sha): string | null {
  const { phase } = at;
  const current = currentClaim(phase, gate);
  if (!current || current.sha !== sha) return null;
  if (isLive(at, current)) return `claim #${current.id} of ${gate} is of this very SHA and is still being judged`;
  return gateReport(at, gate).holds ? `${gate} already holds at this SHA (#${current.id})` : null;
}

/** Refuses to claim a tree again that was red, or got a FAIL, under the same plan and waivers. */
function alreadyRed(at: PhaseAt, gate: GateId, tree: Sha): string | null {
  const { phase } = at;
  for (const claim of phase.claims.filter((c) => c.gate === gate && c.tree === tree)) {
    const standing = standingOf(at, claim);
    const turned = standing.state === 'red' ? standing.at : effectiveVerdict(phase, claim, standing);
    const refusedBy = typeof turned === 'number' ? turned : turned?.verdict === 'FAIL' ? turned.id : 0;
    if (refusedBy > phase.barChanged)
      return `this tree was refused as claim #${claim.id} (see #${refusedBy}) and nothing that judges it has changed: change the work first`;
  }
  return null;
}

function unmetRequirements(at: PhaseAt, gate: GateId, claim: NewClaim): string | null {
  const { phase } = at;
  const lacking = (phase.spec.gates[gate]?.requires ?? []).filter((other) => !holdsBefore(at, other, claim));
  return lacking.length > 0
    ? `${gate} requires ${lacking.join(', ')}, which does not hold at an ancestor of this SHA`
    : null;
}

function admitHandOff(at: PhaseAt, claim: NewClaim): string | null {
  const { phase } = at;
  const gates = gatesOf(phase.spec);
  const live = gates.flatMap((gate) => currentClaim(phase, gate) ?? []).find((other) => isLive(at, other));
  if (live) return `claim #${live.id} of ${live.gate} is still being judged`;
  const lacking = gates.filter((gate) => !holdsBefore(at, gate, claim));
  return lacking.length > 0
    ? `hand_off needs every gate to hold at an ancestor of this SHA; ${lacking.join(', ')} does not`
    : null;
}

function wrongReferences(at: PhaseAt, { facts }: EntryOf<'claim'>, claim: NewClaim): string | null {
  const { references, keeps } = comparisonsOf(at, facts.gate, claim);
  const right = Object.entries(references).every(([gate, sha]) => facts.references[gate as GateId] === sha);
  if (!right) return "the claim's references are not those that the trail gives";
  return canonicalJson(keeps) === canonicalJson(facts.keeps)
    ? null
    : 'the commits whose tests must hold are not those that the trail gives';
}

/** The commits that a new claim is compared with. They are written into the claim, and checked when it is admitted. */
export function comparisonsOf(
  at: PhaseAt,
  gate: GateId,
  claim: NewClaim,
): { references: Record<GateId, Sha>; keeps: Record<string, Sha[]> } {
  const gates = gatesUnder(at.phase.spec, gate);
  return {
    references: Object.fromEntries(gates.map((each) => [each, referenceFor(at, each, claim)])),
    keeps: keepsFor(at, gates, claim),
  };
}

/**
 * The SHA that a gate's controls compare a new claim with: that of the newest claim by which a required gate with the
 * same recipe holds, otherwise the base.
 */
function referenceFor(at: PhaseAt, gate: GateId, claim: NewClaim): Sha {
  const { phase } = at;
  const spec = phase.spec.gates[gate];
  const accepted = (spec?.requires ?? [])
    .filter((other) => phase.spec.gates[other]?.recipe === spec?.recipe && holdsBefore(at, other, claim))
    .flatMap((other) => gateReport(at, other).claim ?? []);
  const newest = accepted.sort((a, b) => b.id - a.id)[0];
  return newest?.sha ?? phase.base;
}

/** For each recipe of these gates, the commits whose tests a new claim must keep: the base, then accepted ancestors. */
function keepsFor(at: PhaseAt, gates: GateId[], claim: NewClaim): Record<string, Sha[]> {
  const { phase } = at;
  const recipes = [...new Set(gates.flatMap((gate) => phase.spec.gates[gate]?.recipe ?? []))];
  return Object.fromEntries(
    recipes.map((recipe): [string, Sha[]] => {
      const sharing = gatesOf(phase.spec).filter((g) => phase.spec.gates[g]?.recipe === recipe);
      const accepted = sharing
        .map((gate) => gateReport(at, gate))
        .flatMap((report) => (report.holds && report.claim ? report.claim : []))
        .filter((other) => claim.descends.includes(other.id))
        .map((other) => other.sha);
      return [recipe, [...new Set([phase.base, ...accepted])].filter((sha) => sha !== claim.sha)];
    }),
  );
}

/** True while a claim waits for its runs, the operator or its verdict. */
export function isLive(at: PhaseAt, claim: Claim): boolean {
  const { phase } = at;
  if (currentClaim(phase, claim.gate)?.id !== claim.id) return false;
  if (waiverOf(at, claim.gate, 'all') !== null) return false;
  const standing = standingOf(at, claim);
  if (standing.state === 'red') return false;
  if (standing.state === 'green' && waiverOf(at, claim.gate, 'verdict') !== null) return false;
  return effectiveVerdict(phase, claim, standing) === null;
}
