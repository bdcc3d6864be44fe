// The control `placebo`: after edits to the changed files that keep their meaning, every test must have the same
// result, or some test looks at the text of the source. It also complements `hollow`: a test that fails after any edit
// would seem to notice every emptied function. Pure: computes the edits, and what the run shows compared with the
// claim's own.

import type { RunRecord, TestResult } from '../entry/record.ts';
import { functionsIn } from './functions.ts';
import type { ChangedSource, ChangedWork } from './hollow.ts';
import { byId, inconclusive, type Judgement, judged, names, unlike } from './judgement.ts';

const pathsShown = 5;
export const tooMuch = 'The claim changes more source than can be looked at.';

/** An empty comment for each file ending. Other files are left alone: no edit is known to keep their meaning. */
const comments: Record<string, string> = {
  ...all(
    '//',
    'js mjs cjs jsx ts mts cts tsx c h cc cpp hpp cs java kt kts go rs swift scala dart groovy zig proto scss less',
  ),
  ...all('#', 'py pyw pyi rb sh bash zsh pl pm r ex exs jl nix tf toml yml yaml cmake mk'),
  ...all('--', 'sql lua hs elm adb ads'),
  ...all('/**/', 'css'),
  ...all(';', 'clj cljs el lisp scm asm'),
};

/** The file with a comment at its end and at the start of each known function; null if it cannot have comments. */
export function neutral({ path, after }: Pick<ChangedSource, 'path' | 'after'>): string | null {
  const comment = commentOf(path);
  if (comment === null) return null;
  const line = after.includes('\r\n') ? '\r\n' : '\n';
  const end = after === '' || after.endsWith('\n') ? after.length : -1;
  const places = functionsIn(path, after).flatMap(({ inside }) => inside ?? []);
  const spots = [...new Map(places.map((place) => [place.at, place])).values()].sort((a, b) => b.at - a.at);
  const edited = spots.reduce(
    (text, { at, indent }) => `${text.slice(0, at)}${indent}${comment}${line}${text.slice(at)}`,
    after,
  );
  return `${edited}${end < 0 ? line : ''}${comment}${line}`;
}

/** BITES if every test has the same result as in the claim's own run. */
export function judgePlacebo(
  { claim, control }: { claim: RunRecord; control: RunRecord },
  { sources, others }: Pick<ChangedWork, 'sources' | 'others'>,
): Judgement {
  if (sources === null) return inconclusive(tooMuch);
  const spoilt = unlike(claim, control, 'the edited files');
  if (spoilt !== null) return inconclusive(spoilt);
  const other = [...differing(claim.tests, control.tests), ...differing(control.tests, claim.tests)];
  const changed = [...new Map(other.map((test) => [test.id, test])).values()];
  const why =
    changed.length > 0
      ? `these come out otherwise: ${names(changed)}`
      : `the run is ${control.outcome}: ${control.reason}`;
  if (changed.length > 0 || control.outcome !== 'PASS')
    return judged(
      'VACUOUS',
      `Comments were added to changed files, and ${why}. No test or check may look at its source.`,
    );
  const skipped = others.length === 0 ? '' : ` Not edited: ${shown(others)}.`;
  if (sources.length === 0) return judged('BITES', `There is nothing to edit.${skipped}`);
  return judged(
    'BITES',
    `With comments added to ${sources.length} changed ${sources.length === 1 ? 'file' : 'files'} every test came out the same.${skipped}`,
  );
}

/** True for a file that can be edited without changing its meaning. */
export function isSource(path: string): boolean {
  return commentOf(path) !== null;
}

function commentOf(path: string): string | null {
  const ending = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(comments, ending) ? (comments[ending] as string) : null;
}

function differing(tests: readonly TestResult[], others: readonly TestResult[]): TestResult[] {
  const known = byId(others);
  return tests.filter(({ id, status }) => known.get(id)?.status !== status);
}

function shown(paths: readonly string[]): string {
  const rest = paths.length - pathsShown;
  return `${paths.slice(0, pathsShown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function all(comment: string, endings: string): Record<string, string> {
  return Object.fromEntries(endings.split(' ').map((ending) => [ending, comment]));
}
