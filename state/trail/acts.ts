// An act's life outside the trail: signed in the operator's process, verified in the supervisor's. Where it lies in between is
// `inboxFolder.ts`; whether what it asks for can be is `admitAct.ts`.

import { Act, actNamespace, type SignedAct } from '../entry/act.ts';
import { canonicalJson, digestOf } from '../entry/digest.ts';
import type { Entry } from '../entry/entry.ts';
import { renderEntry } from '../entry/framing.ts';
import type { Digest } from '../entry/ids.ts';
import { authorityOf } from '../keys/authority.ts';
import type { AllowedSigner } from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';

/** How far ahead of the supervisor's clock an act may have been signed. */
export const clockSkewMs = 5 * 60_000;

/** Signs the whole act; `blobs` (base64 by digest) are the bytes that it names. */
export function signAct(act: Act, signer: Signer, blobs: SignedAct['blobs'] = {}): SignedAct {
  const whole = Act.parse(act);
  return { act: whole, signature: signer.sign(actNamespace, Buffer.from(canonicalJson(whole))), blobs };
}

/** What an act names as `targetDigest`: of the target's whole text on the trail, so that he signs what he read. */
export function targetDigestOf(target: Entry): Digest {
  return digestOf(renderEntry(target));
}

export type ActRules = {
  workspace: string;
  /** Fingerprint of the key that signed the trail's first commit. */
  root: string;
  /** The trail's, as they stand now: of the operator and of all others. */
  signers: AllowedSigner[];
  now: Date;
  seenNonces: ReadonlySet<string>;
};

/** `refused`: why it is not the operator's, not meant for here, not new or not in time. `signer` as in `authorityOf`. */
export type Verified = { refused: string | null; signer: string | null };

/** Whether this act is the operator's, meant for this workspace, new and in time. The reason is for a person to read. */
export function verifyAct(signed: SignedAct, rules: ActRules): Verified {
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
  return seen.has(nonce) ? 'it was carried out before; sign it anew if you mean it twice' : null;
}

function timeFault(act: Act, now: Date): string | null {
  if (Date.parse(act.at) > now.getTime() + clockSkewMs)
    return `it is dated ${act.at}, which is yet to come; look at the clocks`;
  return Date.parse(act.expires) > now.getTime() ? null : `it expired at ${act.expires}; sign it anew`;
}

function blobFault({ blobs }: SignedAct): string | null {
  const wrong = Object.entries(blobs).find(([digest, base64]) => digestOf(Buffer.from(base64, 'base64')) !== digest);
  return wrong === undefined ? null : `the bytes that it gives for ${wrong[0]} have another digest`;
}
