// `node recipes/lay.ts NAME DIR [--twin] [--over FOLDER]` creates the git repository that a shipped recipe's app would
// have: a commit with an annotated tag for each earlier release, then the newest, untagged, on `main`. `--twin` copies
// the recipe's defective twin over the newest release, `--over` any other folder of the recipe. The same data gives the
// same commits.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const gitMs = 30_000;
const run = promisify(execFile);

const gitEnv = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'App author',
  GIT_AUTHOR_EMAIL: 'author@app.test',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'App author',
  GIT_COMMITTER_EMAIL: 'author@app.test',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
};

export type LayOptions = {
  /** Copies the twin over the newest release. */
  twin?: boolean;
  /** Further folders of the recipe to copy over the newest release. */
  over?: string[];
};
export type Laid = { dir: string; head: string; releases: string[] };

/** Creates the repository in `dir`, which must be new or empty. */
export async function layApp(name: string, dir: string, { twin = false, over = [] }: LayOptions = {}): Promise<Laid> {
  const recipe = join(import.meta.dirname, name);
  if (!existsSync(join(recipe, 'app'))) throw new Error(`no recipe ${name}: ${join(recipe, 'app')} is missing`);
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty; name a new folder`);
  const overlays = [...over, ...(twin ? ['twin'] : [])].map((folder) => join(recipe, folder));
  const absent = overlays.find((overlay) => !existsSync(overlay));
  if (absent) throw new Error(`${absent} is missing`);
  const settings = await settingsOf(name, recipe);
  await git(dir, 'init', '--quiet', '--initial-branch=main');
  const releases = await releasesOf(recipe);
  for (const release of releases) {
    await commit(dir, {
      folders: [join(recipe, 'app'), join(recipe, 'releases', release)],
      settings,
      message: `Release ${release}`,
    });
    await git(dir, 'tag', '--annotate', '--message', release, release);
  }
  await commit(dir, { folders: [join(recipe, 'app'), ...overlays], settings, message: 'Newest' });
  return { dir, head: await git(dir, 'rev-parse', 'HEAD'), releases };
}

/** The recipe's releases, oldest first. */
async function releasesOf(recipe: string): Promise<string[]> {
  const dir = join(recipe, 'releases');
  const names = existsSync(dir) ? await readdir(dir) : [];
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** The text of a `coldpass.yml` with only this recipe. */
async function settingsOf(name: string, recipe: string): Promise<string> {
  const lines = (await readFile(join(recipe, 'recipe.yml'), 'utf8')).trimEnd().split('\n');
  const indented = lines.map((line) => (line === '' ? '' : `    ${line}`)).join('\n');
  return `name: ${name}\nbase: main\n\nrecipes:\n  ${name}:\n${indented}\n`;
}

/** Commits the contents of the folders, each copied over the previous one. */
async function commit(
  dir: string,
  { folders, settings, message }: { folders: string[]; settings: string; message: string },
): Promise<void> {
  for (const entry of await readdir(dir)) if (entry !== '.git') await rm(join(dir, entry), { recursive: true });
  // The top README of an overlay describes the overlay, not the app.
  for (const [index, folder] of folders.entries()) {
    await cp(folder, dir, { recursive: true, filter: (from) => index === 0 || from !== join(folder, 'README.md') });
  }
  await writeFile(join(dir, 'coldpass.yml'), settings);
  await git(dir, 'add', '--all', '--force');
  await git(dir, 'commit', '--quiet', '--message', message);
}

async function git(dir: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', dir, ...args], { env: gitEnv, timeout: gitMs });
  return stdout.trim();
}

async function main(): Promise<void> {
  const options = { twin: { type: 'boolean' }, over: { type: 'string', multiple: true } } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [name, dir] = positionals;
  if (!name || !dir) throw new Error('usage: node recipes/lay.ts NAME DIR [--twin] [--over FOLDER]');
  const laid = await layApp(name, resolve(dir), { twin: values.twin ?? false, over: values.over ?? [] });
  console.log(`${laid.dir}: ${[...laid.releases, laid.head.slice(0, 12)].join(', ')}`);
}

if (process.argv[1] === import.meta.filename) {
  await main().catch((error: Error) => {
    console.error(`lay.ts: ${error.message}`);
    process.exitCode = 1;
  });
}
