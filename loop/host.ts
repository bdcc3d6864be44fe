// The hands that an agent has: a shell and files in its own clone, always through a box; a bundle on its way to the hub; trial
// runs; the trail. The supervisor never opens a path in the clone, nor runs git there.

import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Change, Extract as Lines, ToolHost, ToolReply } from '../agents/host.ts';
import { collect } from '../runner/collect.ts';
import { RunnerError } from '../runner/errors.ts';
import { type Files, openFiles } from '../runner/files.ts';
import type { BoxCommand, BoxLimits, Mount } from '../runner/sandbox.ts';
import { frozenBy } from '../state/admitClaim.ts';
import { Refused } from '../state/errors.ts';
import { gateReport } from '../state/gate.ts';
import { branchHead, knownCommit } from '../state/git.ts';
import { DONE, type RecipeName, type Sha } from '../state/ids.ts';
import type { Phase } from '../state/phase.ts';
import { bundleArgv, publishLimits, receiveBundle } from '../state/publish.ts';
import type { Recipe } from '../state/recipe.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { trialRun } from './runs.ts';
import { type Author, submit } from './submit.ts';
import { lookUp, recordText } from './trailTool.ts';
import { phaseNow, type World } from './world.ts';

const outputBytesMax = 12 * 1024;
const stopGraceMs = 2_000;
const bundleSeconds = 120;
const readBytesMax = 4 * 1024 * 1024;
const nothingNew = 'nothing new: commit first, then publish';

export type Host = ToolHost & { close(): Promise<void> };

/** Opens an agent's hands over its clone; `close` ends whatever still runs of them. */
export async function openHost(world: World, author: Author, clone: string): Promise<Host> {
  const mounts: Mount[] = [{ source: clone, target: '/tree', mode: 'rw' }];
  const recipes = await recipesOf(world, author);
  const box = boxFor(world, author, mounts, recipes);
  const files = openFiles(world.sandbox, { role: author.role, mounts });
  return {
    shell: (command, seconds, signal) =>
      shell(world, { ...box, argv: ['sh', '-c', command], limits: { ...box.limits, seconds } }, signal),
    read: (path, lines) => inWords(readLines(files, path, lines)),
    edit: (path, change) => inWords(edit(files, path, change)),
    trail: (query) => lookUp(world.trail, world.entries, author, query),
    publish: (signal) => publish(world, author, box, signal),
    trial: (trial, signal) => trial_(world, author, trial, signal),
    submit: (submission, signal) => submit(world, author, submission, signal),
    close: () => files.close(),
  };
}

async function recipesOf(world: World, { phase: id }: Author): Promise<Recipe[]> {
  const phase = phaseNow(world, id);
  return Promise.all(
    Object.values(phase.recipes).map(async (digest) => (await pinnedRecipe(world, digest)).pinned.recipe),
  );
}

/** An agent's box has what the recipes of its phase have: tools, environment, and the hosts that their stages may reach. */
function boxFor(world: World, { role }: Author, mounts: Mount[], recipes: Recipe[]): Omit<BoxCommand, 'argv'> {
  const named = new Set(recipes.flatMap((recipe) => recipe.tools));
  const hosts = new Set(
    recipes.flatMap((recipe) => [...(recipe.setup?.network ?? []), ...recipe.stages.flatMap((stage) => stage.network)]),
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
    ...{ role, workdir: '/tree', mounts, limits },
    env: Object.assign({}, ...recipes.map((recipe) => recipe.env)),
    tools: tools.filter((tool) => named.has(tool.name)),
    hosts: granted.filter((host) => hosts.has(host)),
  };
}

async function shell(world: World, command: BoxCommand, signal: AbortSignal): Promise<ToolReply> {
  const boxed = await world.sandbox.start(command, signal);
  boxed.stdin.end();
  const half = outputBytesMax / 2;
  const limits = { headBytes: half, tailBytes: half };
  const [out, err, end] = await Promise.all([collect(boxed.stdout, limits), collect(boxed.stderr, limits), boxed.done]);
  const how = end.timedOut
    ? `ended after ${command.limits.seconds} s`
    : end.started
      ? `exit ${end.exit ?? end.signal}`
      : 'the box could not be made';
  const denied = boxed.denials().map((line) => `network: ${line}`);
  const text = [how, ...denied, kept(out), kept(err)].filter((part) => part !== '').join('\n');
  return { ok: end.started, text };
}

function kept({ head, tail, bytes }: { head: string; tail: string; bytes: number }): string {
  if (tail === '') return head;
  return `${head}\n… (${bytes} bytes in all, the middle is left out) …\n${tail}`;
}

async function readLines(files: Files, path: string, { from, lines }: Lines): Promise<ToolReply> {
  const read = await files.read(path, { bytesMax: readBytesMax });
  if (!read.ok) return { ok: false, text: read.why };
  const all = read.bytes.toString('utf8').split('\n');
  const part = all.slice(from - 1, from - 1 + lines).map((line, i) => `${from + i}\t${line}`);
  const rest = all.length > from - 1 + lines ? `\n… ${all.length - (from - 1 + lines)} more lines` : '';
  return { ok: true, text: part.join('\n') + rest };
}

async function edit(files: Files, path: string, { find, text }: Change): Promise<ToolReply> {
  const done = find === null ? await files.write(path, Buffer.from(text, 'utf8')) : await files.edit(path, find, text);
  return done.ok ? { ok: true, text: `${path} is written` } : { ok: false, text: done.why };
}

/** A file service that broke is the box's trouble, and the box is the agent's: it is told, and the next call starts anew. */
async function inWords(reply: Promise<ToolReply>): Promise<ToolReply> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RunnerError) return { ok: false, text: error.message };
    throw error;
  }
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
    const made = await writeBundle(world, { ...box, argv: bundleArgv(head) }, bundlePath, signal);
    // A session before this one may have published it and died: who goes on needs the commit's name all the same.
    if (made === nothingNew) return { ok: false, text: `${nothingNew}; phase/${id} is at ${head}` };
    if (made !== null) return { ok: false, text: made };
    const frozen = isFrozen(phaseNow(world, id), world.clock.nowMs());
    const received = await receiveBundle({ hub, bundlePath, phase: id, expectedOld: head, frozen });
    if ('refused' in received) return { ok: false, text: `refused: ${received.refused}` };
    return { ok: true, text: `published: phase/${id} is at ${received.sha}`, published: received.sha };
  } finally {
    await rm(bundlePath, { force: true });
  }
}

/** From hand-off on, past the PASS, until `done` or whatever thaws it: what was judged is what is left. */
function isFrozen(phase: Phase, nowMs: number): boolean {
  return phase.status !== 'open' || frozenBy(phase, nowMs) !== null || gateReport(phase, DONE, nowMs).holds;
}

/** Null once the bundle lies at `path`, else why not, in words. */
async function writeBundle(
  world: World,
  command: BoxCommand,
  path: string,
  signal: AbortSignal,
): Promise<string | null> {
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
  const [end, said] = await Promise.all([boxed.done, errors]);
  if (bytes > publishLimits.bundleBytesMax) return `the bundle is larger than ${publishLimits.bundleBytesMax} bytes`;
  if (end.exit === 0) return null;
  if (said.head.includes('empty bundle')) return nothingNew;
  return `git could not make a bundle of HEAD (exit ${end.exit ?? end.signal}): ${said.head.trim().slice(0, 500)}`;
}

async function trial_(
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
    return { ok: true, text: recordText(record) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, text: `refused: ${error.message}` };
    throw error;
  }
}
