import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { removeFolder } from '../../../runner/box/removal.ts';
import { sweep } from '../../../runner/run/janitor.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { describeBoxed, isRoot } from '../../support/box.ts';
import { newRun, processesWith, project, repoOf } from '../../support/recipes.ts';
import { tempDir } from '../../support/temp.ts';

const nobodyLives = { isLive: () => false };

function leaveRun(runsDir: string, parts: { intent?: string; results?: string; folders?: string[] }) {
  const run = newRun();
  for (const folder of parts.folders ?? []) mkdirSync(join(runsDir, run, folder, 'deep'), { recursive: true });
  mkdirSync(join(runsDir, run), { recursive: true });
  if (parts.intent !== undefined) writeFileSync(join(runsDir, run, 'intent.json'), parts.intent);
  if (parts.results !== undefined) writeFileSync(join(runsDir, run, 'results.json'), parts.results);
  return run;
}

function intentOf(run: string, startedAtMs = 1): string {
  const recipe = { name: 'app', digest: digestOf('r') };
  return JSON.stringify({
    run,
    purpose: { kind: 'trial', by: 'operator' },
    recipe,
    shas: { main: 'a'.repeat(40) },
    startedAtMs,
  });
}

describe('the janitor', () => {
  it('removes trees, saved copies and unfinished clones, and leaves intents, results and logs', async () => {
    const runsDir = tempDir();
    const run = leaveRun(runsDir, { results: '{}', folders: ['tree', 'copy', 'tree.git-x1', 'logs'] });
    expect(await sweep(runsDir, nobodyLives)).toEqual({ lost: [], stuck: [] });
    expect(readdirSync(join(runsDir, run)).sort()).toEqual(['logs', 'results.json']);
  });

  it('names the runs that have an intent but no results, oldest first', async () => {
    const runsDir = tempDir();
    const [late, early] = [leaveRun(runsDir, {}), leaveRun(runsDir, {})];
    writeFileSync(join(runsDir, late, 'intent.json'), intentOf(late, 20));
    writeFileSync(join(runsDir, early, 'intent.json'), intentOf(early, 10));
    const ended = leaveRun(runsDir, { results: '{}' });
    writeFileSync(join(runsDir, ended, 'intent.json'), intentOf(ended));
    leaveRun(runsDir, { intent: '{"run":' });
    const { lost } = await sweep(runsDir, nobodyLives);
    expect(lost.map((intent) => intent.run)).toEqual([early, late]);
  });

  it('spares live runs and anything that is not a run', async () => {
    const runsDir = tempDir();
    const live = leaveRun(runsDir, { folders: ['tree'] });
    mkdirSync(join(runsDir, 'other', 'tree'), { recursive: true });
    expect(await sweep(runsDir, { isLive: (run) => run === live })).toEqual({ lost: [], stuck: [] });
    expect(existsSync(join(runsDir, live, 'tree', 'deep'))).toBe(true);
    expect(existsSync(join(runsDir, 'other', 'tree'))).toBe(true);
    expect(await sweep(join(runsDir, 'none'), nobodyLives)).toEqual({ lost: [], stuck: [] });
  });
});

describe('removal of a folder', () => {
  it('succeeds however deep the folder is, and whatever its permissions', async () => {
    const dir = join(tempDir(), 'tree');
    mkdirSync(join(dir, 'closed'), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, 'closed', 'a'), 'a');
    const script =
      'n=0; while [ $n -lt 300 ]; do mkdir dddddddddddddddddddd; cd dddddddddddddddddddd; n=$((n+1)); done; chmod 000 "$0/closed"';
    const [exit] = await once(spawn('sh', ['-c', script, dir], { cwd: dir }), 'exit');
    expect(exit).toBe(0);
    expect(await removeFolder(dir, 20_000)).toBeNull();
    expect(existsSync(dir)).toBe(false);
    expect(await removeFolder(dir, 20_000)).toBeNull();
  });

  it.runIf(isRoot)('reports the reason if it fails', async () => {
    const dir = join(realpathSync(tempDir()), 'tree');
    mkdirSync(join(dir, 'mounted'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'none', join(dir, 'mounted')]);
    const why = await removeFolder(dir, 20_000).finally(() => execFileSync('umount', [join(dir, 'mounted')]));
    expect(why).toMatch(/mounted/);
    expect(await removeFolder(dir, 20_000)).toBeNull();
  });
});

describeBoxed('a supervisor killed in the middle of a run', () => {
  it('leaves no process, and its leftovers on disk are swept and reported once', async () => {
    const stateDir = realpathSync(tempDir());
    const runsDir = join(stateDir, 'runs');
    mkdirSync(runsDir);
    const repo = repoOf(project);
    const run = newRun();
    const mark = `4444${process.pid}`;
    const program = join(import.meta.dirname, '..', '..', 'support', 'coldrunner.ts');
    const child = spawn(process.execPath, [program, stateDir, repo.hub, repo.sha, run, mark], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(processesWith(`sleep ${mark}`).length).toBeGreaterThan(0);
    expect(readdirSync(join(runsDir, run)).sort()).toEqual(['copy', 'copy.json', 'intent.json', 'tree']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(() => expect(processesWith(`sleep ${mark}`)).toEqual([]), { timeout: 5000, interval: 10 });
    const { lost, stuck } = await sweep(runsDir, nobodyLives);
    expect([lost.map((intent) => [intent.run, intent.shas.main]), stuck]).toEqual([[[run, repo.sha]], []]);
    expect(readdirSync(join(runsDir, run)).sort()).toEqual(['copy.json', 'intent.json']);
  });
});
