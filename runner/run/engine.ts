// What a cold run needs from the engine that carries it out. `process` (process.ts) runs stages as commands in boxes;
// `swarm` (../swarm/rungs/swarm.ts) takes apps up their rungs, and passes every other recipe to `process`. Each engine
// must pass tests/runner/run/engine.contract.ts.
//
//   available → setup → (start → tail* → wait)* → examine → destroy        sweep: at the supervisor's start
//
// The caller must keep this order of calls for each run; several runs may be under way at once. A command that fails is
// a value. A method that rejects means a broken machine (INFRA), never a fault of the claim.

import type { Digest, RunId, Sha } from '../../state/entry/ids.ts';
import type { AppRung, PinnedRecipe } from '../../state/entry/recipe.ts';
import type { AppFacts, Purpose, RunRecord, TestResult } from '../../state/entry/record.ts';
import type { Drill } from '../../state/entry/spec.ts';
import type { FileAnswer } from '../box/fileservice.ts';

export interface Engine {
  readonly name: 'process' | 'swarm';
  /** Recorded with every run that this engine makes. */
  readonly sandbox: RunRecord['sandbox'];

  /** Null if runs can be carried out, else what is missing and how to fix it. Cheap; may be called at any time. */
  available(): Promise<string | null>;

  /**
   * Makes the run's folder with exactly the order's tree in it and the operator's files laid over, before any boxed
   * process sees it. `refused`: the order cannot be carried out as it is (nothing ran). Rejects if the machine fails;
   * then `destroy` removes what was made so far. Call once per run.
   */
  setup(order: Order, signal: AbortSignal): Promise<SetupResult>;

  /** Starts a step, under a name new to this run. Aborting `signal` kills it and all its descendants at once. */
  start(run: RunId, step: RunStep, signal: AbortSignal): Promise<void>;

  /** From now on calls `onLine` with the latest line of the step's output, cleaned for a terminal. */
  tail(run: RunId, step: string, onLine: (line: string) => void): void;

  /** Resolves once no process of the step is left and its output is read. May be called repeatedly. */
  wait(run: RunId, step: string): Promise<StepEnd>;

  /**
   * Returns, in words, what is wrong with the run although no step shows it. `texts` is what the run's record will
   * contain. Call after the last step, and only if `setup` did not refuse.
   */
  examine(run: RunId, texts: readonly string[], signal: AbortSignal): Promise<ExamineResult>;

  /** The run's tree, read and written through boxes. Between steps only. */
  tree(run: RunId): RunTree;

  /**
   * Keeps a copy of the tree as it is now for later orders with `snapshotOf: run`, until `forget(run)`. False if the
   * tree cannot be copied: such orders then start from a clone.
   */
  keep(run: RunId, signal: AbortSignal): Promise<boolean>;
  forget(run: RunId): Promise<void>;

  /**
   * Kills and removes everything of the run except a kept copy. Never rejects: it returns what is left. May be called
   * twice, after a failed `setup`, and for an unknown run. Has its own deadline and ignores every signal.
   */
  destroy(run: RunId): Promise<DestroyResult>;

  /**
   * Removes what runs that are not live have left, including runs of earlier processes and kept copies. Returns what
   * cannot be removed.
   */
  sweep(isLive: (run: RunId) => boolean): Promise<string[]>;
}

export type Order = {
  run: RunId;
  hub: string;
  sha: Sha;
  pinned: PinnedRecipe;
  /** The operator's files that `pinned.harness` names by digest. */
  harnessFiles: ReadonlyMap<Digest, Uint8Array>;
  /** Start from the copy that the run with this id kept after its setup, if commit and recipe are the same. */
  snapshotOf: RunId | null;
  /** For an app: instead of climbing its rungs, check that its tests notice what a restore leaves out. */
  drill: Drill | null;
  purpose: Purpose;
};

/** `root` is the tree's path as steps see it; `fromSnapshot` means that it already has the setup's result. */
export type SetupResult = { tree: Sha; root: string; overlaid: string[]; fromSnapshot: boolean } | { refused: string };

export type RunStep = {
  name: string;
  /** Run by `sh -c` in the tree's top folder. */
  run: string;
  seconds: number;
  network: string[];
  /** Path of the report that the step will write. Anything already there is removed, and the folder is made. */
  report: string | null;
  /** The rung of an app to carry out instead of the command. */
  rung?: AppRung | 'drill';
};

/** A rung's result. `tests` are the harness's own checks and the suite's tests, in order. */
export type RungEnd = {
  tests: TestResult[];
  /** Why it failed, if no test shows that. */
  failed: string | null;
  skipped: string | null;
};

export type StepEnd = {
  /** False if the step's box could not be made; `troubles` then has the reason. */
  started: boolean;
  exit: number | null;
  signal: string | null;
  timedOut: boolean;
  outOfMemory: boolean;
  ms: number;
  /** Messages of the machinery: why a box was not made, what the network proxy denied. */
  troubles: string[];
  /** Both streams in order: their first and last part as text, and the size and digest of the whole. */
  output: { head: string; tail: string; bytes: number; digest: Digest };
  rung?: RungEnd;
};

/** `leaks`: secrets of the run, found where they do not belong. `failed`: anything else that makes the run red. */
export type ExamineResult = { flags: Record<string, boolean>; leaks: string[]; failed: string | null };

/** Paths are relative to the tree; nothing is read or written outside it. Refusals are answers in words. */
export interface RunTree {
  /** The first `bytesMax` bytes of a plain file; a link is refused, even to a plain file. `cut`: the file has more. */
  read(path: string, bytesMax: number): Promise<FileAnswer<{ bytes: Buffer; cut: boolean }>>;
  /** Makes missing folders; replaces whatever is there. */
  write(path: string, bytes: Uint8Array, mode: number): Promise<FileAnswer>;
  link(path: string, target: string): Promise<FileAnswer>;
  /** Names of the plain files in a folder. */
  list(path: string, max: number): Promise<FileAnswer<{ names: string[] }>>;
  /** Succeeds also if nothing is there. */
  remove(path: string): Promise<FileAnswer>;
}

/** `leaks`: what is left of the run, in words; empty if nothing is. `app`: what an app's run proved. */
export type DestroyResult = { leaks: string[]; app?: AppFacts };
