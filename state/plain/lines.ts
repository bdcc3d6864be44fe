// Restores the lines of a file as the author wrote them, and numbers them. In a file copied from a forge's page, lines
// of nothing but table bars stand between the real lines: they are removed, and the empty lines that they replaced are
// restored. Other text of the page, such as the file's size, is removed too.

export type SourceLine = { text: string; line: number };

export const lineCharsMax = 4000;
/** If more than this share of lines consists of bars, the bars are debris from a page, not the author's table. */
const debrisShareMin = 0.5;

const bars = /^\s*\|[|\s]*$/;
const furniture = /^\s*(\d+ lines|\d+(\.\d+)? (bytes|[KM]i?B)|Markdown|Files|Raw|Blame|History|Permalink)\s*$/i;

/** The lines of a text, with tabs replaced by spaces and lines cut at `lineCharsMax`. */
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
 * Removes the bars. The shortest run of bars separates two lines that were consecutive. In a longer run, each further
 * stretch of that length stands for an empty line. Empty lines in the copied text mean nothing.
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

/** Removes the page's own lines, but only above the first heading: further down, the author may have written them. */
function withoutFurniture(lines: SourceLine[]): SourceLine[] {
  const first = lines.findIndex(({ text }) => /^#{1,6} /.test(text));
  return lines.filter(({ text }, index) => index >= first || !furniture.test(text));
}
