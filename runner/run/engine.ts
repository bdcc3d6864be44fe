// What a cold run needs from whatever carries it out. `process` (process.ts) runs stages as commands in boxes; `swarm`
// (swarm/swarm.ts) takes apps up their rungs, and gives every other recipe to the first. tests/runner/run/engine.contract.ts holds
// for each.
//
//   available → setup → (start → tail* → wait)* → examine → destroy        sweep: at the supervisor's start
//
// The order of calls is the caller's duty, one run at a time for each id; several runs may be on their way at once. A command
// that fails is a value. A method that rejects tells of a broken machine (INFRA), never of a claim.

import type { Digest, RunId, Sha } from '../../state/entry/ids.ts';
import type { AppRung, PinnedRecipe } from '../../state/entry/recipe.ts';
import type { AppFacts, Purpose, RunRecord, TestResult } from '../../state/entry/record.ts';
import type { Drill } from '../../state/entry/spec.ts';
import type { FileAnswer } from '../box/fileservice.ts';

export interface Engine {
  readonly name: 'process' | 'swarm';
  /** What stands on every record made here. */
  readonly sandbox: RunRecord['sandbox'];

  /** Null where runs can be carried out, else what is missing and how to mend it. Cheap; may be called at any time. */
  available(): Promise<string | null>;

  /**
   * Makes a place for the run with exactly the order's tree in it, the operator's files laid over, before any boxed process
   * sees it. `refused`: the order cannot be carried out as it stands (nothing ran). Rejects where the machine fails; what is
   * half made is `destroy`'s. Once for each run.
   */
  setup(order: Order, signal: AbortSignal): Promise<Prepared>;

  /** Starts a step, under a name not used before in this run. Aborting `signal` ends it with all its descendants at once. */
  start(run: RunId, step: Step, signal: AbortSignal): Promise<void>;

  /** Calls `onLine` with the last line of whatever the step says from now on, cleaned for a terminal. */
  tail(run: RunId, step: string, onLine: (line: string) => void): void;

  /** Resolves once no process of the step is left and its output is read. May be called often. */
  wait(run: RunId, step: string): Promise<StepEnd>;

  /**
   * After the last step: what of the run is wrong that no step shows, each in words. `texts` are what its record will hold.
   * Only after a `setup` that was not refused.
   */
  examine(run: RunId, texts: readonly string[], signal: AbortSignal): Promise<Examined>;

  /** The run's tree, read and written on the boxed side. Between steps only. */
  tree(run: RunId): RunTree;

  /**
   * Keeps a copy of the tree as it is now for later orders with `snapshotOf: run`, until `forget(run)`. False where the tree
   * cannot be copied: such orders then begin from a clone.
   */
  keep(run: RunId, signal: AbortSignal): Promise<boolean>;
  forget(run: RunId): Promise<void>;

  /**
   * Ends and removes everything of the run but a kept copy. Never rejects: what is left is in the answer. May be called
   * twice, after a failed `setup`, and for a run that it never saw. Has its own deadline and heeds no one's signal.
   */
  destroy(run: RunId): Promise<Destroyed>;

  /** Removes what runs that are not live left behind, in an earlier process too, kept copies included. Gives what would not go. */
  sweep(isLive: (run: RunId) => boolean): Promise<string[]>;
}

export type Order = {
  run: RunId;
  hub: string;
  sha: Sha;
  pinned: PinnedRecipe;
  /** The operator's bytes that `pinned.harness` names. */
  harnessFiles: ReadonlyMap<Digest, Uint8Array>;
  /** Begin from the copy that this run kept after its setup, if it is of the same commit and recipe. */
  snapshotOf: RunId | null;
  /** For an app: instead of the rungs, whether its tests notice what a restore leaves out. */
  drill: Drill | null;
  purpose: Purpose;
};

/** `root` is the tree's path as steps see it; `fromSnapshot` says that the setup's result is in it already. */
export type Prepared = { tree: Sha; root: string; overlaid: string[]; fromSnapshot: boolean } | { refused: string };

export type Step = {
  name: string;
  /** Handed to `sh -c` in the tree's top folder. */
  run: string;
  seconds: number;
  network: string[];
  /** Path of the report it shall write: what lies there before is removed, its folder made. */
  report: string | null;
  /** A rung of an app in place of the command. */
  rung?: AppRung | 'drill';
};

/** What a rung came to: the harness's own checks and the suite's tests, in order. */
export type RungEnd = {
  tests: TestResult[];
  /** Why it failed, where no test says so. */
  failed: string | null;
  skipped: string | null;
};

export type StepEnd = {
  /** False: its box could not be made; `troubles` then says why. */
  started: boolean;
  exit: number | null;
  signal: string | null;
  timedOut: boolean;
  outOfMemory: boolean;
  ms: number;
  /** What the machinery said: why a box was not made, what the network proxy turned down. */
  troubles: string[];
  /** Both streams in order: the first and last of it as text, and size and digest of the whole. */
  output: { head: string; tail: string; bytes: number; digest: Digest };
  rung?: RungEnd;
};

/** `leaks`: secrets of the run that were found outside. `failed`: what else makes the run red. */
export type Examined = { flags: Record<string, boolean>; leaks: string[]; failed: string | null };

/** Paths are relative to the tree; nothing is read or written outside it. Refusals are answers in words. */
export interface RunTree {
  /** The first `bytesMax` bytes of a plain file; a link, even to one, is refused. `cut` where there are more. */
  read(path: string, bytesMax: number): Promise<FileAnswer<{ bytes: Buffer; cut: boolean }>>;
  /** Makes missing folders; replaces whatever lies there. */
  write(path: string, bytes: Uint8Array, mode: number): Promise<FileAnswer>;
  link(path: string, target: string): Promise<FileAnswer>;
  /** Names of the plain files in a folder. */
  list(path: string, max: number): Promise<FileAnswer<{ names: string[] }>>;
  /** Also fine where nothing lies there. */
  remove(path: string): Promise<FileAnswer>;
}

/** Each leak in words; empty where everything of the run is gone. `app`: what an app's run proved. */
export type Destroyed = { leaks: string[]; app?: AppFacts };
