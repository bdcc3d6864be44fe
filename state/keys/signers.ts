// The trail's allowed_signers: whose key counts for what, and until when. A key that a `rotate` act replaced stays in
// the list with its end time: stock git still verifies what the key signed, but the key no longer counts for anything
// new. Pure: parses and formats the list, and applies rotations to it, for the funnel, the hub's hook and the audit.

import type { ActPayload } from '../entry/act.ts';
import type { Entry } from '../entry/entry.ts';
import { Refused, TrailError } from '../entry/errors.ts';
import { type EntryId, type Role, stampOf } from '../entry/ids.ts';
import { fingerprintOf, formatPublicKey, rawPublicKey } from './sshsig.ts';

export const gitNamespace = 'git';
export const allowedSignersFile = 'machine-docs/allowed_signers';

/**
 * Stock git accepts both keys for this long before and after a rotation. It passes a commit's time to ssh-keygen as
 * local time, which ssh-keygen reads without daylight saving time, so the time may be an hour too early or too late.
 * Who may sign next depends on the order of entries, not on these times.
 */
export const clockFoldMs = 3_600_000;

/**
 * One line of `allowed_signers`. `principal` is `<role>@coldpass`; the key counts only in its `namespaces` and between
 * its two times.
 */
export type AllowedSigner = {
  principal: string;
  namespaces: string[];
  publicKey: string;
  validAfterMs?: number;
  /** Set if the key was rotated out. */
  validBeforeMs?: number;
};

export type Rotation = Extract<ActPayload, { act: 'rotate' }>;

/** A role's name in `allowed_signers`. */
export function principalOf(role: string): string {
  return `${role}@coldpass`;
}

/** The text of an `allowed_signers` file as stock ssh-keygen and git read it. */
export function formatAllowedSigners(signers: AllowedSigner[]): string {
  return signers.map((signer) => `${signer.principal} ${optionsOf(signer)} ${signer.publicKey}\n`).join('');
}

/**
 * Parses what `formatAllowedSigners` writes, and ignores comments and empty lines. Throws TrailError 'bad-key' at the
 * first line of any other form, and names its number.
 */
export function parseAllowedSigners(text: string): AllowedSigner[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const signer = signerOn(line);
    if (signer !== null) return [signer];
    const form = '<role>@coldpass namespaces="git" ssh-ed25519 AAA…';
    throw new TrailError('bad-key', `allowed_signers line ${index + 1} is not of the form «${form}».`);
  });
}

/** Those who may sign what comes next: the signers whose keys were not rotated out. */
export function currentSigners(signers: AllowedSigner[]): AllowedSigner[] {
  return signers.filter((one) => one.validBeforeMs === undefined);
}

/** The key with which a role signs commits now; null if missing. */
export function currentKey(signers: AllowedSigner[], role: Role): string | null {
  const signsCommits = ({ principal, namespaces }: AllowedSigner) =>
    principal === principalOf(role) && namespaces.includes(gitNamespace);
  return currentSigners(signers).find(signsCommits)?.publicKey ?? null;
}

/** True if the key was valid for a signature at `atMs`. Both ends are included, as in ssh-keygen. */
export function isValidAt({ validAfterMs, validBeforeMs }: AllowedSigner, atMs: number): boolean {
  return (validAfterMs ?? atMs) <= atMs && atMs <= (validBeforeMs ?? atMs);
}

/**
 * Names two roles that share a key; null if none do. If each role has its own key, no role can ask for something and
 * also approve it.
 */
export function sharedKey(signers: AllowedSigner[]): string | null {
  for (const [index, one] of signers.entries()) {
    const other = signers.slice(index + 1).find(({ publicKey }) => publicKey === one.publicKey);
    if (other) return `${roleName(one)} and ${roleName(other)} share a key, ${fingerprintOf(one.publicKey)}`;
  }
  return null;
}

/** Why this rotation does not fit the list, or null. */
export function rotationFault(signers: AllowedSigner[], { role, old, publicKey }: Rotation): string | null {
  if (!currentSigners(signers).some((one) => isOf(one, role, old))) return `${old} is not the ${role}'s current key`;
  const owner = signers.find((one) => one.publicKey === publicKey);
  return owner ? `that key is or was the ${roleName(owner)}'s: make a new one for the ${role}` : null;
}

/**
 * The keys after a commit of these entries: applies their rotations in order, at the time of the last entry. Returns
 * the same list if no entry rotates a key. Throws Refused if a rotation does not fit.
 */
export function signersAfter(signers: AllowedSigner[], entries: readonly Entry[]): AllowedSigner[] {
  const atMs = Date.parse(entries.at(-1)?.at ?? '');
  return rotationsIn(entries).reduce((list, { rotation }) => rotated(list, rotation, atMs), signers);
}

/** The acts among these entries that rotate a key. */
export function rotationsIn(entries: readonly Entry[]): { id: EntryId; rotation: Rotation }[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'act') return [];
    const { payload } = entry.facts.act;
    return payload.act === 'rotate' ? [{ id: entry.id, rotation: payload }] : [];
  });
}

/** The role in a principal. */
export function roleName({ principal }: AllowedSigner): string {
  return principal.replace(/@coldpass$/, '');
}

function rotated(signers: AllowedSigner[], rotation: Rotation, atMs: number): AllowedSigner[] {
  const fault = rotationFault(signers, rotation);
  if (fault !== null) throw new Refused(fault);
  return signers.flatMap((one) => {
    if (one.validBeforeMs !== undefined || !isOf(one, rotation.role, rotation.old)) return [one];
    const { principal, namespaces } = one;
    const next = { principal, namespaces, publicKey: rotation.publicKey, validAfterMs: atMs - clockFoldMs };
    return [{ ...one, validBeforeMs: atMs + clockFoldMs }, next];
  });
}

function isOf({ principal, publicKey }: AllowedSigner, role: Role, fingerprint: string): boolean {
  return principal === principalOf(role) && fingerprintOf(publicKey) === fingerprint;
}

function optionsOf({ namespaces, validAfterMs, validBeforeMs }: AllowedSigner): string {
  return [
    `namespaces="${namespaces.join(',')}"`,
    ...(validAfterMs === undefined ? [] : [`valid-after="${compact(validAfterMs)}"`]),
    ...(validBeforeMs === undefined ? [] : [`valid-before="${compact(validBeforeMs)}"`]),
  ].join(',');
}

const form =
  /^(\S+) namespaces="([a-z0-9,-]+)"(?:,valid-after="(\d{14})Z")?(?:,valid-before="(\d{14})Z")? (ssh-ed25519 \S+)(?: .*)?$/;

function signerOn(line: string): AllowedSigner | null {
  const [, principal, namespaces, after, before, key] = form.exec(line) ?? [];
  const raw = rawPublicKey(key ?? '');
  if (principal === undefined || namespaces === undefined || raw === null) return null;
  return {
    principal,
    namespaces: namespaces.split(','),
    publicKey: formatPublicKey(raw),
    ...(after !== undefined && { validAfterMs: msOf(after) }),
    ...(before !== undefined && { validBeforeMs: msOf(before) }),
  };
}

/** The time as `20260611205803Z`; ssh-keygen would read it in the local time zone without the `Z`. */
function compact(ms: number): string {
  return `${stampOf(ms).replaceAll(/\D/g, '')}Z`;
}

function msOf(digits: string): number {
  return Date.parse(digits.replace(/^(\d{4})(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'));
}
