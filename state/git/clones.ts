// Trees for others to work in: a cold clone of exactly one commit for a run, and a clone of `phase/<id>` for a role. Both go
// through `file://`, so that every object is sent and checked (a path clone would hide missing ones), and git does all of
// its work before any box first sees the directory. Nothing that the tree holds is executed: no hook, filter, LFS,
// submodule or template; no other ref, tag or remote comes along.

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

export type Owner = { uid: number; gid: number };

export type ColdClone = {
  hub: string;
  sha: Sha;
  /** A directory that is not there yet; its parent is. */
  into: string;
  /** False: no `.git` at all. Else a repository of one nameless commit over the same tree, with these tags on it. */
  git: false | { tags: string[] };
  owner?: Owner | null;
};

/** Lays the tree of exactly `sha` at `into`. Refused for an abbreviated or unknown id; TrailError where an object is missing. */
export async function coldClone(clone: ColdClone): Promise<{ tree: Sha }> {
  const { sha } = clone;
  const tree = await knownTree(clone.hub, sha);
  await mkdir(clone.into); // what is there already is not ours to write into, or to remove below
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
  /** What lies there is moved away and removed. */
  into: string;
  owner: Owner | null;
  /** The commit to stand at; by default the branch's head. */
  at?: Sha;
};

/**
 * Makes a role's clone anew: branch `phase/<id>` alone, checked out, without a remote (the box has no way to the hub; what
 * is new comes as a bundle, `updateBundle`). Gives the commit that it stands at.
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

/** Bytes of a bundle of `phase/<id>` for a clone that has `since`, to be written into its box; null where nothing is new. */
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

/** Removes a clone. It is renamed first: what is left running of its box, if anything, no longer knows where it is. */
export async function removeTree(path: string): Promise<void> {
  const doomed = await mkdtemp(`${path}.old-`);
  try {
    await rename(path, join(doomed, 'tree'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(doomed, { recursive: true, force: true });
}

/** A bare repository of nothing, as `git init` would make it, without starting a program. */
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

// A second repository, so that not even an unnamed object of the first, such as the commit's own message, is inside.
async function oneCommit(store: string, into: string, tree: Sha, tags: string[]): Promise<void> {
  if (tags.length > tagsMax) throw new Refused(`${tags.length} tags: ${tagsMax} at most`);
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

// What is made here is thrown away if the machine stops: nothing of it needs the disk. Objects were judged on their way in.
const passing: GitOptions = { seconds: cloneSeconds, config: { 'core.fsync': 'none', 'fetch.fsckObjects': 'false' } };

async function mustGit(dir: string, args: string[], what: string): Promise<void> {
  const result = await git(dir, args, passing);
  if (result.exit !== 0) throw new TrailError('bad-hub', `${what}: ${whyFailed(result)}`);
}

/** Gives a fresh tree, which nobody else has seen yet, to a box's user. Links are given themselves, never followed. */
async function giveTo(path: string, owner: Owner): Promise<void> {
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
