// Your own repository, never written to: where it is, who owns it, which branch is the base, what is committed.

import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { revParse } from '../../state/git/git.ts';
import { type GitOptions, git } from '../../state/git/process.ts';
import { UsageError } from '../terminal/errors.ts';
import type { Project } from './project.ts';

const textBytesMax = 4 * 1024 * 1024;
const listingBytesMax = 64 * 1024 * 1024;

export type Repository = {
  /** The top folder, links resolved. */
  top: string;
  /** The repository's owner, if you are root and it belongs to someone else; git then runs as that user. */
  owner: { uid: number; gid: number } | null;
};

/** The repository that contains `dir`. Throws UsageError, with what to do, if there is none or it has no commit. */
export async function findRepository(dir: string, uid: number): Promise<Repository> {
  const options = asOwner(dir, uid);
  const top = await git(dir, ['rev-parse', '--show-toplevel'], options);
  if (top.exit !== 0) throw notRepository(dir, top.stderr);
  const folder = realpathSync(top.stdout.toString().replace(/\n$/, ''));
  const repository = { top: folder, owner: asOwner(folder, uid).owner ?? null };
  if ((await revParse(folder, 'HEAD', gitOptions(repository))) === null) {
    throw new UsageError(`${folder} has no commit yet; type: git add -A && git commit --allow-empty -m "first commit"`);
  }
  return repository;
}

/** `main`, `master`, or else the branch that is checked out. */
export async function baseBranch(repository: Repository): Promise<string> {
  const options = gitOptions(repository);
  for (const branch of ['main', 'master']) {
    if (await revParse(repository.top, `refs/heads/${branch}`, options)) return branch;
  }
  const head = await git(repository.top, ['symbolic-ref', '--short', '--quiet', 'HEAD'], options);
  const branch = head.stdout.toString().trim();
  if (head.exit === 0 && branch !== '') return branch;
  throw new UsageError('no branch is checked out, and there is no `main`; type: git switch -c main');
}

/** The files committed at HEAD; their texts are read from the checkout. */
export async function projectOf(repository: Repository): Promise<Project> {
  const options = { ...gitOptions(repository), outputBytesMax: listingBytesMax };
  const listed = await git(repository.top, ['ls-tree', '-r', '-z', '--name-only', 'HEAD'], options);
  if (listed.exit !== 0)
    throw new UsageError(`git cannot list what is committed in ${repository.top}: ${listed.stderr}`);
  const files = listed.stdout.toString().split('\0').filter(Boolean);
  return { files, read: (path) => readText(join(repository.top, path)) };
}

/** Options for running git in this repository. */
export function gitOptions({ owner }: Repository): GitOptions {
  return { checkout: true, ...(owner && { owner }) };
}

function asOwner(dir: string, uid: number): GitOptions {
  const { uid: owner, gid } = statSync(dir, { throwIfNoEntry: false }) ?? { uid, gid: 0 };
  return { checkout: true, ...(uid === 0 && owner !== 0 && { owner: { uid: owner, gid } }) };
}

function notRepository(dir: string, stderr: string): UsageError {
  if (/dubious ownership/.test(stderr)) return new UsageError(`${dir} belongs to another user; run this as its owner`);
  if (/must be run in a work tree/.test(stderr))
    return new UsageError(`${dir} is a bare repository; cd into a checkout of it`);
  return new UsageError(
    `${dir} is not in a git repository; cd into your repository, or create a new one with: git init`,
  );
}

function readText(path: string): string | null {
  const info = lstatSync(path, { throwIfNoEntry: false });
  return info?.isFile() && info.size <= textBytesMax ? readFileSync(path, 'utf8') : null;
}
