// Everything that one run of an app has: names, versions, stacks, the vault, the boxes of its suite. On creation each
// part registers how to undo it, so teardown also works on a half-open site.

import { mkdir } from 'node:fs/promises';
import type { AppRecipe, Need, Release } from '../../../state/entry/recipe.ts';
import { RunnerError } from '../../box/errors.ts';
import { removeFolder } from '../../box/removal.ts';
import type { Sandbox } from '../../box/sandbox.ts';
import type { Engine, Order } from '../../run/engine.ts';
import { runPaths } from '../../run/paths.ts';
import type { AdmittedApp, CollectedFacts, Labels, RunNames, Stack, Vault } from '../app/app.ts';
import { type Versions, versionsOf } from '../compose/versions.ts';
import { type Docker, openDocker } from '../engine/docker.ts';
import { dockerReport } from '../engine/report.ts';
import { ensureToolsImage } from '../engine/toolsImage.ts';
import { openVault } from '../engine/vault.ts';
import { secretsFor } from '../leak/secrets.ts';
import { lintApp } from '../lint/lint.ts';
import { writeIntent } from '../stack/intents.ts';
import { awaitReady } from '../stack/ready.ts';
import { removeRun } from '../stack/removeRun.ts';
import { lockRun } from '../stack/runLock.ts';
import { openStack } from '../stack/stack.ts';
import { countWitnesses, plantWitnesses, removeWitnesses } from '../stack/witness.ts';
import type { Marks } from '../suite/contextCalls.ts';
import { type Context, openContext } from '../suite/contextServer.ts';
import { type SuiteFiles, suiteFiles } from '../suite/files.ts';
import { appHost } from '../suite/host.ts';
import { openSuite, type Suite } from '../suite/suite.ts';

/** The time limit of hooks from the app's labels, and of `verifyBackup`. */
const hookSeconds = 120;
const expiryMs = 6 * 3600 * 1000;
const teardownMs = 180_000;
const folderMs = 60_000;

export type NeedSite = {
  name: string;
  app: AdmittedApp;
  stack: Stack;
  /** Null once the needed app has converged and is ready, else why it is not. */
  stands(): Promise<string | null>;
};

export type AppSite = {
  order: Order;
  recipe: AppRecipe;
  names: RunNames;
  docker: Docker;
  head: AdmittedApp;
  /** The release to upgrade from; null if the version under test is installed directly. */
  base: { app: AdmittedApp; release: Release } | null;
  needs: NeedSite[];
  stack: Stack;
  vault: Vault;
  suite: SuiteFiles & { boxes: Suite };
  secrets: Map<string, string>;
  facts: CollectedFacts;
  /** The app that was deployed last, and its stack. */
  current(): { app: AdmittedApp; stack: Stack };
  deployed(app: AdmittedApp): void;
  lint(): CollectedFacts['lint'];
  denied(): string[];
  marks: Marks;
  /** Logs of removed containers, and screenshots, by description: they are searched for secrets too. */
  gone: Map<string, string | Uint8Array>;
  seconds: { hook: number };
  /** The folder that evidence.ts writes to. */
  evidenceDir: string;
  /** Aborts when any step is aborted, and at teardown. */
  signal: AbortSignal;
};

export type SiteOptions = {
  sandbox: Sandbox;
  /** The engine that provides the runs' trees. */
  trees: Engine;
  runsDir: string;
  /** The Docker engine's socket. */
  socket: string;
  /** Coldpass's node_modules, with which suites run. */
  modules: string;
};

/** The steps of teardown, in order of creation. Each returns what it could not remove. */
export type Undoing = (() => Promise<string[]>)[];

type Ground = {
  options: SiteOptions;
  order: Order;
  recipe: AppRecipe;
  names: RunNames;
  labels: Labels;
  docker: Docker;
  undoing: Undoing;
  signal: AbortSignal;
};

/** `refused`: the app is not admitted, and nothing was created for it. Rejects if the machine fails. */
export async function openSite(
  options: SiteOptions,
  order: Order,
  { undoing, signal }: { undoing: Undoing; signal: AbortSignal },
): Promise<AppSite | { refused: string }> {
  const { recipe } = order.pinned;
  if (recipe.engine !== 'swarm') throw new RunnerError('engine', `${order.pinned.name} is not an app recipe`);
  const report = await dockerReport(options.socket);
  if (!report.ok) throw new RunnerError('engine', `${report.why}; ${report.mend}`);
  const lock = await lockRun(order.run);
  undoing.push(async () => {
    await lock.release();
    return [];
  });
  const docker = openDocker(options.socket);
  const names = namesOf(order);
  const labels = labelsOf(order);
  const ground: Ground = { options, order, recipe, names, labels, docker, undoing, signal };
  const network = `${names.stack}_proxy`;
  const tree = options.trees.tree(order.run);
  const on = { order, recipe, names, labels, network, platform: report };
  // The tools image belongs to no single run; it is ensured while the versions are read.
  const [versions, image] = await Promise.all([versionsOf(on, tree), ensureToolsImage(docker)]);
  return 'refused' in versions ? versions : make(ground, versions, image);
}

/** Removes everything of the run and counts the witnesses. Returns a line for each thing that is left or went wrong. */
export async function takeDown(app: AppSite | null, undoing: Undoing): Promise<string[]> {
  const leaks: string[] = [];
  for (const undo of undoing.reverse()) {
    try {
      leaks.push(...(await undo()));
    } catch (error) {
      leaks.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (app) app.facts.residue ??= leaks.length;
  return leaks;
}

/** The stack's name is `cp` and the run's digits. */
export function namesOf({ run }: Pick<Order, 'run'>): RunNames {
  const stack = `cp${run.slice(2)}`;
  return { run, stack, domain: `${stack}.test` };
}

function labelsOf({ run, purpose }: Order): Labels {
  return {
    'coldpass.run': run,
    'coldpass.claim': 'claim' in purpose ? `${purpose.claim}` : 'none',
    'coldpass.attempt': 'k' in purpose ? `${purpose.k}` : '1',
    'coldpass.expires': new Date(Date.now() + expiryMs).toISOString(),
  };
}

async function make(ground: Ground, versions: Versions, image: string): Promise<AppSite> {
  const { options, order, recipe, names, labels, docker, undoing, signal } = ground;
  const { head, base } = versions;
  const { dir, evidence } = runPaths(options.runsDir, order.run);
  const intend = (what: string) => writeIntent(dir, what);
  await intend('witnesses');
  const facts = factsOf(versions);
  let vaultClosed = Promise.resolve();
  undoing.push(() => unmake(ground, facts, vaultClosed));
  facts.witnesses = { planted: await plantWitnesses(docker, order.run), intact: 0 };
  const secrets = secretsFor([head.app, ...(base ? [base.app] : [])], versions.needs);
  const stackOf = (stackNames: RunNames, values: Map<string, string>): Stack =>
    openStack(docker, { names: stackNames, labels, secrets: values, network: `${names.stack}_proxy`, intend, signal });
  const stack = stackOf(names, secrets.app);
  const needs = versions.needs.map(({ name, need, app, names: needNames }): NeedSite => {
    const stack = stackOf(needNames, secrets.needs[name] ?? new Map());
    return { name, app, stack, stands: () => needStands(stack, need, recipe.seconds.deploy, signal) };
  });
  const vault = await openVault({ docker, names, labels, image, signal });
  // The vault's containers are removed while the services are being removed.
  undoing.push(async () => {
    vaultClosed = vault.close();
    return [];
  });
  let deployed: AdmittedApp | null = null;
  const current = () => ({ app: deployed ?? head.app, stack });
  const host = appHost({ names, recipe, needs, secrets: secrets.app, current });
  const { context, suite } = await openBoxes(ground, host);
  return {
    order,
    recipe,
    names,
    docker,
    head: head.app,
    base,
    needs,
    stack,
    vault,
    suite,
    facts,
    current,
    signal,
    secrets: secrets.all,
    deployed(app) {
      deployed = app;
      facts.images = Object.fromEntries(Object.entries(app.services).map(([name, { image: tag }]) => [name, tag]));
      facts.backedUp = app.backup.services.flatMap(({ volumes }) => volumes.map(({ volume }) => volume));
    },
    lint: () => lintOf(order, versions),
    gone: new Map(),
    denied: context.denials,
    marks: context.marks,
    seconds: { hook: hookSeconds },
    evidenceDir: evidence,
  };
}

function lintOf({ pinned }: Order, { head, isChanged }: Versions): CollectedFacts['lint'] {
  const { app, files } = head;
  const { releases = [], lightweightTags = [] } = pinned;
  return lintApp({ app, files, releases, lightweightTags, headVersion: app.version, isChanged });
}

async function openBoxes(
  { options, order, recipe, undoing }: Ground,
  host: ReturnType<typeof appHost>,
): Promise<{ context: Context; suite: AppSite['suite'] }> {
  const { sandbox, runsDir, modules } = options;
  const paths = runPaths(runsDir, order.run);
  const context = await openContext({ dir: paths.app, host, owner: sandbox.owner('verify') });
  undoing.push(async () => {
    await context.close();
    return [];
  });
  await mkdir(paths.out, { mode: 0o700 });
  undoing.push(async () => {
    const why = await removeFolder(paths.out, folderMs);
    return why === null ? [] : [`The folder of the suite's reports could not be removed: ${why}.`];
  });
  await sandbox.give('verify', paths.out);
  const boxes = openSuite({ sandbox, tree: paths.tree, out: paths.out, contextDir: context.dir, recipe, modules });
  undoing.push(() => boxes.close());
  return { context, suite: { boxes, ...(await suiteFiles(recipe, options.trees.tree(order.run))) } };
}

async function needStands(stack: Stack, need: Need, seconds: number, signal: AbortSignal): Promise<string | null> {
  const { failed } = await stack.converge({ seconds, before: null });
  return failed ?? (await awaitReady(stack, need.ready, { seconds, signal }));
}

/** Removes stacks, volumes, secrets and networks; then counts the witnesses, which must all exist, and removes them. */
async function unmake({ docker, order }: Ground, facts: CollectedFacts, vaultClosed: Promise<void>): Promise<string[]> {
  const unclosed = vaultClosed.then(
    () => [],
    (error: Error) => [error.message],
  );
  const leaks = (await Promise.all([removeRun(docker, order.run, { deadlineMs: teardownMs }), unclosed])).flat();
  facts.residue = leaks.length;
  const planted = facts.witnesses?.planted ?? 0;
  const intact = await countWitnesses(docker, order.run);
  facts.witnesses = { planted, intact };
  if (intact < planted) leaks.push(`${planted - intact} of ${planted} objects that do not belong to the run are gone.`);
  return [...leaks, ...(await removeWitnesses(docker, order.run))];
}

function factsOf({ needs }: Versions): CollectedFacts {
  const expected = 1 + needs.length;
  return {
    images: {},
    backedUp: [],
    witnesses: null,
    residue: null,
    lint: [],
    denied: [],
    deploys: { made: 0, expected },
    crossover: null,
  };
}
