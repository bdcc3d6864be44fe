// An app's releases, read from real tags in a real repository.

import { expect, it } from 'vitest';
import { Sha } from '../../../state/entry/ids.ts';
import { compareReleases } from '../../../state/entry/recipe.ts';
import { releaseTags } from '../../../state/git/releases.ts';
import { git, makeRepo } from '../../support/repo.ts';

const releasesOf = async (...asked: Parameters<typeof releaseTags>) => (await releaseTags(...asked)).releases;
const lightweightTags = async (...asked: Parameters<typeof releaseTags>) =>
  (await releaseTags(...asked)).lightweightTags;

function tagged() {
  const { dir, shas } = makeRepo([{ a: '1' }, { a: '2' }, { a: '3' }, { a: '4' }]);
  const [first, second, third, fourth] = shas as [Sha, Sha, Sha, Sha];
  const tag = (name: string, sha: string) => git(dir, ['tag', '-a', name, '-m', name, sha]);
  tag('1.9.0+2.0', first);
  tag('1.10.0+2.0', second);
  tag('1.10.0+2.10', third);
  tag('1.10.0+2.9', second);
  tag('2.0.0+3', fourth);
  tag('v1', first);
  git(dir, ['tag', '1.11.0+2', second]);
  git(dir, ['tag', 'notes', second]);
  return { dir, first, second, third, fourth };
}

it('are annotated tags before a commit, newest version first, with the commits they point to', async () => {
  const { dir, first, second, third } = tagged();
  expect(await releasesOf(dir, third, { checkout: true })).toEqual([
    { version: '1.10.0+2.10', sha: third },
    { version: '1.10.0+2.9', sha: second },
    { version: '1.10.0+2.0', sha: second },
    { version: '1.9.0+2.0', sha: first },
  ]);
});

it('are an empty list if nothing before the commit is tagged', async () => {
  const { dir, shas } = makeRepo([{ a: '1' }]);
  expect(await releasesOf(dir, shas[0] as Sha, { checkout: true })).toEqual([]);
});

it('leave out lightweight tags, which are reported by name', async () => {
  const { dir, second, first } = tagged();
  expect(await lightweightTags(dir, second, { checkout: true })).toEqual(['1.11.0+2']);
  expect(await lightweightTags(dir, first, { checkout: true })).toEqual([]);
});

it('are never tags of objects other than commits', async () => {
  const { dir, first } = tagged();
  git(dir, ['tag', '-a', '4.0.0+1', '-m', 'a tree', `${first}^{tree}`]);
  expect(await releasesOf(dir, first, { checkout: true })).toEqual([{ version: '1.9.0+2.0', sha: first }]);
});

it('throw for a missing commit', async () => {
  const { dir } = tagged();
  await expect(releasesOf(dir, Sha.parse('f'.repeat(40)), { checkout: true })).rejects.toThrow(/cannot be listed/);
});

it.each([
  ['1.0.0+1', '1.0.1+1'],
  ['1.9.0+1', '1.10.0+1'],
  ['9.0.0+1', '10.0.0+1'],
  ['1.0.0+v1.9', '1.0.0+v1.10'],
])('%s is older than %s', (older, newer) => {
  expect(compareReleases(older, newer)).toBeLessThan(0);
  expect(compareReleases(newer, older)).toBeGreaterThan(0);
});
