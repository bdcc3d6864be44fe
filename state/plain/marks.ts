// Finds, in plain text, references to gates, findings, commits, builds and logs, in the forms that authors used.
// Whether an id is of a gate or of a finding is decided later, from whole statements.

export type CommitAt = { commit: string; index: number; role: 'review' | 'commit' };
export type BuildAt = { build: number; index: number };
export type IdAt = { id: string; index: number; isBracketed: boolean };

/** Matches ids such as `M1`, `S3.1`, `S4.7b`, `HS1` · `V2-14b`, `A5-5` · `ADV-notes-01`, `CONC-A1`. */
export const idSource = String.raw`(?:[A-Z]{1,3}\d{1,3}(?:\.\d{1,3}){0,3}[a-z]?(?:-\d{1,3}[a-z]?)?|[A-Z]{1,8}(?:-[A-Za-z]{1,20})?-[A-Z]?\d{1,4}[a-z]?)`;
const idPattern = new RegExp(`(?<![\\w./#-])${idSource}(?!\\.?\\w|-\\w)`, 'g');
/** File names and other words that look like ids of findings but are not. */
const fileWords = /^(?:STATUS|REVIEW|BACKLOG|JOURNAL|DECISIONS?|DEFERRED|PHASE|PR|SHA|UTF|ISO|RFC|TLS|CVE)-/i;
const findingShape = /-/;

const hex = /(?<![\w-])(?:[\w.]{1,60}@|[\w-]{1,60}=)?([0-9a-f]{7,40})(?!\w|-|\.\w)/g;
const notCommits = /(?:snapshot|sha256:|digest|uuid|image id|comment|build|run)\s*[`#(]*$/i;
const saysCommit = /(?:commits?|head|ref|sha|clone|review(?:-[\w-]+)?|\bat|REF=|[0-9a-f]{7}`?\s*[+,/])\s*[:@`(]*\s*$/i;
const saysReview = /REVIEW(?:-[\w-]+)?\s*[`(]*$|^[`)]*\s*\/\s*REVIEW/;

const builds = /\b[Bb]uilds?\s*\(?#?(\d{1,7}(?:\s*(?:,|\+|&|and|\/)\s*(?:build\s*)?#\d{1,7})*)(?!\w|\.\d)/g;
const logs = /(?<![\w/])\/[\w.+-]+(?:\/[\w.+<>-]+)*\.log\b/g;

export function idsIn(text: string): IdAt[] {
  const words = withoutCode(text);
  return [...words.matchAll(idPattern)].flatMap(({ 0: id, index }) =>
    fileWords.test(id)
      ? []
      : [{ id, index, isBracketed: words[index - 1] === '[' && words[index + id.length] === ']' }],
  );
}

/** True if an id has the form of a finding's id; a gate may be named after a finding. */
export function looksLikeFinding(id: string): boolean {
  return findingShape.test(id);
}

export function commitsIn(text: string): CommitAt[] {
  return [...text.matchAll(hex)].flatMap((match) => {
    const commit = match[1] ?? '';
    const index = match.index + match[0].length - commit.length;
    const [before, after] = [text.slice(Math.max(0, index - 24), index), text.slice(index + commit.length)];
    if (notCommits.test(before) || !mayBeCommit(commit, before, after)) return [];
    return [{ commit, index, role: saysReview.test(before) || saysReview.test(after) ? 'review' : 'commit' }];
  });
}

/** Letters alone count as a commit only in backticks; digits alone also where the text calls them a commit. */
function mayBeCommit(commit: string, before: string, after: string): boolean {
  const isQuoted = before.endsWith('`') && after.startsWith('`');
  return (/\d/.test(commit) && /[a-f]/.test(commit)) || isQuoted || (/\d/.test(commit) && saysCommit.test(before));
}

export function buildsIn(text: string): BuildAt[] {
  return [...text.matchAll(builds)].flatMap(({ 0: whole, 1: names = '', index }) =>
    [...names.matchAll(/\d+/g)].map((name) => ({
      build: Number(name[0]),
      index: index + whole.length - names.length + name.index,
    })),
  );
}

export function logsIn(text: string): string[] {
  return text.match(logs) ?? [];
}

const blank = '\u00a4';

/**
 * Replaces code spans, whose content is not the author's words, with a mark that is not a space; offsets stay the same.
 */
export function withoutCode(text: string): string {
  return text.replaceAll(/(`+)(?!`)(.{1,2000}?)(?<!`)\1(?!`)/g, (span) => blank.repeat(span.length));
}

export type Sentence = { text: string; offset: number };

/** Splits at full stops (but not in code or after abbreviations), and at a middle dot between statements. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  const words = withoutCode(text);
  let start = 0;
  for (const { index, 0: mark } of words.matchAll(
    /(?<!\b(?:incl|e\.g|i\.e|vs|cf|etc|approx))[.!?][)*"”]*(?=\s)|\s·\s/g,
  )) {
    sentences.push({ text: text.slice(start, index + mark.length), offset: start });
    start = index + mark.length;
  }
  if (start < text.length) sentences.push({ text: text.slice(start), offset: start });
  return sentences;
}
