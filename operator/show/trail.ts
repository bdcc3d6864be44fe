// `coldpass trail`: search the trail, or show one entry.

import { type Entry, type Kind, kinds } from '../../state/entry/entry.ts';
import { renderEntry } from '../../state/entry/framing.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { entryLine } from '../terminal/lines.ts';
import type { Screen } from '../terminal/print.ts';
import type { Here } from '../workspace/place.ts';

const listedDefault = 40;

export type TrailSearch = {
  /** Words that must all occur in the entry's text; case is ignored. */
  words: string[];
  kind?: string;
  gate?: string;
  phase?: string;
  from?: string;
  entry?: string;
  limit?: string;
};
export type TrailReport = {
  /** 1 if no entry matches. */
  exit: Exit;
  entries: Entry[];
  /** How many more entries match. */
  more: number;
  /** True if one entry was asked for by its number. */
  whole: boolean;
};

/** Throws UsageError for an invalid number, kind or entry. */
export function searchTrail({ paths }: Here, query: TrailSearch): Promise<TrailReport> {
  const matches = filterOf(query);
  const limit = query.limit === undefined ? listedDefault : entryNumber(query.limit);
  return withTrail(paths.hub, (trail) => {
    if (query.entry !== undefined) return oneEntry(trail, entryNumber(query.entry));
    const matching = trail.entries.filter(matches);
    const listed = query.from === undefined ? matching.slice(-limit) : matching.slice(0, limit);
    return {
      exit: matching.length > 0 ? exits.yes : exits.no,
      entries: listed,
      more: matching.length - listed.length,
      whole: false,
    };
  });
}

export function sayTrail({ entries, more, whole }: TrailReport, out: Screen): void {
  if (whole) {
    for (const entry of entries) out.line(readable(entry));
    return;
  }
  for (const entry of entries) out.line(entryLine(entry, out.paint));
  if (entries.length === 0) out.line('no entry matches');
  if (more > 0) out.line(`and ${more} more; see them with --limit or --from`);
}

/** Reads an entry number: `41` or `#41`. Throws UsageError for anything else. */
export function entryNumber(text: string): number {
  const number = Number(/^#?(\d{1,9})$/.exec(text)?.[1] ?? Number.NaN);
  if (number > 0) return number;
  throw new UsageError(`"${text}" is not an entry number; see: coldpass trail`);
}

function oneEntry({ entries }: Trail, id: number): TrailReport {
  const entry = entries[id - 1];
  if (entry) return { exit: exits.yes, entries: [entry], more: 0, whole: true };
  throw new UsageError(`there is no entry #${id}; the trail ends at #${entries.length}`);
}

function filterOf({ words, kind, gate, phase, from }: TrailSearch): (entry: Entry) => boolean {
  if (kind !== undefined && !kinds.includes(kind as Kind))
    throw new UsageError(`"${kind}" is not a kind of entry; the kinds are: ${kinds.join(', ')}`);
  const first = from === undefined ? 1 : entryNumber(from);
  const wanted = words.map((word) => word.toLowerCase());
  return (entry) => {
    if (entry.id < first || (kind !== undefined && entry.kind !== kind)) return false;
    if (phase !== undefined && entry.phase !== phase) return false;
    if (gate !== undefined && gateOf(entry) !== gate) return false;
    const text = wanted.length === 0 ? '' : renderEntry(entry).toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

/** The gate that an entry is about; undefined if it is about none. */
function gateOf({ facts }: Entry): string | undefined {
  if ('gate' in facts) return facts.gate;
  return 'purpose' in facts && 'gate' in facts.purpose ? facts.purpose.gate : undefined;
}

/** The part for people: everything above the comment for machines. */
function readable(entry: Entry): string {
  const text = renderEntry(entry);
  return text.slice(0, text.lastIndexOf('\n<!-- coldpass')).trimEnd();
}
