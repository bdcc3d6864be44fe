// Looks for secrets in a stream of bytes, in every encoding of `encodings.ts`, split over lines, and inside what is
// compressed, two deep. Reads each byte once; keeps no more than the machine, a kilobyte and what is open at the moment.
// No value of a secret leaves it.

import { canaryOf } from './canary.ts';
import { automatonOf } from './automaton.ts';
import { formsOf } from './encodings.ts';
import { candidatesIn, headBytes, type Member, memberOf } from './members.ts';
import { type Sight, scanOf } from './scan.ts';

/** `offset` is where it begins in the stream, resp. where the compressed piece does that it is in. */
export type Hit = { secret: string; encoding: string; offset: number };
/** `cut` says in words what was not looked at; null where all was. */
export type Found = { hits: Hit[]; cut: string | null };
export type LeakSearch = {
  /** Keys of secrets that are too short to be told from chance, and are not looked for. */
  tooShort: string[];
  search(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Found>;
};

const hitsMax = 1000;
const openMembersMax = 32;
const depthMax = 2;
const openedBytesMax = 512 * 1024 * 1024;

/** One search, over as many sources as there are. */
export function searchLeaks(
  secrets: ReadonlyMap<string, string>,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Found> {
  return leakSearch(secrets).search(source);
}

/** By key. Where two secrets have the same value, both are named. */
export function leakSearch(secrets: ReadonlyMap<string, string>): LeakSearch {
  const canaries = [...secrets].map(([secret, value]) => ({ secret, canary: canaryOf(value) }));
  const forms = canaries.flatMap(({ secret, canary }) =>
    canary === null ? [] : formsOf(canary).map((form) => ({ ...form, secret })),
  );
  const automaton = automatonOf(forms.map(({ bytes }) => bytes));
  const lengths = forms.map(({ bytes }) => bytes.length);

  async function search(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Found> {
    const hits: Hit[] = [];
    const cut = new Set<string>();
    let opened = 0;

    function layer(within: readonly string[], offset: number | null): Layer {
      const scan = scanOf(automaton, lengths, ({ form, start, isSplit }: Sight) => {
        const { secret, encoding } = forms[form] as (typeof forms)[number];
        const words = [encoding, ...(isSplit ? ['split over lines'] : []), ...within.map((kind) => `in ${kind}`)];
        if (hits.length < hitsMax) hits.push({ secret, encoding: words.join(' '), offset: offset ?? start });
      });
      const members: Member[] = [];
      let rest = Buffer.alloc(0);
      let restAt = 0;

      async function feed(chunk: Uint8Array): Promise<void> {
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        scan.feed(bytes);
        if (within.length >= depthMax) return;
        await Promise.all(members.map((member) => member.write(bytes)));
        const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const judged = Math.max(0, joined.length - headBytes);
        await open(joined, judged);
        rest = Buffer.from(joined.subarray(judged));
        restAt += judged;
      }

      async function open(bytes: Buffer, end: number): Promise<void> {
        for (const { kind, at, dataAt } of candidatesIn(bytes, end)) {
          members.splice(0, members.length, ...members.filter((member) => member.isOpen()));
          if (members.length >= openMembersMax) {
            cut.add(`more than ${openMembersMax} compressed pieces at once`);
            return;
          }
          const inner = layer([...within, kind].reverse(), offset ?? restAt + at);
          const member = memberOf(kind, async (out) => {
            opened += out.length;
            if (opened > openedBytesMax) cut.add(`compressed pieces of more than ${openedBytesMax} bytes`);
            else await inner.feed(out);
            return opened <= openedBytesMax;
          });
          members.push(member);
          inners.set(member, inner);
          await member.write(bytes.subarray(dataAt));
        }
      }
      const inners = new Map<Member, Layer>();

      async function end(): Promise<void> {
        if (within.length < depthMax) await open(rest, rest.length);
        for (const member of members) {
          await member.end();
          await inners.get(member)?.end();
        }
      }
      return { feed, end };
    }

    const outer = layer([], null);
    for await (const chunk of source) await outer.feed(chunk);
    await outer.end();
    return { hits, cut: cut.size === 0 ? null : [...cut].join(', ') };
  }

  return { tooShort: canaries.filter(({ canary }) => canary === null).map(({ secret }) => secret), search };
}

type Layer = { feed(chunk: Uint8Array): Promise<void>; end(): Promise<void> };
