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

/** One line on standard error, nothing on standard output. */
function expectLine(said: { exit: number | null; out: string; err: string }, exit: number, pattern: RegExp): void {
  expect(said.err).toMatch(pattern);
  expect(said.err.trimEnd().split('\n')).toHaveLength(1);
  expect(said.out).toBe('');
  expect(said.exit).toBe(exit);
}

function write(place: Ground, path: string, text: string): void {
  writeFileSync(join(place.repo, path), text);
}

describe('the command line, given something bad', () => {
  it('says where there is no repository, no commit and no state, and what to type', async () => {
    const dir = tempDir();
    expectLine(await groundIn(dir, dir).type(['status']), 2, /is not in a git repository; type: git init/);
    git(dir, ['init', '--quiet']);
    expectLine(await groundIn(dir, dir).type(['init']), 2, /has no commit yet; type: git add/);
    const place = ground();
    expectLine(await place.type(['try']), 2, /has no state on this machine .*; type: coldpass init/);
    rmSync(join(place.repo, 'coldpass.yml'));
    expectLine(await place.type(['try']), 2, /coldpass\.yml: there is no such file here; type `coldpass init`/);
  });

  it('names the line of a malformed coldpass.yml', async () => {
    const place = ground({ ...nodeProject, 'coldpass.yml': nodeConfig.replace('    tests:', '    testz:') });
    expectLine(await place.type(['try']), 2, /coldpass\.yml:\d+: recipes\.unit.*(testz|tests)/);
    write(place, 'coldpass.yml', 'name: sample\nrecipes: [\n');
    expectLine(await place.type(['status']), 2, /coldpass\.yml:\d+: /);
  });

  it('refuses a plan that is not there, is a folder, has no front matter, or names an unknown recipe', async () => {
    const place = await workspace();
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md: there is no such file; name a plan, or begin one/);
    expectLine(await place.type(['run', '.']), 2, /\.: it cannot be read \(EISDIR\)/);
    write(place, 'plan.md', '# A plan\n');
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md:1: the plan has no front matter/);
    write(place, 'plan.md', planText.replace('recipe: unit', 'recipe: nope'));
    expectLine(await place.type(['run', 'plan.md']), 2, /plan\.md:\d+: .*nope/);
    write(place, 'plan.md', planText.replace('base: main', 'base: nowhere'));
    expectLine(await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x' }), 2, /base "nowhere" is no branch/);
  });

  it('asks for the key before anything is signed, and refuses a model without a price', async () => {
    const place = await workspace();
    write(place, 'plan.md', planText);
    expectLine(await place.type(['run', 'plan.md']), 2, /ANTHROPIC_API_KEY is not set; type: export/);
    expectLine(
      await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: 'ftp://x' }),
      2,
      /ANTHROPIC_BASE_URL is "ftp:\/\/x", which is no http address/,
    );
    write(place, 'coldpass.yml', nodeConfig.replace('scripted', 'no-such-model'));
    expectLine(await place.type(['run', 'plan.md'], { ANTHROPIC_API_KEY: 'x' }), 2, /no price is known for the model/);
    expect(readdirSync(join(place.state, 'inbox'))).toEqual([]);
  });

  it('refuses an unknown recipe, ref, run, entry, gate and kind, and a recipe that names what was not granted', async () => {
    const place = await workspace();
    expectLine(
      await place.type(['try', 'nope']),
      2,
      /no recipe is called "nope" in coldpass\.yml; those there are: unit/,
    );
    expectLine(await place.type(['try', '--ref', 'nowhere']), 2, /"nowhere" names no commit here/);
    expectLine(await place.type(['runs', 'r-000000000000']), 2, /there is no record of r-000000000000/);
    expectLine(await place.type(['trail', '--entry', '7']), 2, /there is no entry #7; the trail ends at #0/);
    expectLine(await place.type(['trail', '--kind', 'nope']), 2, /no entry is of the kind "nope"; kinds are: phase/);
    expectLine(await place.type(['explain', 'M1']), 2, /no phase was opened yet/);
    write(place, 'coldpass.yml', nodeConfig.replace('seconds: 60', 'seconds: 60\n        network: [example.org]'));
    expectLine(await place.type(['try']), 2, /needs the host example\.org, which is not granted; type: coldpass init/);
  });

  it('says of a hub that is none, and of a record that is none, what to do', async () => {
    const place = await workspace();
    const trial = join(place.state, 'trials', 'r-0123456789ab');
    mkdirSync(trial, { recursive: true });
    writeFileSync(join(trial, 'results.json'), '{ "v": 1 }');
    expectLine(
      await place.type(['runs', 'r-0123456789ab']),
      2,
      /results\.json is not a run's record: run: .*make the run again/,
    );
    expect((await place.type(['runs'])).out).toMatch(/note .*r-0123456789ab.* is not a run's record/);
    rmSync(join(place.state, 'hub.git', 'config'));
    for (const command of ['run', 'try', 'status'])
      expectLine(await place.type([command]), 4, /hub\.git .*(restore it from a backup)/);
    expectLine(await place.type(['audit', '--hub', place.repo]), 4, /is not a Coldpass hub|no trail/);
  });

  it('turns down unknown commands and options with exit 2', async () => {
    const place = ground();
    expectLine(await place.type(['nope']), 2, /unknown (command|option)/);
    expectLine(await place.type(['status', '--nope']), 2, /unknown option '--nope'/);
    expectLine(await place.type(['explain']), 2, /missing required argument 'gate'/);
  });
});

describe('the command line', () => {
  it('lists every command in a line, and shows an example for each', async () => {
    const place = ground();
    const { out, exit } = await place.type(['--help']);
    expect(exit).toBe(0);
    const listed = [...out.matchAll(/^ {2}([a-z]+).*$/gm)].map(([, name]) => name);
    const work = ['init', 'doctor', 'try', 'runs', 'challenge', 'plan', 'run', 'status', 'watch', 'explain', 'trail'];
    const acts = ['inbox', 'approve', 'refuse', 'waive', 'veto', 'lift', 'resume', 'drop', 'amend', 'rotate', 'note'];
    expect(listed).toEqual([...work, ...acts, 'audit', 'export', 'calibrate', 'demo', 'help']);
    for (const name of ['try', 'waive']) {
      const help = await place.type(['help', name]);
      expect(help.out).toMatch(new RegExp(`Example:\\n {2}coldpass ${name}`));
      expect(help.exit).toBe(0);
    }
  });

  it('says one JSON document, and nothing else, with --json', async () => {
    const place = await workspace();
    const { out, exit } = await place.type(['status', '--json']);
    expect(JSON.parse(out)).toMatchObject({ workspace: 'sample', supervisor: null, phases: [], inbox: 0 });
    expect(exit).toBe(0);
  });

  it('audits a trail on which nothing happened yet', async () => {
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
    const said = await running(link, ['--version'], dir, { PATH: process.env.PATH ?? '' }).done;
    expect(said).toMatchObject({ exit: 0, out: '0.1.0\n' });
  });

  it('says in one line that node is missing or too old', async () => {
    const dir = tempDir();
    for (const name of ['bin', 'old']) mkdirSync(join(dir, name));
    copyFileSync(join(repositoryRoot, 'bin', 'coldpass'), join(dir, 'bin', 'coldpass'));
    writeFileSync(join(dir, 'old', 'node'), '#!/bin/sh\necho v22.21.9\n');
    chmodSync(join(dir, 'old', 'node'), 0o755);
    for (const tool of ['dirname', 'sh']) symlinkSync(`/usr/bin/${tool}`, join(dir, 'old', tool));
    const start = (PATH: string) => running('/bin/sh', [join(dir, 'bin', 'coldpass'), 'status'], dir, { PATH }).done;
    expectLine(await start(join(dir, 'old')), 4, /is Node v22\.21\.9; install Node 22\.22 or later/);
    rmSync(join(dir, 'old', 'node'));
    expectLine(await start(join(dir, 'old')), 4, /node is not to be found; install Node 22\.22/);
  });
});
