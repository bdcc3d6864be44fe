// The lines of a file as its author wrote it, each with its number. A file copied from a forge's page has lines of
// nothing but table bars between its real lines: they are removed, and the empty lines that they replaced are restored.
// Page furniture, such as the file's size, is removed too.

export type SourceLine = { text: string; line: number };

export const lineCharsMax = 4000;
/** Above this share of lines, bars are not the author's table but debris from a page. */
const debrisShareMin = 0.5;

const bars = /^\s*\|[|\s]*$/;
const furniture = /^\s*(\d+ lines|\d+(\.\d+)? (bytes|[KM]i?B)|Markdown|Files|Raw|Blame|History|Permalink)\s*$/i;

/** Tabs become spaces; lines over the limit are cut. */
export function sourceLines(text: string): SourceLine[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .map((one, index) => ({ text: one.slice(0, lineCharsMax).replaceAll('\t', '    '), line: index + 1 }));
  return withoutFurniture(isDebris(lines) ? withoutBars(lines) : lines);
}

function isDebris(lines: SourceLine[]): boolean {
  const written = lines.filter(({ text }) => text.trim() !== '');
  return written.filter(({ text }) => bars.test(text)).length > debrisShareMin * written.length;
}

/**
 * The shortest run of bars separates two consecutive lines; each further such run was an empty line. Empty lines in the
 * page itself mean nothing.
 */
function withoutBars(lines: SourceLine[]): SourceLine[] {
  const kept: SourceLine[] = [];
  const runs: SourceLine[][] = [];
  for (const one of lines) {
    if (bars.test(one.text)) runs.at(-1)?.push(one);
    else if (one.text.trim() !== '') {
      kept.push(one);
      runs.push([]);
    }
  }
  const lengths = runs.slice(0, -1).flatMap((run) => (run.length > 0 ? [run.length] : []));
  const step = lengths.reduce((least, length) => Math.min(least, length), Number.POSITIVE_INFINITY);
  return kept.flatMap((one, index) => {
    const run = runs[index] ?? [];
    const empty = run.slice(0, Math.max(0, Math.floor(run.length / step) - 1));
    return [one, ...empty.map(({ line }) => ({ text: '', line }))];
  });
}

/** Only above the first heading: further down such a line may be the author's. */
function withoutFurniture(lines: SourceLine[]): SourceLine[] {
  const first = lines.findIndex(({ text }) => /^#{1,6} /.test(text));
  return lines.filter(({ text }, index) => index >= first || !furniture.test(text));
}
