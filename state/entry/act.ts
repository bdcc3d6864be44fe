// An act: a command signed as a whole with the operator's key, in the operator's own process. The supervisor verifies
// and commits it; the hook and the audit verify the same bytes again. The SSHSIG signature covers the canonical JSON of
// `Act`, in the namespace below.

import { z } from 'zod';
import { Digest, EntryId, GateId, PhaseId, RecipeName, Role, Stamp } from './ids.ts';
import { PhaseSpec } from './spec.ts';

export const actNamespace = 'coldpass-act';

/** What can be waived: one condition of a gate by name, or `all`. Condition 1 (the claim itself) never can. */
export const Waivable = z.enum([
  'runs',
  'control:revert',
  'control:published',
  'control:placebo',
  'control:hollow',
  'control:omit-volume',
  'control:no-restore',
  'control:sabotage',
  'tests',
  'holdout',
  'closed',
  'protected',
  'verdict',
  'findings',
  'requires',
  'flake',
  'all',
]);
export type Waivable = z.infer<typeof Waivable>;

const Because = z.string().min(1).max(4000);

/** `SHA256:…`, as `ssh-keygen -l` prints it. */
export const Fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint SHA256:… is needed');

/**
 * `ssh-ed25519 AAA…`: 32 bytes and no comment, so it cannot contain text that starts another line of allowed_signers.
 */
export const PublicKey = z
  .string()
  .regex(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-P][A-Za-z0-9+/]{42}$/, 'a public key ssh-ed25519 AAA… is needed');

export const ActPayload = z.discriminatedUnion('act', [
  z.strictObject({
    act: z.literal('queue'),
    phase: PhaseId,
    plan: Digest,
    recipes: z.record(RecipeName, Digest),
    /** Names of the `recipes` that are app recipes. */
    apps: z.array(RecipeName).min(1).optional(),
    /** Digest of the hold-outs folder; the files themselves stay outside the trail. */
    holdout: Digest.optional(),
    baseSha: z.string(),
    /** The deferral, or the re-entry proposal, that this phase answers. */
    reentry: z.strictObject({ target: EntryId, targetDigest: Digest }).optional(),
  }),
  /** Confirms that what a `blocked` entry asked for is done or allowed. */
  z.strictObject({ act: z.literal('approve'), target: EntryId, targetDigest: Digest, because: Because.optional() }),
  z.strictObject({ act: z.literal('refuse'), target: EntryId, targetDigest: Digest, because: Because }),
  z.strictObject({
    act: z.literal('waive'),
    phase: PhaseId,
    gate: GateId,
    condition: Waivable,
    until: Stamp,
    because: Because,
  }),
  z.strictObject({
    act: z.literal('veto'),
    phase: PhaseId,
    because: Because,
    until: z.array(z.string().max(500)).max(20),
  }),
  /** Lifts a veto, or closes a finding or a flake. A flake is named by the entry of its disagreeing run. */
  z.strictObject({ act: z.literal('lift'), target: EntryId, targetDigest: Digest, because: Because }),
  z.strictObject({ act: z.literal('resume'), phase: PhaseId, because: Because.optional() }),
  z.strictObject({ act: z.literal('drop'), phase: PhaseId, because: Because }),
  z.strictObject({ act: z.literal('note'), phase: PhaseId, text: Because }),
  /** Gives a phase under way a complete new plan; `replaces` is the digest of the old plan. */
  z.strictObject({
    act: z.literal('amend'),
    phase: PhaseId,
    replaces: Digest,
    plan: Digest,
    recipes: z.record(RecipeName, Digest),
    /** Names of the `recipes` that are app recipes. */
    apps: z.array(RecipeName).min(1).optional(),
    holdout: Digest.optional(),
    /** The parsed content of `plan`. */
    spec: PhaseSpec,
    because: Because,
  }),
  /** Gives a role a new key; `old` is the fingerprint of the key that it replaces. */
  z.strictObject({
    act: z.literal('rotate'),
    role: Role,
    old: Fingerprint,
    publicKey: PublicKey,
    because: Because.optional(),
  }),
]);
export type ActPayload = z.infer<typeof ActPayload>;

export const Act = z.strictObject({
  v: z.literal(1),
  /**
   * `workspace` is the workspace's name, `root` the fingerprint of the key that signed the first commit of its trail.
   * Together they tie the act to this workspace.
   */
  workspace: z.string(),
  root: z.string(),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  at: Stamp,
  expires: Stamp,
  payload: ActPayload,
});
export type Act = z.infer<typeof Act>;

/** The content of `inbox/<nonce>.json`. `blobs` (base64 by digest) are the bytes that the act names. */
export const SignedAct = z.strictObject({
  act: Act,
  signature: z.string(),
  blobs: z.record(Digest, z.string()).default({}),
});
export type SignedAct = z.infer<typeof SignedAct>;

/**
 * The entry that an act is about, with the digest of its text when the operator read it; null if the act names no
 * entry.
 */
export function targetOf(payload: ActPayload): { target: EntryId; targetDigest: Digest } | null {
  if (payload.act === 'queue') return payload.reentry ?? null;
  return 'targetDigest' in payload ? payload : null;
}
