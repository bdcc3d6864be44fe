// Decides when a phase must stop for the operator, even if other work could continue. Pure. (`wake.ts` parks a phase
// that merely has nothing left to do.) Counters start at the last `opened` or `resumed`, so resuming resets them.

import type { ParkReason } from '../../state/entry/entry.ts';
import { type AgentRole, DONE, type EntryId, type GateId } from '../../state/entry/ids.ts';
import type { Blocked, Claim, Phase, PhaseAt } from '../../state/entry/phase.ts';
import { gatesOf, gatesUnder } from '../../state/entry/spec.ts';
import { fitLine } from '../../state/entry/words.ts';
import { evidenceMsMax } from '../../state/fold/evidence.ts';
import { waiverOf } from '../../state/fold/requirement.ts';
import { unreproduced } from '../../state/gate/caps.ts';
import { currentClaim, effectiveVerdict, judgingsEnded } from '../../state/gate/gate.ts';
import { standingOf } from '../../state/gate/standing.ts';
import { currentClaims, runsWanted, uncountedRuns } from './runsWanted.ts';
import type { LoopState } from './state.ts';

export const failsOnWordMax = 3;
export const judgingsMax = 2;
export const sameFailureMax = 3;
/** How often evidence for DONE may age out and be collected again before the phase parks. */
export const ageingsMax = 2;
const criteriaCharsMax = 500;

export type Park = { reason: ParkReason; why: string; about: EntryId | null };

/** Why the phase must park now; null if it need not. */
export function parkReasonOf(state: LoopState, at: PhaseAt): Park | null {
  const { phase } = at;
  return (
    dispute(phase) ??
    infra(state, at) ??
    budget(state, phase) ??
    unverified(at) ??
    aged(at) ??
    word(phase) ??
    sameFailure(at) ??
    backend(state, phase)
  );
}

/** How many of a role's latest sessions in a row failed because of the back end. */
export function failuresInARow(phase: Phase, role: AgentRole): number {
  const ended = phase.sessions.filter(
    (s) => s.for === role && s.end !== null && s.end !== 'lost' && s.end !== 'cancelled' && s.id > phase.resumed,
  );
  const lastGood = ended.findLastIndex((s) => s.end !== 'failed');
  return ended.length - 1 - lastGood;
}

function dispute(phase: Phase): Park | null {
  const open = phase.blocked.find(
    (blocked) => blocked.closed === null && blocked.disputes !== null && blocked.id > phase.resumed,
  );
  return open ? { reason: 'dispute', why: bothTexts(phase, open), about: open.id } : null;
}

/** The words of both sides of a dispute, between which the operator decides. */
function bothTexts({ findings }: Phase, { disputes, words }: Blocked): string {
  const finding = findings.find(({ id }) => id === disputes);
  const criteria = finding ? fitLine(`${finding.title} (fixed when: ${finding.fix.join('; ')})`, criteriaCharsMax) : '';
  return `the Builder disputes finding #${disputes}: ${criteria}. The Adversary says: ${finding?.words} The Builder says: ${words}`;
}

function infra(state: LoopState, at: PhaseAt): Park | null {
  const { phase } = at;
  const max = state.limits.uncountedRunsMax;
  for (const need of runsWanted(at)) {
    const { infra, lost } = uncountedRuns(phase, need);
    if (infra >= max)
      return {
        reason: 'infra',
        why: `${infra} runs of ${need.slot} failed because of the machine; see \`coldpass doctor\``,
        about: null,
      };
    if (lost >= max)
      return { reason: 'infra', why: `${lost} runs of ${need.slot} were lost when Coldpass died`, about: null };
  }
  return null;
}

function budget(state: LoopState, phase: Phase): Park | null {
  const { hours, usd } = phase.spec.budget;
  if (state.nowMs >= phase.resumedAtMs + hours * 3_600_000)
    return { reason: 'budget', why: `the phase's ${hours} hours have passed`, about: null };
  const awake = Object.values(state.pending).some((command) => command.kind === 'session');
  const spent = phase.sessions.filter((s) => s.id > phase.resumed).reduce((sum, s) => sum + s.usd, 0);
  if (awake || spent < usd) return null;
  return { reason: 'budget', why: `$${spent.toFixed(2)} of the $${usd} budget is spent`, about: null };
}

function unverified(at: PhaseAt): Park | null {
  const { phase } = at;
  for (const claim of currentClaims(phase)) {
    const standing = standingOf(at, claim);
    if (standing.state !== 'green' || effectiveVerdict(phase, claim, standing)) continue;
    if (waiverOf(at, claim.gate, 'verdict') !== null) continue;
    const sessions = judgingsEnded(phase, claim, standing).length;
    if (sessions >= judgingsMax) {
      return {
        reason: 'unverified',
        why: `${sessions} sessions of the Adversary gave neither PASS nor FAIL on claim #${claim.id} of ${claim.gate}${notShown(phase)}`,
        about: claim.id,
      };
    }
  }
  return null;
}

/** How many of the Adversary's findings did not reproduce, in words. */
function notShown(phase: Phase): string {
  const many = unreproduced(phase).length;
  return many === 0 ? '' : `; ${many} of ${phase.findings.length} findings did not reproduce, and do not block`;
}

function aged(at: PhaseAt): Park | null {
  const { phase } = at;
  const claim = currentClaim(phase, DONE);
  if (!claim) return null;
  const standing = standingOf(at, claim);
  if (standing.state !== 'running') return null;
  const worst = Math.max(0, ...gatesUnder(phase.spec, claim.gate).map((gate) => ageings(at, claim, gate)));
  if (worst <= ageingsMax) return null;
  return {
    reason: 'aged',
    why: `the evidence for DONE has aged out ${worst} times without a verdict`,
    about: claim.id,
  };
}

/** How often a run that counted for the claim has become too old since the claim was made or the phase resumed. */
function ageings({ phase, nowMs }: PhaseAt, claim: Claim, gate: GateId): number {
  const since = Math.max(claim.atMs, phase.resumedAtMs);
  const stale = phase.runs.filter(
    (run) =>
      run.purpose.kind === 'gate' &&
      run.purpose.gate === gate &&
      run.sha === claim.sha &&
      run.outcome === 'PASS' &&
      run.atMs + evidenceMsMax > since &&
      run.atMs + evidenceMsMax <= nowMs,
  );
  return new Set(stale.map((run) => run.atMs)).size;
}

function word(phase: Phase): Park | null {
  const fails = phase.claims
    .flatMap((claim) => claim.verdicts)
    .filter((verdict) => verdict.verdict === 'FAIL' && verdict.id > phase.resumed);
  const onWord = fails.filter((verdict) =>
    verdict.findings.every((id) => !phase.findings.find((finding) => finding.id === id)?.reproducer),
  );
  const last = onWord.at(-1);
  if (!last || onWord.length < failsOnWordMax) return null;
  return {
    reason: 'word',
    why: `${onWord.length} FAILs rest on the Adversary's word alone, without a reproducer`,
    about: last.id,
  };
}

function sameFailure(at: PhaseAt): Park | null {
  const { phase } = at;
  for (const gate of gatesOf(phase.spec)) {
    const claims = phase.claims
      .filter((claim) => claim.gate === gate && claim.id > phase.resumed)
      .slice(-sameFailureMax);
    if (claims.length < sameFailureMax) continue;
    const prints = claims.map((claim) => fingerprint(at, claim));
    if (prints[0] !== null && prints.every((print) => print === prints[0])) {
      return {
        reason: 'failing',
        why: `${sameFailureMax} claims of ${gate} in a row failed in the same way`,
        about: claims.at(-1)?.id ?? null,
      };
    }
  }
  return null;
}

/** Describes what failed, without names that differ from run to run; null if the claim is not red. */
function fingerprint(at: PhaseAt, claim: Claim): string | null {
  const { phase } = at;
  const standing = standingOf(at, claim);
  if (standing.state !== 'red') return null;
  const bad = standing.requirements.find((requirement) => requirement.result === 'bad');
  const run = phase.runs.find((r) => r.id === bad?.at);
  return run
    ? `${bad?.condition} ${run.outcome} ${run.alike} ${run.unmet.join(' ')} ${run.control?.result ?? ''}`
    : null;
}

function backend(state: LoopState, phase: Phase): Park | null {
  for (const role of ['builder', 'adversary'] as const) {
    const failures = failuresInARow(phase, role);
    const last = phase.sessions.findLast((s) => s.for === role && s.end !== null && s.id > phase.resumed);
    if (last?.end === 'failed' && last.trouble?.stop) {
      return {
        reason: 'backend',
        why: `the model's service refuses the ${role}, and retrying will not help: see #${last.id} and how it ended`,
        about: last.id,
      };
    }
    if (failures >= state.limits.failedSessionsMax) {
      return {
        reason: 'backend',
        why: `the model could not be reached in ${failures} ${role} sessions in a row`,
        about: null,
      };
    }
  }
  return null;
}
