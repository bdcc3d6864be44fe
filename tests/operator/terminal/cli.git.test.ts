import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Ground,
  ground,
  groundIn,
  nodeConfig,
  nodeProject,
  repositoryRoot,
  running,
  workspace,
} from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';
import { git } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

/** Expects one line on standard error that matches, nothing on standard output, and this exit code. */
function expectLine(result: { exit: number | null; out: string; err: string }, exit: number, pattern: RegExp): void {
  expect(result.err).toMatch(pattern);
  expect(result.err.trimEnd().split('\n')).toHaveLength(1);
  expect(result.out).toBe('');
  expect(result.exit).toBe(exit);
}

/** Every command that needs a repository, as you type it. */
const needsRepository = [
  'init',
  'plan new x',
  'plan check x.md',
  'try',
  'run',
  'status',
  'watch',
  'explain M1',
  'trail',
  'runs',
  'inbox',
  'approve 1',
  'refuse 1 --because x',
  'waive M1 runs --until 3d --because x',
  'veto --because x',
  'lift 1 --because x',
  'resume',
  'drop --because x',
  'amend x --plan x.md --because x',
  'rotate builder',
  'note x',
  'audit',
  'challenge r-000000000000',
  'export --out statements',
  'calibrate --role adversary',
];

function write(place: Ground, path: string, text: string): void {
  writeFileSync(join(place.repo, path), text);
}

describe('the command line, given bad input,', () => {
  it('tells you to change to a repository if you type any command outside one', async () => {
    const dir = tempDir();
    const place = groundIn(dir, dir);
    const advice = /is not in a git repository; cd into your repository, or create a new one with: git init$/m;
    for (const line of needsRepository) expectLine(await place.type(line.split(' ')), 2, advice);
    const { out, exit } = await place.type(['doctor']);
    expect(out).toMatch(
      /is not in a git repository\n +→ cd into your repository, or create a new one with: git init\n/,
    );
    expect(out).not.toContain('git add');
    expect(exit).toBe(4);
  });

  it('reports a repository that has no commit or no state, and says what to type', async () => {
    const dir = tempDir();
    git(dir, ['init', '--quiet']);
    expectLine(await groundIn(dir, dir).type(['init']), 2, /has no commit yet; type: git add/);
    const place = ground();
    expectLine(await place.type(['try']), 2, /has no state on this machine .*; type: coldpass init, or pass --state/);
    rmSync(join(place.repo, 'coldpass.yml'));
    expectLine(await place.type(['try']), 2, /coldpass\.yml: not found here; run `coldpass init`/);
  });

  it('names the line of a malformed coldpass.yml', async () => {
    const place = ground({ ...nodeProject, 'coldpass.yml': nodeConfig.replace('    tests:', '    testz:') });
    expectLine(await place.type(['try']), 2, /coldpass\.yml:\d+: recipes\.unit.*(testz|tests)/);
    write(place, 'coldpass.yml', 'name: sample\nrecipes: [\n');
    expectLine(await place.type(['status']), 2, /coldpass\.yml:\d+: /);
  });

  it('refuses a plan that is missing, is a folder, has no front matter, or names an unknown recipe', async () => {
    const place = await workspace();
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md: no such file; name a plan, or start one/);
    expectLine(await place.type(['run', '.']), 2, /\.: cannot be read \(EISDIR\)/);
    write(place, 'plan.md', '# A plan\n');
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md:1: the plan has no front matter/);
    write(place, 'plan.md', planText.replace('recipe: unit', 'recipe: nope'));
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md:\d+: .*nope/);
    write(place, 'plan.md', planText.replace('base: main', 'base: nowhere'));
    expectLine(await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x' }), 2, /base "nowhere" is not a branch/);
  });

  it('requires the API key before anything is signed, and refuses a model without a price', async () => {
    const place = await workspace();
    write(place, 'plan.md', planText);
    expectLine(await place.type(['run', 'plan.md']), 2, /ANTHROPIC_API_KEY is not set; type: export/);
    expectLine(
      await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: 'ftp://x' }),
      2,
      /ANTHROPIC_BASE_URL is "ftp:\/\/x", which is not an http address/,
    );
    write(place, 'coldpass.yml', nodeConfig.replace('scripted', 'no-such-model'));
    expectLine(
      await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x' }),
      2,
      /the price of model "no-such-model" is unknown/,
    );
    expect(readdirSync(join(place.state, 'inbox'))).toEqual([]);
  });

  it('refuses an unknown recipe, ref, run, entry, gate or kind, and a host that was not granted', async () => {
    const place = await workspace();
    expectLine(await place.type(['try', 'nope']), 2, /coldpass\.yml has no recipe "nope"; its recipes are: unit/);
    expectLine(await place.type(['try', '--ref', 'nowhere']), 2, /"nowhere" is not a commit here/);
    expectLine(await place.type(['runs', 'r-000000000000']), 2, /there is no record of r-000000000000/);
    expectLine(await place.type(['trail', '--entry', '7']), 2, /there is no entry #7; the trail ends at #0/);
    expectLine(await place.type(['trail', '--kind', 'nope']), 2, /"nope" is not a kind of entry; the kinds are: phase/);
    expectLine(await place.type(['explain', 'M1']), 2, /no phase has been opened yet/);
    write(place, 'coldpass.yml', nodeConfig.replace('seconds: 60', 'seconds: 60\n        network: [example.org]'));
    expectLine(await place.type(['try']), 2, /needs the host example\.org, which is not granted; type: coldpass init/);
  });

  it('says what to do about an invalid hub or record', async () => {
    const place = await workspace();
    const trial = join(place.state, 'trials', 'r-0123456789ab');
    mkdirSync(trial, { recursive: true });
    writeFileSync(join(trial, 'results.json'), '{ "v": 1 }');
    expectLine(
      await place.type(['runs', 'r-0123456789ab']),
      2,
      /results\.json is not a run's record: run: .*make a new run/,
    );
    expect((await place.type(['runs'])).out).toMatch(/note .*r-0123456789ab.* is not a run's record/);
    rmSync(join(place.state, 'hub.git', 'config'));
    for (const command of ['run', 'try', 'status'])
      expectLine(await place.type([command]), 4, /hub\.git .*(restore it from a backup)/);
    expectLine(await place.type(['audit', '--hub', place.repo]), 4, /is not a Coldpass hub|no trail/);
  });

  it('rejects unknown commands and options with exit 2', async () => {
    const place = ground();
    expectLine(await place.type(['nope']), 2, /unknown (command|option)/);
    expectLine(await place.type(['status', '--nope']), 2, /unknown option '--nope'/);
    expectLine(await place.type(['explain']), 2, /missing required argument 'gate'/);
  });
});

describe('the command line', () => {
  it('lists each command on a line of its own, grouped by purpose, and shows an example for each', async () => {
    const place = ground();
    const { out, exit } = await place.type(['--help']);
    expect(exit).toBe(0);
    const groups = out.split(/^(?=[A-Z][\w ]*:$)/m).slice(2);
    expect(groups.map((group) => group.split('\n', 1)[0])).toEqual(['Set up:', 'Run:', 'Watch:', 'Decide:', 'Verify:']);
    const listed = groups.map((group) => [...group.matchAll(/^ {2}([a-z]+).*$/gm)].map(([, name]) => name));
    expect(listed).toEqual([
      ['demo', 'init', 'doctor'],
      ['plan', 'try', 'run'],
      ['status', 'watch', 'explain', 'trail', 'runs'],
      ['inbox', 'approve', 'refuse', 'waive', 'veto', 'lift', 'resume', 'drop', 'amend', 'rotate', 'note'],
      ['audit', 'challenge', 'export', 'calibrate'],
    ]);
    expect(out).toMatch(/^ {2}init +write coldpass\.yml and the state$/m);
    expect(out).toMatch(/^ {2}run \[plan\] +run a phase to DONE; rerun to resume$/m);
    expect(out.split('\n').filter((line) => line.length > 110)).toEqual([]);
    for (const name of ['try', 'waive']) {
      const help = await place.type(['help', name]);
      expect(help.out).toMatch(new RegExp(`Example:\\n {2}coldpass ${name}`));
      expect(help.exit).toBe(0);
    }
  });

  it('prints one JSON document, and nothing else, with --json', async () => {
    const place = await workspace();
    const { out, exit } = await place.type(['status', '--json']);
    expect(JSON.parse(out)).toMatchObject({ workspace: 'sample', supervisor: null, phases: [], inbox: 0 });
    expect(exit).toBe(0);
  });

  it('audits a trail that has no entries yet', async () => {
    const place = await workspace();
    const { out, exit } = await place.type(['audit', '--root', `SHA256:${'A'.repeat(43)}`]);
    expect(out).toMatch(/NOT SOUND/);
    expect(exit).toBe(1);
    expect((await place.type(['audit'])).exit).toBe(0);
  });
});

describe('bin/coldpass', () => {
  it('starts through a symbolic link', async () => {
    const dir = tempDir();
    const link = join(dir, 'coldpass');
    symlinkSync(join(repositoryRoot, 'bin', 'coldpass'), link);
    const result = await running(link, ['--version'], dir, { PATH: process.env.PATH ?? '' }).done;
    expect(result).toMatchObject({ exit: 0, out: '0.1.0\n' });
  });

  it('says in one line if node is missing or too old', async () => {
    const dir = tempDir();
    for (const name of ['bin', 'old']) mkdirSync(join(dir, name));
    copyFileSync(join(repositoryRoot, 'bin', 'coldpass'), join(dir, 'bin', 'coldpass'));
    writeFileSync(join(dir, 'old', 'node'), '#!/bin/sh\necho v22.21.9\n');
    chmodSync(join(dir, 'old', 'node'), 0o755);
    for (const tool of ['dirname', 'sh']) symlinkSync(`/usr/bin/${tool}`, join(dir, 'old', tool));
    const start = (PATH: string) => running('/bin/sh', [join(dir, 'bin', 'coldpass'), 'status'], dir, { PATH }).done;
    expectLine(await start(join(dir, 'old')), 4, /is Node v22\.21\.9; install Node 22\.22 or later/);
    rmSync(join(dir, 'old', 'node'));
    expectLine(await start(join(dir, 'old')), 4, /node not found; install Node 22\.22/);
  });
});
