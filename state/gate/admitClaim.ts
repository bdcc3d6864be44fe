// Whether a claim may be made, and what else is true of claims besides their evidence: whether one is live or freezes
// the branch, and what its controls compare with. Pure.

import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import { DONE, type GateId, type Sha } from '../entry/ids.ts';
import type { Claim, Phase } from '../entry/phase.ts';
import { waiverOf } from '../fold/requirement.ts';
import { claimsLeft } from './caps.ts';
import { currentClaim, effectiveVerdict, gateReport, holdsBefore, notClosed } from './gate.ts';
import { standingOf } from './standing.ts';

/** Null if the claim may be appended, else why not. */
export function admitClaim(phase: Phase, entry: EntryOf<'claim'>, nowMs: number): string | null {
  const { gate, shas } = entry.facts;
  if (gate !== DONE && !phase.spec.gates[gate])
    return `the plan has no gate ${gate}; it has ${Object.keys(phase.spec.gates).join(', ')}`;
  if (claimsLeft(phase) <= 0) return `the plan allows ${phase.spec.budget.claims} claims and all are used`;
  const sha = shas.main as Sha | undefined;
  const tree = entry.facts.trees.main as Sha | undefined;
  if (!sha || !tree) return 'a claim names the full SHA of main and its tree';
  const frozen = frozenBy(phase, nowMs);
  if (frozen && gate !== DONE)
    return `DONE is being judged at ${frozen.sha} (#${frozen.id}); withdraw it before you claim ${gate}`;
  const claim = { id: entry.id, sha, descends: entry.facts.descends };
  return (
    stillJudged(phase, gate, sha, nowMs) ??
    alreadyRed(phase, gate, tree, nowMs) ??
    (gate === DONE ? admitHandOff(phase, claim, nowMs) : unmetRequirements(phase, gate, claim, nowMs)) ??
    notClosed(phase, gate, 'builder', nowMs) ??
    wrongReferences(phase, entry, claim, nowMs)
  );
}

/** The live claim of DONE, which freezes `phase/<id>`. */
export function frozenBy(phase: Phase, nowMs: number): Claim | null {
  const claim = currentClaim(phase, DONE);
  return claim && isLive(phase, claim, nowMs) ? claim : null;
}

/** True from hand-off until `done`, unless something unfreezes it: what was judged must be what is on `phase/<id>`. */
export function standsStill(phase: Phase, nowMs: number): boolean {
  return phase.status !== 'open' || frozenBy(phase, nowMs) !== null || gateReport(phase, DONE, nowMs).holds;
}

function stillJudged(phase: Phase, gate: GateId, sha: Sha, nowMs: number): string | null {
  const current = currentClaim(phase, gate);
  if (!current || current.sha !== sha) return null;
  if (isLive(phase, current, nowMs))
    return `claim #${current.id} of ${gate} is of this very SHA and is still being judged`;
  return gateReport(phase, gate, nowMs).holds ? `${gate} already holds at this SHA (#${current.id})` : null;
}

/** A tree that was red, or got a FAIL, under the same plan and waivers cannot be claimed again. */
function alreadyRed(phase: Phase, gate: GateId, tree: Sha, nowMs: number): string | null {
  for (const claim of phase.claims.filter((c) => c.gate === gate && c.tree === tree)) {
    const standing = standingOf(phase, claim, nowMs);
    const turned = standing.state === 'red' ? standing.at : effectiveVerdict(phase, claim, standing);
    const at = typeof turned === 'number' ? turned : turned?.verdict === 'FAIL' ? turned.id : 0;
    if (at > phase.bar)
      return `this tree was refused as claim #${claim.id} (see #${at}) and nothing that judges it has changed: change the work first`;
  }
  return null;
}

function unmetRequirements(
  phase: Phase,
  gate: GateId,
  claim: Pick<Claim, 'id' | 'sha' | 'descends'>,
  nowMs: number,
): string | null {
  const lacking = (phase.spec.gates[gate]?.requires ?? []).filter((other) => !holdsBefore(phase, other, claim, nowMs));
  return lacking.length > 0
    ? `${gate} requires ${lacking.join(', ')}, which does not hold at an ancestor of this SHA`
    : null;
}

function admitHandOff(phase: Phase, claim: Pick<Claim, 'id' | 'sha' | 'descends'>, nowMs: number): string | null {
  const gates = Object.keys(phase.spec.gates) as GateId[];
  const live = gates.flatMap((gate) => currentClaim(phase, gate) ?? []).find((other) => isLive(phase, other, nowMs));
  if (live) return `claim #${live.id} of ${live.gate} is still being judged`;
  const lacking = gates.filter((gate) => !holdsBefore(phase, gate, claim, nowMs));
  return lacking.length > 0
    ? `hand_off needs every gate to hold at an ancestor of this SHA; ${lacking.join(', ')} does not`
    : null;
}

function wrongReferences(
  phase: Phase,
  entry: EntryOf<'claim'>,
  claim: Pick<Claim, 'id' | 'sha' | 'descends'>,
  nowMs: number,
): string | null {
  const gates = entry.facts.gate === DONE ? (Object.keys(phase.spec.gates) as GateId[]) : [entry.facts.gate];
  const right = gates.every((gate) => entry.facts.references[gate] === referenceFor(phase, gate, claim, nowMs));
  if (!right) return "the claim's references are not those that the trail gives";
  const keeps = keepsFor(phase, gates, claim, nowMs);
  return canonicalJson(keeps) === canonicalJson(entry.facts.keeps)
    ? null
    : 'the commits whose tests must hold are not those that the trail gives';
}

/**
 * The SHA that a gate's controls compare a new claim with: that of the newest accepted gate it requires, else the base.
 */
export function referenceFor(
  phase: Phase,
  gate: GateId,
  claim: Pick<Claim, 'id' | 'sha' | 'descends'>,
  nowMs: number,
): Sha {
  const spec = phase.spec.gates[gate];
  const accepted = (spec?.requires ?? [])
    .filter((other) => phase.spec.gates[other]?.recipe === spec?.recipe && holdsBefore(phase, other, claim, nowMs))
    .flatMap((other) => gateReport(phase, other, nowMs).claim ?? []);
  const newest = accepted.sort((a, b) => b.id - a.id)[0];
  return newest?.sha ?? phase.base;
}

/** By recipe of these gates, the commits whose tests a new claim must keep: base, then accepted claims before it. */
export function keepsFor(
  phase: Phase,
  gates: GateId[],
  claim: Pick<Claim, 'id' | 'sha' | 'descends'>,
  nowMs: number,
): Record<string, Sha[]> {
  const recipes = [...new Set(gates.flatMap((gate) => phase.spec.gates[gate]?.recipe ?? []))];
  return Object.fromEntries(
    recipes.map((recipe): [string, Sha[]] => {
      const sharing = (Object.keys(phase.spec.gates) as GateId[]).filter((g) => phase.spec.gates[g]?.recipe === recipe);
      const accepted = sharing
        .map((gate) => gateReport(phase, gate, nowMs))
        .flatMap((report) => (report.holds && report.claim ? report.claim : []))
        .filter((other) => claim.descends.includes(other.id))
        .map((other) => other.sha);
      return [recipe, [...new Set([phase.base, ...accepted])].filter((sha) => sha !== claim.sha)];
    }),
  );
}

/** True while a claim waits for its runs, the operator or its verdict. */
export function isLive(phase: Phase, claim: Claim, nowMs: number): boolean {
  if (currentClaim(phase, claim.gate)?.id !== claim.id) return false;
  if (waiverOf(phase, claim.gate, 'all', nowMs) !== null) return false;
  const standing = standingOf(phase, claim, nowMs);
  if (standing.state === 'red') return false;
  if (standing.state === 'green' && waiverOf(phase, claim.gate, 'verdict', nowMs) !== null) return false;
  return effectiveVerdict(phase, claim, standing) === null;
}
