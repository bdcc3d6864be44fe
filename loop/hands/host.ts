// What an agent can do in a phase: use a shell and files in its own clone, always through a box; send a bundle to the
// hub; make trial runs; read the trail and the claim that it judges. The supervisor opens no path in the clone and runs
// no git there.

import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openCloneTools } from '../../agents/tools/hands.ts';
import type { ToolHost, ToolReply } from '../../agents/tools/host.ts';
import { logPart } from '../../agents/tools/logText.ts';
import { partReply, type Review } from '../../agents/view/diffReview.ts';
import { collect } from '../../runner/box/collect.ts';
import type { BoxCommand, BoxLimits, Mount } from '../../runner/box/sandbox.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { RecipeName, Sha } from '../../state/entry/ids.ts';
import { phaseAt } from '../../state/entry/phase.ts';
import { isCommands, type Recipe } from '../../state/entry/recipe.ts';
import { standsStill } from '../../state/gate/admitClaim.ts';
import { branchHead, knownCommit } from '../../state/git/git.ts';
import { bundleArgv, publishLimits, receiveBundle } from '../../state/git/publish.ts';
import { recordOnTrail } from './log.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { trialRun } from './runs.ts';
import { submit } from './submit.ts';
import { lookUp, recordReply } from './trailTool.ts';
import { type Author, phaseNow, type World } from './world.ts';

const stopGraceMs = 2_000;
const bundleSeconds = 120;
const nothingNew = 'nothing new: commit first, then publish';

export type Host = ToolHost & { close(): Promise<void> };

/** Opens the host of an agent over its clone; `close` ends whatever still runs. `review`: what the session judges. */
export async function openHost(world: World, author: Author, clone: string, review: Review | null): Promise<Host> {
  const mounts: Mount[] = [{ source: clone, target: '/tree', mode: 'rw' }];
  const recipes = await recipesOf(world, author);
  const box = boxFor(world, author, mounts, recipes);
  return {
    ...openCloneTools(world.sandbox, box),
    diff: (part) => Promise.resolve(partReply(review, part)),
    log: (wanted) => log(world, wanted),
    trail: (query) => lookUp(world.trail, world.entries, author, query),
    publish: (signal) => publish(world, author, box, signal),
    trial: (trial, signal) => trialReply(world, author, trial, signal),
    submit: (submission, signal) => submit(world, author, submission, review, signal),
  };
}

async function recipesOf(world: World, { phase: id }: Author): Promise<Recipe[]> {
  const phase = phaseNow(world, id);
  return Promise.all(
    Object.values(phase.recipes).map(async (digest) => (await pinnedRecipe(world, digest)).pinned.recipe),
  );
}

/**
 * An agent's box has what the recipes of its phase have: their tools, their environment, and the hosts that their
 * stages may reach. The environment of an app belongs to its deployment, never to a box.
 */
function boxFor(world: World, { role }: Author, mounts: Mount[], recipes: Recipe[]): Omit<BoxCommand, 'argv'> {
  const commands = recipes.filter(isCommands);
  const named = new Set(commands.flatMap((recipe) => recipe.tools));
  const hosts = new Set(
    commands.flatMap((recipe) => [
      ...(recipe.setup?.network ?? []),
      ...recipe.stages.flatMap((stage) => stage.network),
    ]),
  );
  const { tools, hosts: granted } = world.workspace.grants;
  const most = (of: (limits: Recipe['limits']) => number) => Math.max(...recipes.map((recipe) => of(recipe.limits)));
  const limits: BoxLimits = {
    memoryMb: most((l) => l.memoryMb),
    processes: most((l) => l.processes),
    diskMb: most((l) => l.diskMb),
    seconds: bundleSeconds,
  };
  return {
    role,
    workdir: '/tree',
    mounts,
    limits,
    env: Object.assign({}, ...commands.map((recipe) => recipe.env)),
    tools: tools.filter((tool) => named.has(tool.name)),
    hosts: granted.filter((host) => hosts.has(host)),
  };
}

async function publish(
  world: World,
  { phase: id }: Author,
  box: Omit<BoxCommand, 'argv'>,
  signal: AbortSignal,
): Promise<ToolReply> {
  const { hub, clones } = world.paths;
  const head = await branchHead(hub, `phase/${id}`);
  if (head === null) return { ok: false, text: `there is no phase/${id}` };
  const bundlePath = join(clones, `${id}.bundle`);
  try {
    const failure = await writeBundle(world, { ...box, argv: bundleArgv(head) }, bundlePath, signal);
    // An earlier session may have published the commit and died: this session still needs the commit's name.
    if (failure === nothingNew) return { ok: false, text: `${nothingNew}; phase/${id} is at ${head}` };
    if (typeof failure === 'object' && failure !== null) return failure;
    const frozen = standsStill(phaseAt(phaseNow(world, id), world.clock.nowMs()));
    const received = await receiveBundle({ hub, bundlePath, phase: id, expectedOld: head, frozen });
    if ('refused' in received) return { ok: false, text: `refused: ${received.refused}` };
    return { ok: true, text: `published: phase/${id} is at ${received.sha}`, published: received.sha };
  } finally {
    await rm(bundlePath, { force: true });
  }
}

/** Writes a bundle; returns null once it is at `path`, else why it is not. */
async function writeBundle(
  world: World,
  command: BoxCommand,
  path: string,
  signal: AbortSignal,
): Promise<ToolReply | typeof nothingNew | null> {
  const boxed = await world.sandbox.start(command, signal);
  boxed.stdin.end();
  const errors = collect(boxed.stderr, { headBytes: 2_000, tailBytes: 2_000 });
  let bytes = 0;
  const file = createWriteStream(path, { flags: 'w', mode: 0o600 });
  await pipeline(
    boxed.stdout,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > publishLimits.bundleBytesMax) {
          await boxed.stop(stopGraceMs);
          return;
        }
        yield chunk;
      }
    },
    file,
  );
  const [end, output] = await Promise.all([boxed.done, errors]);
  if (bytes > publishLimits.bundleBytesMax)
    return { ok: false, text: `the bundle is larger than ${publishLimits.bundleBytesMax} bytes` };
  if (end.exit === 0) return null;
  if (output.head.includes('empty bundle')) return nothingNew;
  return {
    ok: false,
    text: `git could not make a bundle of HEAD (exit ${end.exit ?? end.signal})`,
    data: [{ what: "git's error output", text: output.head.trim().slice(0, 500) }],
  };
}

async function log(world: World, { run, stage, part }: Parameters<ToolHost['log']>[0]): Promise<ToolReply> {
  const record = await recordOnTrail(world.trail, run);
  return record ? logPart(record, stage, part) : { ok: false, text: `there is no record of ${run}` };
}

async function trialReply(
  world: World,
  author: Author,
  trial: { sha: Sha | null; recipe: RecipeName | null },
  signal: AbortSignal,
): Promise<ToolReply> {
  const phase = phaseNow(world, author.phase);
  try {
    const sha =
      trial.sha === null
        ? await branchHead(world.paths.hub, `phase/${phase.id}`)
        : await knownCommit(world.paths.hub, trial.sha);
    const recipe = trial.recipe ?? (Object.keys(phase.recipes)[0] as RecipeName);
    recipeDigest(phase.recipes, recipe);
    const record = await trialRun(world, phase, { sha: sha ?? phase.base, recipe, by: author.role }, signal);
    return recordReply(record);
  } catch (error) {
    if (error instanceof Refused) return { ok: false, text: `refused: ${error.message}` };
    throw error;
  }
}
