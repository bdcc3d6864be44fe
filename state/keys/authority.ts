// Decides whether an act is the operator's. The inbox, the hub's hook and the audit all ask this about the same bytes.
// An act counts if it is signed with the operator's current key and no other role has that key, so whoever asks for
// something (the Builder, the supervisor) cannot approve it. Pure.

import { actNamespace } from '../entry/act.ts';
import { canonicalJson } from '../entry/digest.ts';
import { type AllowedSigner, roleName } from './signers.ts';
import { verifySignature } from './sshsig.ts';

/**
 * `signer`: fingerprint of the key that signed; null if the signature is invalid. `refused`: why the act does not
 * count, or null.
 */
export type Authority = { signer: string | null; refused: string | null };

/** `signers` are the trail's signers at the point where the act is to be appended. */
export function authorityOf(signed: { act: unknown; signature: string }, signers: AllowedSigner[]): Authority {
  const by = verifySignature(actNamespace, Buffer.from(canonicalJson(signed.act)), signed.signature);
  if (by === null) return { signer: null, refused: 'its signature does not match its content' };
  const holders = signers.filter(({ publicKey }) => publicKey === by.publicKey);
  return { signer: by.fingerprint, refused: holdersFault(holders, by.fingerprint) };
}

function holdersFault(holders: AllowedSigner[], key: string): string | null {
  const role = holders.find((one) => roleName(one) !== 'operator');
  if (role) return `its key ${key} is the ${roleName(role)}'s, not the operator's: whoever asks may not approve`;
  const own = holders.filter((one) => one.namespaces.includes(actNamespace));
  if (own.length === 0) return `its key ${key} is not the operator's`;
  const isCurrent = own.some((one) => one.validBeforeMs === undefined);
  return isCurrent ? null : `its key ${key} was rotated out; sign it with the operator's new key`;
}
