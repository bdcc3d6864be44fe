// All forms of all secrets as one Aho-Corasick automaton, fed a byte at a time: the search takes no longer when there
// are more forms, and one number is the only state kept between two chunks. Pure.

export type Automaton = {
  /** The column of each byte; 0 for bytes that occur in no form. */
  columns: Uint8Array;
  /**
   * `next[state + column]` is the next state, or its complement (negative) if a form ends there. A state is a row's
   * offset.
   */
  next: Int32Array;
  /** By state, the numbers of the forms that end there. */
  endings: Map<number, number[]>;
};

const columnsMax = 256;

export function automatonOf(forms: readonly Uint8Array[]): Automaton {
  const { columns, width } = columnsOf(forms);
  const rows = 1 + forms.reduce((total, { length }) => total + length, 0);
  const next = new Int32Array(rows * width);
  const endings = new Map<number, number[]>();
  let last = 0;
  forms.forEach((form, number) => {
    let state = 0;
    for (const byte of form) {
      const at = state + (columns[byte] as number);
      if (next[at] === 0) next[at] = last += width;
      state = next[at] as number;
    }
    endings.set(state, [...(endings.get(state) ?? []), number]);
  });
  linkBack(next, endings, width);
  mark(next, endings);
  return { columns, next: next.slice(0, last + width), endings };
}

function columnsOf(forms: readonly Uint8Array[]): { columns: Uint8Array; width: number } {
  const used = new Set(forms.flatMap((form) => [...form]));
  const columns = new Uint8Array(256);
  // If all 256 bytes are used, the last one gets column 0, which is then a byte like any other.
  [...used].forEach((byte, index) => {
    columns[byte] = (index + 1) % columnsMax;
  });
  return { columns, width: Math.min(used.size + 1, columnsMax) };
}

/** Breadth first: a missing transition is copied from the state of the longest suffix that is a prefix of a form. */
function linkBack(next: Int32Array, endings: Map<number, number[]>, width: number): void {
  const back = new Map<number, number>([[0, 0]]);
  for (const [state, other] of back) {
    for (let column = 0; column < width; column += 1) {
      const to = next[state + column] as number;
      // The root has no shorter suffix to fall back to.
      const fallen = state === 0 ? 0 : (next[other + column] as number);
      if (to === 0) next[state + column] = fallen;
      else back.set(to, shared(endings, to, fallen));
    }
  }
}

/** Forms that end in the fallback state end in this state too. */
function shared(endings: Map<number, number[]>, state: number, fallen: number): number {
  const ending = [...(endings.get(state) ?? []), ...(endings.get(fallen) ?? [])];
  if (ending.length > 0) endings.set(state, ending);
  return fallen;
}

function mark(next: Int32Array, endings: Map<number, number[]>): void {
  for (let at = 0; at < next.length; at += 1) if (endings.has(next[at] as number)) next[at] = ~(next[at] as number);
}
