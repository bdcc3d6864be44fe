// A recipe is data: what a cold run executes, where tests lie, which files are the operator's. Strict: an unknown key is
// refused. Recipes stand in `coldpass.yml` under `recipes:` or alone in `recipes/<name>/recipe.yml`.

import { z } from 'zod';
import { Digest, RecipeName, TreePath } from './ids.ts';

export const stageSecondsMax = 3600;
export const harnessFilesMax = 64;

const Glob = z.string().min(1).max(200);

/** One step of the ladder. `run` is handed to `sh -c` inside the sandbox, in the tree's top folder. */
export const Stage = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a stage name is lower-case, 32 characters at most'),
  run: z.string().min(1).max(4000),
  seconds: z.number().int().positive().max(stageSecondsMax).default(600),
  /** Hosts this stage may reach, through the allow-list proxy; each must have been granted at `init`. */
  network: z.array(z.string().regex(/^[A-Za-z0-9.-]+(:\d+)?$/)).default([]),
  /** A JUnit XML file that the stage writes, relative to the tree's top folder. */
  report: TreePath.optional(),
});
export type Stage = z.infer<typeof Stage>;

/** `package.json#scripts` stands for one member of a JSON file, any other item for a whole file. */
export const HarnessItem = z.string().regex(/^[^#\s][^#]*(#[A-Za-z0-9_.-]+)?$/);

export const Recipe = z.strictObject({
  engine: z.literal('process').default('process'),
  /** Installs dependencies and nothing else; its result is shared by a run and its controls. Not a rung. */
  setup: Stage.optional(),
  /** In ladder order: level n means that the first n stages passed. */
  stages: z.array(Stage).min(1).max(12),
  /** Which paths are tests: what `revert` keeps from the claim, and where reproducers may be laid. */
  tests: z.array(Glob).min(1).max(50),
  /** The operator's files (runner configuration, reporters): laid over the claim's tree, whatever it holds. */
  harness: z.array(HarnessItem).max(harnessFilesMax).default([]),
  /** Names of tool folders granted at `init` (see `doctor`), mounted read-only and put on PATH in this order. */
  tools: z.array(z.string()).max(16).default([]),
  env: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string().max(2000)).default({}),
  limits: z
    .strictObject({
      memoryMb: z.number().int().positive().default(4096),
      processes: z.number().int().positive().default(512),
      diskMb: z.number().int().positive().default(2048),
    })
    .prefault({}),
});
export type Recipe = z.infer<typeof Recipe>;

/**
 * A recipe as `opened` pins it: the recipe and the operator's version of each harness item. Its digest (of canonical
 * JSON) is the recipe's digest everywhere. `digest: null` means: the operator has no such file, the claim's is removed.
 */
export const PinnedRecipe = z.strictObject({
  name: RecipeName,
  recipe: Recipe,
  harness: z.array(z.strictObject({ item: HarnessItem, digest: Digest.nullable() })),
});
export type PinnedRecipe = z.infer<typeof PinnedRecipe>;
