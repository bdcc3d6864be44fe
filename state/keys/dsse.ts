// DSSE envelopes (secure-systems-lab/dsse, protocol v1.0): a payload, its type, and an Ed25519 signature over both.
// Pure. The same keys sign SSHSIG elsewhere; the bytes signed there begin with `SSHSIG`, here with `DSSEv1`, so neither
// passes for the other. This file verifies nothing: whoever receives an envelope verifies it with another program.

import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { canonicalJson } from '../entry/digest.ts';

export const intotoType = 'application/vnd.in-toto+json';

/** A private Ed25519 key and its name: the fingerprint `SHA256:…`. */
export type EnvelopeKey = { key: KeyObject; fingerprint: string };

/** The envelope of an in-toto statement, as one line of canonical JSON: equal statements give equal bytes. */
export function sealStatement(statement: object, { key, fingerprint }: EnvelopeKey): Buffer {
  const payload = Buffer.from(canonicalJson(statement));
  const signature = sign(null, preAuthEncoding(intotoType, payload), key);
  const envelope = {
    payload: payload.toString('base64'),
    payloadType: intotoType,
    signatures: [{ keyid: fingerprint, sig: signature.toString('base64') }],
  };
  return Buffer.from(`${canonicalJson(envelope)}\n`);
}

/** The bytes to sign: `DSSEv1 LENGTH TYPE LENGTH PAYLOAD`. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** The public key in PEM, as openssl reads it. */
export function publicPem({ key }: EnvelopeKey): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}
