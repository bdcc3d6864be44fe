// The app versions that a run needs, read and admitted before anything is created: the version under test, from the
// run's tree; the release to upgrade from, from git; and the other apps that the recipe needs.

import { posix } from 'node:path';
import type { AppRecipe, Need, Release } from '../../../state/entry/recipe.ts';
import { fileAt } from '../../../state/git/git.ts';
import type { Order, RunTree } from '../../run/engine.ts';
import type { AdmittedApp, Labels, RunNames } from '../app/app.ts';
import { type OpenedApp, openApp } from './open.ts';
import { priorRelease } from './release.ts';

const fileBytesMax = 1024 * 1024;

type Opened = Exclude<OpenedApp, { refused: string }>;

export type Versions = {
  head: Opened;
  base: { app: AdmittedApp; release: Release } | null;
  needs: { name: string; need: Need; app: AdmittedApp; names: RunNames }[];
  /** Whether any file of the version under test differs from the newest release. */
  isChanged: boolean;
};
export type VersionsOf = {
  order: Order;
  recipe: AppRecipe;
  names: RunNames;
  labels: Labels;
  network: string;
  platform: { ipvs: boolean };
};

type Read = (path: string) => Promise<Buffer | null>;

/** `refused` is one line that names the file and the line, and says what to do. */
export async function versionsOf(on: VersionsOf, tree: RunTree): Promise<Versions | { refused: string }> {
  const { order, recipe, names } = on;
  const fromTree: Read = async (path) => {
    const file = await tree.read(path, fileBytesMax);
    return file.ok && !file.cut ? file.bytes : null;
  };
  const given = needVariables(recipe, names);
  const head = await openApp({ ...partsOf(on, { ...recipe.env, ...recipe.upgradeEnv, ...given }), read: fromTree });
  if ('refused' in head) return head;
  const needs = await needsOf(on, fromTree);
  if ('refused' in needs) return needs;
  // A drill tests only backup and restore.
  const release = order.drill ? null : priorRelease(recipe, order.pinned.releases ?? [], head.app.version);
  const isChanged = await changedSince(order, recipe, head.files);
  if (release === null) return { head, base: null, needs, isChanged };
  if ('refused' in release) return release;
  const fromGit: Read = async (path) => {
    const file = await fileAt(order.hub, release.sha, path, fileBytesMax);
    return file;
  };
  const base = await openApp({ ...partsOf(on, { ...recipe.env, ...given }), read: fromGit });
  if ('refused' in base)
    return {
      refused: `the release to upgrade from, ${release.version}: ${base.refused}; name another with upgradeFrom`,
    };
  return { head, base: { app: base.app, release }, needs, isChanged };
}

async function changedSince(
  { hub, pinned }: Order,
  { app }: AppRecipe,
  files: Record<string, string>,
): Promise<boolean> {
  const newest = pinned.releases?.[0];
  if (newest === undefined) return true;
  for (const [file, text] of Object.entries(files)) {
    const released = await fileAt(hub, newest.sha, posix.join(app, file), fileBytesMax);
    if (released?.toString() !== text) return true;
  }
  return false;
}

/** The host name of a needed app's main service on the network that the run's apps share. */
export function needHost(names: RunNames, need: string): string {
  return `${names.stack}-${need}_app`;
}

/** The variables that the needed apps give to the app under test. */
export function needVariables({ needs }: AppRecipe, names: RunNames): Record<string, string> {
  return Object.assign({}, ...Object.entries(needs).map(([name, { gives }]) => filled(gives, names, name)));
}

async function needsOf(on: VersionsOf, read: Read): Promise<Versions['needs'] | { refused: string }> {
  const needs: Versions['needs'] = [];
  for (const [name, need] of Object.entries(on.recipe.needs)) {
    const names = { ...on.names, stack: `${on.names.stack}-${name}` };
    const { app: folder, compose, env } = need;
    const { labels, network, platform } = on;
    const opened = await openApp({
      folder,
      compose,
      main: 'app',
      env: filled(env, on.names, name),
      names,
      labels,
      network,
      platform,
      read,
    });
    if ('refused' in opened) return { refused: `${name}, which the app needs: ${opened.refused}` };
    needs.push({ name, need, app: opened.app, names });
  }
  return needs;
}

function partsOf({ recipe, names, labels, network, platform }: VersionsOf, env: Record<string, string>) {
  const { app: folder, compose, main } = recipe;
  return { folder, compose, main, env, names, labels, network, platform };
}

/** Resolves `{run}`, `{stack}` and `{host}` in the variables of a need. */
function filled(variables: Record<string, string>, names: RunNames, need: string): Record<string, string> {
  const words: Record<string, string> = { run: names.run, stack: names.stack, host: needHost(names, need) };
  return Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [
      key,
      value.replace(/\{(run|stack|host)\}/g, (_, word) => words[word] ?? ''),
    ]),
  );
}
