import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Sha } from '../../../state/entry/ids.ts';
import { objectBytesMax, openObjects } from '../../../state/git/catFile.ts';
import {
  branchHead,
  changedPaths,
  fileAt,
  isAncestor,
  knownCommit,
  listTree,
  revParse,
  treeOf,
} from '../../../state/git/git.ts';
import { git, gitText, whyFailed } from '../../../state/git/process.ts';
import { makeRepo, git as person } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

/** A script that leaves a mark when anything runs it. */
function trap() {
  const dir = tempDir();
  const script = join(dir, 'trap.sh');
  const mark = join(dir, 'ran');
  writeFileSync(script, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  return { script, ran: () => existsSync(mark) };
}

test('nothing planted in a repository runs: hooks, fsmonitor, pager, editor, ssh, diff, textconv', async () => {
  const { dir, shas } = makeRepo([{ a: '1\n' }, { a: '2\n', '.gitattributes': '* diff=evil\n' }]);
  const { script, ran } = trap();
  for (const key of [
    'core.fsmonitor',
    'core.pager',
    'core.editor',
    'core.sshCommand',
    'diff.external',
    'diff.evil.textconv',
  ]) {
    person(dir, ['config', key, script]);
  }
  mkdirSync(join(dir, '.git/hooks'), { recursive: true });
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) {
    writeFileSync(join(dir, '.git/hooks', hook), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await gitText(dir, ['status'], { checkout: true });
  await gitText(dir, ['checkout', '--quiet', '--detach'], { checkout: true });
  await gitText(join(dir, '.git'), ['update-ref', 'refs/heads/new', shas[0] as Sha]);
  await git(join(dir, '.git'), ['fetch', 'ssh://localhost/x']);
  const differs = ['diff-tree', '-p', '--no-ext-diff', '--no-textconv', shas[0] as Sha, shas[1] as Sha];
  expect(await gitText(join(dir, '.git'), differs)).toContain('-1\n+2\n');
  expect(ran()).toBe(false);
  person(dir, ['status']);
  expect(ran()).toBe(true);
});

test('our own environment has no effect: GIT_DIR, GIT_CONFIG_*, HOME, PATH, trace files', async () => {
  const { dir, shas } = makeRepo([{ a: '1\n' }]);
  const other = makeRepo([{ b: '1\n' }]);
  const { script, ran } = trap();
  const home = tempDir();
  writeFileSync(join(home, '.gitconfig'), `[core]\n\tfsmonitor = ${script}\n[alias]\n\trev-list = !${script}\n`);
  writeFileSync(join(home, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const planted = {
    HOME: home,
    XDG_CONFIG_HOME: home,
    PATH: `${home}:${process.env.PATH}`,
    GIT_DIR: join(other.dir, '.git'),
    GIT_TRACE: join(home, 'trace'),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: script,
  };
  for (const [name, value] of Object.entries(planted)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await revParse(join(dir, '.git'), 'HEAD')).toBe(shas[0]);
  await gitText(dir, ['status'], { checkout: true });
  expect(ran()).toBe(false);
  expect(existsSync(join(home, 'trace'))).toBe(false);
});

test('only the file protocol works, whatever the repository allows', async () => {
  const { dir } = makeRepo([{ a: '1\n' }]);
  const { script, ran } = trap();
  person(dir, ['config', 'protocol.ext.allow', 'always']);
  person(dir, ['config', 'protocol.allow', 'always']);
  const result = await git(join(dir, '.git'), ['fetch', `ext::${script}`]);
  expect(result.exit).not.toBe(0);
  expect(whyFailed(result)).toContain("transport 'ext' not allowed");
  expect(ran()).toBe(false);
});

test('replace refs and grafts change nothing', async () => {
  const { dir, shas } = makeRepo([{ a: '1\n' }, { a: '2\n' }]);
  person(dir, ['replace', shas[1] as Sha, shas[0] as Sha]);
  expect((await fileAt(join(dir, '.git'), shas[1] as Sha, 'a', 10))?.toString()).toBe('2\n');
});

test('a command that fails returns a value, one that cannot start throws, and one that exceeds a limit is ended', async () => {
  const { dir } = makeRepo([{ a: 'x'.repeat(5000) }]);
  const at = join(dir, '.git');
  expect(await git(at, ['rev-parse', '--verify', 'none'])).toMatchObject({ exit: 128, cut: null });
  await expect(gitText(at, ['rev-parse', '--verify', 'none'])).rejects.toMatchObject({ code: 'bad-hub' });
  await expect(git(join(dir, 'nowhere'), ['status'])).rejects.toMatchObject({ code: 'io' });
  const long = await git(at, ['show', 'HEAD:a'], { outputBytesMax: 1000 });
  expect(long).toMatchObject({ exit: null, cut: 'output' });
  expect(long.stdout).toHaveLength(1000);
  // The alias starts a shell, whose child would survive if only git were killed.
  const slow = await git(at, ['-c', 'alias.wait=!sleep 60 & wait', 'wait'], { seconds: 0.2 });
  expect(slow).toMatchObject({ exit: null, cut: 'time' });
  const stopped = await git(at, ['cat-file', '--batch'], { signal: AbortSignal.abort(), input: '' });
  expect(stopped.exit).toBeNull();
});

test('a commit needs its full id: an abbreviation, unknown id, blob or branch name is refused', async () => {
  const { dir, shas } = makeRepo([{ a: '1\n' }, { a: '2\n' }]);
  const at = join(dir, '.git');
  const [first, second] = shas as [Sha, Sha];
  expect(await knownCommit(at, second)).toBe(second);
  for (const id of [second.slice(0, 10), 'main', 'f'.repeat(40), person(dir, ['rev-parse', 'HEAD:a']), '--all']) {
    await expect(knownCommit(at, id)).rejects.toMatchObject({ name: 'Refused' });
  }
  expect(await revParse(at, '--all')).toBeNull();
  expect(await branchHead(at, 'main')).toBe(second);
  expect(await branchHead(at, 'phase/none')).toBeNull();
  expect(await isAncestor(at, first, second)).toBe(true);
  expect(await isAncestor(at, second, first)).toBe(false);
  await expect(isAncestor(at, 'e'.repeat(40) as Sha, first)).rejects.toMatchObject({ code: 'bad-hub' });
  expect(await treeOf(at, second)).toBe(person(dir, ['rev-parse', 'HEAD^{tree}']));
});

test('changed paths are listed one by one, with unquoted names; a rename is one removal and one addition', async () => {
  const moved = 'moved '.repeat(50);
  const { dir, shas } = makeRepo([
    { 'same.txt': 's', 'old name': moved, 'a\tb\n"ü': '1', link: 'was a file' },
    { 'old name': null, 'new name': moved, 'a\tb\n"ü': '2', link: { link: 'same.txt' } },
  ]);
  const [first, second] = shas as [Sha, Sha];
  const changes = await changedPaths(join(dir, '.git'), first, second);
  expect(changes.map(({ status, path, newMode }) => [status, path, newMode])).toEqual([
    ['M', 'a\tb\n"ü', '100644'],
    ['T', 'link', '120000'],
    ['A', 'new name', '100644'],
    ['D', 'old name', '000000'],
  ]);
  expect(changes[3]).toMatchObject({ newBlob: null, oldBlob: person(dir, ['rev-parse', `${first}:old name`]) });
  expect(await changedPaths(join(dir, '.git'), first, first)).toEqual([]);
});

test('a file is read byte for byte; links, submodules, folders and large files are refused', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 10, 0]);
  const { dir, shas } = makeRepo([{ 'd/b*': bytes, 'd/bx': 'x', l: { link: 'd' }, s: { commit: 'e'.repeat(40) } }]);
  const at = join(dir, '.git');
  const [sha] = shas as [Sha];
  expect(await fileAt(at, sha, 'd/b*', 6)).toEqual(bytes);
  expect(await fileAt(at, sha, 'none', 6)).toBeNull();
  for (const path of ['l', 's', 'd']) await expect(fileAt(at, sha, path, 6)).rejects.toMatchObject({ name: 'Refused' });
  await expect(fileAt(at, sha, 'd/b*', 5)).rejects.toThrow('6 bytes');
  expect((await listTree(at, sha, 'd/b*')).map(({ path, bytes: size }) => [path, size])).toEqual([['d/b*', 6]]);
  expect((await listTree(at, sha)).map(({ path }) => path)).toEqual(['d/b*', 'd/bx', 'l', 's']);
});

test('one git process reads many objects in order, missing ones as null; closing it rejects waiting reads', async () => {
  const contents = Array.from({ length: 300 }, (_, n) => 'é'.repeat(n * 100));
  const { dir } = makeRepo([Object.fromEntries(contents.map((text, n) => [`f${n}`, text]))]);
  const ids = contents.map((_, n) => `HEAD:f${n}`);
  const shas = person(dir, ['rev-parse', ...ids]).split('\n') as Sha[];
  const objects = openObjects(join(dir, '.git'));
  const [missing, ...found] = await Promise.all(['e'.repeat(40) as Sha, ...shas].map((sha) => objects.read(sha)));
  expect(missing).toBeNull();
  expect(found.map((one) => one?.bytes.toString())).toEqual(contents);
  expect(objectBytesMax).toBeGreaterThan(1_000_000);
  const waiting = objects.read(shas[0] as Sha);
  objects.close();
  await expect(waiting).rejects.toMatchObject({ code: 'bad-hub' });
  await expect(objects.read(shas[0] as Sha)).rejects.toMatchObject({ code: 'bad-hub' });
});
