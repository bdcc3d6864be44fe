// Reads from git what a claim changes: its tests, and its production files before and after. The loop makes controls
// from these changes, and the audit reads them again.

import { isUtf8 } from 'node:buffer';
import picomatch from 'picomatch';
import { type ChangedSource, type ChangedWork, changedFunctions } from '../controls/hollow.ts';
import { isSource } from '../controls/placebo.ts';
import { changedTests, revertEdits } from '../controls/revert.ts';
import type { GateId, RecipeName, Sha } from '../entry/ids.ts';
import type { Phase } from '../entry/phase.ts';
import { isApp, type Recipe } from '../entry/recipe.ts';
import { type ControlName, protectedBy, testGlobsOf } from '../entry/spec.ts';
import { openObjects } from '../git/catFile.ts';
import { changedPaths, type PathChange } from '../git/git.ts';

const sourceBytesMax = 16 * 1024 * 1024;
const fileModes = new Set(['100644', '100755']);
const noMode = '000000';

export type WorkRequest = { hub: string; reference: Sha; sha: Sha; spec: Phase['spec']; recipe: Recipe };

/** Everything that a claim changes. */
export async function changedWork(request: WorkRequest): Promise<ChangedWork> {
  const changed = await changedPaths(request.hub, request.reference, request.sha);
  const files = production(changed, request);
  const there = files.filter(({ newMode }) => fileModes.has(newMode));
  const read = await texts(
    request.hub,
    files.filter(({ path }) => isSource(path)),
  );
  return {
    testFiles: changedTests(changed, testGlobsOf(request.spec, request.recipe)),
    sources: read?.flatMap(({ after, ...file }) => (after === null ? [] : { ...file, after })) ?? null,
    gone: (read ?? []).flatMap(({ path, before, after }) =>
      before === null || after !== null ? [] : { path, before },
    ),
    others: there.filter(({ path }) => !isSource(path)).map(({ path }) => path),
    reverted: reverted(changed, request),
  };
}

/** The part of the claim's changes that the control with this name needs to know. */
export async function workFor(control: ControlName, request: WorkRequest): Promise<ChangedWork> {
  if (control === 'placebo' || control === 'hollow') return changedWork(request);
  const changed = await changedPaths(request.hub, request.reference, request.sha);
  const testFiles = changedTests(changed, testGlobsOf(request.spec, request.recipe));
  return { testFiles, sources: [], gone: [], others: [], reverted: reverted(changed, request) };
}

/**
 * The files that a patch by the Adversary may change, as they are in the claim: production files that the claim adds or
 * changes.
 */
export async function patchableFiles(request: WorkRequest): Promise<Map<string, ChangedSource>> {
  const isProtected = picomatch(protectedBy(request.spec), { dot: true });
  const changed = production(await changedPaths(request.hub, request.reference, request.sha), request);
  const files = await texts(
    request.hub,
    changed.filter(({ path }) => !isProtected(path)),
  );
  return new Map(
    (files ?? []).flatMap(({ after, ...file }) => (after === null ? [] : [[file.path, { ...file, after }]])),
  );
}

/**
 * Counts, for each gate that judges a claim, the changed functions from which `hollow` may choose. Leaves out gates
 * without any such function, and gates of apps, whose tests do not see functions.
 */
export async function functionCounts(
  hub: string,
  { spec }: Pick<Phase, 'spec'>,
  claim: { sha: Sha; references: Record<string, Sha> },
  recipeOf: (name: RecipeName) => Promise<Recipe>,
): Promise<Record<GateId, number>> {
  const counts: Record<GateId, number> = {};
  for (const [name, reference] of Object.entries(claim.references)) {
    const gate = spec.gates[name as GateId];
    if (!gate) continue;
    const recipe = await recipeOf(gate.recipe);
    if (isApp(recipe)) continue;
    const work = await changedWork({ hub, reference, sha: claim.sha, spec, recipe });
    const count = changedFunctions(work, gate.exempt).length;
    if (count > 0) counts[name as GateId] = count;
  }
  return counts;
}

function reverted(changed: PathChange[], { spec, recipe }: WorkRequest): string[] {
  return revertEdits(changed, testGlobsOf(spec, recipe), recipe.harness).map(({ path }) => path);
}

/**
 * Changed files, deleted ones included, that are neither tests (by recipe and plan) nor the operator's harness files.
 */
function production(changed: PathChange[], { spec, recipe }: WorkRequest): PathChange[] {
  const isTest = picomatch(testGlobsOf(spec, recipe), { dot: true, nonegate: true });
  const operators = new Set<string>(recipe.harness);
  const isFile = ({ oldMode, newMode }: PathChange) =>
    fileModes.has(newMode) || (newMode === noMode && fileModes.has(oldMode));
  return changed.filter((change) => isFile(change) && !isTest(change.path) && !operators.has(change.path));
}

type Text = { path: string; mode: string; before: string | null; after: string | null };

/** The text of the files before and after; null if they are too large together. */
async function texts(hub: string, files: PathChange[]): Promise<Text[] | null> {
  const objects = openObjects(hub);
  let left = sourceBytesMax;
  const read: Text[] = [];
  try {
    for (const { path, newMode: mode, oldMode, oldBlob, newBlob } of files) {
      const after = await textOf(newBlob);
      const before = fileModes.has(oldMode) ? await textOf(oldBlob) : null;
      if (left < 0) return null;
      read.push({ path, mode, before, after });
    }
  } finally {
    objects.close();
  }
  return read;

  /** Null if the blob is missing or not valid UTF-8. */
  async function textOf(blob: Sha | null): Promise<string | null> {
    const object = blob === null || left < 0 ? null : await objects.read(blob);
    left -= object?.bytes.length ?? 0;
    return object && isUtf8(object.bytes) ? object.bytes.toString('utf8') : null;
  }
}
