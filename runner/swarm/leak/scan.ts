// Looks for forms in bytes that come in chunks, in two ways at once: as they are, and with everything left out by which a
// text is broken into lines: white space, `\n` spelled out, a backslash or `=` before the end of a line. Nothing is kept but
// two states and where the last bytes stood. Pure.

import type { Automaton } from './automaton.ts';

/** `form` ended before byte `end` of all that was fed, having begun at `start`. */
export type Sight = { form: number; start: number; isSplit: boolean };

const backslash = 0x5c;
const equals = 0x3d;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
/** Without its lines: left out. NUL too, which makes UTF-16 of anything readable. */
const blanks = new Set([0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
const spelled = new Set([...'nrt'].map((char) => char.charCodeAt(0)));

const plain = 0;
const blank = 1;
const telling = 2;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (blanks.has(byte)) return blank;
  return byte === backslash || byte === equals ? telling : plain;
});

/** What may turn out to belong to a line's end: `=`, or a run of backslashes, which counts as one. */
type Held = { byte: number; at: number; isReturned: boolean };

export class Scan {
  readonly #automaton: Automaton;
  readonly #lengths: readonly number[];
  readonly #see: (sight: Sight) => void;
  /** Where the last bytes kept of the text without its lines stood in the text. */
  readonly #ring: Float64Array;
  readonly #mask: number;
  #fed = 0;
  #whole = 0;
  #squeezed = 0;
  #kept = 0;
  #held: Held | null = null;

  /** `lengths` of the forms that the automaton was made of. */
  constructor(automaton: Automaton, lengths: readonly number[], see: (sight: Sight) => void) {
    this.#automaton = automaton;
    this.#lengths = lengths;
    this.#see = see;
    this.#ring = new Float64Array(ringSize(lengths));
    this.#mask = this.#ring.length - 1;
  }

  feed(bytes: Uint8Array): void {
    this.#feedWhole(bytes);
    this.#feedSqueezed(bytes);
    this.#fed += bytes.length;
  }

  /** Locals in this loop and the next: they are all that a search costs. */
  #feedWhole(bytes: Uint8Array): void {
    const { columns, next } = this.#automaton;
    let state = this.#whole;
    for (let index = 0; index < bytes.length; index += 1) {
      state = next[state + (columns[bytes[index] as number] as number)] as number;
      if (state >= 0) continue;
      state = ~state;
      this.#seen(state, this.#fed + index);
    }
    this.#whole = state;
  }

  #feedSqueezed(bytes: Uint8Array): void {
    const { columns, next } = this.#automaton;
    const [ring, mask] = [this.#ring, this.#mask];
    let state = this.#squeezed;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] as number;
      const kind = kinds[byte];
      if (kind === blank && this.#held === null) continue;
      if (kind !== plain || this.#held !== null) {
        this.#squeezed = state;
        this.#sort(byte, this.#fed + index);
        state = this.#squeezed;
        continue;
      }
      ring[this.#kept & mask] = this.#fed + index;
      this.#kept += 1;
      state = next[state + (columns[byte] as number)] as number;
      if (state >= 0) continue;
      state = ~state;
      this.#seenSplit(state, this.#fed + index);
    }
    this.#squeezed = state;
  }

  #sort(byte: number, at: number): void {
    if (this.#held !== null && this.#goesWith(this.#held, byte)) return;
    const kind = kinds[byte];
    if (kind === plain) this.#keep(byte, at);
    else if (kind === telling) this.#held = { byte, at, isReturned: false };
  }

  /** Whether the byte is left out with what was held, or goes on holding it; else what was held is settled. */
  #goesWith(held: Held, byte: number): boolean {
    if (byte === backslash && held.byte === backslash && !held.isReturned) return true;
    if (byte === carriageReturn && !held.isReturned) {
      held.isReturned = true;
      return true;
    }
    this.#held = null;
    if (byte === lineFeed) return true;
    if (held.isReturned) return false;
    if (held.byte === backslash && spelled.has(byte)) return true;
    this.#keep(held.byte, held.at);
    return false;
  }

  #keep(byte: number, at: number): void {
    const { columns, next } = this.#automaton;
    this.#ring[this.#kept & this.#mask] = at;
    this.#kept += 1;
    const state = next[this.#squeezed + (columns[byte] as number)] as number;
    this.#squeezed = state < 0 ? ~state : state;
    if (state < 0) this.#seenSplit(~state, at);
  }

  #seen(state: number, last: number): void {
    for (const form of this.#automaton.endings.get(state) ?? [])
      this.#see({ form, start: last + 1 - (this.#lengths[form] as number), isSplit: false });
  }

  #seenSplit(state: number, last: number): void {
    for (const form of this.#automaton.endings.get(state) ?? []) {
      const length = this.#lengths[form] as number;
      const start = this.#ring[(this.#kept - length) & this.#mask] as number;
      // In one piece it was seen already.
      if (last + 1 - start !== length) this.#see({ form, start, isSplit: true });
    }
  }
}

function ringSize(lengths: readonly number[]): number {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  return 2 ** Math.ceil(Math.log2(longest + 1));
}
