// Cleans up after runs that died with their supervisor. Their processes are gone already: a box's pid namespace ends
// with its parent; cgroups and other leftovers of a sandbox are removed when the next sandbox opens. What remains to do
// here is to remove folders and to find the runs that were under way: those with an intent and no results.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { Digest, RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import { Purpose } from '../../state/entry/record.ts';
import { removeFolder } from '../box/removal.ts';
import { runPaths } from './paths.ts';

const removalMs = 120_000;

/** What a run is about to do, written to disk before anything else of the run exists. */
export const RunIntent = z.strictObject({
  run: RunId,
  purpose: Purpose,
  recipe: z.strictObject({ name: RecipeName, digest: Digest }),
  shas: z.record(z.string(), Sha),
  startedAtMs: z.number(),
});
export type RunIntent = z.infer<typeof RunIntent>;

/** `lost`: runs with an intent and no results, oldest first. `stuck`: folders that could not be removed, and why. */
export type SweepResult = { lost: RunIntent[]; stuck: string[] };

/**
 * Removes the trees and kept copies of all runs in `runsDir` that are not live; intents, results and logs stay. To get
 * a lost run reported only once, write its `results.json` or have `isLive` return true for it.
 */
export async function sweep(runsDir: string, options: { isLive(run: RunId): boolean }): Promise<SweepResult> {
  const swept: SweepResult = { lost: [], stuck: [] };
  for (const run of runsIn(runsDir)) {
    if (options.isLive(run)) continue;
    const paths = runPaths(runsDir, run);
    for (const folder of [paths.tree, paths.copy, paths.out, ...partialClones(paths.dir)]) {
      const why = await removeFolder(folder, removalMs);
      if (why !== null) swept.stuck.push(`${folder}: ${why}`);
    }
    const intent = statSync(paths.results, { throwIfNoEntry: false }) ? null : readIntent(paths.intent);
    if (intent !== null) swept.lost.push(intent);
  }
  swept.lost.sort((a, b) => a.startedAtMs - b.startedAtMs);
  return swept;
}

function runsIn(runsDir: string): RunId[] {
  let names: string[];
  try {
    names = readdirSync(runsDir);
  } catch {
    return [];
  }
  return names.filter((name) => RunId.safeParse(name).success) as RunId[];
}

/** Repositories next to the tree, left by an interrupted clone. */
function partialClones(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.startsWith('tree.'))
    .map((name) => `${dir}/${name}`);
}

/** Null if the intent is missing or half written: then nothing else of the run was made. */
function readIntent(path: string): RunIntent | null {
  try {
    return RunIntent.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
