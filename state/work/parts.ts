// A diff in parts that a reader can take in: cut at the borders of hunks, a hunk that is too long at lines, a line that is too
// long at characters. Pure, and nothing is lost: the parts, joined, are the diff. So that "all parts were served" means that
// every hunk was. The audit cuts the same diff again.

import { digestOf } from '../entry/digest.ts';
import type { Digest } from '../entry/ids.ts';

/** Longest part, in bytes of UTF-8. */
export const partBytesMax = 24 * 1024;

export type DiffPart = {
  text: string;
  /** Where the part does not begin with a file's own header: that header's first line. */
  within: string | null;
};

export type DiffParts = { digest: Digest; parts: DiffPart[] };

/** Takes a unified diff apart, in its order. No part is empty, none longer than `bytesMax`. */
export function diffParts(text: string, bytesMax = partBytesMax): DiffParts {
  return {
    digest: digestOf(text),
    parts: packed(
      unitsOf(text).flatMap((unit) => cut(unit, bytesMax)),
      bytesMax,
    ),
  };
}

/** Any other text in parts, cut at lines where that can be. */
export function textParts(text: string, bytesMax: number): string[] {
  return packed(cut({ text, file: '', isHeader: true }, bytesMax), bytesMax).map((part) => part.text);
}

/** As many pieces together as fit. */
function packed(pieces: DiffPart[], bytesMax: number): DiffPart[] {
  const parts: DiffPart[] = [];
  let room = 0;
  for (const piece of pieces) {
    const bytes = Buffer.byteLength(piece.text);
    const last = parts.at(-1);
    if (last && bytes <= room) last.text += piece.text;
    else parts.push({ ...piece });
    room = (last && bytes <= room ? room : bytesMax) - bytes;
  }
  return parts;
}

/** A unit whole where it fits into one part, else its lines. */
function cut({ text, file, isHeader }: Unit, bytesMax: number): DiffPart[] {
  const fits = Buffer.byteLength(text) <= bytesMax;
  const pieces = fits ? [text] : linesOf(text).flatMap((line) => shreds(line, bytesMax));
  return pieces.map((piece, i) => ({ text: piece, within: isHeader && i === 0 ? null : file }));
}

type Unit = { text: string; file: string; isHeader: boolean };

/** Headers of files, and hunks. Lines of a hunk begin with a sign, so none of them can pass for a border. */
function unitsOf(text: string): Unit[] {
  const units: Unit[] = [];
  let file = '';
  let lines: string[] = [];
  let isHeader = true;
  const flush = () => {
    if (lines.length > 0) units.push({ text: lines.join(''), file, isHeader });
    lines = [];
  };
  for (const line of linesOf(text)) {
    const isFile = line.startsWith('diff --git ');
    if (isFile || line.startsWith('@@ ')) flush();
    if (isFile) file = line.trimEnd();
    if (lines.length === 0) isHeader = isFile;
    lines.push(line);
  }
  flush();
  return units;
}

/** Lines with what ends them; the last may lack it. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** One line in pieces of whole characters. */
function shreds(line: string, bytesMax: number): string[] {
  const bytes = Buffer.from(line);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = Math.min(bytes.length, at + bytesMax);
    // A byte 10xxxxxx goes on with the character before it.
    while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
    pieces.push(bytes.subarray(at, end).toString());
    at = end;
  }
  return pieces;
}
