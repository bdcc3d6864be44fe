// The control `hollow`: with the body of one changed function emptied, some test must fail, or no test looks at what it does.
// Pure: which functions a claim changes, which of them are tried, and what one such run shows beside the claim's own. The words
// go to the Builder.

import { digestOf } from '../entry/digest.ts';
import type { RunRecord } from '../entry/record.ts';
import { emptied, functionsIn, type SourceFunction } from './functions.ts';
import { byId, inconclusive, type Judgement, judged, names, unlike } from './judgement.ts';

/** Functions of one claim and gate that are emptied, each in a run of its own. */
export const hollowRunsMax = 20;

/** A production file that a claim changes; `before` is null where it is new. */
export type ChangedSource = { path: string; mode: string; before: string | null; after: string };

/** What differs from a reference to a claim, parted. */
export type ChangedWork = {
  /** Paths of tests. */
  testFiles: string[];
  /** Production files whose language is known; null where they are more than can be looked at. */
  sources: ChangedSource[] | null;
  /** Those of them that are not there any more, as they were. */
  gone: { path: string; before: string }[];
  /** Other production files that are there. */
  others: string[];
  /** What `revert` puts back. */
  reverted: string[];
};

export type ChangedFunction = { source: ChangedSource; found: SourceFunction };

/**
 * Functions that a claim adds or changes and that can be emptied, in the order of their files; but those that the plan exempts.
 * What only moved, within its file or to another, is not changed.
 */
export function changedFunctions(
  { sources, gone }: Pick<ChangedWork, 'sources' | 'gone'>,
  exempt: readonly string[],
): ChangedFunction[] {
  const files = sources ?? [];
  const old = new Set(
    [...files, ...gone].flatMap(({ path, before }) => (before === null ? [] : functionsIn(path, before).map(keyOf))),
  );
  return files.flatMap((source) =>
    functionsIn(source.path, source.after)
      .filter((found) => found.emptying !== null && !old.has(keyOf(found)) && !isExempt(source, found, exempt))
      .map((found) => ({ source, found })),
  );
}

/** The file with the function emptied; null where that cannot be done. */
export function hollowed({ source, found }: ChangedFunction): string | null {
  return emptied(source.path, source.after, found);
}

/**
 * Which of `count` functions are tried, as numbers from 1, in the order in which they are. `nonce` must be minted after the claim:
 * whoever knew it could leave untested what it does not draw.
 */
export function drawn(count: number, nonce: string): number[] {
  const lots = Array.from({ length: count }, (_, i) => ({ n: i + 1, lot: digestOf(`${nonce} ${i + 1}`) }));
  return lots
    .toSorted((a, b) => (a.lot < b.lot ? -1 : 1))
    .slice(0, hollowRunsMax)
    .map(({ n }) => n);
}

/** BITES where a test that passed in the claim's own run fails with `tried` emptied. A run whose tests are not there shows nothing. */
export function judgeHollow(runs: { claim: RunRecord; control: RunRecord }, tried: ChangedFunction | null): Judgement {
  const { claim, control } = runs;
  if (!tried) return inconclusive('The claim changes no such function, or it cannot be emptied.');
  const name = `${tried.found.name} (${tried.source.path}:${tried.found.line})`;
  const spoilt = unlike(claim, control, `an emptied ${name}`);
  if (spoilt !== null) return inconclusive(spoilt);
  const there = byId(control.tests);
  const green = claim.tests.filter(({ status }) => status === 'pass');
  const failing = green.filter(({ id }) => there.get(id)?.status === 'fail');
  if (failing.length > 0) return judged('BITES', `With ${name} emptied these fail: ${names(failing)}.`);
  const gone = green.filter(({ id }) => there.get(id)?.status !== 'pass');
  if (gone.length > 0) return inconclusive(`With ${name} emptied these did not run: ${names(gone)}.`);
  if (control.outcome !== 'PASS')
    return inconclusive(`With ${name} emptied the run ended ${control.outcome}, but no test failed: ${control.reason}`);
  return judged('VACUOUS', `With ${name} emptied every test stays green. Test what it does, or leave it out.`);
}

/** By its whole name: of whatever file, or of the one that stands before it. */
function isExempt({ path }: ChangedSource, { name }: SourceFunction, exempt: readonly string[]): boolean {
  return exempt.includes(name) || exempt.includes(`${path}:${name}`);
}

function keyOf({ name, text }: SourceFunction): string {
  return `${name}\n${text}`;
}
