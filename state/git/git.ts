// Queries on a repository: which commit, which tree, what changed, what a file contains. Reads only objects, never a
// working tree; every answer is bounded. `process.ts` starts git.

import { Refused, TrailError } from '../entry/errors.ts';
import { Sha } from '../entry/ids.ts';
import { type GitOptions, git, gitText, whyFailed } from './process.ts';

export const listingBytesMax = 64 * 1024 * 1024;

/** The commit that a name, a branch or a full id refers to; null if missing. */
export async function revParse(dir: string, name: string, options: GitOptions = {}): Promise<Sha | null> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const result = await git(dir, args, options);
  const parsed = Sha.safeParse(result.stdout.toString().trim());
  return result.exit === 0 && parsed.success ? parsed.data : null;
}

/** The commit with this id. Throws Refused unless the id is complete and the commit exists. */
export async function knownCommit(dir: string, id: string, options: GitOptions = {}): Promise<Sha> {
  const parsed = Sha.safeParse(id);
  if (!parsed.success) throw new Refused(`«${id.slice(0, 60)}» is not a full commit id: give all 40 digits`);
  const sha = await revParse(dir, parsed.data, options);
  if (sha !== parsed.data) throw new Refused(`there is no commit ${id} here: publish it first`);
  return sha;
}

/** The tree of a commit. Throws TrailError 'bad-hub' if the commit is missing. */
export async function treeOf(dir: string, sha: Sha, options: GitOptions = {}): Promise<Sha> {
  return Sha.parse((await gitText(dir, ['rev-parse', '--verify', `${sha}^{tree}`], options)).trim());
}

/** What several names refer to, in one start of git; null if any of them is unknown. */
export async function revParseAll(dir: string, names: string[], options: GitOptions = {}): Promise<Sha[] | null> {
  const result = await git(dir, ['rev-parse', '--end-of-options', ...names], options);
  if (result.exit !== 0) return null;
  return result.stdout
    .toString()
    .split('\n')
    .filter((line) => Sha.safeParse(line).success) as Sha[];
}

/** The tree of a commit given by its full id. Throws Refused for anything else, as `knownCommit` does. */
export async function knownTree(dir: string, id: string): Promise<Sha> {
  const ids = Sha.safeParse(id).success ? await revParseAll(dir, [`${id}^{commit}`, `${id}^{tree}`]) : null;
  const [sha, tree] = ids ?? [];
  if (sha === id && tree !== undefined) return tree;
  await knownCommit(dir, id); // throws the exact reason
  throw new Refused(`${id} is not a commit`);
}

/** Whether `ancestor` is `sha` itself or an ancestor of it. Throws TrailError 'bad-hub' if either is missing. */
export async function isAncestor(dir: string, ancestor: Sha, sha: Sha, options: GitOptions = {}): Promise<boolean> {
  const result = await git(dir, ['merge-base', '--is-ancestor', ancestor, sha], options);
  if (result.exit === 0 || result.exit === 1) return result.exit === 0;
  throw new TrailError('bad-hub', `the ancestry of ${ancestor} and ${sha} in ${dir} is unknown: ${whyFailed(result)}`);
}

/** The head of a branch such as `phase/mailu`; null if there is no such branch. */
export function branchHead(dir: string, branch: string): Promise<Sha | null> {
  return revParse(dir, `refs/heads/${branch}`);
}

/** One changed path. Modes are six octal digits; on a side without the path, the mode is `000000` and the id null. */
export type PathChange = {
  path: string;
  status: 'A' | 'M' | 'D' | 'T';
  oldMode: string;
  newMode: string;
  oldBlob: Sha | null;
  newBlob: Sha | null;
};

/** What changed from commit (or tree) `a` to `b`, file by file; renames appear as D and A. */
export async function changedPaths(dir: string, a: Sha, b: Sha, options: GitOptions = {}): Promise<PathChange[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', a, b];
  const text = await gitText(dir, args, { outputBytesMax: listingBytesMax, ...options });
  const tokens = text.split('\0');
  const changes: PathChange[] = [];
  for (let at = 0; at + 1 < tokens.length; at += 2) changes.push(readChange(tokens[at] ?? '', tokens[at + 1] ?? ''));
  return changes;
}

/** Parses one row of git's raw diff format, `:100644 100644 <id> <id> M`, and its path. */
export function readChange(row: string, path: string): PathChange {
  const [, oldMode = '', newMode = '', oldBlob = '', newBlob = '', status = ''] =
    /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) ([AMDT])$/.exec(row) ?? [];
  if (status === '') throw new TrailError('bad-hub', `expected a raw diff row from git, got «${row.slice(0, 80)}»`);
  return {
    path,
    status: status as PathChange['status'],
    oldMode,
    newMode,
    oldBlob: idOrNull(oldBlob),
    newBlob: idOrNull(newBlob),
  };
}

export type TreeFile = { path: string; mode: string; blob: Sha; bytes: number };

/** Every file of a commit under `prefix` (a folder, a file, or '' for all). For a submodule `bytes` is 0. */
export async function listTree(dir: string, sha: Sha, prefix = '', options: GitOptions = {}): Promise<TreeFile[]> {
  const args = ['ls-tree', '-r', '-z', '-l', '--full-tree', sha, ...(prefix === '' ? [] : ['--', prefix])];
  const text = await gitText(dir, args, { outputBytesMax: listingBytesMax, ...options });
  return text.split('\0').filter(Boolean).map(readTreeRow);
}

/**
 * A file's bytes at a commit; null if missing. Throws Refused for a link, a submodule, a folder, or a file over
 * `bytesMax`.
 */
export async function fileAt(
  dir: string,
  sha: Sha,
  path: string,
  bytesMax: number,
  options: GitOptions = {},
): Promise<Buffer | null> {
  const rows = await gitText(dir, ['ls-tree', '-z', '-l', '--full-tree', sha, '--', path], options);
  const row = rows.split('\0')[0];
  if (!row) return null;
  const file = readTreeRow(row);
  const other = notFiles[file.mode];
  if (other !== undefined) throw new Refused(`${path} is ${other} at ${sha}, not a file`);
  if (file.bytes > bytesMax)
    throw new Refused(`${path} has ${file.bytes} bytes at ${sha}; at most ${bytesMax} are read`);
  const result = await git(dir, ['cat-file', 'blob', file.blob], { ...options, outputBytesMax: bytesMax + 1 });
  if (result.exit === 0) return result.stdout;
  throw new TrailError('bad-hub', `${path} at ${sha} cannot be read from ${dir}: ${whyFailed(result)}`);
}

const notFiles: Record<string, string> = { '120000': 'a symbolic link', '160000': 'a submodule', '040000': 'a folder' };

function readTreeRow(row: string): TreeFile {
  const [, mode = '', blob = '', bytes = '', path = ''] =
    /^(\d{6}) \w+ ([0-9a-f]{40}) +(\d+|-)\t(.+)$/s.exec(row) ?? [];
  if (path === '') throw new TrailError('bad-hub', `expected a tree row from git, got «${row.slice(0, 80)}»`);
  return { path, mode, blob: blob as Sha, bytes: bytes === '-' ? 0 : Number(bytes) };
}

function idOrNull(id: string): Sha | null {
  return /^0+$/.test(id) ? null : (id as Sha);
}
