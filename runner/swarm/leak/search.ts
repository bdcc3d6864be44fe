// Looks for secrets in a byte stream: in every encoding of `encodings.ts`, split over lines, and in compressed data,
// two layers deep. Reads each byte once; keeps only the automaton, one kilobyte and the open decompressors. Returns no
// value of a secret.

import { automatonOf } from './automaton.ts';
import { canaryOf } from './canary.ts';
import { formsOf } from './encodings.ts';
import { LeakLayer } from './layer.ts';
import { Scan } from './scan.ts';

/**
 * `offset` is where the hit begins in the stream or, inside compressed data, where the outermost compressed data
 * begins.
 */
export type Hit = { secret: string; encoding: string; offset: number };
/** Repeated hits are capped at `hitsMax`. `cut` says what was not searched; null if everything was. */
export type LeakHits = { hits: Hit[]; cut: string | null };
export type LeakSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
export type LeakSearch = {
  /** Keys of secrets that are not searched for, because they are so short that a match could be chance. */
  tooShort: string[];
  search(source: LeakSource): Promise<LeakHits>;
};

/** The most hits to report for one secret, in one encoding, in one source. */
const hitsMax = 100;
const openedBytesMax = 256 * 1024 * 1024;

/** Searches one source; `leakSearch` searches several. */
export function searchLeaks(secrets: ReadonlyMap<string, string>, source: LeakSource): Promise<LeakHits> {
  return leakSearch(secrets).search(source);
}

/** `secrets` are by key. If two secrets have the same value, a hit names both. */
export function leakSearch(secrets: ReadonlyMap<string, string>, limits = { openedBytesMax }): LeakSearch {
  const canaries = [...secrets].map(([secret, value]) => ({ secret, canary: canaryOf(value) }));
  const forms = canaries.flatMap(({ secret, canary }) =>
    canary === null ? [] : formsOf(canary).map((form) => ({ ...form, secret })),
  );
  const automaton = automatonOf(forms.map(({ bytes }) => bytes));
  const lengths = forms.map(({ bytes }) => bytes.length);

  async function search(source: LeakSource): Promise<LeakHits> {
    const hits = new Map<string, Hit[]>();
    const cut = new Set<string>();
    let openedBytes = 0;
    const outer = new LeakLayer({
      scan: (see) => new Scan(automaton, lengths, see),
      hit({ form, start, isSplit }, within) {
        const { secret, encoding } = forms[form] as (typeof forms)[number];
        const words = [encoding, ...(isSplit ? ['split over lines'] : []), ...within.map((kind) => `in ${kind}`)];
        const key = JSON.stringify([secret, words]);
        const alike = hits.get(key) ?? [];
        if (alike.length < hitsMax) hits.set(key, [...alike, { secret, encoding: words.join(', '), offset: start }]);
      },
      mayOpen(bytes) {
        openedBytes += bytes;
        if (openedBytes <= limits.openedBytesMax) return true;
        cut.add(`compressed data beyond ${limits.openedBytesMax} bytes`);
        return false;
      },
      leaveOut: (what) => cut.add(what),
    });
    for await (const chunk of source) await outer.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    await outer.end();
    return { hits: [...hits.values()].flat(), cut: cut.size === 0 ? null : [...cut].join(', ') };
  }

  return { tooShort: canaries.filter(({ canary }) => canary === null).map(({ secret }) => secret), search };
}
