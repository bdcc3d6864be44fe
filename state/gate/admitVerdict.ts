// Decides whether a verdict may be given: it must be on the live claim, which must have green evidence; come from a
// session that saw this evidence; and have a check for every covered clause. Nothing here reads prose.

import type { EntryOf, Facts } from '../entry/entry.ts';
import { DONE, type EntryId } from '../entry/ids.ts';
import type { Claim, Finding, Phase, PhaseAt } from '../entry/phase.ts';
import { coveredBy } from '../entry/spec.ts';
import { currentClaim, effectiveVerdict, isBlocking, mayJudge, notClosed } from './gate.ts';
import { openFindings, reproducerRun, standingOf } from './standing.ts';

/** Null if the verdict may be appended, else why not. */
export function admitVerdict(at: PhaseAt, entry: EntryOf<'verdict'>): string | null {
  const { phase } = at;
  const { facts } = entry;
  const claim = currentClaim(phase, facts.gate);
  if (!claim || claim.id !== facts.claim)
    return `#${facts.claim} is not the live claim of ${facts.gate}${claim ? `; #${claim.id} is` : ''}`;
  const standing = standingOf(at, claim);
  const earlier = effectiveVerdict(phase, claim, standing);
  if (earlier) return `claim #${claim.id} has its verdict: ${earlier.verdict} (#${earlier.id})`;
  if (claim.verdicts.some((verdict) => verdict.session === facts.session))
    return 'this session has given its verdict on the claim';
  const why = mayJudge(phase, facts.session, standing);
  if (why) return `claim #${claim.id} cannot be judged: ${why}`;
  const unknown = facts.runs.find((run) => !phase.runs.some((known) => known.run === run));
  if (unknown) return `there is no run ${unknown}`;
  return unresolvedCite(phase, facts) ?? byVerdict(at, claim, facts);
}

function byVerdict(at: PhaseAt, claim: Claim, facts: Facts<'verdict'>): string | null {
  const { phase } = at;
  switch (facts.verdict) {
    case 'PASS':
      return admitPass(phase, claim, facts) ?? notClosed(at, claim.gate, 'adversary');
    case 'FAIL':
      return admitFail(phase, claim, facts.findings);
    case 'UNVERIFIED':
      return null;
    default:
      return facts.verdict satisfies never;
  }
}

function admitPass(phase: Phase, claim: Claim, facts: Facts<'verdict'>): string | null {
  const checked = new Set(facts.checks.map((check) => check.clause));
  const lacking = coveredBy(phase.spec, claim.gate).filter((clause) => !checked.has(clause));
  if (lacking.length > 0) return `a PASS needs a check for every covered clause; missing: ${lacking.join(', ')}`;
  if (claim.gate === DONE) {
    const veto = phase.vetoes.find((v) => v.lifted === null);
    if (veto) return `veto #${veto.id} stands`;
  }
  const unanswered = openFindings(phase, claim.gate).map((finding) => whyStillOpen(phase, claim, finding, facts));
  const open = unanswered.find((why) => why !== null);
  if (open) return open;
  if (facts.findings.length > 0) return 'a PASS names no findings';
  return facts.served ? null : 'a PASS says which diff was served to its session, whole';
}

/** Why a PASS does not settle the finding; null if it does. */
function whyStillOpen(phase: Phase, claim: Claim, finding: Finding, { closes }: Facts<'verdict'>): string | null {
  const answer = closes.find((closing) => closing.finding === finding.id);
  if (!answer) return `finding #${finding.id} is open: a PASS answers it in \`closes\``;
  if (answer.answers.length !== finding.fix.length)
    return `finding #${finding.id} has ${finding.fix.length} criteria; answer each`;
  if (!finding.reproducer) return null;
  const run = reproducerRun(phase, claim, finding);
  if (!run) return `the reproducer of finding #${finding.id} has not run at this claim yet: wait for it`;
  return run.reproducer === 'red'
    ? `the reproducer of finding #${finding.id} is red at this claim (${run.run}): it cannot pass`
    : null;
}

function admitFail(phase: Phase, claim: Claim, named: EntryId[]): string | null {
  if (named.length === 0) return 'a FAIL names at least one open finding that blocks; file it first';
  const open = openFindings(phase, claim.gate);
  const findings = named.map((id) => open.find((finding) => finding.id === id));
  const missing = named.find((_, i) => !findings[i]);
  if (missing !== undefined) return `#${missing} is not an open finding of ${claim.gate}`;
  if (findings.some((finding) => finding && isBlocking(phase, claim, finding))) return null;
  const waiting = findings.find((finding) => finding?.reproducer && !reproducerRun(phase, claim, finding));
  if (waiting) return `the reproducer of finding #${waiting.id} has not run at this claim yet: wait for it`;
  return 'no finding that this names blocks: its reproducer did not run red at this claim';
}

/**
 * A check must cite a run on the trail, or a tool result of the verdict's session (the supervisor provides its digest).
 */
function unresolvedCite(phase: Phase, facts: Facts<'verdict'>): string | null {
  for (const check of facts.checks) {
    for (const cite of check.cites) {
      if ('run' in cite && !phase.runs.some((run) => run.run === cite.run))
        return `the check of ${check.clause} cites ${cite.run}, which is no run on the trail`;
    }
  }
  return null;
}
