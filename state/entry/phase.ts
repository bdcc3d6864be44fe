// The current state of a trail and its phases, as data, computed from the entries by `fold/fold.ts`. Statuses that can
// be derived (a claim's standing, what is open for the operator) are not stored: see `standing.ts`, `gate.ts` and
// `inbox.ts` in `gate/`.

import type { Waivable } from './act.ts';
import type { Facts, ParkReason, SessionEnd, Trigger, WakeReason } from './entry.ts';
import type {
  AgentRole,
  DeferralName,
  Digest,
  EntryId,
  GateId,
  PhaseId,
  RecipeName,
  RunId,
  SessionId,
  Sha,
} from './ids.ts';
import { noRefusals, type Refusals } from './refusal.ts';
import type { ClaimExpects, PhaseSpec } from './spec.ts';

export type Verdict = {
  id: EntryId;
  verdict: 'PASS' | 'FAIL' | 'UNVERIFIED';
  session: SessionId;
  findings: EntryId[];
  atMs: number;
};
export type Claim = {
  id: EntryId;
  gate: GateId;
  sha: Sha;
  tree: Sha;
  atMs: number;
  descends: EntryId[];
  precedes: EntryId[];
  references: Record<string, Sha>;
  keeps: Record<string, Sha[]>;
  functions: Record<string, number>;
  expects: ClaimExpects;
  touches: string[];
  verdicts: Verdict[];
  withdrawn: EntryId | null;
};
export type Run = Pick<
  Facts<'run'>,
  | 'run'
  | 'purpose'
  | 'recipe'
  | 'recipeDigest'
  | 'outcome'
  | 'level'
  | 'alike'
  | 'reason'
  | 'unmet'
  | 'control'
  | 'kept'
  | 'reproducer'
  | 'sandbox'
  | 'counts'
> & { id: EntryId; sha: Sha /** Null if nothing was cloned. */; tree: Sha | null; atMs: number };
export type Finding = {
  id: EntryId;
  gate: GateId;
  /** The claim that the finding is against; null if it is against none. */
  claim: EntryId | null;
  title: string;
  /** The beginning of what the author wrote. */
  words: string;
  fix: string[];
  reproducer: Facts<'finding'>['reproducer'] | null;
  closed: EntryId | null;
};
/** A patch by the Adversary that the tests of a claim must notice. */
export type Sabotage = { id: EntryId; claim: EntryId; gate: GateId; edits: Facts<'sabotage'>['edits'] };
export type Veto = {
  id: EntryId;
  by: 'adversary' | 'operator';
  title: string;
  until: string[];
  lifted: EntryId | null;
};
export type Blocked = {
  id: EntryId;
  action: string;
  verify: string;
  blocks: GateId[];
  options: string[];
  disputes: EntryId | null;
  words: string;
  advice: EntryId | null;
  closed: EntryId | null;
  /** The operator's answer. */
  answer: { act: 'approve' | 'refuse' | 'lift'; because: string } | null;
};
export type Waiver = { id: EntryId; gate: GateId; condition: Waivable; untilMs: number };
export type Session = {
  id: EntryId;
  session: SessionId;
  for: AgentRole;
  reason: WakeReason;
  shownRuns: RunId[];
  usd: number;
  end: SessionEnd | null;
  endedAtMs: number;
  /** Set if the back end failed. `stop`: retrying cannot help. `untilMs`: when to retry, if known. */
  trouble: { stop: boolean; untilMs: number } | null;
  published: Sha | null;
  vetoed: boolean;
};
/** A note, item, journal entry or decision: an entry that its author may still close. */
export type Writing = {
  id: EntryId;
  kind: 'note' | 'item' | 'journal' | 'decision';
  by: AgentRole;
  title: string;
  closed: EntryId | null;
};

export type Phase = {
  id: PhaseId;
  status: 'open' | 'parked' | 'done' | 'abandoned';
  opened: EntryId;
  plan: Digest;
  spec: PhaseSpec;
  base: Sha;
  recipes: Record<string, Digest>;
  /** Names of the `recipes` that are app recipes. */
  apps: RecipeName[];
  /** Digest of the hold-outs folder, as the operator queued it. */
  holdout: Digest | null;
  /** Digests of all recipes ever pinned. Runs of a recipe that is no longer pinned stay on record but do not count. */
  pinned: Digest[];
  /**
   * For each gate whose own spec an act amended, the newest such act; under DONE, the newest act that changed what
   * judges every gate.
   */
  amended: Record<string, EntryId>;
  sandbox: 'bubblewrap' | 'none';
  parked: { id: EntryId; reason: ParkReason; why: string; about: EntryId | null } | null;
  /** An act that the supervisor has yet to answer with `resumed` or `abandoned`. */
  actToAnswer: { act: 'resume' | 'drop'; id: EntryId } | null;
  /** The newest `opened` or `resumed` entry: the counters for parking start there. */
  resumed: EntryId;
  resumedAtMs: number;
  /** The newest act that changed the bar (waive, lift): after it, a tree that was red may be claimed again. */
  barChanged: EntryId;
  /** The newest entry that changed more than notes. A wake that began after it and has ended changed nothing. */
  lastProgress: EntryId;
  claims: Claim[];
  runs: Run[];
  findings: Finding[];
  vetoes: Veto[];
  sabotages: Sabotage[];
  blocked: Blocked[];
  waivers: Waiver[];
  /** Flakes that the operator closed: the entry of the disagreeing run → the entry of the act. */
  lifted: Record<number, EntryId>;
  sessions: Session[];
  writings: Writing[];
  /** The trail's deferrals as this phase last knew them, with those of earlier phases, which later phases close. */
  deferrals: Deferral[];
  operatorNotes: { id: EntryId; text: string }[];
};

export type QueuedPhase = {
  id: EntryId;
  phase: PhaseId;
  plan: Digest;
  recipes: Record<string, Digest>;
  apps: RecipeName[];
  baseSha: Sha;
  holdout: Digest | null;
};
export type TrailState = {
  lastId: number;
  phases: Record<string, Phase>;
  queue: QueuedPhase[];
  deferrals: Deferral[];
  /** The newest `done` or `abandoned` entry. */
  ended: EntryId | 0;
  nonces: Record<string, EntryId>;
  refusals: Refusals;
};

export const emptyTrail: TrailState = {
  lastId: 0,
  phases: {},
  queue: [],
  deferrals: [],
  ended: 0,
  nonces: {},
  refusals: noRefusals,
};

/** True if an app recipe judges the gate. */
export function isAppGate({ apps, spec }: Pick<Phase, 'apps' | 'spec'>, gate: GateId): boolean {
  const recipe = spec.gates[gate]?.recipe;
  return recipe !== undefined && apps.includes(recipe);
}

/** The phase that is open or parked, at most one; null if none is. */
export function livePhase(state: TrailState): Phase | null {
  return Object.values(state.phases).find((phase) => phase.status === 'open' || phase.status === 'parked') ?? null;
}

export type Deferral = {
  id: EntryId;
  name: DeferralName;
  title: string;
  by: AgentRole;
  /** The phase that put the work off. */
  phase: PhaseId;
  trigger: Trigger;
  closed: EntryId | null;
  closedAs: Facts<'close'>['as'] | null;
  /** The newest run of the trigger's command. */
  look: { id: EntryId; atMs: number } | null;
  /**
   * `isGreen`: the result of the newest conclusive run; false before the first. `greenIn`: the run that turned it true.
   */
  isGreen: boolean;
  greenIn: RunId | null;
  /** How often the trigger's command turned from red to green. */
  edges: number;
  /** The newest re-entry proposal, and the act that answered it. */
  proposal: { id: EntryId; edge: number; answer: EntryId | null } | null;
  /** The newest phase that the operator queued to take the work up again. */
  reentry: PhaseId | null;
};

/** A phase at one moment. */
export type PhaseAt = {
  phase: Phase;
  nowMs: number;
  /** Results computed for this moment, by the object that they are about: rules ask the same again and again. */
  known: Map<object, unknown>;
};

export function phaseAt(phase: Phase, nowMs: number): PhaseAt {
  return { phase, nowMs, known: new Map() };
}

/** A claim as evidence of one gate, at one moment. The gate is the claim's own, or for DONE each gate in turn. */
export type ClaimAt = PhaseAt & { claim: Claim; gate: GateId };
