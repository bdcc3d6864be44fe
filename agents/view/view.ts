// What a role is told about a phase when it wakes, as plain data: from the fold and the gate rule, with the words of
// the entries that they refer to. Pure; `projection.ts` writes it out.

import type { WakeReason } from '../../state/entry/entry.ts';
import { DONE, type EntryId, type GateId, type RunId, type Sha } from '../../state/entry/ids.ts';
import type { Claim, Phase, PhaseAt, Run } from '../../state/entry/phase.ts';
import { coveredBy, gatesAndDone } from '../../state/entry/spec.ts';
import { currentClaim, type GateReport, gateReport, isBlocking } from '../../state/gate/gate.ts';
import { reproducerRun } from '../../state/gate/standing.ts';

const trialsShown = 3;
const answersShown = 5;

/** What the fold does not contain: texts of entries, details of runs, the branch, and what is left to spend. */
export type ViewSource = {
  /** The body of an entry: its author's words. */
  words(id: EntryId): string;
  /** Tests that failed in a run. */
  failing(run: RunId): FailedTest[];
  /** The head of `phase/<id>`. */
  head: Sha;
  left: { usd: number; hours: number; claims: number };
};

export type FailedTest = { id: string; message: string };
export type Quote = { id: EntryId; title: string; words: string };

export type PhaseView = {
  phase: string;
  title: string;
  woken: { reason: WakeReason['kind']; about: EntryId | null; gate: GateId | null };
  head: Sha;
  base: Sha;
  left: ViewSource['left'];
  gates: GateView[];
  runs: RunView[];
  findings: FindingView[];
  vetoes: (Quote & { by: string; until: string[] })[];
  requests: (Quote & {
    verify: string;
    blocks: GateId[];
    options: string[];
    disputes: EntryId | null;
    advice: string | null;
    answer: { act: string; because: string } | null;
  })[];
  waivers: { id: EntryId; gate: GateId; condition: string; untilMs: number }[];
  operatorNotes: { id: EntryId; text: string }[];
  /** Open notes, decisions and deferrals, by either role. */
  notes: (Quote & { kind: 'note' | 'decision' | 'deferral'; by: string })[];
  /** The Builder's open backlog items and journal entries; the Adversary is shown neither. */
  items: Quote[];
  journal: Quote[];
};

export type GateState = 'unclaimed' | 'running' | 'red' | 'held' | 'green' | 'passed' | 'failed' | 'holds' | 'waived';
export type GateView = {
  gate: GateId;
  state: GateState;
  covers: string[];
  requires: GateId[];
  claim: (Quote & { sha: Sha }) | null;
  verdict: (Quote & { verdict: string }) | null;
  unmet: { condition: string; why: string }[];
};
export type RunView = {
  run: RunId;
  /** Why it ran, in words. */
  purpose: string;
  sha: Sha;
  outcome: string;
  level: number;
  counts: Run['counts'];
  reason: string;
  /** The result of a control or a reproducer; empty for other runs. */
  shows: string;
  unmet: string[];
  failing: FailedTest[];
};
export type FindingView = Quote & {
  gate: GateId;
  fix: string[];
  blocks: boolean;
  reproducer: { path: string; command: string; last: string } | null;
};

/** The phase at `nowMs`, for a role that wakes for `reason`. */
export function viewOf(at: PhaseAt, reason: WakeReason, source: ViewSource): PhaseView {
  const { phase, nowMs } = at;
  const quote = (item: { id: EntryId; title: string }): Quote => ({ ...item, words: source.words(item.id) });
  const open = phase.writings.filter((thing) => thing.closed === null);
  const gates = gatesAndDone(phase.spec);
  return {
    phase: phase.id,
    title: phase.spec.title,
    woken: wokenBy(phase, reason),
    head: source.head,
    base: phase.base,
    left: source.left,
    gates: gates.map((gate) => gateView(phase, gateReport(at, gate), source)),
    runs: runsShown(at, gates).map((run) => runView(run, source)),
    findings: phase.findings
      .filter((finding) => finding.closed === null)
      .map((finding) => findingView(phase, finding, source)),
    vetoes: phase.vetoes
      .filter((veto) => veto.lifted === null)
      .map(({ id, title, by, until }) => ({ ...quote({ id, title }), by, until })),
    requests: requestsShown(phase).map(({ id, action, verify, blocks, options, disputes, advice, answer }) => ({
      ...quote({ id, title: action }),
      verify,
      blocks,
      options,
      disputes,
      advice: advice === null ? null : source.words(advice),
      answer,
    })),
    waivers: phase.waivers.filter((waiver) => nowMs < waiver.untilMs),
    operatorNotes: phase.operatorNotes,
    notes: [...open, ...openDeferrals(phase)].flatMap(({ id, title, kind, by }) =>
      kind === 'item' || kind === 'journal' ? [] : { ...quote({ id, title }), kind, by },
    ),
    items: open.flatMap(({ id, title, kind }) => (kind === 'item' ? quote({ id, title }) : [])),
    journal: open.flatMap(({ id, title, kind }) => (kind === 'journal' ? quote({ id, title }) : [])),
  };
}

/** Open requests, and the newest of those that the operator has answered. */
function requestsShown(phase: Phase): Phase['blocked'] {
  const answered = phase.blocked.filter(({ answer }) => answer !== null).slice(-answersShown);
  return phase.blocked.filter((request) => request.closed === null || answered.includes(request));
}

/** Open deferrals, also of earlier phases: the role that wrote one closes it in the phase that takes it up. */
function openDeferrals(phase: Phase) {
  const open = phase.deferrals.filter((deferral) => deferral.closed === null);
  return open.map(({ id, name, title, by, reentry }) => ({
    id,
    kind: 'deferral' as const,
    by,
    title: `${name}: ${title}${reentry === phase.id ? ' (this phase takes it up: it is closed as done before DONE)' : ''}`,
  }));
}

function wokenBy(phase: Phase, reason: WakeReason): PhaseView['woken'] {
  switch (reason.kind) {
    case 'work':
      return { reason: 'work', about: null, gate: null };
    case 'red':
    case 'failed':
    case 'judge':
    case 'sabotage': {
      const claim = phase.claims.find(({ id }) => id === reason.claim);
      return { reason: reason.kind, about: reason.claim, gate: claim?.gate ?? null };
    }
    case 'advise':
      return { reason: 'advise', about: reason.blocked, gate: null };
    case 'veto':
      return { reason: 'veto', about: reason.veto, gate: null };
    default:
      return reason satisfies never;
  }
}

function gateView(phase: Phase, report: GateReport, source: ViewSource): GateView {
  const { gate, claim, verdict, conditions } = report;
  const unmet = conditions.flatMap(({ name, unmet: whys }) => whys.map((why) => ({ condition: name, why })));
  return {
    gate,
    state: stateOf(report),
    covers: gate === DONE ? [] : coveredBy(phase.spec, gate),
    requires: phase.spec.gates[gate]?.requires ?? [],
    claim: claim && { id: claim.id, title: '', words: source.words(claim.id), sha: claim.sha },
    verdict: verdict && { id: verdict.id, title: '', words: source.words(verdict.id), verdict: verdict.verdict },
    unmet: report.holds ? [] : unmet,
  };
}

function stateOf({ holds, claim, standing, verdict, conditions }: GateReport): GateState {
  if (holds) return conditions.every((condition) => condition.met) ? 'holds' : 'waived';
  if (!claim || !standing) return 'unclaimed';
  if (standing.state !== 'green') return verdict?.verdict === 'FAIL' ? 'failed' : standing.state;
  if (!verdict) return 'green';
  return verdict.verdict === 'FAIL' ? 'failed' : 'passed';
}

/**
 * The runs that live claims rest on, other runs made for these claims, and the newest trials; oldest first, each once.
 */
function runsShown(at: PhaseAt, gates: GateId[]): Run[] {
  const { phase } = at;
  const shown = new Set(gates.flatMap((gate) => runsOf(phase, gateReport(at, gate))));
  const trials = phase.runs.filter((run) => run.purpose.kind === 'trial').slice(-trialsShown);
  return phase.runs.filter((run) => shown.has(run.run) || trials.includes(run));
}

function runsOf(phase: Phase, { claim, standing }: GateReport): RunId[] {
  if (!claim) return [];
  const rests = (standing?.requirements ?? []).flatMap((requirement) => requirement.run ?? []);
  return [...rests, ...phase.runs.filter((run) => isOf(run, claim)).map((run) => run.run)];
}

function isOf(run: Run, claim: Claim): boolean {
  return 'claim' in run.purpose && run.purpose.claim === claim.id;
}

function runView(run: Run, source: ViewSource): RunView {
  const { sha, outcome, level, counts, reason, unmet, control, reproducer } = run;
  const shows = control ? `${control.result}: ${control.why}` : (reproducer ?? '');
  return {
    run: run.run,
    purpose: purposeOf(run),
    sha,
    outcome,
    level,
    counts,
    reason,
    shows,
    unmet,
    failing: source.failing(run.run),
  };
}

function purposeOf({ purpose }: Run): string {
  switch (purpose.kind) {
    case 'gate':
      return `gate ${purpose.gate} for claim #${purpose.claim}, run ${purpose.k}`;
    case 'control':
      return `control ${purpose.control} of ${purpose.gate} for claim #${purpose.claim}`;
    case 'reproducer':
      return `reproducer of finding #${purpose.finding} at claim #${purpose.claim}`;
    case 'base':
      return `the base's own, recipe ${purpose.recipe}`;
    case 'kept':
      return `tests of ${purpose.from} over the code of claim #${purpose.claim}`;
    case 'holdout':
      return `the operator's hold-outs over claim #${purpose.claim}`;
    case 'trigger':
      return `the trigger of deferral #${purpose.deferral}`;
    case 'trial':
      return `trial by the ${purpose.by}`;
    default:
      return purpose satisfies never;
  }
}

function findingView(phase: Phase, finding: Phase['findings'][number], source: ViewSource): FindingView {
  const { id, gate, title, fix, reproducer } = finding;
  const claim = currentClaim(phase, gate);
  const run = claim && reproducerRun(phase, claim, finding);
  const last = run ? `${run.reproducer ?? run.outcome} in ${run.run}` : 'has not run at the newest claim';
  return {
    id,
    gate,
    title,
    fix,
    words: source.words(id),
    blocks: isBlocking(phase, claim, finding),
    reproducer: reproducer ? { path: reproducer.path, command: reproducer.command, last } : null,
  };
}
