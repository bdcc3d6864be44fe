// The releases of an app: annotated tags named `x.y.z+upstream` on a commit's ancestors. A lightweight tag is not a
// release: anybody can move it without a trace. Tags are read from the repository that has them. They name ancestors of
// the commit, so every repository that has the commit has the tagged commits too.

import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { compareReleases, Release, ReleaseName, type ReleaseTags, releasesMax } from '../entry/recipe.ts';
import { type GitOptions, git, whyFailed } from './process.ts';

const listingBytesMax = 4 * 1024 * 1024;
const listingSeconds = 60;
const format = '%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname:strip=2)';

/** The tags named like releases on `sha` and its ancestors. Throws TrailError 'bad-hub' if git fails. */
export async function releaseTags(repository: string, sha: Sha, options: GitOptions = {}): Promise<ReleaseTags> {
  const tags = await tagsBefore(repository, sha, options);
  const releases = tags.flatMap(({ name, type, peeled }) => {
    const release = Release.safeParse({ version: name, sha: peeled });
    return type === 'tag' && release.success ? release.data : [];
  });
  const lightweight = tags.filter(({ type }) => type === 'commit').map(({ name }) => name);
  return {
    releases: releases.sort((a, b) => compareReleases(b.version, a.version)).slice(0, releasesMax),
    lightweightTags: lightweight.sort((a, b) => compareReleases(b, a)).slice(0, releasesMax),
  };
}

type Tag = { name: string; type: string; peeled: string };

/** Tags named like releases; `peeled` is an annotated tag's commit, and empty for any other tag. */
async function tagsBefore(repository: string, sha: Sha, options: GitOptions): Promise<Tag[]> {
  const args = ['for-each-ref', `--format=${format}`, `--merged=${sha}`, 'refs/tags'];
  const result = await git(repository, args, { seconds: listingSeconds, outputBytesMax: listingBytesMax, ...options });
  if (result.exit !== 0)
    throw new TrailError('bad-hub', `the tags of ${repository} cannot be listed: ${whyFailed(result)}`);
  return result.stdout
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, type = '', , peeledType, peeled = '', name = ''] =
        /^(\w+) ([0-9a-f]+) (\w*) ([0-9a-f]*) (.+)$/.exec(line) ?? [];
      if (!ReleaseName.safeParse(name).success) return [];
      return { name, type, peeled: peeledType === 'commit' ? peeled : '' };
    });
}
