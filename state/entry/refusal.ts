// Refusals on record: what was handed in as an act and turned down leaves an entry with its digest, its signer and the reason.
// One for each file, and so many a day, the last of them saying that there may be more: a flood grows the trail by no more
// than that. Pure.

import type { EntryOf } from './entry.ts';
import type { EntryId } from './ids.ts';

export const refusalsADayMax = 20;

/** `files`: digests of what was refused → its entry. `today`: entries of the newest day that has any. */
export type Refusals = { files: Record<string, EntryId>; day: string; today: number };

export const noRefusals: Refusals = { files: {}, day: '', today: 0 };

/** The refusals after one more. */
export function foldRefusal(refusals: Refusals, { id, at, facts }: EntryOf<'refusal'>): Refusals {
  const files = facts.file === null ? refusals.files : { ...refusals.files, [facts.file]: id };
  return { files, day: dayOf(at), today: recordedOn(refusals, at) + 1 };
}

/** Null where the refusal goes on record, else why not. */
export function admitRefusal(refusals: Refusals, { at, facts }: EntryOf<'refusal'>): string | null {
  const known = facts.file === null ? undefined : refusals.files[facts.file];
  if (known !== undefined) return `the refusal of this file is on record (#${known})`;
  if (recordedOn(refusals, at) >= refusalsADayMax) return `${refusalsADayMax} refusals are on record today already`;
  return facts.isLast === isLastOn(refusals, at) ? null : 'whether it is the last of its day is told wrongly';
}

/** True where one more is the last that its day has room for. */
export function isLastOn(refusals: Refusals, at: string): boolean {
  return recordedOn(refusals, at) === refusalsADayMax - 1;
}

function recordedOn({ day, today }: Refusals, at: string): number {
  return day === dayOf(at) ? today : 0;
}

function dayOf(at: string): string {
  return at.slice(0, 10);
}
