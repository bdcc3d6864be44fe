// What a caller asks of a cold run, and what the run needs from the caller.

import type { TreeEdit } from '../../state/controls/revert.ts';
import type { Digest, RunId, Sha } from '../../state/entry/ids.ts';
import type { PinnedRecipe } from '../../state/entry/recipe.ts';
import type { Purpose, RunRecord } from '../../state/entry/record.ts';
import type { Drill } from '../../state/entry/spec.ts';
import type { Engine } from './engine.ts';

export type ColdRunRequest = {
  /** An id that was never used before. */
  run: RunId;
  purpose: Purpose;
  pinned: PinnedRecipe;
  /** The operator's files that the pinned recipe names by digest. */
  harnessFiles: ReadonlyMap<Digest, Uint8Array>;
  hub: string;
  sha: Sha;
  /** A control's edits, made after setup and before the first stage. */
  edits?: readonly TreeEdit[];
  /** For an app's recipe: make restores that leave volumes out, instead of climbing the app's rungs. */
  drill?: Drill;
  /** Record only outcome, counts and digests. */
  blind?: boolean;
  /** Written and run (by `sh -c`) after the last stage: exit 0 is green, 1 red, anything else inconclusive. */
  reproducer?: { path: string; bytes: Uint8Array; command: string };
  /** A command run instead of the ladder: its exit code alone decides (0 PASS, else FAIL); no tests are expected. */
  question?: string;
  /** Start from the copy that the run with this id kept after its setup. */
  snapshotFrom?: RunId;
  /** Keep a copy of this run's tree after setup; `engine.forget(run)` removes the copy. */
  keepSnapshot?: boolean;
};

export type ColdRunDeps = {
  engine: Engine;
  /** The state's `runs` folder. */
  runsDir: string;
  now(): Date;
  /** Aborting cancels: everything of the run is killed, then torn down. */
  signal: AbortSignal;
  onProgress?(progress: RunProgress): void;
  /** Called for a red run, before any of it is torn down; teardown waits until it resolves. */
  hold?(soFar: RunRecord): Promise<void>;
};

export type RunProgress =
  | { kind: 'started'; run: RunId; stage: string; seconds: number }
  | { kind: 'line'; run: RunId; stage: string; line: string }
  | { kind: 'ended'; run: RunId; stage: string; ms: number; passed: boolean };
