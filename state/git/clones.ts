// Trees for others to work in: a cold clone of exactly one commit for a run, and a clone of `phase/<id>` for a role.
// Both are fetched through `file://`, so that git sends and checks every object (a clone by path would hide missing
// ones). Git finishes all of its work before any box sees the directory. Nothing in the tree is executed: no hook,
// filter, LFS, submodule or template. No other ref, tag or remote is copied.

import { chown, lchown, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Refused, TrailError } from '../entry/errors.ts';
import type { AgentRole, PhaseId, Sha } from '../entry/ids.ts';
import { fetchQuietly } from './fetch.ts';
import { branchHead, knownTree, revParseAll } from './git.ts';
import { type GitOptions, git, gitText, whyFailed } from './process.ts';

const cloneSeconds = 600;
const chownsAtOnce = 32;
const tagsMax = 50;

export type CloneOwner = { uid: number; gid: number };

export type ColdClone = {
  hub: string;
  sha: Sha;
  /** A directory that does not exist yet; its parent does. */
  into: string;
  /**
   * False: no `.git` at all. Otherwise a repository with one anonymous commit of the tree, and these tags on that
   * commit.
   */
  git: false | { tags: string[] };
  owner?: CloneOwner | null;
};

/**
 * Writes the tree of exactly `sha` to `into`. Throws Refused if the id is abbreviated or unknown, TrailError if an
 * object is missing.
 */
export async function coldClone(clone: ColdClone): Promise<{ tree: Sha }> {
  const { sha } = clone;
  const tree = await knownTree(clone.hub, sha);
  await mkdir(clone.into); // fails if it exists: we must not fill or remove a directory of others
  const store = await mkdtemp(`${clone.into}.git-`);
  try {
    await emptyStore(store);
    await fetchCold(clone.hub, sha, store);
    const cloned = await revParseAll(store, ['refs/heads/cold', 'refs/heads/cold^{tree}']);
    if (cloned?.[0] !== sha || cloned[1] !== tree) {
      throw new TrailError('bad-hub', `the clone of ${sha} is not what the hub has under that id`);
    }
    if (clone.git === false) await layTree(store, clone.into, tree);
    else await oneCommit(store, clone.into, tree, clone.git.tags);
    if (clone.owner) await giveTo(clone.into, clone.owner);
    return { tree };
  } catch (error) {
    await rm(clone.into, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

export type RoleClone = {
  hub: string;
  phase: PhaseId;
  role: AgentRole;
  /** Anything there is moved away and removed. */
  into: string;
  owner: CloneOwner | null;
  /** The commit to check out; by default the branch's head. */
  at?: Sha;
};

/**
 * Makes a new clone for a role: only the branch `phase/<id>`, checked out, without a remote (the box cannot reach the
 * hub; new commits come in a bundle from `updateBundle`). Returns the commit that is checked out.
 */
export async function roleClone({ hub, phase, role, into, owner, at }: RoleClone): Promise<Sha> {
  const branch = `phase/${phase}`;
  const sha = at ?? (await branchHead(hub, branch));
  if (sha === null) throw new Refused(`there is no ${branch}: the phase is not open`);
  const part = await mkdtemp(`${into}.new-`);
  const dir = join(part, '.git');
  try {
    await gitText(part, ['init', '--quiet', '--template=', `--initial-branch=${branch}`, part], { checkout: true });
    await gitText(dir, ['config', 'user.name', `Coldpass ${role}`]);
    await gitText(dir, ['config', 'user.email', `${role}@coldpass`]);
    const args = ['fetch', ...fetchQuietly, pathToFileURL(hub).href, `${sha}:refs/heads/${branch}`];
    await mustGit(dir, ['--work-tree', part, ...args, '--update-head-ok'], `phase/${phase} cannot be cloned`);
    await layTree(dir, part, sha);
    if (owner) await giveTo(part, owner);
    await removeTree(into);
    await rename(part, into);
    return sha;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

/** A bundle of the commits of `phase/<id>` after `since`, for a clone that has `since`; null if nothing is new. */
export async function updateBundle(
  hub: string,
  phase: PhaseId,
  since: Sha,
  bytesMax: number,
): Promise<{ sha: Sha; bundle: Buffer } | null> {
  const branch = `refs/heads/phase/${phase}`;
  const sha = await branchHead(hub, `phase/${phase}`);
  if (sha === null || sha === since) return null;
  const result = await git(hub, ['bundle', 'create', '--quiet', '-', branch, `^${since}`], {
    outputBytesMax: bytesMax,
  });
  if (result.exit === 0) return { sha, bundle: result.stdout };
  throw new TrailError('bad-hub', `no bundle of phase/${phase} since ${since}: ${whyFailed(result)}`);
}

/** Removes a clone. Renames it first, so that anything still running in its box no longer knows where it is. */
export async function removeTree(path: string): Promise<void> {
  const doomed = await mkdtemp(`${path}.old-`);
  try {
    await rename(path, join(doomed, 'tree'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(doomed, { recursive: true, force: true });
}

/** An empty bare repository, as `git init` would make it, without starting a program. */
async function emptyStore(dir: string): Promise<void> {
  await Promise.all([mkdir(join(dir, 'objects')), mkdir(join(dir, 'refs'))]);
  await writeFile(join(dir, 'HEAD'), 'ref: refs/heads/cold\n');
  await writeFile(join(dir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
}

async function fetchCold(hub: string, sha: Sha, store: string): Promise<void> {
  const args = ['fetch', ...fetchQuietly, '--depth=1', '--no-write-commit-graph', pathToFileURL(hub).href];
  await mustGit(store, [...args, `${sha}:refs/heads/cold`], `${sha} cannot be cloned`);
}

async function layTree(store: string, into: string, treeish: Sha): Promise<void> {
  await mustGit(store, ['--work-tree', into, 'read-tree', '--reset', '-u', treeish], `${treeish} cannot be laid out`);
}

// Makes a second repository, without any other object of the first, not even the original commit and its message.
async function oneCommit(store: string, into: string, tree: Sha, tags: string[]): Promise<void> {
  if (tags.length > tagsMax) throw new Refused(`${tags.length} tags: at most ${tagsMax} are allowed`);
  const dir = join(into, '.git');
  const commit = (await gitText(store, ['commit-tree', '-m', 'cold', tree], { env: nobody })).trim() as Sha;
  await gitText(store, ['update-ref', 'refs/heads/cold', commit]);
  await gitText(into, ['init', '--quiet', '--template=', '--initial-branch=main', into], { checkout: true });
  const from = pathToFileURL(store).href;
  await mustGit(
    dir,
    ['--work-tree', into, 'fetch', ...fetchQuietly, '--update-head-ok', from, 'refs/heads/cold:refs/heads/main'],
    `the tree ${tree} cannot be copied`,
  );
  for (const tag of tags) await mustGit(dir, ['update-ref', '--', `refs/tags/${tag}`, commit], `no tag «${tag}»`);
  await layTree(dir, into, commit);
}

const nobody = {
  GIT_AUTHOR_NAME: 'cold',
  GIT_AUTHOR_EMAIL: 'cold@coldpass',
  GIT_AUTHOR_DATE: '1970-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'cold',
  GIT_COMMITTER_EMAIL: 'cold@coldpass',
  GIT_COMMITTER_DATE: '1970-01-01T00:00:00Z',
};

// What these commands write is discarded if the machine stops, so nothing needs an fsync. Objects were checked on their
// way into the hub.
const passing: GitOptions = { seconds: cloneSeconds, config: { 'core.fsync': 'none', 'fetch.fsckObjects': 'false' } };

async function mustGit(dir: string, args: string[], what: string): Promise<void> {
  const result = await git(dir, args, passing);
  if (result.exit !== 0) throw new TrailError('bad-hub', `${what}: ${whyFailed(result)}`);
}

/**
 * Gives a fresh tree, which nobody else has seen yet, to a box's user. Of a link it gives the link itself, never the
 * target.
 */
async function giveTo(path: string, owner: CloneOwner): Promise<void> {
  await chown(path, owner.uid, owner.gid);
  const children = await readdir(path, { withFileTypes: true });
  for (let at = 0; at < children.length; at += chownsAtOnce) {
    const some = children.slice(at, at + chownsAtOnce);
    await Promise.all(
      some.map((child) => {
        const inside = join(path, child.name);
        return child.isDirectory() ? giveTo(inside, owner) : lchown(inside, owner.uid, owner.gid);
      }),
    );
  }
}
