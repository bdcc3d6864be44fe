// Apps for live tests: lays out a shipped recipe as a repository, pins it as the operator would, and runs it on the
// real engine. Runs may overlap, since each has its own names.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type LayOptions, layApp } from '../../../recipes/lay.ts';
import { bubblewrap } from '../../../runner/box/bubblewrap.ts';
import type { Sandbox } from '../../../runner/box/sandbox.ts';
import { openEngine } from '../../../runner/engines.ts';
import { coldRun } from '../../../runner/run/coldrun.ts';
import type { Engine } from '../../../runner/run/engine.ts';
import { pinRecipe } from '../../../runner/run/pinned.ts';
import type { ColdRunDeps, ColdRunRequest } from '../../../runner/run/request.ts';
import { RecipeName, RunId, type Sha } from '../../../state/entry/ids.ts';
import type { RunRecord } from '../../../state/entry/record.ts';
import { revParse } from '../../../state/git/git.ts';
import { releaseTags } from '../../../state/git/releases.ts';
import { readConfig, recipeNamed } from '../../../state/plan/config.ts';

export type Apps = {
  engine: Engine;
  sandbox: Sandbox;
  runsDir: string;
  /** A shipped recipe's repository; these files, if any, are added in one more commit. */
  lay(name: string, options?: LayOptions & { files?: Record<string, string> }): Promise<AppRepo>;
  /** Runs the repository's recipe once, at its head. */
  run(
    app: AppRepo,
    more?: Partial<ColdRunRequest> & Pick<Partial<ColdRunDeps>, 'signal' | 'onProgress'>,
  ): Promise<RunRecord>;
};
export type AppRepo = { name: string; dir: string; hub: string; sha: Sha };

/** One sandbox and engine for all tests of a file; call this at the top of the file. */
export function sharedApps(socket: () => string): () => Apps {
  let apps: Apps | null = null;
  let ground = '';
  beforeAll(async () => {
    ground = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-')));
    const stateDir = join(ground, 'state');
    const runsDir = join(stateDir, 'runs');
    mkdirSync(runsDir, { recursive: true, mode: 0o700 });
    const result = await bubblewrap({ stateDir });
    if ('missing' in result) throw new Error(result.missing.join('; '));
    const { sandbox } = result;
    const engine = openEngine({ sandbox, selfTest: null, runsDir, tools: [], hosts: [], docker: socket() });
    apps = {
      engine,
      sandbox,
      runsDir,
      lay: (name, options) => lay(ground, name, options),
      run: runOn(engine, runsDir),
    };
  });
  afterAll(async () => {
    await apps?.sandbox.close();
    rmSync(ground, { recursive: true, force: true });
  });
  return () => {
    if (apps === null) throw new Error('the suite should have been skipped');
    return apps;
  };
}

export function newAppRun(): RunId {
  return RunId.parse(`r-${randomBytes(6).toString('hex')}`);
}

async function lay(
  ground: string,
  name: string,
  { files = {}, ...options }: LayOptions & { files?: Record<string, string> } = {},
): Promise<AppRepo> {
  const dir = mkdtempSync(join(ground, `${name}-`));
  await layApp(name, dir, options);
  commitFiles(dir, files);
  const hub = join(dir, '.git');
  const sha = await revParse(hub, 'HEAD');
  if (sha === null) throw new Error(`${dir} has no commit`);
  return { name, dir, hub, sha };
}

function runOn(engine: Engine, runsDir: string): Apps['run'] {
  return async (app, { signal = new AbortController().signal, onProgress, ...more } = {}) =>
    coldRun(
      { ...(await appRequest(app)), ...more },
      {
        engine,
        runsDir,
        now: () => new Date(),
        signal,
        ...(onProgress && { onProgress }),
      },
    );
}

/** Requests a trial of the repository's recipe at its head, with the recipe pinned from the operator's files. */
export async function appRequest({ name, dir, hub, sha }: AppRepo): Promise<ColdRunRequest> {
  const recipe = recipeNamed(readConfig(dir), name);
  const tags = await releaseTags(hub, sha);
  const read = (path: string) => readFileSync(join(dir, path));
  const { pinned, blobs } = pinRecipe(RecipeName.parse(name), recipe, read, tags);
  return { run: newAppRun(), purpose: { kind: 'trial', by: 'operator' }, pinned, harnessFiles: blobs, hub, sha };
}

function commitFiles(dir: string, files: Record<string, string>): void {
  if (Object.keys(files).length === 0) return;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  const as = ['-c', 'user.name=Someone', '-c', 'user.email=someone@app.test'];
  for (const args of [
    ['add', '--all'],
    [...as, 'commit', '--quiet', '--message', 'Changed'],
  ])
    execFileSync('git', ['-C', dir, ...args]);
}
