// Two states of the model count as one if they have the same future, and so the same key. The key contains what the
// rules read: whether the tree of a replaced claim may be claimed again; the results of runs, and whether they still
// count; the order of the entry numbers that are compared; and how much is left of each time limit.

import { failuresInARow } from '../../../loop/decide/park.ts';
import { currentClaims } from '../../../loop/decide/runsWanted.ts';
import { backoffUntilMs } from '../../../loop/decide/wake.ts';
import { DONE, type EntryId } from '../../../state/entry/ids.ts';
import { type Claim, livePhase, type Phase, phaseAt, type Run } from '../../../state/entry/phase.ts';
import { uncounted } from '../../../state/entry/record.ts';
import { gatesAndDone, gatesOf } from '../../../state/entry/spec.ts';
import { evidenceMsMax } from '../../../state/fold/evidence.ts';
import { slotOf } from '../../../state/fold/requirement.ts';
import { claimsLeft } from '../../../state/gate/caps.ts';
import { currentClaim, effectiveVerdict, judgingsEnded, mayJudge } from '../../../state/gate/gate.ts';
import { standingOf } from '../../../state/gate/standing.ts';
import type { ModelState } from './model.ts';

/** Returns the state's key. An ended phase has no future: its key only says how it ended, or which rule it broke. */
export function keyOf(state: ModelState, whatIsWrong: (state: ModelState) => string | null): string {
  const phase = livePhase(state.loop.trail);
  if (!phase) return state.broken ?? whatIsWrong(state) ?? Object.values(state.loop.trail.phases)[0]?.status ?? 'none';
  const compared = new Set<number>();
  const rank = (n: number | undefined): string | null => {
    if (n === undefined) return null;
    compared.add(n);
    return `#${n}#`;
  };
  const { shas: _shas, ...used } = state.used;
  const parts = [
    [phase.status, phase.parked?.reason, claimsLeft(phase), used, state.left, state.broken],
    currentClaims(phase).map((claim) => claimKey(state, phase, claim, rank)),
    oldClaims(state, phase),
    openThings(phase, rank),
    waiverKeys(state, phase),
    runKeys(state, phase),
    sessionKeys(state, phase, rank),
    pendingKeys(state, phase),
  ];
  const ranks = new Map([...compared].sort((a, b) => a - b).map((n, i) => [n, i]));
  return JSON.stringify(parts).replace(/#(\d+)#/g, (_, n) => `#${ranks.get(Number(n))}`);
}

type Rank = (n: number | undefined) => string | null;

function claimKey(state: ModelState, phase: Phase, claim: Claim, rank: Rank): unknown {
  const { nowMs } = state.loop;
  const standing = standingOf(phaseAt(phase, nowMs), claim);
  const verdict = effectiveVerdict(phase, claim, standing);
  const fromAwakeSessions = claim.verdicts.filter((v) =>
    phase.sessions.some((s) => s.session === v.session && s.end === null),
  ).length;
  const pass = claim.verdicts.findLast((v) => v.verdict === 'PASS');
  return [
    claim.gate,
    shaKey(phase, claim.sha),
    Object.values(claim.references).map((sha) => shaKey(phase, sha)),
    standing.state,
    'at' in standing ? rank(standing.at) : null,
    state.timed && phase.waivers.length > 0
      ? standing.requirements.map((requirement) => (requirement.at === 0 ? null : rank(requirement.at)))
      : null,
    verdict && [rank(verdict.id), verdict.verdict],
    pass && [
      mayJudge(phase, pass.session, standing) === null,
      state.timed && phase.waivers.length > 0 ? rank(pass.id) : null,
    ],
    fromAwakeSessions,
    judgingsEnded(phase, claim, standing).length,
    [sabotageTried(phase, claim.id), phase.sabotages.filter((one) => one.claim === claim.id).length],
    phase.findings.map((finding) => finding.closed === null && finding.id < claim.id),
    [claim.atMs + evidenceMsMax > nowMs, claim.id > phase.resumed, claim.touches.length],
  ];
}

/**
 * Whether a session that was asked for a patch on this claim ended normally. If so, no such session wakes again until a
 * resume.
 */
function sabotageTried(phase: Phase, claim: EntryId): boolean {
  return phase.sessions.some(
    (s) => s.end === 'finished' && s.id > phase.resumed && s.reason.kind === 'sabotage' && s.reason.claim === claim,
  );
}

/**
 * What matters of old claims: whether their tree may be claimed again, whether they repeat one failure, and how many
 * FAILs were given on word alone.
 */
function oldClaims(state: ModelState, phase: Phase): unknown {
  const { nowMs } = state.loop;
  const words = phase.claims.flatMap((c) => c.verdicts).filter((v) => v.verdict === 'FAIL' && v.id > phase.resumed);
  const onWord = words.filter((v) =>
    v.findings.every((id) => !phase.findings.find((f) => f.id === id)?.reproducer),
  ).length;
  const red = (claim: Claim): boolean => {
    const standing = standingOf(phaseAt(phase, nowMs), claim);
    const verdict = effectiveVerdict(phase, claim, standing);
    const at = standing.state === 'red' ? standing.at : verdict?.verdict === 'FAIL' ? verdict.id : 0;
    return at > phase.barChanged;
  };
  const latest = phase.claims.at(-1)?.sha;
  const barred = phase.claims.filter((c) => c.sha === latest && red(c)).map((c) => c.gate);
  const prints = gatesOf(phase.spec).map((gate) =>
    phase.claims
      .filter((c) => c.gate === gate && c.id > phase.resumed)
      .slice(-3)
      .map((c) => {
        const standing = standingOf(phaseAt(phase, nowMs), c);
        const bad = standing.requirements.find((requirement) => requirement.result === 'bad');
        const run = phase.runs.find((r) => r.id === bad?.at);
        return [standing.state === 'red', bad?.condition, run?.outcome, run?.alike[0], run?.control?.result];
      }),
  );
  const claimed = gatesAndDone(phase.spec).map(
    (gate) => phase.claims.some((c) => c.gate === gate) && !currentClaim(phase, gate),
  );
  return [onWord, [...new Set(barred)], prints, claimed, latest && shaKey(phase, latest)];
}

/** Only claims after this entry count towards a dispute of the finding: its last dispute, or else the finding. */
function disputedFrom(phase: Phase, finding: number): number {
  return phase.blocked.findLast((blocked) => blocked.disputes === finding)?.id ?? finding;
}

function openThings(phase: Phase, rank: Rank): unknown {
  const accepted = Math.max(
    0,
    ...phase.claims.flatMap((c) => c.verdicts.filter((v) => v.verdict === 'PASS').map((v) => v.id)),
  );
  const vetoes = phase.vetoes.filter((v) => v.lifted === null);
  return [
    phase.findings
      .filter((f) => f.closed === null)
      .map((f) => [
        f.gate,
        f.reproducer !== null,
        Math.min(2, phase.claims.filter((c) => c.gate === f.gate && c.id > disputedFrom(phase, f.id)).length),
      ]),
    vetoes.map((v) => {
      const looked = phase.sessions.findLast(
        (s) => s.end === 'finished' && s.reason.kind === 'veto' && s.reason.veto === v.id,
      );
      const awake = phase.sessions.some((s) => s.end === null && s.reason.kind === 'veto');
      return [
        v.by,
        accepted > v.id,
        accepted > (looked?.id ?? 0),
        awake ? [rank(accepted), rank(phase.sessions.at(-1)?.id)] : null,
      ];
    }),
    phase.blocked
      .filter((b) => b.closed === null)
      .map((b) => {
        const tried = phase.sessions.some(
          (s) => s.end === 'finished' && s.reason.kind === 'advise' && s.reason.blocked === b.id,
        );
        return [b.blocks, b.disputes !== null, b.advice !== null, tried, b.id > phase.resumed];
      }),
  ];
}

function waiverKeys(state: ModelState, phase: Phase): unknown {
  const { nowMs } = state.loop;
  return phase.waivers
    .filter((w) => nowMs < w.untilMs)
    .map((w) => [w.gate, w.condition, state.timed ? w.untilMs - nowMs : 0]);
}

/**
 * Names a tree by what a new claim could still do with it: the base, a current claim's tree, or the newest tree; any
 * other is `past`.
 */
function shaKey(phase: Phase, sha: string): string {
  if (sha === phase.base) return 'base';
  if (sha === phase.claims.at(-1)?.sha) return 'newest';
  const current = currentClaims(phase).find((claim) => claim.sha === sha);
  return current ? current.gate : 'past';
}

function runKeys(state: ModelState, phase: Phase): unknown {
  const { limits } = state.loop;
  const counted = phase.runs.filter((run) => !uncounted.has(run.outcome) && matters(phase, run));
  const lost = new Map<string, number>();
  for (const run of phase.runs) {
    if (!uncounted.has(run.outcome) || run.outcome === 'CANCELLED' || run.id < phase.resumed) continue;
    const claim = 'claim' in run.purpose ? run.purpose.claim : null;
    if (claim !== null && !currentClaims(phase).some((c) => c.id === claim)) continue;
    const slot = `${nameOf(phase, run)} ${run.outcome}`;
    lost.set(slot, Math.min(limits.uncountedRunsMax, (lost.get(slot) ?? 0) + 1));
  }
  return [[...new Set(counted.map((run) => runKey(phase, run, state)))].sort(), [...lost].sort()];
}

function matters(phase: Phase, run: Run): boolean {
  if (run.purpose.kind === 'base') return true;
  if (isLifted(phase, run)) return false;
  return shaKey(phase, run.sha) !== 'past';
}

/** Whether the run's result equals that of the tree's first run, since results are only compared with each other. */
function likeFirst(phase: Phase, run: Run): boolean {
  const first = phase.runs.find(
    (r) => r.purpose.kind === 'gate' && r.tree === run.tree && !uncounted.has(r.outcome) && !isLifted(phase, r),
  );
  return first?.alike === run.alike;
}

/** Whether this is a gate run from before the act that closed its flake: such runs never count again. */
function isLifted(phase: Phase, run: Run): boolean {
  if (run.purpose.kind !== 'gate') return false;
  return Object.entries(phase.lifted).some(
    ([id, act]) => act > run.id && phase.runs.find((r) => r.id === Number(id))?.tree === run.tree,
  );
}

/** Names the run's slot. Instead of the claim's number, the name has the claim's gate, or `old`. */
function nameOf(phase: Phase, run: Run): string {
  const { purpose } = run;
  if (!('claim' in purpose)) return slotOf(purpose);
  const claim = phase.claims.find((c) => c.id === purpose.claim);
  const whose = claim && currentClaim(phase, claim.gate)?.id === claim.id ? claim.gate : 'old';
  const finding = purpose.kind === 'reproducer' ? phase.findings.findIndex((f) => f.id === purpose.finding) : '';
  const from = purpose.kind === 'kept' ? shaKey(phase, purpose.from) : '';
  return `${purpose.kind} ${whose} ${from} ${'gate' in purpose ? purpose.gate : ''} ${purpose.kind === 'gate' ? purpose.k : ''} ${finding}`;
}

/**
 * The key of a run. Runs that are too old still differ by result: they can disagree with newer runs, and count as aged
 * for a while.
 */
function runKey(phase: Phase, run: Run, { timed, loop: { nowMs } }: ModelState): string {
  const done = currentClaim(phase, DONE);
  const since = Math.max(done?.atMs ?? 0, phase.resumedAtMs);
  const isStale = nowMs >= run.atMs + evidenceMsMax;
  const young = done && timed ? nowMs - run.atMs : 0;
  const ages = isStale ? (run.atMs + evidenceMsMax > since ? `aged ${since - run.atMs}` : 'old') : young;
  const first = phase.runs.find(
    (r) =>
      r.purpose.kind === 'gate' &&
      !uncounted.has(r.outcome) &&
      !isLifted(phase, r) &&
      nameOf(phase, r) === nameOf(phase, run),
  );
  return JSON.stringify([
    nameOf(phase, run),
    shaKey(phase, run.sha),
    run.outcome,
    likeFirst(phase, run),
    run.control?.result,
    run.kept?.result,
    run.reproducer,
    ages,
    run.purpose.kind === 'gate' && first?.id === run.id,
  ]);
}

function sessionKeys(state: ModelState, phase: Phase, rank: Rank): unknown {
  const builders = phase.sessions.filter((s) => s.for === 'builder');
  const naturals = builders.filter((s) => s.end === 'finished' && s.id > phase.resumed);
  const sinceClaim = Math.max(phase.resumed, phase.claims.at(-1)?.id ?? 0);
  const awake = phase.sessions
    .filter((s) => s.end === null)
    .map((s) => {
      const claim =
        s.reason.kind === 'judge'
          ? phase.claims.find((c) => s.reason.kind === 'judge' && c.id === s.reason.claim)
          : undefined;
      const mine = claim
        ? mayJudge(phase, s.session, standingOf(phaseAt(phase, state.loop.nowMs), claim)) === null
        : null;
      return [
        s.for,
        s.reason.kind,
        claim?.gate,
        claim && currentClaim(phase, claim.gate)?.id === claim.id,
        mine,
        s.vetoed,
        rank(s.id),
      ];
    });
  const failing = (['builder', 'adversary'] as const).map((role) => [
    failuresInARow(phase, role),
    Math.max(0, backoffUntilMs(state.loop, phase, role) - state.loop.nowMs),
  ]);
  return [
    rank(builders.at(-1)?.id),
    naturals.length > 0 && [rank(naturals.at(-1)?.id), rank(phase.lastProgress)],
    Math.min(state.loop.limits.sessionsWithoutClaimMax, naturals.filter((s) => s.id > sinceClaim).length),
    phase.resumed > (builders.at(-1)?.id ?? 0),
    awake,
    failing,
  ];
}

function pendingKeys(state: ModelState, phase: Phase): unknown {
  return Object.values(state.loop.pending)
    .filter((command) => command.kind !== 'timer')
    .map((command) =>
      command.kind === 'run' ? `run ${nameOf(phase, { purpose: command.need.purpose } as Run)}` : command.key,
    )
    .sort();
}
