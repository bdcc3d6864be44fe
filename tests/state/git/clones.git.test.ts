import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PhaseId, Sha } from '../../../state/entry/ids.ts';
import { coldClone, removeTree, roleClone, updateBundle } from '../../../state/git/clones.ts';
import { startPhase, syncMain } from '../../../state/trail/hub.ts';
import { addCommits, git, gitBytes, makeHub } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const phase = 'mailu' as PhaseId;
const isRoot = process.getuid?.() === 0;

test('a claim’s commit is cloned as it was claimed, even if the branch moved on', async () => {
  const { hub, base } = await makeHub([{ 'a.txt': 'A\n' }]);
  const [later] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'a.txt': 'B\n' }], base);
  const into = join(tempDir(), 'tree');
  const { tree } = await coldClone({ hub: hub.dir, sha: base, into, git: false });
  expect(readFileSync(join(into, 'a.txt'), 'utf8')).toBe('A\n');
  expect(tree).toBe(git(hub.dir, ['rev-parse', `${base}^{tree}`]));
  expect(git(hub.dir, ['rev-parse', 'phase/mailu'])).toBe(later);
});

test('a cold clone contains the tree, with modes, links and empty files, and nothing else, not even .git', async () => {
  const { hub, repo } = await makeHub([{ 'a b/é.txt': '', link: { link: 'a b' }, 'bin/run': '#!/bin/sh\n' }]);
  git(repo.dir, ['update-index', '--chmod=+x', 'bin/run']);
  git(repo.dir, ['commit', '-qm', 'x']);
  const sha = await syncMain(hub.dir, repo.dir, 'main');
  const parent = tempDir();
  await coldClone({ hub: hub.dir, sha, into: join(parent, 'tree'), git: false });
  expect(readdirSync(parent)).toEqual(['tree']);
  expect(readdirSync(join(parent, 'tree')).sort()).toEqual(['a b', 'bin', 'link']);
  expect(readlinkSync(join(parent, 'tree', 'link'))).toBe('a b');
  expect(statSync(join(parent, 'tree', 'bin', 'run')).mode & 0o111).toBe(0o111);
  expect(readFileSync(join(parent, 'tree', 'a b', 'é.txt'), 'utf8')).toBe('');
});

test('whatever our git settings are, a cold clone runs or fetches nothing that the tree names (filters, LFS, submodules)', async () => {
  const { hub, stateDir } = await makeHub([
    {
      '.gitattributes': '* filter=lfs\nx filter=evil\n',
      '.gitmodules': '[submodule "s"]\n\tpath = s\n\turl = ./s\n\tupdate = !touch ran\n',
      '.lfsconfig': '[lfs]\n\turl = http://localhost/\n',
      s: { commit: 'e'.repeat(40) },
      x: 'as committed\r\n',
    },
  ]);
  const mark = join(stateDir, 'ran');
  const home = tempDir();
  const run = `"touch ${mark} && cat"`;
  const filters = `[filter "evil"]\n\tsmudge = ${run}\n\tclean = ${run}\n[filter "lfs"]\n\tprocess = ${run}\n\trequired = true\n`;
  writeFileSync(join(home, '.gitconfig'), filters);
  vi.stubEnv('HOME', home);
  vi.stubEnv('GIT_CONFIG_GLOBAL', join(home, '.gitconfig'));
  vi.stubEnv('GIT_TEMPLATE_DIR', home);
  onTestFinished(() => void vi.unstubAllEnvs());
  const into = join(tempDir(), 'tree');
  await coldClone({ hub: hub.dir, sha: git(hub.dir, ['rev-parse', 'main']) as Sha, into, git: { tags: [] } });
  expect(readFileSync(join(into, 'x'), 'utf8')).toBe('as committed\r\n');
  expect(readdirSync(join(into, 's'))).toEqual([]);
  expect(existsSync(mark)).toBe(false);
  expect(existsSync(join(into, '.git', '.gitconfig'))).toBe(false);
});

test('a cold clone with git has one anonymous commit of the same tree, the tags, and nothing else', async () => {
  const { hub, base } = await makeHub([{ 'secret.txt': 'removed later\n' }, { 'secret.txt': null, 'a.txt': 'A\n' }]);
  const into = join(tempDir(), 'tree');
  const { tree } = await coldClone({ hub: hub.dir, sha: base, into, git: { tags: ['v1.2', 'v1.3'] } });
  expect(git(into, ['status', '--porcelain'])).toBe('');
  expect(git(into, ['rev-parse', 'HEAD^{tree}'])).toBe(tree);
  expect(git(into, ['log', '--all', '--format=%an %s %D'])).toBe('cold cold HEAD -> main, tag: v1.3, tag: v1.2');
  const objects = git(into, ['cat-file', '--batch-check', '--batch-all-objects']).split('\n');
  expect(objects.map((line) => line.split(' ')[1]).sort()).toEqual(['blob', 'commit', 'tree']);
  expect(git(into, ['remote'])).toBe('');
  expect(existsSync(join(into, '.git', 'shallow'))).toBe(false);
  expect(existsSync(join(into, '.git', 'hooks'))).toBe(false);
});

test.each([
  ['an abbreviated id', (sha: string) => sha.slice(0, 12), 'is not a full commit id'],
  ['a branch name', () => 'main', 'is not a full commit id'],
  ['an id that the hub does not have', () => 'e'.repeat(40), 'there is no commit'],
])('%s is refused, and leaves no folder', async (_, name, reason) => {
  const { hub, base } = await makeHub();
  const parent = tempDir();
  const clone = coldClone({ hub: hub.dir, sha: name(base) as Sha, into: join(parent, 'tree'), git: false });
  await expect(clone).rejects.toMatchObject({ name: 'Refused', message: expect.stringContaining(reason) });
  expect(readdirSync(parent)).toEqual([]);
});

test('a cold clone neither writes to an existing folder nor removes it', async () => {
  const { hub, base } = await makeHub();
  const into = tempDir();
  writeFileSync(join(into, 'mine'), '');
  await expect(coldClone({ hub: hub.dir, sha: base, into, git: false })).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readdirSync(into)).toEqual(['mine']);
});

test.each(['missing', 'damaged'])('a cold clone throws if an object of the tree is %s', async (how) => {
  const { hub } = await makeHub([{ 'a.txt': 'A\n', 'lost.txt': 'lost\n' }]);
  const sha = git(hub.dir, ['rev-parse', 'main']) as Sha;
  const object = looseObject(hub.dir, git(hub.dir, ['rev-parse', 'main:lost.txt']));
  if (how === 'missing') rmSync(object);
  else writeFileSync(object, 'not zlib', { flush: true });
  const parent = tempDir();
  const clone = coldClone({ hub: hub.dir, sha, into: join(parent, 'tree'), git: false });
  await expect(clone).rejects.toMatchObject({ code: 'bad-hub' });
  expect(readdirSync(parent)).toEqual([]);
});

test('a role’s clone has only the phase’s branch: no remote, tag, other branch, trail or hook', async () => {
  const { hub, base, repo } = await makeHub();
  git(repo.dir, ['tag', 'answer']);
  await startPhase(hub.dir, phase, base);
  addCommits(hub.dir, 'refs/heads/phase/other', [{ hidden: 'x' }], base);
  const into = join(tempDir(), 'builder');
  expect(await roleClone({ hub: hub.dir, phase, role: 'builder', into, owner: null })).toBe(base);
  expect(git(into, ['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/phase/mailu');
  expect(git(into, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/phase/mailu');
  expect(git(into, ['status', '--porcelain'])).toBe('');
  expect(git(into, ['remote'])).toBe('');
  expect(existsSync(join(into, '.git/hooks'))).toBe(false);
  const all = git(into, ['cat-file', '--batch-check', '--batch-all-objects']).split('\n');
  expect(all).toHaveLength(3);
  expect(readFileSync(join(into, '.git/config'), 'utf8')).not.toContain(hub.dir);
  git(into, ['commit', '-q', '--allow-empty', '-m', 'works']);
});

test('an Adversary’s clone is made new each time: anything planted in the last one is gone', async () => {
  const { hub, base } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const into = join(tempDir(), 'adversary');
  const make = () => roleClone({ hub: hub.dir, phase, role: 'adversary', into, owner: null });
  await make();
  const outside = tempDir();
  writeFileSync(join(outside, 'kept'), '');
  execFileSync('ln', ['-s', outside, join(into, 'link')]);
  mkdirSync(join(into, 'deep/er'), { recursive: true });
  await make();
  expect(readdirSync(into).sort()).toEqual(['.git', 'a.txt']);
  expect(readdirSync(join(into, '..'))).toEqual(['adversary']);
  expect(readdirSync(outside)).toEqual(['kept']);
  await removeTree(into);
  await removeTree(into);
  expect(existsSync(into)).toBe(false);
});

test('later commits reach a role’s clone as a bundle; without new commits there is no bundle', async () => {
  const { hub, base } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const into = join(tempDir(), 'builder');
  await roleClone({ hub: hub.dir, phase, role: 'builder', into, owner: null });
  expect(await updateBundle(hub.dir, phase, base, 1_000_000)).toBeNull();
  const [sha] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': 'b\n' }]);
  const update = await updateBundle(hub.dir, phase, base, 1_000_000);
  expect(update?.sha).toBe(sha);
  const bundle = join(tempDir(), 'bundle');
  writeFileSync(bundle, update?.bundle ?? '');
  git(into, ['pull', '-q', '--ff-only', bundle, 'phase/mailu']);
  expect(git(into, ['rev-parse', 'HEAD'])).toBe(sha);
  await expect(updateBundle(hub.dir, phase, base, 10)).rejects.toMatchObject({ code: 'bad-hub' });
});

test.runIf(isRoot)('a box’s user owns every file of its clone, but not the targets of links', async () => {
  const outside = join(tempDir(), 'target');
  writeFileSync(outside, '');
  const { hub, base } = await makeHub([{ 'd/e/f': '1', link: { link: outside } }]);
  const into = join(tempDir(), 'tree');
  await coldClone({ hub: hub.dir, sha: base, into, git: false, owner: { uid: 61_234, gid: 61_235 } });
  expect(execFileSync('find', [into, '!', '-uid', '61234', '-o', '!', '-gid', '61235']).toString()).toBe('');
  expect(statSync(outside).uid).toBe(0);
  await startPhase(hub.dir, phase, base);
  const role = join(tempDir(), 'builder');
  await roleClone({ hub: hub.dir, phase, role: 'builder', into: role, owner: { uid: 61_234, gid: 61_235 } });
  expect(execFileSync('find', [role, '!', '-uid', '61234']).toString()).toBe('');
});

/** Unpacks the hub into one file per object, and returns the path of one object's file. */
function looseObject(hub: string, id: string): string {
  const packs = join(hub, 'objects/pack');
  const held = readdirSync(packs)
    .filter((name) => name.endsWith('.pack'))
    .map((name) => readFileSync(join(packs, name)));
  for (const name of readdirSync(packs)) rmSync(join(packs, name));
  for (const pack of held) gitBytes(hub, ['unpack-objects', '-q'], pack);
  const path = join(hub, 'objects', id.slice(0, 2), id.slice(2));
  execFileSync('chmod', ['u+w', path]);
  return path;
}
