// Looks for secrets in a stream of bytes, in every encoding of `encodings.ts`, split over lines, and inside what is
// compressed, two deep. Reads each byte once; keeps no more than the machine, a kilobyte and what is open at the moment.
// No value of a secret leaves it.

import { automatonOf } from './automaton.ts';
import { canaryOf } from './canary.ts';
import { formsOf } from './encodings.ts';
import { LeakLayer } from './layer.ts';
import { Scan } from './scan.ts';

/** `offset` is where it begins in the stream, resp. where the compressed piece does that it is in. */
export type Hit = { secret: string; encoding: string; offset: number };
/** Of what is found often, the first hundred. `cut` says in words what was not looked at; null where all was. */
export type Found = { hits: Hit[]; cut: string | null };
export type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
export type LeakSearch = {
  /** Keys of secrets that are too short to be told from chance, and are not looked for. */
  tooShort: string[];
  search(source: Source): Promise<Found>;
};

/** Of one secret in one encoding, in one source. */
const hitsMax = 100;
const openedBytesMax = 256 * 1024 * 1024;

/** One search, over as many sources as there are. */
export function searchLeaks(secrets: ReadonlyMap<string, string>, source: Source): Promise<Found> {
  return leakSearch(secrets).search(source);
}

/** By key. Where two secrets have the same value, both are named. */
export function leakSearch(secrets: ReadonlyMap<string, string>, limits = { openedBytesMax }): LeakSearch {
  const canaries = [...secrets].map(([secret, value]) => ({ secret, canary: canaryOf(value) }));
  const forms = canaries.flatMap(({ secret, canary }) =>
    canary === null ? [] : formsOf(canary).map((form) => ({ ...form, secret })),
  );
  const automaton = automatonOf(forms.map(({ bytes }) => bytes));
  const lengths = forms.map(({ bytes }) => bytes.length);

  async function search(source: Source): Promise<Found> {
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
        cut.add(`what is compressed, beyond ${limits.openedBytesMax} bytes`);
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
