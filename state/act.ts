// An act: what the operator signs, whole, with a key of his own, in his own process. The supervisor verifies it, and commits
// it; hook and audit verify the same bytes again. Canonical JSON of `Act` is what the SSHSIG covers (namespace below).

import { z } from 'zod';
import { Digest, EntryId, GateId, PhaseId, RecipeName, Stamp } from './ids.ts';

export const actNamespace = 'coldpass-act';

/** What may be waived: one condition of a gate by name, or `all`. Condition 1 (the claim itself) never. */
export const Waivable = z.enum([
  'runs',
  'control:revert',
  'protected',
  'verdict',
  'findings',
  'requires',
  'flake',
  'all',
]);
export type Waivable = z.infer<typeof Waivable>;

const Because = z.string().min(1).max(4000);

export const ActPayload = z.discriminatedUnion('act', [
  z.strictObject({
    act: z.literal('queue'),
    phase: PhaseId,
    plan: Digest,
    recipes: z.record(RecipeName, Digest),
    baseSha: z.string(),
  }),
  /** Says that what a `blocked` entry asked for was done, or allowed. */
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
  /** Lifts a veto, closes a flake (its run entry) or a finding. */
  z.strictObject({ act: z.literal('lift'), target: EntryId, targetDigest: Digest, because: Because }),
  z.strictObject({ act: z.literal('resume'), phase: PhaseId, because: Because.optional() }),
  z.strictObject({ act: z.literal('drop'), phase: PhaseId, because: Because }),
  z.strictObject({ act: z.literal('note'), phase: PhaseId, text: Because }),
]);
export type ActPayload = z.infer<typeof ActPayload>;

export const Act = z.strictObject({
  v: z.literal(1),
  /** The workspace's name and the fingerprint of the key that signed its first commit: an act cannot be moved elsewhere. */
  workspace: z.string(),
  root: z.string(),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  at: Stamp,
  expires: Stamp,
  payload: ActPayload,
});
export type Act = z.infer<typeof Act>;

/** An act as it lies in `inbox/<nonce>.json`; `blobs` (base64 by digest) are the bytes a `queue` names. */
export const SignedAct = z.strictObject({
  act: Act,
  signature: z.string(),
  blobs: z.record(Digest, z.string()).default({}),
});
export type SignedAct = z.infer<typeof SignedAct>;
