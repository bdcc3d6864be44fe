// All identifiers. Each has its own branded type, so that a path can't pass for an id, nor a short SHA for a full one.

import { z } from 'zod';

/** A full git commit id, 40 hex digits. Abbreviations are refused everywhere. */
export const Sha = z
  .string()
  .regex(/^[0-9a-f]{40}$/, 'must be a full 40-digit commit id')
  .brand<'Sha'>();
export type Sha = z.infer<typeof Sha>;

/** SHA-256 of some bytes, 64 hex digits. */
export const Digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a sha256 digest of 64 hex digits')
  .brand<'Digest'>();
export type Digest = z.infer<typeof Digest>;

/** An entry's number: 1, 2, 3, … over the whole trail, without gaps. */
export const EntryId = z.number().int().positive().brand<'EntryId'>();
export type EntryId = z.infer<typeof EntryId>;

export const RunId = z
  .string()
  .regex(/^r-[0-9a-f]{12}$/)
  .brand<'RunId'>();
export type RunId = z.infer<typeof RunId>;

export const SessionId = z
  .string()
  .regex(/^s-[0-9a-f]{12}$/)
  .brand<'SessionId'>();
export type SessionId = z.infer<typeof SessionId>;

export const PhaseId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a phase id is lower-case letters, digits and dashes, at most 41')
  .refine(isFree, 'this name is reserved in JavaScript; choose another')
  .brand<'PhaseId'>();
export type PhaseId = z.infer<typeof PhaseId>;

/** A gate's name; `DONE` is the built-in last gate of every phase. */
export const GateId = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._-]{0,23}$/, 'a gate id starts with a letter and has at most 24 characters')
  .refine(isFree, 'this name is reserved in JavaScript; choose another')
  .brand<'GateId'>();
export type GateId = z.infer<typeof GateId>;

export const DONE = 'DONE' as GateId;

export const RecipeName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a recipe name is lower-case letters, digits and dashes')
  .refine(isFree, 'this name is reserved in JavaScript; choose another')
  .brand<'RecipeName'>();
export type RecipeName = z.infer<typeof RecipeName>;

/** A deferral's name: the same in the phase that parks the work and in the phase that takes it up again. */
export const DeferralName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a deferral name is lower-case letters, digits and dashes, at most 41')
  .refine(isFree, 'this name is reserved in JavaScript; choose another')
  .brand<'DeferralName'>();
export type DeferralName = z.infer<typeof DeferralName>;

/** The roles that sign. Each has its own key; the operator's is kept outside the state. */
export const Role = z.enum(['supervisor', 'runner', 'builder', 'adversary', 'operator']);
export type Role = z.infer<typeof Role>;

/** The two roles that a model plays. */
export const AgentRole = z.enum(['builder', 'adversary']);
export type AgentRole = z.infer<typeof AgentRole>;

/** A time in UTC, to the second: `2026-06-11T20:58:03Z`. Entries have the time of the supervisor's clock. */
export const Stamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

/** A path inside a tree: relative, forward slashes, no empty, `.` or `..` part. */
export const TreePath = z
  .string()
  .min(1)
  .max(512)
  .refine(isTreePath, 'must be a relative path without "." or ".." parts');

function isTreePath(path: string): boolean {
  return (
    !path.includes('\0') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/**
 * False for what every object inherits, such as `constructor`. Names are keys of plain objects here and in JSON:
 * looking up an inherited one would succeed though nobody added it.
 */
function isFree(name: string): boolean {
  return !(name in Object.prototype);
}

/** Formats a date, or ms since 1970, in UTC to the second, as in every entry. */
export function stampOf(time: Date | number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
