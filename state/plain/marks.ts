// What a plain text points at: ids of gates and findings, commits, builds, logs. The forms are the practice's; which id is a
// gate and which a finding is for the reader of whole statements to say.

export type CommitAt = { commit: string; index: number; role: 'review' | 'commit' };
export type BuildAt = { build: number; index: number };
export type IdAt = { id: string; index: number; isBracketed: boolean };

/** `M1`, `S3.1`, `S4.7b`, `HS1` · `V2-14b`, `A5-5` · `ADV-notes-01`, `CONC-A1`. */
export const idSource = String.raw`(?:[A-Z]{1,3}\d{1,3}(?:\.\d{1,3}){0,3}[a-z]?(?:-\d{1,3}[a-z]?)?|[A-Z]{1,8}(?:-[A-Za-z]{1,20})?-[A-Z]?\d{1,4}[a-z]?)`;
const idPattern = new RegExp(`(?<![\\w./#-])${idSource}(?!\\.?\\w|-\\w)`, 'g');
/** The practice's own files are named like findings. */
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

/** Ids of the kind that findings get; a gate may be named after one. */
export function looksLikeFinding(id: string): boolean {
  return findingShape.test(id);
}

export function commitsIn(text: string): CommitAt[] {
  return [...text.matchAll(hex)].flatMap((found) => {
    const commit = found[1] ?? '';
    const index = found.index + found[0].length - commit.length;
    const [before, after] = [text.slice(Math.max(0, index - 24), index), text.slice(index + commit.length)];
    if (notCommits.test(before) || !mayBeCommit(commit, before, after)) return [];
    return [{ commit, index, role: saysReview.test(before) || saysReview.test(after) ? 'review' : 'commit' }];
  });
}

/** Digits alone, or letters alone, are a commit only where the text says so or quotes them. */
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

/** Code spans blanked, with a mark that is no space, so that offsets stay: what is quoted there is no word of the author's. */
export function withoutCode(text: string): string {
  return text.replaceAll(/(`+)(?!`)(.{1,2000}?)(?<!`)\1(?!`)/g, (span) => blank.repeat(span.length));
}

export type Sentence = { text: string; offset: number };

/** A full stop ends one, but for those in code and after short forms; so does a middle dot between bold statements. */
export function sentencesOf(text: string): Sentence[] {
  const found: Sentence[] = [];
  const words = withoutCode(text);
  let start = 0;
  for (const { index, 0: mark } of words.matchAll(
    /(?<!\b(?:incl|e\.g|i\.e|vs|cf|etc|approx))[.!?][)*"”]*(?=\s)|\s·\s/g,
  )) {
    found.push({ text: text.slice(start, index + mark.length), offset: start });
    start = index + mark.length;
  }
  if (start < text.length) found.push({ text: text.slice(start), offset: start });
  return found;
}
