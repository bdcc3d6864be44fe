// The control `hollow`: when the body of one changed function is emptied, some test must fail, or no test checks what
// the function does. Pure: computes which functions a claim changes, which of them are tried, and what a run with one
// of them emptied shows compared with the claim's own run. The Builder reads the messages.

import { digestOf } from '../entry/digest.ts';
import type { RunRecord } from '../entry/record.ts';
import { emptied, functionsIn, type SourceFunction } from './functions.ts';
import { byId, inconclusive, type Judgement, judged, names, unlike } from './judgement.ts';

/** The most functions that are emptied for one claim and gate, each in its own run. */
export const hollowRunsMax = 20;

/** A production file that a claim changes; `before` is null if it is new. */
export type ChangedSource = { path: string; mode: string; before: string | null; after: string };

/** What differs between a reference and a claim, by kind. */
export type ChangedWork = {
  /** Paths of tests that differ. */
  testFiles: string[];
  /** Production files whose language is known; null if they are too large to examine. */
  sources: ChangedSource[] | null;
  /** Deleted production files, as they were at the reference. */
  gone: { path: string; before: string }[];
  /** Other production files that exist at the claim. */
  others: string[];
  /** The paths that `revert` puts back. */
  reverted: string[];
};

export type ChangedFunction = { source: ChangedSource; found: SourceFunction };

/**
 * Functions that a claim adds or changes and that can be emptied, in the order of their files, without those that the
 * plan exempts. A function that only moved, within its file or to another, is not changed.
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

/** The file with the function emptied; null if that is not possible. */
export function emptyFunction({ source, found }: ChangedFunction): string | null {
  return emptied(source.path, source.after, found);
}

/**
 * Which of `count` functions are tried, as numbers from 1, in the order of trying. `nonce` must be minted after the
 * claim: whoever knew it before could leave the functions that are not drawn untested.
 */
export function drawFunctions(count: number, nonce: string): number[] {
  const lots = Array.from({ length: count }, (_, i) => ({ n: i + 1, lot: digestOf(`${nonce} ${i + 1}`) }));
  return lots
    .toSorted((a, b) => (a.lot < b.lot ? -1 : 1))
    .slice(0, hollowRunsMax)
    .map(({ n }) => n);
}

/** BITES if a test that passed in the claim's own run fails when `tried` is emptied. Missing tests show nothing. */
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

/** True if the plan exempts the function: by its whole name alone, or as `path:name` for one file. */
function isExempt({ path }: ChangedSource, { name }: SourceFunction, exempt: readonly string[]): boolean {
  return exempt.includes(name) || exempt.includes(`${path}:${name}`);
}

function keyOf({ name, text }: SourceFunction): string {
  return `${name}\n${text}`;
}
