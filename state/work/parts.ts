// Splits a diff into parts small enough to read: between hunks, inside a long hunk between lines, inside a long line
// between characters. Pure: nothing is lost, and the joined parts are the diff, so "all parts were served" means that
// every hunk was. The audit splits the same diff again.

import { digestOf } from '../entry/digest.ts';
import type { Digest } from '../entry/ids.ts';

/** The longest part, in UTF-8 bytes. */
export const partBytesMax = 24 * 1024;

export type DiffPart = {
  text: string;
  /** The first line of the file's header if the part does not begin with that header; else null. */
  within: string | null;
};

export type DiffParts = { digest: Digest; parts: DiffPart[] };

/** Splits a unified diff, in order. No part is empty or longer than `bytesMax`. */
export function diffParts(text: string, bytesMax = partBytesMax): DiffParts {
  return {
    digest: digestOf(text),
    parts: packed(
      unitsOf(text).flatMap((unit) => cut(unit, bytesMax)),
      bytesMax,
    ),
  };
}

/** Splits text that is not a diff, between lines where possible. */
export function textParts(text: string, bytesMax: number): string[] {
  return packed(cut({ text, file: '', isHeader: true }, bytesMax), bytesMax).map((part) => part.text);
}

/** Joins as many pieces as fit into each part. */
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

/** The whole unit if it fits into one part, else its lines, with long lines cut. */
function cut({ text, file, isHeader }: Unit, bytesMax: number): DiffPart[] {
  const fits = Buffer.byteLength(text) <= bytesMax;
  const pieces = fits ? [text] : linesOf(text).flatMap((line) => shreds(line, bytesMax));
  return pieces.map((piece, i) => ({ text: piece, within: isHeader && i === 0 ? null : file }));
}

type Unit = { text: string; file: string; isHeader: boolean };

/**
 * Splits a diff into file headers and hunks. Lines inside a hunk begin with a sign, so none can be taken for the start
 * of a unit.
 */
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

/** Lines with their newlines; the last may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Splits one line between characters. */
function shreds(line: string, bytesMax: number): string[] {
  const bytes = Buffer.from(line);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = Math.min(bytes.length, at + bytesMax);
    // A byte 10xxxxxx continues the previous character.
    while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
    pieces.push(bytes.subarray(at, end).toString());
    at = end;
  }
  return pieces;
}
