// A recipe is data: what a cold run executes, where the tests are, which files are the operator's. Strict: an unknown
// key is refused. Recipes are in `coldpass.yml` under `recipes:`, or each in its own `recipes/<name>/recipe.yml`.

import { z } from 'zod';
import { Digest, RecipeName, Sha, TreePath } from './ids.ts';

export const stageSecondsMax = 3600;
export const harnessFilesMax = 64;

const Glob = z.string().min(1).max(200);

/** One step of the ladder. `run` is passed to `sh -c` inside the sandbox, in the tree's top folder. */
export const Stage = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a stage name is lower-case, at most 32 characters'),
  run: z.string().min(1).max(4000),
  seconds: z.number().int().positive().max(stageSecondsMax).default(600),
  /** Hosts that this stage may reach, through the allow-list proxy; each must be granted at `init`. */
  network: z.array(z.string().regex(/^[A-Za-z0-9.-]+(:\d+)?$/)).default([]),
  /** A JUnit XML file that the stage writes, relative to the tree's top folder. */
  report: TreePath.optional(),
});
export type Stage = z.infer<typeof Stage>;

/** `package.json#scripts` means one member of a JSON file; without `#`, an item means a whole file. */
export const HarnessItem = z.string().regex(/^[^#\s][^#]*(#[A-Za-z0-9_.-]+)?$/);

const Limits = z
  .strictObject({
    memoryMb: z.number().int().positive().default(4096),
    processes: z.number().int().positive().default(512),
    diskMb: z.number().int().positive().default(2048),
  })
  .prefault({});
const Variables = z.record(
  z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'a variable is upper-case letters, digits and _'),
  z.string().max(2000),
);

/** Commands in a sandbox, one after another. */
export const CommandRecipe = z.strictObject({
  engine: z.literal('process').default('process'),
  /**
   * Installs dependencies and nothing else. A run and its controls share the result. It is not a rung of the ladder.
   */
  setup: Stage.optional(),
  /** In ladder order: level n means that the first n stages passed. */
  stages: z.array(Stage).min(1).max(12),
  /** Which paths are tests: `revert` leaves them as the claim has them, and reproducers may be written there. */
  tests: z.array(Glob).min(1).max(50),
  /**
   * The operator's files (runner configuration, reporters). They replace whatever the claim's tree has at their paths.
   */
  harness: z.array(HarnessItem).max(harnessFilesMax).default([]),
  /** Names of tool folders granted at `init` (see `doctor`), mounted read-only and put on PATH in this order. */
  tools: z.array(z.string()).max(16).default([]),
  env: Variables.default({}),
  limits: Limits,
});
export type CommandRecipe = z.infer<typeof CommandRecipe>;

/** The ladder of every app recipe, levels 1 to 5. */
export const appRungs = ['install', 'upgrade', 'backup_restore', 'functional', 'lint'] as const;
export type AppRung = (typeof appRungs)[number];

const Service = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,40}$/, 'the name of a service in the compose file');
/** `x.y.z+upstream`, as in the app's annotated tags and its version label. */
export const ReleaseName = z
  .string()
  .regex(/^\d+\.\d+\.\d+\+[A-Za-z0-9._-]{1,60}$/, 'a release is named like 1.2.0+7.4');
export type ReleaseName = z.infer<typeof ReleaseName>;
const Reason = z.string().min(10).max(500);
const Stable = z.number().int().min(1).max(20).default(1);

/**
 * A check that is repeated until it succeeds `stable` times in a row: after install, after upgrade, after a restore.
 */
export const Ready = z.union(
  [
    z.strictObject({
      service: Service,
      /** The path to request. */
      http: z.string().regex(/^\//, 'must be a path that begins with /').max(500),
      port: z.number().int().min(1).max(65535).default(80),
      /** Status codes that count as success. */
      ok: z.array(z.number().int().min(100).max(599)).min(1).default([200]),
      stable: Stable,
    }),
    z.strictObject({ service: Service, tcp: z.number().int().min(1).max(65535), stable: Stable }),
    /** Passed to `sh -c` in the running container; exit code 0 means ready. */
    z.strictObject({ service: Service, exec: z.string().min(1).max(2000), stable: Stable }),
  ],
  { error: 'needs `service`, one of `http`, `tcp` and `exec`, and no unknown keys' },
);
export type Ready = z.infer<typeof Ready>;

/** Another app that runs beside the app under test, only for the run: deployed before it, removed after it. */
export const Need = z.strictObject({
  /** The folder of the needed app's compose files, in the same tree. The operator's version of the folder is used. */
  app: TreePath,
  compose: z.array(TreePath).min(1).max(10).default(['compose.yml']),
  env: Variables.default({}),
  /**
   * Variables for the app under test. `{host}` stands for the name of the needed app's main service on the shared
   * network, `{run}` for the run.
   */
  gives: Variables.default({}),
  /** The needed app's secret → the secret of the app under test that gets the same value. */
  shares: z.record(z.string(), z.string()).default({}),
  ready: z.array(Ready).max(20).default([]),
});
export type Need = z.infer<typeof Need>;

/**
 * An app in the Co-op Cloud layout, tested on five rungs on a Docker Swarm. Data only: code is in the hooks and tests.
 */
export const AppRecipe = z.strictObject({
  engine: z.literal('swarm'),
  /** The folder of the compose files, `.env.sample` and `abra.sh`; `.` for the top of the tree. */
  app: z.union([z.literal('.'), TreePath]).default('.'),
  /** Compose file and overlays, in order, relative to `app`. */
  compose: z.array(TreePath).min(1).max(10).default(['compose.yml']),
  /** The service that carries the version label. */
  main: Service.default('app'),
  /**
   * The folder of `ops.ts` and the tests: `install.test.ts`, `upgrade.test.ts`, `backup.test.ts`, `restore.test.ts`,
   * `functional*.test.ts`.
   */
  suite: TreePath,
  tests: z.array(Glob).min(1).max(50),
  /** The operator's files. They replace whatever the claim's tree has at their paths. */
  harness: z.array(HarnessItem).max(harnessFilesMax).default([]),
  /** Overrides `.env.sample`. */
  env: Variables.default({}),
  /** Overrides `env` from the upgrade on: for variables that earlier releases do not know. */
  upgradeEnv: Variables.default({}),
  ready: z.array(Ready).max(20).default([]),
  /** The release to upgrade from: the one named, or for `previous` the newest one older than the version under test. */
  upgradeFrom: z.union([z.literal('previous'), ReleaseName]).default('previous'),
  /**
   * Checks, without changing anything, that a backup is complete. If not, the backup is repeated: three tries at most.
   */
  verifyBackup: z.strictObject({ service: Service, exec: z.string().min(1).max(2000) }).optional(),
  /** Rungs that do not apply, and why. `lint` and `install` always apply. */
  notApplicable: z
    .strictObject({ upgrade: Reason.optional(), backup_restore: Reason.optional(), functional: Reason.optional() })
    .prefault({}),
  needs: z
    .record(z.string().regex(/^[a-z][a-z0-9]{0,11}$/, 'lower-case letters and digits, at most 12'), Need)
    .default({}),
  /** True if tests drive a browser through `app.browser()`. */
  browser: z.boolean().default(false),
  /** Time limits in seconds: for a deployment to come up, and for the hooks or the tests of one rung. */
  seconds: z
    .strictObject({
      deploy: z.number().int().positive().max(stageSecondsMax).default(300),
      tests: z.number().int().positive().max(stageSecondsMax).default(300),
    })
    .prefault({}),
  limits: Limits,
});
export type AppRecipe = z.infer<typeof AppRecipe>;

export const Recipe = z.discriminatedUnion('engine', [CommandRecipe, AppRecipe], {
  error: ({ code }) => (code === 'invalid_union' ? 'needs "process" or "swarm"' : undefined),
});
export type Recipe = z.infer<typeof Recipe>;

export function isApp(recipe: Recipe): recipe is AppRecipe {
  return recipe.engine === 'swarm';
}

export function isCommands(recipe: Recipe): recipe is CommandRecipe {
  return recipe.engine === 'process';
}

/** An annotated tag of the app, and its commit. */
export const Release = z.strictObject({ version: ReleaseName, sha: Sha });
export type Release = z.infer<typeof Release>;
export const releasesMax = 50;

/**
 * An app's tags, newest first. Annotated tags are releases; `lightweightTags` are named like releases, but anybody
 * could move them.
 */
export type ReleaseTags = { releases: Release[]; lightweightTags: string[] };

/**
 * Compares two versions part by part: the numbers before the `+`, then what follows. A name that begins with a letter
 * sorts first.
 */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const order = compareParts(left[at], right[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function partsOf(version: string): (number | string)[] {
  return (version.match(/\d+|[A-Za-z]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
}

/** A word marks a pre-release (rc, beta): it is older than a missing part, which is older than a number. */
function compareParts(a: number | string | undefined, b: number | string | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return rankOf(a) - rankOf(b);
}

function rankOf(part: number | string | undefined): number {
  return typeof part === 'string' ? 0 : part === undefined ? 1 : 2;
}

/** The rungs of a recipe's ladder. */
export function rungsOf(recipe: Recipe): { name: string; report: boolean }[] {
  if (isApp(recipe)) return appRungs.map((name) => ({ name, report: true }));
  return recipe.stages.map(({ name, report }) => ({ name, report: report !== undefined }));
}

/**
 * A recipe as the `opened` entry pins it: the recipe, and the operator's version of each harness item. The digest of
 * its canonical JSON is the recipe's digest everywhere. `digest: null`: the operator has no such file, so the claim's
 * file is removed.
 */
export const PinnedRecipe = z.strictObject({
  name: RecipeName,
  recipe: Recipe,
  harness: z.array(z.strictObject({ item: HarnessItem, digest: Digest.nullable() })),
  /** App recipes only: the releases that the base, or a trial's commit, descends from, newest first. */
  releases: z.array(Release).max(releasesMax).optional(),
  /** App recipes only: lightweight tags named like releases, which anybody could move. */
  lightweightTags: z.array(z.string().max(200)).max(releasesMax).optional(),
});
export type PinnedRecipe = z.infer<typeof PinnedRecipe>;
