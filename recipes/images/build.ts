// `node recipes/images/build.ts [--cache DIR] [NAME…]` builds the images that the shipped recipes run on: the base
// image, then the thin images of each named recipe (of all, without a name) from `recipes/<name>/image/<tag>/`. Skips
// images that are up to date. For machines that reach no registry. Installs nothing, but reports what is missing. Heeds
// DOCKER_HOST and XDG_CACHE_HOME.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { base, baseImage, digestLabel } from './base.ts';
import { docker, dockerAsk, type Engine } from './docker.ts';
import { copyModules, type Modules, modulesOf } from './modules.ts';

const askMs = 20_000;
const buildMs = 5 * 60_000;
const recipes = resolve(import.meta.dirname, '..');
const top = resolve(recipes, '..');

export type BuildOptions = {
  /** The engine's socket or address; by default DOCKER_HOST or docker's own default. */
  socket?: string;
  cache?: string;
  say?: (line: string) => void;
};

/** Rejects with a one-line message if a program is missing, a build fails, or a recipe has no images. */
export async function buildImages(
  names: string[],
  { socket, cache = cacheDir(), say = () => {} }: BuildOptions = {},
): Promise<void> {
  const engine = { socket: socket ?? null };
  const baseId = await base({ ...engine, cache, say });
  for (const name of names.length > 0 ? names : await namesWithImages()) {
    for (const tag of await tagsOf(name)) await buildThin(engine, { name, tag, baseId, say });
  }
}

/** The recipes that have images. */
export async function namesWithImages(): Promise<string[]> {
  const names = await readdir(recipes);
  return names.filter((name) => existsSync(join(recipes, name, 'image'))).sort();
}

async function tagsOf(name: string): Promise<string[]> {
  const dir = join(recipes, name, 'image');
  if (!existsSync(dir)) throw new Error(`recipes/${name} has no images: there is no folder ${dir}`);
  return (await readdir(dir)).sort();
}

type Thin = { name: string; tag: string; baseId: string; say: (line: string) => void };

async function buildThin(engine: Engine, { name, tag, baseId, say }: Thin): Promise<void> {
  const image = `coldpass-test/${name}:${tag}`;
  const dir = join(recipes, name, 'image', tag);
  const modules = await modulesOf(dir, top);
  const digest = await digestOf(dir, modules, baseId);
  const label = `{{index .Config.Labels "${digestLabel}"}}`;
  if ((await dockerAsk(engine, ['image', 'inspect', '--format', label, image], askMs)) === digest) return;
  say(`${image}: building it on ${baseImage}`);
  const args = ['build', '--quiet', '--tag', image, '--label', `${digestLabel}=${digest}`];
  if (modules.length === 0) return void (await docker(engine, [...args, dir], buildMs));
  const context = await mkdtemp(join(tmpdir(), 'coldpass-image-'));
  try {
    await cp(dir, context, { recursive: true });
    await copyModules(modules, top, context);
    await docker(engine, [...args, context], buildMs);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** A digest of every file's path, mode and bytes, the packages' versions, and the base image. */
async function digestOf(dir: string, modules: Modules, baseId: string): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([baseId, modules]));
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const [{ mode }, bytes] = await Promise.all([stat(file), readFile(file)]);
    hash.update(JSON.stringify([file.slice(dir.length), mode & 0o111, bytes.length])).update(bytes);
  }
  return hash.digest('hex');
}

function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'coldpass', 'images');
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { cache: { type: 'string' } } });
  try {
    await buildImages(positionals, { ...(values.cache && { cache: values.cache }), say: (line) => console.log(line) });
  } catch (error) {
    console.error(`build.ts: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
