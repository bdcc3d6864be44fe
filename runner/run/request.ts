// What a cold run is asked for, and what it needs from its caller.

import type { TreeEdit } from '../../state/controls/revert.ts';
import type { Digest, RunId, Sha } from '../../state/entry/ids.ts';
import type { PinnedRecipe } from '../../state/entry/recipe.ts';
import type { Purpose, RunRecord } from '../../state/entry/record.ts';
import type { Drill } from '../../state/entry/spec.ts';
import type { Engine } from './engine.ts';

export type ColdRunRequest = {
  /** Not used before. */
  run: RunId;
  purpose: Purpose;
  pinned: PinnedRecipe;
  /** The operator's bytes that the pinned recipe names by digest. */
  harnessFiles: ReadonlyMap<Digest, Uint8Array>;
  hub: string;
  sha: Sha;
  /** Made after setup, before the first stage: what a control changes. */
  edits?: readonly TreeEdit[];
  /** For a recipe of an app: in the place of its rungs, restores that leave volumes out. */
  drill?: Drill;
  /** Of what the run showed nothing is recorded but outcome, counts and digests. */
  blind?: boolean;
  /** Laid and run after the last stage. Its command is handed to `sh -c`: exit 0 green, 1 red, else inconclusive. */
  reproducer?: { path: string; bytes: Uint8Array; command: string };
  /** Asked instead of the ladder: its exit alone answers, 0 PASS, else FAIL, and no test is looked for. */
  question?: string;
  /** Begin from the copy that this run kept after its setup. */
  snapshotFrom?: RunId;
  /** Keep such a copy; `engine.forget(run)` removes it. */
  keepSnapshot?: boolean;
};

export type ColdRunDeps = {
  engine: Engine;
  /** The state's `runs` folder. */
  runsDir: string;
  now(): Date;
  /** Aborting cancels: everything of the run is ended, then torn down. */
  signal: AbortSignal;
  onProgress?(progress: Progress): void;
  /** Over a run that is red, before anything of it is taken down: resolves when it may go. */
  hold?(soFar: RunRecord): Promise<void>;
};

export type Progress =
  | { kind: 'started'; run: RunId; stage: string; seconds: number }
  | { kind: 'line'; run: RunId; stage: string; line: string }
  | { kind: 'ended'; run: RunId; stage: string; ms: number; passed: boolean };
