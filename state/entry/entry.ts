// Every kind of entry on the trail, as data: one zod object per kind. `facts` is the content of the machine comment
// without the envelope; `body` is the author's words. `framing.ts` renders and parses entries; `policy.ts` decides who
// may write what.

import { z } from 'zod';
import { Act, Fingerprint } from './act.ts';
import {
  AgentRole,
  DeferralName,
  Digest,
  EntryId,
  GateId,
  type PhaseId,
  RecipeName,
  type Role,
  RunId,
  SessionId,
  Sha,
  Stamp,
  TreePath,
} from './ids.ts';
import { Control, Kept, Outcome, Purpose, reasonCharsMax } from './record.ts';
import { ClaimExpects, PhaseSpec } from './spec.ts';

export const bodyBytesMax = 32 * 1024;
export const reproducerBytesMax = 16 * 1024;
export const sabotageEditsMax = 10;
/** How many protected paths a claim lists at most. A single one is enough to make the claim wait for the operator. */
export const touchesMax = 50;

const Line = z.string().min(1).max(1000);
const session = { session: SessionId };
const shas = z.record(z.string(), Sha);

export const PhaseOpened = z.strictObject({
  event: z.literal('opened'),
  queue: EntryId,
  plan: Digest,
  base: Sha,
  recipes: z.record(RecipeName, Digest),
  /** Names of the `recipes` that are app recipes: their gates have other controls. */
  apps: z.array(RecipeName).min(1).optional(),
  holdout: Digest.nullable().default(null),
  spec: PhaseSpec,
  sandbox: z.enum(['bubblewrap', 'none']),
  uid: z.enum(['own', 'shared']),
});
/** Why a phase is parked. For each reason, the inbox names the acts that get the phase out of it. */
export const ParkReason = z.enum([
  'idle',
  'unverified',
  'blocked',
  'dispute',
  'infra',
  'failing',
  'budget',
  'aged',
  'word',
  'backend',
  'calibration',
]);
export type ParkReason = z.infer<typeof ParkReason>;

export const PhaseFacts = z.discriminatedUnion('event', [
  PhaseOpened,
  z.strictObject({
    event: z.literal('parked'),
    reason: ParkReason,
    why: z.string().max(2000),
    about: EntryId.nullable(),
  }),
  z.strictObject({ event: z.literal('resumed'), act: EntryId }),
  z.strictObject({ event: z.literal('done'), claim: EntryId, sha: Sha }),
  z.strictObject({ event: z.literal('abandoned'), act: EntryId }),
]);

/** Why a role was woken: `decide` chooses the reason, and the agent gets it in words. */
export const WakeReason = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('work') }),
  z.strictObject({ kind: z.literal('red'), claim: EntryId }),
  z.strictObject({ kind: z.literal('failed'), claim: EntryId }),
  z.strictObject({ kind: z.literal('judge'), claim: EntryId }),
  z.strictObject({ kind: z.literal('advise'), blocked: EntryId }),
  /**
   * The claim's controls are inconclusive: the agent is asked for a patch that the claim's tests must notice, not for a
   * verdict.
   */
  z.strictObject({ kind: z.literal('sabotage'), claim: EntryId }),
  /** A claim was accepted after the veto, so the veto's author may find its conditions met. */
  z.strictObject({ kind: z.literal('veto'), veto: EntryId }),
]);
export type WakeReason = z.infer<typeof WakeReason>;

/**
 * `finished`: the model stopped · `waited`: the model called wait · `lost`: the supervisor crashed · any other: the
 * supervisor ended the session.
 */
export const SessionEnd = z.enum(['finished', 'waited', 'limit', 'budget', 'failed', 'cancelled', 'lost']);
export type SessionEnd = z.infer<typeof SessionEnd>;

export const SessionFacts = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('started'),
    session: SessionId,
    for: AgentRole,
    reason: WakeReason,
    backend: z.string().max(60),
    model: z.string().max(100),
    prompt: Digest,
    /** The projection covers entries up to `upTo`, and shows the results of `runs`. */
    shown: z.strictObject({ upTo: z.number().int().nonnegative(), runs: z.array(RunId) }),
    reservedUsd: z.number().nonnegative(),
  }),
  z.strictObject({
    event: z.literal('ended'),
    session: SessionId,
    for: AgentRole,
    end: SessionEnd,
    why: z.string().max(1000),
    turns: z.number().int().nonnegative(),
    tokens: z.strictObject({ input: z.number(), output: z.number(), cacheRead: z.number(), cacheWrite: z.number() }),
    usd: z.number().nonnegative(),
    transcript: Digest.nullable(),
    published: Sha.nullable(),
    /**
     * Set if the back end failed. `stop`: retrying cannot help. `until`: when the back end said it would answer again.
     */
    trouble: z.strictObject({ stop: z.boolean(), until: Stamp.nullable() }).optional(),
  }),
]);

export const RunFacts = z.strictObject({
  run: RunId,
  purpose: Purpose,
  recipe: RecipeName,
  recipeDigest: Digest,
  shas,
  trees: shas,
  outcome: Outcome,
  level: z.number().int().nonnegative(),
  counts: z.strictObject({ pass: z.number().int(), fail: z.number().int(), skip: z.number().int() }),
  /** Digest of the sorted list of (test id, status): equal for runs that agree on every test. */
  alike: Digest,
  reason: z.string().max(reasonCharsMax),
  /** Digest of `machine-docs/runs/<run>/results.json`; null if the run was lost. */
  results: Digest.nullable(),
  /** The gate's expectations that this run does not meet, in words. The audit recomputes them. */
  unmet: z.array(z.string().max(500)).max(50),
  control: z.strictObject({ result: Control, why: z.string().max(1000) }).optional(),
  kept: z.strictObject({ result: Kept, why: z.string().max(1000) }).optional(),
  reproducer: z.enum(['green', 'red', 'inconclusive']).optional(),
  sandbox: z.enum(['bubblewrap', 'none']),
});
export type RunFacts = z.infer<typeof RunFacts>;

/** A claim. Its body is WHAT, HOW and EXPECTED in the Builder's words; for DONE, the summary for the operator. */
export const ClaimFacts = z.strictObject({
  ...session,
  gate: GateId,
  shas,
  trees: shas,
  /**
   * Earlier claims of the phase whose SHA is this claim's SHA or an ancestor of it; read from git, checked again by the
   * audit.
   */
  descends: z.array(EntryId),
  /** Earlier claims of the phase whose SHA is a descendant of this claim's SHA. */
  precedes: z.array(EntryId),
  /**
   * For each gate judged, the SHA that its controls compare with: that of the newest accepted claim of a gate that it
   * requires and that has the same recipe, else the base.
   */
  references: z.record(GateId, Sha),
  /**
   * For each recipe judged, the commits whose tests must still pass: the base and every claim accepted before this one.
   */
  keeps: z.record(RecipeName, z.array(Sha)),
  /**
   * For each gate judged, how many of the functions that the claim changes can be emptied. Gates without any are left
   * out.
   */
  functions: z.record(GateId, z.number().int().positive()).optional(),
  /** What the Builder expects of its cold runs beyond what the gate demands; code compares the runs with it. */
  expects: ClaimExpects.prefault({}),
  /**
   * Protected paths changed between the phase's base and this claim's SHA. If there are any, the claim waits for the
   * operator.
   */
  touches: z.array(TreePath).max(touchesMax),
});
export const BlockedFacts = z.strictObject({
  ...session,
  action: Line,
  verify: Line,
  blocks: z.array(GateId).min(1),
  options: z.array(Line).max(10),
  /** The finding that the Builder disputes, if this is a dispute. */
  disputes: EntryId.optional(),
});

export const Cite = z.union([
  z.strictObject({ run: RunId }),
  /** A tool result of the session that gave the verdict: its number, and the digest of its content. */
  z.strictObject({ call: z.number().int().positive(), digest: Digest }),
]);
export const Check = z.strictObject({
  clause: z.string().min(1).max(20),
  saw: Line,
  cites: z.array(Cite).min(1).max(20),
});
export const Answer = z.strictObject({ finding: EntryId, answers: z.array(Line).max(20) });

export const VerdictFacts = z.strictObject({
  ...session,
  gate: GateId,
  claim: EntryId,
  verdict: z.enum(['PASS', 'FAIL', 'UNVERIFIED']),
  runs: z.array(RunId),
  /** For FAIL: the findings that block the claim. */
  findings: z.array(EntryId),
  checks: z.array(Check).max(400),
  /** For PASS: every open finding of the gate, with an answer to each criterion of its `fix`. */
  closes: z.array(Answer),
  /** For PASS: the digest of the whole diff that the session was shown, and the number of its parts. */
  served: z.strictObject({ diff: Digest, parts: z.number().int().nonnegative() }).optional(),
});

export const FindingFacts = z.strictObject({
  ...session,
  gate: GateId,
  claim: EntryId.nullable(),
  title: Line,
  fix: z.array(Line).min(1).max(20),
  reproducer: z.strictObject({ path: TreePath, file: Digest, command: z.string().min(1).max(2000) }).optional(),
});

/** One edit of a patch: `find` occurs exactly once in the file and is replaced by `replace`. */
export const PatchEdit = z.strictObject({
  path: TreePath,
  find: z.string().min(1).max(4000),
  replace: z.string().max(4000),
});
export type PatchEdit = z.infer<typeof PatchEdit>;

/** A patch to production code that the claim's tests must notice. */
export const SabotageFacts = z.strictObject({
  ...session,
  claim: EntryId,
  /** The gate that the control belongs to. It differs from the claim's own gate only if the claim is for DONE. */
  gate: GateId,
  edits: z.array(PatchEdit).min(1).max(sabotageEditsMax),
});

export const CloseFacts = z.strictObject({
  ...session,
  target: EntryId,
  as: z.enum(['fixed', 'done', 'lifted', 'retracted', 'superseded', 'withdrawn']),
  answers: z.array(Line).max(20).default([]),
});

export const Trigger = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('manual') }),
  z.strictObject({ kind: z.literal('date'), at: Stamp }),
  z.strictObject({ kind: z.literal('command'), run: z.string().min(1).max(2000) }),
]);
export type Trigger = z.infer<typeof Trigger>;

export const DeferralFacts = z.strictObject({
  ...session,
  name: DeferralName,
  title: Line,
  trigger: Trigger,
  /** Clauses of the plan that the work belongs to; a clause that a gate covers cannot be put off. */
  clauses: z.array(z.string().min(1).max(20)).max(50).default([]),
});

/**
 * A trigger fired, so the supervisor proposes to take the work up again. `edge` counts how often this trigger has
 * fired.
 */
export const ReentryFacts = z.strictObject({
  deferral: EntryId,
  edge: z.number().int().positive(),
  why: Line,
  /** The run in which the command was green. */
  run: RunId.nullable(),
});

/**
 * Something handed in as an operator's act was refused. The entry's role is the supervisor: nobody else vouches for it.
 */
export const RefusalFacts = z.strictObject({
  /** Digest of the file as handed in; its bytes are stored too if they are few. Null if it was not a readable file. */
  file: Digest.nullable(),
  /** The act's name, if it can be read. */
  act: z.string().max(20).nullable(),
  nonce: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** The key whose signature matches the content; null if there is none. */
  signer: Fingerprint.nullable(),
  reason: Line,
  /** True if later refusals on this day are not recorded. */
  isLast: z.boolean(),
});

const byKind = {
  phase: PhaseFacts,
  session: SessionFacts,
  run: RunFacts,
  claim: ClaimFacts,
  blocked: BlockedFacts,
  note: z.strictObject({ ...session, title: Line }),
  item: z.strictObject({ ...session, title: Line }),
  journal: z.strictObject({ ...session, title: Line }),
  verdict: VerdictFacts,
  advice: z.strictObject({ ...session, blocked: EntryId }),
  finding: FindingFacts,
  sabotage: SabotageFacts,
  veto: z.strictObject({ ...session, title: Line, until: z.array(Line).min(1).max(20) }),
  decision: z.strictObject({ ...session, title: Line }),
  deferral: DeferralFacts,
  reentry: ReentryFacts,
  close: CloseFacts,
  act: z.strictObject({ act: Act, signature: z.string() }),
  refusal: RefusalFacts,
} as const;

export type Kind = keyof typeof byKind;
export const kinds = Object.keys(byKind) as Kind[];
export type Facts<K extends Kind> = z.infer<(typeof byKind)[K]>;

/** The schema of a kind's facts. */
export function factsSchema<K extends Kind>(kind: K): (typeof byKind)[K] {
  return byKind[kind];
}

/** An entry as submitted, without its number and time: the funnel assigns them. */
export type Intent = { [K in Kind]: IntentOf<K> }[Kind];
export type IntentOf<K extends Kind> = {
  kind: K;
  /** The role that writes the entry. Its key signs the commit; for an operator's act, the supervisor's key does. */
  role: Role;
  phase: PhaseId | null;
  facts: Facts<K>;
  body: string;
  /** Bytes that this entry names by digest, committed with it at `blobs/<sha256>` or `runs/<run>/results.json`. */
  blobs?: StoredBytes[];
};
export type StoredBytes = { path: string; bytes: Uint8Array };

export type Entry = { [K in Kind]: EntryOf<K> }[Kind];
export type EntryOf<K extends Kind> = Omit<IntentOf<K>, 'blobs'> & { id: EntryId; at: string };
