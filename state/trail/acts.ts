// Signs acts in the operator's process, and verifies them in the supervisor's. In between, an act waits in the inbox
// (`inboxFolder.ts`); `gate/admitAct.ts` decides whether what the act asks for is possible.

import { Act, actNamespace, type SignedAct } from '../entry/act.ts';
import { canonicalJson, digestOf } from '../entry/digest.ts';
import type { Entry } from '../entry/entry.ts';
import { renderEntry } from '../entry/framing.ts';
import type { Digest } from '../entry/ids.ts';
import { authorityOf } from '../keys/authority.ts';
import type { AllowedSigner } from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';

/** How far ahead of the supervisor's clock an act may be dated. */
export const clockSkewMs = 5 * 60_000;

/** Signs the whole act; `blobs` (base64 by digest) are the bytes that it names. */
export function signAct(act: Act, signer: Signer, blobs: SignedAct['blobs'] = {}): SignedAct {
  const whole = Act.parse(act);
  return { act: whole, signature: signer.sign(actNamespace, Buffer.from(canonicalJson(whole))), blobs };
}

/**
 * The `targetDigest` for an act: the digest of the whole text of its target on the trail, so that you sign what you
 * read.
 */
export function targetDigestOf(target: Entry): Digest {
  return digestOf(renderEntry(target));
}

export type ActRules = {
  workspace: string;
  /** Fingerprint of the key that signed the trail's first commit. */
  root: string;
  /** The trail's current signers: the operator and all other roles. */
  signers: AllowedSigner[];
  now: Date;
  seenNonces: ReadonlySet<string>;
};

/**
 * `refused`: why the act does not count (not the operator's, not for this workspace, not new, not in time, or with
 * wrong bytes), or null. `signer`: as in `authorityOf`.
 */
export type VerifiedAct = { refused: string | null; signer: string | null };

/**
 * Checks that this act is the operator's, is for this workspace, is new and is in time, and that its bytes match their
 * digests. `refused` is for a person to read.
 */
export function verifyAct(signed: SignedAct, rules: ActRules): VerifiedAct {
  const { act } = signed;
  const { signer, refused } = authorityOf(signed, rules.signers);
  const fault =
    refused ??
    placeFault(act, rules) ??
    replayFault(act, rules.seenNonces) ??
    timeFault(act, rules.now) ??
    blobFault(signed);
  return { refused: fault, signer };
}

function placeFault(act: Act, { workspace, root }: ActRules): string | null {
  if (act.workspace !== workspace) return `it is for the workspace «${act.workspace}», not «${workspace}»`;
  return act.root === root ? null : `it is for a trail that begins with the key ${act.root}, not ${root}`;
}

function replayFault({ nonce }: Act, seen: ReadonlySet<string>): string | null {
  return seen.has(nonce) ? 'it was already carried out; sign a new one if you mean it twice' : null;
}

function timeFault(act: Act, now: Date): string | null {
  if (Date.parse(act.at) > now.getTime() + clockSkewMs)
    return `it is dated ${act.at}, which is in the future; check the clocks`;
  return Date.parse(act.expires) > now.getTime() ? null : `it expired at ${act.expires}; sign a new one`;
}

function blobFault({ blobs }: SignedAct): string | null {
  const wrong = Object.entries(blobs).find(([digest, base64]) => digestOf(Buffer.from(base64, 'base64')) !== digest);
  return wrong === undefined ? null : `its bytes for ${wrong[0]} do not match that digest`;
}
