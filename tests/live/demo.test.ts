// The demo from an empty folder to DONE, with a real hub, signatures, sandbox, cold runs and SDK. Then its results are
// inspected as a stranger would, with stock git alone.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statePaths } from '../../state/trail/workspace.ts';
import { describeBoxed } from '../support/box.ts';
import { auditOf, cli, entriesOf, groundEnv, leavings, plainGit } from '../support/phase/live.ts';

const demoSecondsMax = 180;

/** Subjects of the trail's commits that must appear in this order, possibly with others in between. */
const story = [
  'operator(postbox-backup): queue',
  'status(postbox-backup): opened',
  'claim(M1): ',
  'run(M1): PASS',
  'control revert BITES',
  'backlog(M1): finding',
  'red',
  'review(M1): FAIL',
  'claim(M1): ',
  'run(M1): PASS',
  'control revert BITES',
  'green',
  'review(M1): PASS',
  'claim(M2): ',
  'run(M2): PASS',
  'control revert BITES',
  'review(M2): PASS',
  'claim(DONE): ',
  'run(M1): PASS',
  'control revert BITES',
  'review(DONE): PASS',
  'status(postbox-backup): DONE',
];

describeBoxed('the demo', () => {
  let dir: string;
  let place: string;
  let hub: string;
  let exit: number | null;
  let output: string;

  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-demo-')));
    place = join(dir, 'demo');
    hub = statePaths(join(place, 'state')).hub;
    const options = { env: groundEnv(dir) as NodeJS.ProcessEnv, timeout: demoSecondsMax * 1000 };
    const ran = spawnSync(process.execPath, [cli, 'demo', '--dir', place], {
      encoding: 'utf8',
      ...options,
    });
    exit = ran.status;
    output = ran.stdout + ran.stderr;
  }, demoSecondsMax * 1000);

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('says that a script plays the agents, sandboxes every run, and delivers the judged commit at DONE', async () => {
    expect({ exit, said: exit === 0 ? '' : output }).toEqual({ exit: 0, said: '' });
    expect(output).toMatch(/script/);
    const entries = await entriesOf(hub);
    const done = entries.flatMap((entry) =>
      entry.kind === 'phase' && entry.facts.event === 'done' ? entry.facts.sha : [],
    );
    expect(done).toEqual([plainGit(join(place, 'postbox'), ['rev-parse', 'phase/postbox-backup'])]);
    const runs = entries.filter((entry) => entry.kind === 'run');
    expect(runs.length).toBeGreaterThan(10);
    expect(new Set(runs.map(({ facts }) => facts.sandbox))).toEqual(new Set(['bubblewrap']));
  });

  test("has a `git log trail` that tells the story in order, with the practice's prefixes", () => {
    const subjects = plainGit(hub, ['log', '--reverse', '--format=%s', 'trail']);
    let at = 0;
    for (const chapter of story) {
      const place = subjects.indexOf(chapter, at);
      expect(place, `"${chapter}" after:\n${subjects.slice(0, at)}`).not.toBe(-1);
      at = place + chapter.length;
    }
    expect(subjects.match(/^review\(\w+\): (PASS|FAIL)/gm)).toEqual(
      ['M1): FAIL', 'M1): PASS', 'M2): PASS', 'DONE): PASS'].map((verdict) => `review(${verdict}`),
    );
  });

  test('has only signed commits; plain git verifies each for the role named as its author', () => {
    const allowed = join(dir, 'allowed_signers');
    writeFileSync(allowed, `${plainGit(hub, ['show', 'trail:machine-docs/allowed_signers'])}\n`);
    const trusting = ['-c', `gpg.ssh.allowedSignersFile=${allowed}`];
    const commits = plainGit(hub, ['rev-list', 'trail']).split('\n');
    execFileSync('git', ['-C', hub, ...trusting, 'verify-commit', ...commits], { stdio: 'pipe' });
    const signed = plainGit(hub, [...trusting, 'log', '--format=%G? %GS %ae', 'trail']).split('\n');
    expect(signed).toHaveLength(commits.length);
    expect(signed.filter((line) => !/^G (\S+) \1$/.test(line))).toEqual([]);
    expect(new Set(signed.map((line) => line.split(/[ @]/)[1]))).toEqual(
      new Set(['operator', 'supervisor', 'runner', 'builder', 'adversary']),
    );
  });

  test('only ever appends to files on the trail, and removes none', () => {
    const log = ['log', '--reverse', '--raw', '-r', '-m', '--no-renames', '--no-abbrev', '--format=', 'trail'];
    const changes = plainGit(hub, log)
      .split('\n')
      .filter((line) => line.startsWith(':'));
    const grown = changes.map((line) => line.split(/\s/)).filter(([, , , , status]) => status !== 'A');
    expect(grown.length).toBeGreaterThan(20);
    for (const [, , old = '', now = '', status, path] of grown) {
      expect(status, path).toBe('M');
      const [before, after] = [bytesOf(old), bytesOf(now)];
      expect(after.length, path).toBeGreaterThan(before.length);
      expect(after.subarray(0, before.length).equals(before), path).toBe(true);
    }
    expect(plainGit(hub, ['rev-list', '--merges', 'trail'])).toBe('');
  });

  test('passes its audit, and leaves nothing of its runs behind', async () => {
    const paths = statePaths(join(hub, '..'));
    expect(await auditOf(paths)).toMatchObject({ ok: true, tail: 'witnessed', problems: [] });
    expect(leavings(paths, [], [])).toEqual([]);
  });

  function bytesOf(blob: string): Buffer {
    return execFileSync('git', ['-C', hub, 'cat-file', 'blob', blob]);
  }
});
