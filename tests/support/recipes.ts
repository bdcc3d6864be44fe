// Cold runs for tests: small projects in real repositories, recipes over them, and the process engine on real boxes.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { bubblewrap } from '../../runner/box/bubblewrap.ts';
import type { Sandbox } from '../../runner/box/sandbox.ts';
import { coldRun } from '../../runner/run/coldrun.ts';
import type { Engine } from '../../runner/run/engine.ts';
import { pinRecipe } from '../../runner/run/pinned.ts';
import { processEngine } from '../../runner/run/process.ts';
import type { ColdRunDeps, ColdRunRequest, RunProgress } from '../../runner/run/request.ts';
import { RecipeName, RunId, type Sha } from '../../state/entry/ids.ts';
import { Recipe } from '../../state/entry/recipe.ts';
import type { RunRecord } from '../../state/entry/record.ts';
import { type Files, makeRepo } from './repo.ts';
import { tempDir } from './temp.ts';

/** The node that runs the tests, as a granted tool folder. */
export const nodeTool = { name: 'node', path: realpathSync(dirname(process.execPath)) };

export const nodeTest = {
  name: 'test',
  run: 'node --test --test-reporter=junit --test-reporter-destination=report.xml',
  report: 'report.xml',
  seconds: 20,
};

/** A recipe whose only stage is node's test runner; `parts` override members of the recipe. */
export function recipeOf(
  parts: Partial<Parameters<typeof Recipe.parse>[0] & object> & Record<string, unknown> = {},
): Recipe {
  return Recipe.parse({ stages: [nodeTest], tests: ['test/**'], tools: ['node'], ...parts });
}

/** The text of a file of node:test tests; `tests` has the body of each test by its name. */
export function testsOf(tests: Record<string, string>, imports = ''): string {
  const lines = Object.entries(tests).map(([name, body]) => `test(${JSON.stringify(name)}, async () => { ${body} });`);
  return ["import test from 'node:test';", "import assert from 'node:assert/strict';", imports, ...lines].join('\n');
}

/** A project of ES modules: package.json, a library, and a test of the library that passes. */
export const project: Files = {
  'package.json': '{"name":"sample","type":"module"}',
  'lib/sum.js': 'export function sum(a, b) { return a + b; }\n',
  'test/sum.test.js': testsOf({ adds: 'assert.equal(sum(1, 2), 3);' }, "import { sum } from '../lib/sum.js';"),
};

export type Runs = {
  engine: Engine;
  sandbox: Sandbox;
  runsDir: string;
  /** Makes one cold run of `asked.recipe` on `asked.repo`, at the repository's `sha`. */
  cold(asked: Asked): Promise<RunRecord>;
};

export type Asked = {
  repo: { hub: string; sha: Sha };
  recipe?: Recipe;
  /** The operator's files, by path; the recipe's `harness` may name them. */
  operator?: Record<string, string>;
  signal?: AbortSignal;
  onProgress?: (progress: RunProgress) => void;
  engine?: Engine;
} & Partial<Omit<ColdRunRequest, 'hub' | 'sha' | 'pinned' | 'harnessFiles'>>;

/** A repository with one commit per argument. */
export function repoOf(...commits: Files[]): { hub: string; sha: Sha; shas: Sha[] } {
  const { dir, shas } = makeRepo(commits);
  return { hub: join(dir, '.git'), sha: shas.at(-1) as Sha, shas };
}

/** One sandbox for all tests of a file; call this at the top of the file. */
export function sharedSandbox(): () => Sandbox {
  let sandbox: Sandbox | null = null;
  let stateDir = '';
  beforeAll(async () => {
    stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-')));
    const result = await bubblewrap({ stateDir });
    if ('sandbox' in result) sandbox = result.sandbox;
  });
  afterAll(async () => {
    await sandbox?.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  return () => {
    if (sandbox === null) throw new Error('there is no bubblewrap here; the suite should have been skipped');
    return sandbox;
  };
}

/** An engine on this sandbox; its runs are in a folder that is removed when the test ends. */
export function openRuns(sandbox: Sandbox, options: { hosts?: string[] } = {}): Runs {
  const runsDir = join(realpathSync(tempDir()), 'runs');
  mkdirSync(runsDir, { mode: 0o700 });
  const engine = processEngine({ sandbox, selfTest: null, runsDir, tools: [nodeTool], hosts: options.hosts ?? [] });
  return { engine, sandbox, runsDir, cold: (asked) => cold({ engine, runsDir }, asked) };
}

/** Command lines of all processes of this machine that contain `mark`. */
export function processesWith(mark: string): string[] {
  const lines = readdirSync('/proc').map((pid) => {
    try {
      return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.includes(mark));
}

let lastRun = 0;
export function newRun(): RunId {
  lastRun += 1;
  return RunId.parse(`r-${lastRun.toString(16).padStart(12, '0')}`);
}

/** The engine with some of its methods replaced, to test what no claim can cause. */
export function altered(engine: Engine, parts: Partial<Engine>): Engine {
  return { ...engine, ...parts };
}

async function cold(defaults: Pick<ColdRunDeps, 'engine' | 'runsDir'>, asked: Asked): Promise<RunRecord> {
  const { repo, recipe = recipeOf(), operator = {}, signal, onProgress, engine, ...rest } = asked;
  const encoder = new TextEncoder();
  const { pinned, blobs } = pinRecipe(RecipeName.parse('app'), recipe, (path) => {
    const text = operator[path];
    return text === undefined ? null : encoder.encode(text);
  });
  const request: ColdRunRequest = {
    run: newRun(),
    purpose: { kind: 'trial', by: 'operator' },
    ...rest,
    pinned,
    harnessFiles: blobs,
    hub: repo.hub,
    sha: repo.sha,
  };
  return coldRun(request, {
    ...defaults,
    ...(engine && { engine }),
    now: () => new Date(),
    signal: signal ?? new AbortController().signal,
    ...(onProgress && { onProgress }),
  });
}
