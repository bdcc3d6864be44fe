// Queues a plan. Every fault is reported before anything is signed. The act then pins, by digest, the plan, the recipes
// with your version of each harness file, and the commit that the work starts from.

import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pinRecipe } from '../../runner/run/pinned.ts';
import type { SignedAct } from '../../state/entry/act.ts';
import { canonicalJson, digestOf } from '../../state/entry/digest.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { Digest, EntryId, RecipeName, Sha } from '../../state/entry/ids.ts';
import type { Problem } from '../../state/entry/problem.ts';
import { isApp, type Recipe } from '../../state/entry/recipe.ts';
import type { PhaseSpec } from '../../state/entry/spec.ts';
import { revParse } from '../../state/git/git.ts';
import { releaseTags } from '../../state/git/releases.ts';
import { checkPlan } from '../../state/plan/plan.ts';
import { syncMain } from '../../state/trail/hub.ts';
import type { Grants } from '../../state/trail/workspace.ts';
import { readHoldOuts } from '../../state/work/holdout.ts';
import type { Env } from '../project/project.ts';
import { gitOptions } from '../project/repository.ts';
import { UsageError } from '../terminal/errors.ts';
import { dockerGrant, hostsNeeded, needsDocker, toolsNeeded } from '../workspace/grants.ts';
import type { Here } from '../workspace/place.ts';
import { signed } from '../workspace/sign.ts';

const planBytesMax = 1024 * 1024;

/** A plan that fits the configuration, and the bytes to pin. */
export type ReadyPlan = { file: string; bytes: Buffer; digest: Digest; spec: PhaseSpec; warnings: Problem[] };

/** Reads and checks a plan. Throws UsageError with the first fault, on one line. */
export function readyPlan(dir: string, file: string, { config, workspace }: Here): ReadyPlan {
  const bytes = planBytes(dir, file);
  const { spec, problems } = checkPlan(bytes.toString('utf8'), config.recipes);
  const errors = problems.filter((problem) => problem.level === 'error');
  if (spec === null || errors.length > 0) throw new UsageError(firstOf(file, errors));
  for (const name of recipesOf(spec)) checkGrants(name, recipeIn(config.recipes, name), workspace.grants);
  return { file, bytes, digest: digestOf(bytes), spec, warnings: problems };
}

/** `plan.md:12: what; fix`. */
export function problemLine(file: string, { line, what, fix }: Problem): string {
  return `${file}${line === null ? '' : `:${line}`}: ${what}; ${fix}`;
}

/** The bytes of a plan's file. Throws UsageError if it cannot be read. */
export function planBytes(dir: string, file: string): Buffer {
  try {
    const path = resolve(dir, file);
    const info = lstatSync(path);
    if (info.isFile() && info.size > planBytesMax) throw new UsageError(`${file}: too large for a plan; shorten it`);
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const words = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    throw new UsageError(`${file}: ${words}; name a plan, or start one with: coldpass plan new "TITLE"`, { cause });
  }
}

export type QueueOptions = {
  env: Env;
  now: Date;
  expiresMs?: number;
  /** The deferred item that this plan carries out. */
  reentry?: { target: EntryId; targetDigest: Digest };
};

/** What an act pins besides the plan, and the bytes of everything pinned, including the plan. */
export type Pins = {
  recipes: Record<string, Digest>;
  apps?: RecipeName[];
  holdout?: Digest;
  blobs: SignedAct['blobs'];
};

/**
 * Pins the recipes and harness files that your checkout has now, and the releases that the phase's base descends from.
 * Throws UsageError if the hold-outs cannot be pinned.
 */
export async function pinsOf(plan: ReadyPlan, place: Here, base: Sha): Promise<Pins> {
  const { repository, config } = place;
  const { spec } = plan;
  const used = recipesOf(spec).map((name) => ({ name, recipe: recipeIn(config.recipes, name) }));
  const apps = used.filter(({ recipe }) => isApp(recipe)).map(({ name }) => name);
  const tags = apps.length > 0 ? await releaseTags(repository.top, base, gitOptions(repository)) : undefined;
  const pins = used.map(({ name, recipe }) => ({
    name,
    ...pinRecipe(name, pinnable(spec, recipe), (path) => readFile(join(repository.top, path)), tags),
  }));
  const blobs: SignedAct['blobs'] = { [plan.digest]: plan.bytes.toString('base64') };
  for (const { pinned, digest, blobs: files } of pins) {
    blobs[digest] = Buffer.from(canonicalJson(pinned)).toString('base64');
    for (const [name, bytes] of files) blobs[name] = Buffer.from(bytes).toString('base64');
  }
  const recipes = Object.fromEntries(pins.map(({ name, digest }) => [name, digest]));
  return {
    recipes,
    ...(apps.length > 0 && { apps }),
    ...(spec.holdout !== null && { holdout: holdOutsOf(plan, place) }),
    blobs,
  };
}

/** Copies the base commit into the hub and signs the act. Throws UsageError if the base is not a commit. */
export async function queueAct(plan: ReadyPlan, place: Here, options: QueueOptions): Promise<SignedAct> {
  const { repository, paths } = place;
  const { spec } = plan;
  const base = await revParse(repository.top, spec.base, gitOptions(repository));
  if (base === null) {
    throw new UsageError(
      `${plan.file}: base "${spec.base}" is not a branch or commit here; change it, or create that branch`,
    );
  }
  const { blobs, ...pinned } = await pinsOf(plan, place, base);
  const baseSha = await syncMain(paths.hub, repository.top, base);
  const { reentry, ...signing } = options;
  const about = { phase: spec.phase, plan: plan.digest, ...pinned, baseSha, ...(reentry && { reentry }) };
  return signed(place, { act: 'queue', ...about }, { ...signing, blobs });
}

/**
 * Leaves out harness items that the plan takes from the claim. They are protected paths, so a change to them waits for
 * you.
 */
function pinnable(spec: PhaseSpec, recipe: Recipe): Recipe {
  return { ...recipe, harness: recipe.harness.filter((item) => !spec.harness_from_claim.includes(item)) };
}

/** The folder must be outside the repository, so that no agent's clone contains it. */
function holdOutsOf({ file, spec }: ReadyPlan, { repository }: Here): Digest {
  const dir = spec.holdout ?? '';
  if (!isAbsolute(dir) || !relative(repository.top, dir).startsWith('..'))
    throw new UsageError(
      `${file}: holdout "${dir}" must be the full path of a folder outside the repository; change it`,
    );
  try {
    return readHoldOuts(dir).digest;
  } catch (cause) {
    if (cause instanceof TrailError) throw new UsageError(`${file}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Throws UsageError for a recipe that names something not granted: each of its runs would be refused. */
export function checkGrants(name: string, recipe: Recipe, grants: Grants): void {
  const alone = { recipes: { [name]: recipe } };
  const tool = toolsNeeded(alone).find((wanted) => !grants.tools.some((granted) => granted.name === wanted));
  if (needsDocker(alone) && grants.docker === null)
    throw new UsageError(`recipe "${name}" deploys an app, but no Docker engine is granted; type: ${dockerGrant}`);
  const host = hostsNeeded(alone).find((wanted) => !grants.hosts.includes(wanted));
  if (tool === undefined && host === undefined) return;
  const what = tool === undefined ? `the host ${host}` : `the tool folder "${tool}"`;
  throw new UsageError(`recipe "${name}" needs ${what}, which is not granted; type: coldpass init`);
}

/** A file of the checkout; null if missing. Does not follow a link: it may lead anywhere. */
export function readFile(path: string): Buffer | null {
  const info = lstatSync(path, { throwIfNoEntry: false });
  return info?.isFile() ? readFileSync(path) : null;
}

function firstOf(file: string, errors: Problem[]): string {
  const [first, ...more] = errors;
  if (!first) return `${file}: not a plan; see: coldpass plan check ${file}`;
  const rest = more.length > 0 ? ` (and ${more.length} more: coldpass plan check ${file})` : '';
  return problemLine(file, first) + rest;
}

function recipesOf(spec: PhaseSpec): RecipeName[] {
  return [...new Set(Object.values(spec.gates).map((gate) => gate.recipe))];
}

function recipeIn(recipes: Record<string, Recipe>, name: RecipeName): Recipe {
  const recipe = recipes[name];
  if (!recipe) throw new Error(`the plan's check accepted the unknown recipe ${name}`);
  return recipe;
}
