// Refusals on record. A file that was handed in as an act and refused leaves an entry with its digest, its signer and
// the reason. There is one entry per file, and a limited number per day; the last one of a day warns that more may
// follow unrecorded. So a flood of files adds only that much to the trail. Pure.

import type { EntryOf } from './entry.ts';
import type { EntryId } from './ids.ts';

export const refusalsADayMax = 20;

/** `files`: digest of each refused file → its entry. `day`: the newest day with an entry. `today`: entries on `day`. */
export type Refusals = { files: Record<string, EntryId>; day: string; today: number };

export const noRefusals: Refusals = { files: {}, day: '', today: 0 };

/** The refusals after one more entry. */
export function foldRefusal(refusals: Refusals, { id, at, facts }: EntryOf<'refusal'>): Refusals {
  const files = facts.file === null ? refusals.files : { ...refusals.files, [facts.file]: id };
  return { files, day: dayOf(at), today: recordedOn(refusals, at) + 1 };
}

/** Null if the refusal may be recorded, else why not. */
export function admitRefusal(refusals: Refusals, { at, facts }: EntryOf<'refusal'>): string | null {
  const known = facts.file === null ? undefined : refusals.files[facts.file];
  if (known !== undefined) return `the refusal of this file is already on record (#${known})`;
  if (recordedOn(refusals, at) >= refusalsADayMax) return `${refusalsADayMax} refusals are already on record today`;
  return facts.isLast === isLastOn(refusals, at) ? null : 'it is wrong about being the last of its day';
}

/** True if the next refusal is the last one that can be recorded on its day. */
export function isLastOn(refusals: Refusals, at: string): boolean {
  return recordedOn(refusals, at) === refusalsADayMax - 1;
}

function recordedOn({ day, today }: Refusals, at: string): number {
  return day === dayOf(at) ? today : 0;
}

function dayOf(at: string): string {
  return at.slice(0, 10);
}
