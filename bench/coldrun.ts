// Compares cold runs with the same work done by hand; the two take turns: `node bench/coldrun.ts`, or `benchColdRun()`
// for the figures. The recipe is empty (one stage that writes a report of one test); the work by hand is `git clone
// file://…`, then the stage's command.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bubblewrap } from '../runner/box/bubblewrap.ts';
import { coldRun } from '../runner/run/coldrun.ts';
import type { Engine } from '../runner/run/engine.ts';
import { pinRecipe } from '../runner/run/pinned.ts';
import { processEngine } from '../runner/run/process.ts';
import type { ColdRunRequest } from '../runner/run/request.ts';
import { RecipeName, RunId, Sha } from '../state/entry/ids.ts';
import { Recipe } from '../state/entry/recipe.ts';

const roundsDefault = 9;
const fileCount = 340;
const fileBytes = 50_000; // 17 MB in total, and random, so that git cannot compress it.
const goal = { timesMax: 1.5, firstProcessP95MsMax: 100 };
const command = `printf '<testsuite tests="1"><testcase classname="t" name="a"/></testsuite>' > report.xml`;

export type ColdRunFigures = {
  rounds: number;
  byHandMs: number;
  coldRunMs: number;
  /** The median of cold runs divided by the median of the work by hand. */
  times: number;
  /** From the call to the start of the clone; by then the run's intent is on disk. */
  firstProcessP95Ms: number;
  cloneMs: number;
  teardownMs: number;
  meetsGoal: boolean;
};

/** Medians of `rounds`, on a 17 MB repository that is removed afterwards. Rejects if bubblewrap is missing. */
export async function benchColdRun(rounds = roundsDefault): Promise<ColdRunFigures> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-bench-')));
  const box = await bubblewrap({ stateDir: dir });
  try {
    if ('missing' in box) throw new Error(box.missing.join('; '));
    const runsDir = join(dir, 'runs');
    mkdirSync(runsDir, { mode: 0o700 });
    const engine = processEngine({ sandbox: box.sandbox, selfTest: null, runsDir, tools: [], hosts: [] });
    return await measure(engine, { dir, runsDir, rounds, ...makeRepository(dir) });
  } finally {
    if ('sandbox' in box) await box.sandbox.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

type Setting = { dir: string; runsDir: string; rounds: number; hub: string; sha: Sha };

async function measure(engine: Engine, setting: Setting): Promise<ColdRunFigures> {
  const spans = {
    byHand: [] as number[],
    coldRun: [] as number[],
    first: [] as number[],
    clone: [] as number[],
    teardown: [] as number[],
  };
  for (let round = 0; round <= setting.rounds; round++) {
    const byHand = doneByHand(setting, round);
    const cold = await doneCold(engine, setting, round);
    if (round === 0) continue; // The first round only warms the disk cache for both.
    spans.byHand.push(byHand);
    for (const name of ['coldRun', 'first', 'clone', 'teardown'] as const) spans[name].push(cold[name]);
  }
  const [byHandMs, coldRunMs] = [quantile(spans.byHand, 0.5), quantile(spans.coldRun, 0.5)];
  const figures = {
    byHandMs,
    coldRunMs,
    times: Math.round((coldRunMs / byHandMs) * 100) / 100,
    firstProcessP95Ms: quantile(spans.first, 0.95),
  };
  const meetsGoal = figures.times <= goal.timesMax && figures.firstProcessP95Ms <= goal.firstProcessP95MsMax;
  return {
    rounds: setting.rounds,
    ...figures,
    cloneMs: quantile(spans.clone, 0.5),
    teardownMs: quantile(spans.teardown, 0.5),
    meetsGoal,
  };
}

function doneByHand({ dir, hub }: Setting, round: number): number {
  const into = join(dir, `hand-${round}`);
  const startedAtMs = performance.now();
  execFileSync('git', ['clone', '--quiet', pathToFileURL(hub).href, into]);
  execFileSync('sh', ['-c', command], { cwd: into });
  const tookMs = performance.now() - startedAtMs;
  rmSync(into, { recursive: true });
  return tookMs;
}

async function doneCold(engine: Engine, { runsDir, hub, sha }: Setting, round: number) {
  const at = { clone: 0, cloned: 0, teardown: 0 };
  const timed: Engine = {
    ...engine,
    async setup(order, signal) {
      at.clone = performance.now();
      const prepared = await engine.setup(order, signal);
      at.cloned = performance.now();
      return prepared;
    },
    async destroy(run) {
      const startedAtMs = performance.now();
      const destroyed = await engine.destroy(run);
      at.teardown = performance.now() - startedAtMs;
      return destroyed;
    },
  };
  const startedAtMs = performance.now();
  const deps = { engine: timed, runsDir, now: () => new Date(), signal: new AbortController().signal };
  const record = await coldRun(requestFor(hub, sha, round), deps);
  const tookMs = performance.now() - startedAtMs;
  if (record.outcome !== 'PASS') throw new Error(record.reason);
  return { coldRun: tookMs, first: at.clone - startedAtMs, clone: at.cloned - at.clone, teardown: at.teardown };
}

function requestFor(hub: string, sha: Sha, round: number): ColdRunRequest {
  const recipe = Recipe.parse({ stages: [{ name: 'test', run: command, report: 'report.xml' }], tests: ['tests/**'] });
  const { pinned, blobs } = pinRecipe(RecipeName.parse('empty'), recipe, () => null);
  const run = RunId.parse(`r-${round.toString(16).padStart(12, '0')}`);
  return { run, purpose: { kind: 'trial', by: 'operator' }, pinned, harnessFiles: blobs, hub, sha };
}

function makeRepository(dir: string): { hub: string; sha: Sha } {
  const repo = join(dir, 'repo');
  mkdirSync(join(repo, 'files'), { recursive: true });
  for (let n = 0; n < fileCount; n++) writeFileSync(join(repo, 'files', `${n}.bin`), randomBytes(fileBytes));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', ...args], {
      cwd: repo,
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=files');
  git('repack', '-adq');
  return { hub: join(repo, '.git'), sha: Sha.parse(git('rev-parse', 'HEAD').trim()) };
}

function quantile(values: number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.ceil(sorted.length * at) - 1] ?? 0) * 10) / 10;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(await benchColdRun(), null, 2)}\n`);
}
