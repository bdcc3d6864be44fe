// The process engine: each step is a command in its own box over the run's tree, `<runsDir>/<run>/tree`. The supervisor
// clones the tree and lays the operator's files over it before any box sees it; from then on it is touched only through
// boxes.

import { mkdir, statfs } from 'node:fs/promises';
import type { Digest, RunId, Sha } from '../../state/entry/ids.ts';
import { isCommands, type Recipe } from '../../state/entry/recipe.ts';
import { coldClone } from '../../state/git/clones.ts';
import { treeOf } from '../../state/git/git.ts';
import { RunnerError } from '../box/errors.ts';
import { openFiles, type TreeFiles } from '../box/files.ts';
import { removeFolder } from '../box/removal.ts';
import type { Mount, Sandbox, ToolFolder } from '../box/sandbox.ts';
import { copies } from './copies.ts';
import type { DestroyResult, Engine, Order, RunStep, RunTree, SetupResult, StepEnd } from './engine.ts';
import { sweep } from './janitor.ts';
import { layHarness } from './overlay.ts';
import { type RunPaths, runPaths } from './paths.ts';
import { type RunningStep, startStep } from './step.ts';
import { runTree } from './tree.ts';

const diskFloorMb = 256;
const stopMs = 15_000;
const removalMs = 120_000;

export type ProcessEngineOptions = {
  sandbox: Sandbox;
  /** Digest of the self-test's report; null for a sandbox without a self-test. */
  selfTest: Digest | null;
  /** The state's `runs` folder, with links resolved. */
  runsDir: string;
  /** Tool folders and hosts that the operator granted: a recipe that names any other is refused. */
  tools: ToolFolder[];
  hosts: string[];
  /** True to prepare trees of apps too, for an engine on top of this one that deploys them. */
  apps?: boolean;
};

type Site = {
  order: Order;
  recipe: Recipe;
  paths: RunPaths;
  mounts: Mount[];
  tools: ToolFolder[];
  files: TreeFiles;
  steps: Map<string, RunningStep>;
  /** Harness items that the operator's version replaced. */
  overlaid: string[];
};

export function processEngine(options: ProcessEngineOptions): Engine {
  const { sandbox, runsDir } = options;
  const sites = new Map<RunId, Site>();
  const treeCopies = copies(sandbox, runsDir);

  function siteOf(run: RunId): Site {
    const site = sites.get(run);
    if (!site) throw new RunnerError('engine', `${run} was not set up, or was destroyed`);
    return site;
  }

  async function setup(order: Order, signal: AbortSignal): Promise<SetupResult> {
    const { recipe } = order.pinned;
    const refused = refusal(recipe, options);
    if (refused !== null) return { refused };
    const site = siteFor(order, recipe, options);
    sites.set(order.run, site);
    await mkdir(site.paths.dir, { recursive: true, mode: 0o700 });
    const overlaid = await treeCopies.layOut(order, signal);
    const tree = overlaid === null ? await fromClone(site) : { overlaid, tree: await treeOf(order.hub, order.sha) };
    if ('refused' in tree) return tree;
    site.overlaid = tree.overlaid;
    return { ...tree, root: sandbox.inside(site.mounts, '/tree'), fromSnapshot: overlaid !== null };
  }

  async function fromClone({ order, paths }: Site): Promise<{ overlaid: string[]; tree: Sha } | { refused: string }> {
    const { tree } = await coldClone({ hub: order.hub, sha: order.sha, into: paths.tree, git: false });
    const laid = layHarness(paths.tree, order.pinned.harness, order.harnessFiles);
    if ('refused' in laid) return laid;
    await sandbox.give('verify', paths.tree);
    return { tree, overlaid: laid.overlaid };
  }

  async function destroy(run: RunId): Promise<DestroyResult> {
    const leaks: string[] = [];
    const site = sites.get(run);
    sites.delete(run);
    for (const [name, step] of site?.steps ?? []) {
      const left = await step.end(stopMs);
      if (left !== null) leaks.push(`Step "${name}": ${left}.`);
    }
    await site?.files.close().catch(() => leaks.push("The run's file service did not end."));
    const why = await removeFolder(runPaths(runsDir, run).tree, removalMs);
    if (why !== null) leaks.push(`The run's folder could not be removed: ${why}.`);
    return { leaks };
  }

  return {
    name: 'process',
    sandbox: { level: sandbox.level, uid: sandbox.uid, selfTest: options.selfTest },
    available: () => whyNoRoom(runsDir),
    setup,
    async start(run: RunId, step: RunStep, signal: AbortSignal): Promise<void> {
      const site = siteOf(run);
      if (site.steps.has(step.name))
        throw new RunnerError('engine', `step "${step.name}" of ${run} was already started`);
      site.steps.set(step.name, await startStep(sandbox, { ...site, step }, signal));
    },
    tail: (run, step, onLine) => stepOf(siteOf(run), step).onLine(onLine),
    wait: (run: RunId, step: string): Promise<StepEnd> => stepOf(siteOf(run), step).done,
    examine: async () => ({ flags: {}, leaks: [], failed: null }),
    tree: (run): RunTree => runTree(sandbox, siteOf(run)),
    keep: (run, signal) => treeCopies.keep(siteOf(run).order, siteOf(run).overlaid, signal),
    forget: treeCopies.forget,
    destroy,
    sweep: async (isLive) => (await sweep(runsDir, { isLive })).stuck,
  };
}

function siteFor(order: Order, recipe: Recipe, { sandbox, runsDir, tools }: ProcessEngineOptions): Site {
  const paths = runPaths(runsDir, order.run);
  const mounts: Mount[] = [{ source: paths.tree, target: '/tree', mode: 'rw' }];
  const named = toolsOf(recipe).flatMap((name) => tools.find((tool) => tool.name === name) ?? []);
  const files = openFiles(sandbox, { role: 'verify', mounts });
  return { order, recipe, paths, mounts, tools: named, files, steps: new Map(), overlaid: [] };
}

function refusal(recipe: Recipe, { tools, hosts, apps }: ProcessEngineOptions): string | null {
  if (!isCommands(recipe))
    return apps
      ? null
      : 'the recipe is for an app, but no Docker engine is granted; type: coldpass init --docker SOCKET';
  const tool = recipe.tools.find((name) => !tools.some((granted) => granted.name === name));
  if (tool !== undefined) return `the recipe asks for the tool folder "${tool}", which is not granted`;
  const networkHosts = [recipe.setup, ...recipe.stages].flatMap((stage) => stage?.network ?? []);
  const host = networkHosts.find((name) => !hosts.includes(name));
  return host === undefined ? null : `the recipe asks for the network host "${host}", which is not granted`;
}

function toolsOf(recipe: Recipe): string[] {
  return isCommands(recipe) ? recipe.tools : [];
}

function stepOf(site: Site, name: string): RunningStep {
  const step = site.steps.get(name);
  if (!step) throw new RunnerError('engine', `step "${name}" of ${site.order.run} was not started`);
  return step;
}

async function whyNoRoom(runsDir: string): Promise<string | null> {
  const { bavail, bsize } = await statfs(runsDir);
  const freeMb = (bavail * bsize) / 1024 / 1024;
  return freeMb >= diskFloorMb
    ? null
    : `Only ${Math.floor(freeMb)} MB are free at ${runsDir}: at least ${diskFloorMb} MB are needed.`;
}
