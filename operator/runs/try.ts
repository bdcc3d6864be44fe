// `coldpass try`: one cold run of what is committed, without a phase.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { coldRun } from '../../runner/run/coldrun.ts';
import { pinRecipe } from '../../runner/run/pinned.ts';
import type { ColdRunRequest, RunProgress } from '../../runner/run/request.ts';
import type { RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import { isApp } from '../../state/entry/recipe.ts';
import type { Outcome, RunRecord } from '../../state/entry/record.ts';
import { revParse } from '../../state/git/git.ts';
import { git } from '../../state/git/process.ts';
import { releaseTags } from '../../state/git/releases.ts';
import { type Config, recipeNamed } from '../../state/plan/config.ts';
import { dropTrial, openHub, syncTrial } from '../../state/trail/hub.ts';
import { checkGrants, readFile } from '../acts/queue.ts';
import { gitOptions } from '../project/repository.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { cleanLine } from '../terminal/print.ts';
import { here } from '../workspace/here.ts';
import type { CommandContext, Here } from '../workspace/place.ts';
import { type OwnGround, withOwnEngine } from './ownRun.ts';

export type TryOptions = {
  asked: CommandContext;
  /** By default the only recipe. */
  recipe?: string;
  /** By default the commit that is checked out. */
  ref?: string;
  now(): Date;
  signal: AbortSignal;
  /** Leaves a red run standing until the signal aborts, so that you can look at it. */
  keep?: boolean;
  onProgress?(progress: RunProgress): void;
  /** Prints a line, before the run starts and when a red run is left standing. */
  onNote?(line: string): void;
};

export type TryReport = {
  /** 0 if green, 1 if not, 4 if the machine failed or the run was cancelled. */
  exit: Exit;
  record: RunRecord;
  /** The folder with the full output of each stage. */
  logs: string;
};

/**
 * Makes the run. Throws UsageError, Refused, TrailError or RunnerError if it cannot start: one line with what to do.
 */
export async function tryRun(options: TryOptions): Promise<TryReport> {
  const place = await here(options.asked);
  const { repository, workspace, config, paths } = place;
  const name = recipeOf(config, options.recipe);
  const recipe = recipeNamed(config, name);
  checkGrants(name, recipe, workspace.grants);
  const asked = options.ref ?? 'HEAD';
  const ref = await revParse(repository.top, asked, gitOptions(repository));
  if (ref === null) throw new UsageError(`"${asked}" is not a commit here; name a branch, a tag or a commit`);
  const tags = isApp(recipe) ? await releaseTags(repository.top, ref, gitOptions(repository)) : undefined;
  const { pinned, blobs } = pinRecipe(name, recipe, (path) => readFile(join(repository.top, path)), tags);
  await openHub(paths.hub);
  if (options.ref === undefined) await noteChanges(place, options);
  return withOwnEngine(place, options.onNote, (own) =>
    tryIn(place, { ...own, pinned, harnessFiles: blobs, ref }, options),
  );
}

type Ground = Pick<ColdRunRequest, 'pinned' | 'harnessFiles'> & OwnGround & { ref: Sha };

async function tryIn({ repository, paths }: Here, ground: Ground, options: TryOptions): Promise<TryReport> {
  const { engine, runsDir, pinned, harnessFiles, ref } = ground;
  const { now, signal, onProgress } = options;
  const run = `r-${randomBytes(6).toString('hex')}` as RunId;
  try {
    const sha = await syncTrial(paths.hub, repository.top, ref, run);
    const purpose = { kind: 'trial', by: 'operator' } as const;
    const request = { run, purpose, pinned, harnessFiles, hub: paths.hub, sha };
    const hold = (soFar: RunRecord) => held(soFar, options);
    const record = await coldRun(request, {
      engine,
      runsDir,
      now,
      signal,
      ...(onProgress && { onProgress }),
      ...(options.keep && { hold }),
    });
    return { exit: exitOf(record.outcome), record, logs: join(runsDir, run, 'logs') };
  } finally {
    await dropTrial(paths.hub, run);
  }
}

async function held({ run, reason }: RunRecord, { signal, onNote }: TryOptions): Promise<void> {
  onNote?.(`note: ${run} is red and left standing: ${cleanLine(reason)} Press Ctrl-C to take it down`);
  if (!signal.aborted) await once(signal, 'abort');
}

/** The answer to "is it green?". */
function exitOf(outcome: Outcome): Exit {
  if (outcome === 'PASS') return exits.yes;
  return outcome === 'INFRA' || outcome === 'CANCELLED' || outcome === 'LOST' ? exits.machine : exits.no;
}

function recipeOf({ recipes }: Config, asked: string | undefined): RecipeName {
  const names = Object.keys(recipes) as RecipeName[];
  const [only, ...others] = names;
  if (asked === undefined && only && others.length === 0) return only;
  const known = names.join(', ');
  if (asked === undefined) throw new UsageError(`which recipe? type: coldpass try ${only} (the recipes are: ${known})`);
  const match = names.find((name) => name === asked);
  if (match) return match;
  throw new UsageError(`coldpass.yml has no recipe "${asked}"; its recipes are: ${known}`);
}

async function noteChanges({ repository }: Here, { onNote }: TryOptions): Promise<void> {
  const args = ['status', '--porcelain', '--untracked-files=no', '--ignore-submodules'];
  const { exit, stdout } = await git(repository.top, args, gitOptions(repository));
  const changed = exit === 0 ? stdout.toString().split('\n').filter(Boolean).length : 0;
  if (changed === 0) return;
  const files = changed === 1 ? '1 changed file is' : `${changed} changed files are`;
  onNote?.(`note: ${files} not committed, and a cold run sees only what is committed`);
}
