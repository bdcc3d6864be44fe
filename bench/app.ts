// Compares an app's run with a shell script that makes the same engine calls: `node bench/app.ts`, or `benchApp()` for
// the figures. Then compares four concurrent runs with four in sequence. The app is static-site with a suite of two
// empty tests, so that only the rungs are compared. Needs a Docker Swarm at the default socket.

import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildImages } from '../recipes/images/build.ts';
import { layApp } from '../recipes/lay.ts';
import { bubblewrap } from '../runner/box/bubblewrap.ts';
import { openEngine } from '../runner/engines.ts';
import { coldRun } from '../runner/run/coldrun.ts';
import { pinRecipe } from '../runner/run/pinned.ts';
import { openDocker, socketDefault } from '../runner/swarm/engine/docker.ts';
import { dockerReport } from '../runner/swarm/engine/report.ts';
import { ensureToolsImage } from '../runner/swarm/engine/toolsImage.ts';
import { RecipeName, RunId, Sha } from '../state/entry/ids.ts';
import { releaseTags } from '../state/git/releases.ts';
import { readConfig, recipeNamed } from '../state/plan/config.ts';

const roundsDefault = 3;
const atOnce = 4;
const name = 'static-site';
const empty = (suite: string) => `import { expect, test } from 'vitest';\ntest('${suite}', () => expect(1).toBe(1));\n`;

export type AppFigures = { byHandMs: number; runMs: number; times: number; inTurnMs: number; atOnceMs: number };

/** The figures are medians; `missing` says what this machine lacks. */
export async function benchApp(rounds = roundsDefault): Promise<AppFigures | { missing: string }> {
  const report = await dockerReport(socketDefault);
  if (!report.ok) return { missing: `${report.why}; ${report.mend}` };
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-bench-')));
  const box = await bubblewrap({ stateDir: dir });
  try {
    if ('missing' in box) return { missing: box.missing.join('; ') };
    await buildImages([name], { socket: socketDefault });
    const runsDir = join(dir, 'runs');
    mkdirSync(runsDir, { mode: 0o700 });
    const app = await layEmptySuite(join(dir, 'app'));
    const tools = await ensureToolsImage(openDocker(socketDefault));
    const engine = openEngine({
      sandbox: box.sandbox,
      selfTest: null,
      runsDir,
      tools: [],
      hosts: [],
      docker: socketDefault,
    });
    const run = async () => {
      const id = RunId.parse(`r-${randomBytes(6).toString('hex')}`);
      const signal = new AbortController().signal;
      const request = { ...app.request, run: id, purpose: { kind: 'trial', by: 'operator' } as const };
      const record = await coldRun(request, { engine, runsDir, now: () => new Date(), signal });
      if (record.outcome !== 'PASS') throw new Error(record.reason);
    };
    const byHand = () => {
      const stack = `hand${randomBytes(4).toString('hex')}`;
      const args = [join(import.meta.dirname, 'app.sh'), app.dir, app.older, app.newer, stack, tools];
      return promisify(execFile)('sh', args);
    };
    const spans = { byHand: [] as number[], run: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      spans.byHand.push(await timed(byHand));
      spans.run.push(await timed(run));
    }
    const atOnceMs = await timed(() => Promise.all(Array.from({ length: atOnce }, run)));
    const [byHandMs, runMs] = [median(spans.byHand), median(spans.run)];
    return { byHandMs, runMs, times: runMs / byHandMs, inTurnMs: runMs * atOnce, atOnceMs };
  } finally {
    if ('sandbox' in box) await box.sandbox.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Creates the recipe's repository, with a commit on top that reduces the suite to what a run needs. */
async function layEmptySuite(dir: string) {
  const { head, releases } = await layApp(name, dir);
  const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).trim();
  git('rm', '--quiet', '-r', 'tests');
  mkdirSync(join(dir, 'tests'));
  for (const suite of ['functional', 'restore']) writeFileSync(join(dir, 'tests', `${suite}.test.ts`), empty(suite));
  // A file to lose in the disaster: without one, the check of the wipe would fail.
  const seed = `export async function preBackup(app) { await app.output('app', 'echo seeded >/srv/content/seed'); }\n`;
  writeFileSync(join(dir, 'tests', 'ops.ts'), seed);
  git('add', '--all');
  git('-c', 'user.name=Bench', '-c', 'user.email=bench@app.test', 'commit', '--quiet', '--message', 'An empty suite');
  const sha = Sha.parse(git('rev-parse', 'HEAD'));
  const hub = join(dir, '.git');
  const tags = await releaseTags(hub, sha);
  const recipe = recipeNamed(readConfig(dir), name);
  const { pinned, blobs } = pinRecipe(RecipeName.parse(name), recipe, (path) => readFileSync(join(dir, path)), tags);
  const older = git('rev-parse', `${releases[0]}^{commit}`);
  return { dir, older, newer: head, request: { pinned, harnessFiles: blobs, hub, sha } };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function median(spans: number[]): number {
  return spans.toSorted((a, b) => a - b)[Math.floor(spans.length / 2)] ?? 0;
}

/** Lines of subject, figures and goal, for `npm run bench`. */
export function appLines(figures: AppFigures | { missing: string }): [string, string, string][] {
  const what = 'an app up its rungs, vs the same by hand';
  if ('missing' in figures) return [[what, `not measured: ${figures.missing}`, '≤ 1.10×']];
  const { byHandMs, runMs, times, inTurnMs, atOnceMs } = figures;
  const s = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    [what, `${s(byHandMs)} → ${s(runMs)}: ${times.toFixed(2)}×`, '≤ 1.10×'],
    [`${atOnce} apps at once, vs one after the other`, `${s(inTurnMs)} → ${s(atOnceMs)}`, ''],
  ];
}

if (process.argv[1] === import.meta.filename)
  for (const line of appLines(await benchApp())) console.log(line.join('   '));
