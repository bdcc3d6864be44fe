// Looks for forms in bytes that come in chunks, in two ways at once: as they are, and with everything left out by which a
// text is broken into lines: white space, `\n` spelled out, a backslash or `=` before the end of a line. Nothing is kept but
// two states and where the last bytes stood. Pure.

import type { Automaton } from './automaton.ts';

/** `form` ended before byte `end` of all that was fed, having begun at `start`. */
export type Sight = { form: number; start: number; isSplit: boolean };

export interface Scan {
  feed(bytes: Uint8Array): void;
}

const backslash = 0x5c;
const equals = 0x3d;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
/** Without its lines: left out. NUL too, which makes UTF-16 of anything readable. */
const blank = new Set([0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
const spelled = new Set([...'nrt'].map((char) => char.charCodeAt(0)));

const plain = 0;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (blank.has(byte)) return 1;
  return byte === backslash || byte === equals ? 2 : plain;
});

export function scanOf({ columns, next, endings }: Automaton, lengths: readonly number[], see: (sight: Sight) => void): Scan {
  const places = ringSize(lengths);
  const ring = new Float64Array(places);
  const mask = places - 1;
  let fed = 0;
  let whole = 0;
  let squeezed = 0;
  let kept = 0;
  /** What may turn out to belong to a line's end: a run of backslashes counts as one, and so does `=`. */
  let held: { byte: number; at: number; isReturned: boolean } | null = null;

  function feed(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] as number;
      whole = next[whole + (columns[byte] as number)] as number;
      if (whole < 0) {
        whole = ~whole;
        seen(whole, fed + index);
      }
      if (held !== null || kinds[byte] !== plain) sort(byte, fed + index);
      else keep(byte, fed + index);
    }
    fed += bytes.length;
  }

  function seen(state: number, last: number): void {
    for (const form of endings.get(state) ?? []) see({ form, start: last + 1 - (lengths[form] as number), isSplit: false });
  }

  function keep(byte: number, at: number): void {
    ring[kept & mask] = at;
    kept += 1;
    squeezed = next[squeezed + (columns[byte] as number)] as number;
    if (squeezed >= 0) return;
    squeezed = ~squeezed;
    for (const form of endings.get(squeezed) ?? []) {
      const length = lengths[form] as number;
      const start = ring[(kept - length) & mask] as number;
      // In one piece it was seen already.
      if (at + 1 - start !== length) see({ form, start, isSplit: true });
    }
  }

  function sort(byte: number, at: number): void {
    if (held !== null && settle(held, byte)) return;
    const kind = kinds[byte];
    if (kind === plain) keep(byte, at);
    else if (kind === 2) held = { byte, at, isReturned: false };
  }

  /** True where the byte went with what was held. */
  function settle(what: NonNullable<typeof held>, byte: number): boolean {
    if (byte === backslash && what.byte === backslash) return true;
    if (byte === carriageReturn && !what.isReturned) {
      what.isReturned = true;
      return true;
    }
    held = null;
    if (byte === lineFeed) return true;
    if (what.isReturned) return false;
    if (what.byte === backslash && spelled.has(byte)) return true;
    keep(what.byte, what.at);
    return false;
  }

  return { feed };
}

function ringSize(lengths: readonly number[]): number {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  return 2 ** Math.ceil(Math.log2(longest + 1));
}
