// Everything that one run of an app holds: its names, its admitted versions, its stacks, the vault, the boxes of its suite. Made
// by `openSite`, taken down by `closeSite`, both of which may be called over something half made.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileAt } from '../../state/git.ts';
import type { AppRecipe, Need, Release } from '../../state/recipe.ts';
import type { Purpose } from '../../state/record.ts';
import type { Engine, Order } from '../engine.ts';
import { RunnerError } from '../errors.ts';
import { runPaths } from '../runPaths.ts';
import type { Sandbox } from '../sandbox.ts';
import type { About, AdmittedApp, AppHost, Facts, Labels, RunNames, Stack, Vault } from './app.ts';
import { openContext } from './contextServer.ts';
import { type Docker, openDocker } from './docker.ts';
import { type LintInput, lintApp } from './lint.ts';
import { openApp } from './openApp.ts';
import { awaitReady } from './ready.ts';
import { priorRelease } from './release.ts';
import { lockRun, type RunLock } from './runLock.ts';
import { newSecret } from './secrets.ts';
import { openStack } from './stack.ts';
import { openSuite, type Suite } from './suite.ts';
import { type SuiteFiles, suiteFiles } from './suiteFiles.ts';
import { ensureToolsImage } from './toolsImage.ts';
import { openVault } from './vault.ts';
import { plantWitnesses } from './witness.ts';

const fileBytesMax = 1024 * 1024;
const hookSeconds = 120;
const labelHours = 6;

export type NeedSite = {
  name: string;
  app: AdmittedApp;
  stack: Stack;
  host: string;
  /** Null once it stands and is ready, else why not. */
  stands(): Promise<string | null>;
};

export type AppSite = {
  order: Order;
  recipe: AppRecipe;
  names: RunNames;
  labels: Labels;
  docker: Docker;
  /** The release that is upgraded from; null where the version under test is installed at once. */
  base: { app: AdmittedApp; release: Release } | null;
  head: AdmittedApp;
  needs: NeedSite[];
  stack: Stack;
  vault: Vault & { close(): Promise<void> };
  suite: SuiteFiles & { boxes: Suite };
  secrets: Map<string, string>;
  seconds: { hook: number };
  facts: Facts;
  /** What was deployed last, and its stack. */
  current(): { app: AdmittedApp; stack: Stack };
  deployed(app: AdmittedApp): void;
  lint(): Promise<Facts['lint']>;
  /** Aborted with whichever step is aborted, and by teardown. */
  signal: AbortSignal;
};

export type SiteOptions = {
  sandbox: Sandbox;
  /** The engine that holds the tree. */
  trees: Engine;
  runsDir: string;
  socket: string;
  /** Coldpass's own packages, which suites are tested with. */
  modules: string;
};

/** What has to be undone, newest first. Each answers with what would not go. */
export type Closers = (() => Promise<string[]>)[];

/** `refused`: the app cannot be taken up as it stands, and nothing of it was made. Rejects where the machine fails. */
export async function openSite(
  options: SiteOptions,
  order: Order,
  purpose: Purpose,
  closers: Closers,
): Promise<AppSite | { refused: string }> {
  const { run } = order;
  const recipe = order.pinned.recipe as AppRecipe;
  const lock = await lockRun(run);
  closers.push(async () => (await lock.release(), []));
  const docker = await openDocker(options.socket);
  const names = namesOf(order);
  const ground: Ground = { options, order, recipe, names, docker, labels: labelsOf(order, purpose) };
  const apps = await admitted(ground);
  if ('refused' in apps) return apps;
  return make(ground, apps, closers);
}

export function namesOf({ run }: Pick<Order, 'run'>): RunNames {
  const stack = `cp${run.slice(2)}`;
  return { run, stack, domain: `${stack}.test` };
}
