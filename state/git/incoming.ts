// What commits from an agent may bring into the hub. Every new tree is checked, not only the last: it may have no
// submodules, no link that leaves the tree, no name that git or a person could mistake for another, and no missing
// objects, and its sizes and counts are limited. Used by publish.ts and the hub's hook.

import { join } from 'node:path';
import { Refused } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { hasInvisible } from '../entry/invisible.ts';
import { openObjects } from './catFile.ts';
import { listingBytesMax, type PathChange, readChange } from './git.ts';
import { type GitOptions, type GitResult, git, gitText, whyFailed } from './process.ts';

export type IncomingLimits = { fileBytesMax: number; bytesMax: number; filesMax: number; commitsMax: number };

const linkBytesMax = 1024;
const fileModes = new Set(['100644', '100755']);

/**
 * Checks what `head` adds to the hub's branches; `options.objects` is where the objects of `head` were unpacked. Throws
 * Refused, whose message says what is wrong and where.
 */
export async function judgeIncoming(
  hub: string,
  head: Sha,
  limits: IncomingLimits,
  options: Quarantined,
): Promise<void> {
  await checkSent(hub, head, options);
  const commits = await newCommits(hub, head, limits, options);
  const changes = await newChanges(hub, commits, limits, options);
  for (const { commit, change } of changes) {
    const problem = nameProblem(change.path) ?? modeProblem(change.newMode);
    if (problem !== null) throw new Refused(`${shown(change.path)} ${problem} (in ${commit})`);
  }
  await checkSizes(hub, changes, limits, options);
  await checkLinks(hub, changes, options);
}

/**
 * Why a link at `path` is not allowed, or null. Accepts `..` only at the start of the target: after a name, which may
 * be another link, it could lead anywhere.
 */
export function linkProblem(path: string, target: string): string | null {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const climbs = parts.findIndex((part) => part !== '..');
  const ups = climbs < 0 ? parts.length : climbs;
  if (target === '' || target.startsWith('/')) return 'is a link to an absolute path';
  if (ups > path.split('/').length - 1) return 'is a link that leaves the tree';
  if (parts.slice(ups).includes('..')) return 'is a link with ".." after a name: write it without that';
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'is a link into .git';
  return null;
}

// The trail shares no objects with the code, and walking it would cost time.
const notHere = ['--not', '--exclude=trail', '--branches'];

export type Quarantined = { objects: { directory: string; alternates: string } };

type Incoming = { commit: Sha; change: PathChange };

async function newCommits(hub: string, head: Sha, limits: IncomingLimits, options: GitOptions): Promise<Sha[]> {
  const args = ['rev-list', `--max-count=${limits.commitsMax + 1}`, head, ...notHere];
  const commits = (await gitText(hub, args, options)).split('\n').filter(Boolean) as Sha[];
  if (commits.length > limits.commitsMax) throw new Refused(`over ${limits.commitsMax} new commits: squash them`);
  return commits;
}

/**
 * Checks each object that the head needs: either it was sent, or it belongs to code that the sender could see.
 * Otherwise a sender could get any object of the hub by naming it: the trail, with the journal, is in the same store.
 */
async function checkSent(hub: string, head: Sha, options: Quarantined): Promise<void> {
  // Walks every object, and fails at a missing one.
  const walk = await listObjects(hub, [head, ...notHere], options);
  if (walk.exit !== 0) throw new Refused(`objects are missing from what was sent: ${whyFailed(walk)}`);
  const needed = walk.stdout.toString();
  const alone = { ...options, objects: { ...options.objects, alternates: '' }, input: needed };
  const present = await gitText(hub, ['cat-file', '--batch-check', '--buffer'], {
    ...alone,
    outputBytesMax: listingBytesMax,
  });
  const unsent = present
    .split('\n')
    .filter((line) => line.endsWith(' missing'))
    .map((line) => line.slice(0, 40));
  if (unsent.length === 0) return;
  const code = await listObjects(hub, ['--exclude=trail', '--branches'], {});
  const visible = new Set(code.stdout.toString().split('\n'));
  const hidden = unsent.find((id) => !visible.has(id));
  if (code.exit !== 0 || hidden !== undefined) throw new Refused(`objects are missing from what was sent: ${hidden}`);
}

function listObjects(hub: string, what: string[], options: GitOptions): Promise<GitResult> {
  const args = ['rev-list', '--objects', '--no-object-names', ...what];
  return git(hub, args, { ...options, outputBytesMax: listingBytesMax });
}

/** Every path that a new commit adds or changes; `-m` compares a merge with each parent. */
async function newChanges(
  hub: string,
  commits: Sha[],
  limits: IncomingLimits,
  options: GitOptions,
): Promise<Incoming[]> {
  const args = ['diff-tree', '--stdin', '-m', '--root', '-r', '-z', '--raw', '--no-renames', '--no-abbrev'];
  const result = await git(hub, args, {
    ...options,
    input: `${commits.join('\n')}\n`,
    outputBytesMax: listingBytesMax,
  });
  const tooMany = `over ${limits.filesMax} changed files in ${commits.length} commits: publish less`;
  if (result.cut === 'output') throw new Refused(tooMany);
  if (result.exit !== 0) throw new Refused(`the new trees cannot be compared: ${whyFailed(result)}`);
  const tokens = result.stdout.toString().split('\0');
  const changes: Incoming[] = [];
  let commit = '' as Sha;
  for (let at = 0; at < tokens.length - 1; ) {
    const token = tokens[at] ?? '';
    if (token.startsWith(':')) changes.push({ commit, change: readChange(token, tokens[at + 1] ?? '') });
    else commit = token as Sha;
    at += token.startsWith(':') ? 2 : 1;
  }
  if (changes.length > limits.filesMax) throw new Refused(tooMany);
  return changes.filter(({ change }) => change.status !== 'D');
}

function nameProblem(path: string): string | null {
  if (path.includes('\ufffd')) return 'has a name that is not UTF-8';
  if (/[\t\n]/.test(path) || hasInvisible(path)) return 'has control or invisible characters in its name';
  // fsck refuses most of these; checked here for a clear message, whatever the version of git.
  const odd = path.split('/').find((part) => /^(\.git|git~\d+|\.|\.\.)?[ .]*$/i.test(part) || part === '');
  return odd === undefined ? null : 'has a part that could be mistaken for .git, "." or ".."';
}

function modeProblem(mode: string): string | null {
  if (mode === '160000') return 'is a submodule: add the files themselves instead';
  return mode === '120000' || fileModes.has(mode) ? null : `has the mode ${mode}, which is not a file mode`;
}

async function checkSizes(
  hub: string,
  changes: Incoming[],
  limits: IncomingLimits,
  options: GitOptions,
): Promise<void> {
  const ids = new Set(changes.map(({ change }) => change.newBlob as Sha));
  if (ids.size === 0) return;
  const args = ['cat-file', '--batch-check=%(objectname) %(objectsize)', '--buffer'];
  const text = await gitText(hub, args, { ...options, input: `${[...ids].join('\n')}\n` });
  const sizes = new Map(text.split('\n').map((line) => [line.slice(0, 40), Number(line.slice(41))]));
  for (const { change } of changes) {
    const bytes = sizes.get(change.newBlob as Sha) ?? Number.NaN;
    const bytesMax = change.newMode === '120000' ? linkBytesMax : limits.fileBytesMax;
    // `bytes` is NaN if the object is missing: refused as well.
    if (!(bytes <= bytesMax))
      throw new Refused(`${shown(change.path)} has ${bytes} bytes; at most ${bytesMax} are accepted`);
  }
  const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (total > limits.bytesMax)
    throw new Refused(`${total} bytes in new files; at most ${limits.bytesMax} are accepted at once`);
}

async function checkLinks(hub: string, changes: Incoming[], options: GitOptions): Promise<void> {
  const links = changes.filter(({ change }) => change.newMode === '120000');
  if (links.length === 0) return;
  const objects = openObjects(hub, options);
  try {
    for (const { commit, change } of links) {
      const target = (await objects.read(change.newBlob as Sha))?.bytes.toString() ?? '';
      const problem = linkProblem(change.path, target);
      if (problem !== null) throw new Refused(`${shown(change.path)} ${problem} (${shown(target)}, in ${commit})`);
    }
  } finally {
    objects.close();
  }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** The folder for bundles that are being received; nothing in it counts. */
export function incomingDir(dir: string): string {
  return join(dir, 'incoming');
}
