// Looks for forms in a chunked stream in two ways at once: in the bytes as they are, and with everything left out that
// can break a text into lines: white space, a spelled-out `\n`, a backslash or `=` at the end of a line. Keeps only two
// automaton states and the positions of the last bytes. Pure.

import type { Automaton } from './automaton.ts';

/** `form` begins at byte `start` of the stream; `isSplit` if line breaks were left out to find it. */
export type FormMatch = { form: number; start: number; isSplit: boolean };

const backslash = 0x5c;
const equals = 0x3d;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
/** The blanks that are left out when a text is read without line breaks; also NUL, so that UTF-16 reads like ASCII. */
const blanks = new Set([0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
const spelled = new Set([...'nrt'].map((char) => char.charCodeAt(0)));

const plain = 0;
const blank = 1;
const telling = 2;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (blanks.has(byte)) return blank;
  return byte === backslash || byte === equals ? telling : plain;
});

/** A byte that may turn out to be part of a line break: `=`, or a run of backslashes, which counts as one byte. */
type Held = { byte: number; at: number; isReturned: boolean };

export class Scan {
  readonly #automaton: Automaton;
  readonly #lengths: readonly number[];
  readonly #see: (sight: FormMatch) => void;
  /** The stream positions of the last bytes of the text without line breaks. */
  readonly #ring: Float64Array;
  readonly #mask: number;
  #fed = 0;
  #whole = 0;
  #squeezed = 0;
  #kept = 0;
  #held: Held | null = null;

  /** `lengths` has the length of each form of the automaton. */
  constructor(automaton: Automaton, lengths: readonly number[], see: (sight: FormMatch) => void) {
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

  /** Uses local variables for speed: a search spends all its time in this loop and the next. */
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

  /**
   * True if `byte` is left out together with the held one, or prolongs it. Otherwise the held byte is settled: kept or
   * left out.
   */
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
      // `#feedWhole` has already reported a contiguous match.
      if (last + 1 - start !== length) this.#see({ form, start, isSplit: true });
    }
  }
}

function ringSize(lengths: readonly number[]): number {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  return 2 ** Math.ceil(Math.log2(longest + 1));
}
