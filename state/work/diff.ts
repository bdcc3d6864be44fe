// Makes a claim's diff, which the supervisor shows to a judge, from the hub's objects. No attribute, driver or filter
// in the repository can affect the git settings used for it. Shows all text, even where git would call it binary; names
// other files with their sizes. Hides nothing: control and invisible characters appear as `\u{…}`.

import { TrailError } from '../entry/errors.ts';
import { DONE, type Sha } from '../entry/ids.ts';
import type { Claim, Phase } from '../entry/phase.ts';
import { visible } from '../entry/words.ts';
import { type ObjectReader, openObjects } from '../git/catFile.ts';
import { changedPaths, type PathChange } from '../git/git.ts';
import { type GitOptions, git, whyFailed } from '../git/process.ts';
import { type DiffParts, diffParts } from './parts.ts';

/** The longest diff that is served; a claim with a longer one cannot be passed. */
export const diffBytesMax = 4 * 1024 * 1024;
/** A claim with a larger blob cannot be passed either: nobody would read it. */
const blobBytesMax = 32 * 1024 * 1024;
const argvBytesMax = 64 * 1024;
/** In a text file, at most one in this many bytes is not text. */
const strangeShare = 10;

export type WorkDiff = DiffParts | { tooLarge: string };

/**
 * The commit that a claim is compared with: the reference of its gate; for DONE, which covers everything, the phase's
 * base.
 */
export function judgedAgainst(phase: Pick<Phase, 'base'>, claim: Pick<Claim, 'gate' | 'references'>): Sha {
  return claim.gate === DONE ? phase.base : (claim.references[claim.gate] ?? phase.base);
}

/** The diff from one commit to another, in parts. Throws TrailError 'bad-hub' if the hub cannot provide it. */
export async function workDiff(hub: string, from: Sha, to: Sha): Promise<WorkDiff> {
  const changes = await changedPaths(hub, from, to);
  const sizes = await sizesOf(hub, changes);
  const huge = changes.find((change) => Math.max(...sidesOf(change).map((id) => sizes.get(id) ?? 0)) > blobBytesMax);
  if (huge) return { tooLarge: `${shownPath(huge.path)} is larger than ${blobBytesMax} bytes` };
  const binaries = await binariesOf(hub, changes);
  const named = changes.filter((change) => binaries.has(change.path)).map((change) => nameOf(change, sizes));
  const paths = changes.filter((change) => !binaries.has(change.path)).map((change) => change.path);
  const shown: string[] = [];
  for (const some of portions(paths)) {
    const text = await textDiff(hub, from, to, binaries.size === 0 && some.length === paths.length ? [] : some);
    if (text === null) return { tooLarge: `the diff is larger than ${diffBytesMax} bytes` };
    shown.push(visible(text));
  }
  const whole = [...named, ...shown].join('');
  if (Buffer.byteLength(whole) > diffBytesMax) return { tooLarge: `the diff is larger than ${diffBytesMax} bytes` };
  return diffParts(whole);
}

function sidesOf({ oldBlob, newBlob, oldMode, newMode }: PathChange): Sha[] {
  const isFile = (mode: string) => mode !== '160000';
  return [
    oldBlob !== null && isFile(oldMode) ? oldBlob : [],
    newBlob !== null && isFile(newMode) ? newBlob : [],
  ].flat();
}

async function sizesOf(hub: string, changes: PathChange[]): Promise<Map<Sha, number>> {
  const ids = changes.flatMap(sidesOf);
  if (ids.length === 0) return new Map();
  const result = await git(hub, ['cat-file', '--batch-check=%(objectname) %(objectsize)'], { input: ids.join('\n') });
  if (result.exit !== 0) throw new TrailError('bad-hub', `sizes of blobs in ${hub}: ${whyFailed(result)}`);
  const rows = result.stdout.toString().split('\n').filter(Boolean);
  return new Map(rows.map((row): [Sha, number] => [row.slice(0, 40) as Sha, Number(row.slice(41))]));
}

/** Paths where either side is not text. The text of a link is the name of its target. */
async function binariesOf(hub: string, changes: PathChange[]): Promise<Set<string>> {
  const objects = openObjects(hub);
  try {
    const binaries = new Set<string>();
    for (const change of changes) {
      for (const id of sidesOf(change)) if (await isBinary(objects, id)) binaries.add(change.path);
    }
    return binaries;
  } finally {
    objects.close();
  }
}

/** Looks at all bytes, not just the first ones: one zero byte in a comment must not hide a program from its judge. */
async function isBinary(objects: ObjectReader, id: Sha): Promise<boolean> {
  const bytes = (await objects.read(id))?.bytes ?? Buffer.alloc(0);
  const text = bytes.toString('utf8');
  let strange = 0;
  for (let at = 0; at < text.length; at += 1) if (isStrange(text.charCodeAt(at))) strange += 1;
  return strange * strangeShare > bytes.length;
}

/**
 * True for control codes except white space and escape, and for the replacement character, which stands for bytes that
 * are not valid UTF-8.
 */
function isStrange(code: number): boolean {
  if (code === 0xfffd || (code >= 0x7f && code < 0xa0)) return true;
  return code < 0x20 && code !== 0x1b && (code < 0x09 || code > 0x0d);
}

function nameOf(change: PathChange, sizes: Map<Sha, number>): string {
  const path = shownPath(change.path);
  const side = (id: Sha | null) => (id === null ? 'nothing' : `${sizes.get(id) ?? 0} bytes (blob ${id})`);
  return `diff --git ${path}\nnot text, so not shown: ${side(change.oldBlob)} became ${side(change.newBlob)}\n`;
}

function shownPath(path: string): string {
  return visible(JSON.stringify(path));
}

/** Splits paths into groups that fit on one command line. */
function portions(paths: string[]): string[][] {
  const all: string[][] = [];
  let bytes = argvBytesMax;
  for (const path of paths) {
    if (bytes + path.length * 4 > argvBytesMax) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(path);
    bytes += path.length * 4 + 8;
  }
  return all;
}

// The empty tree has no attributes, so a claim's .gitattributes has no effect on its own diff.
const unsteered: GitOptions = {
  env: { GIT_ATTR_SOURCE: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' },
  config: {
    'core.quotePath': 'true',
    'diff.algorithm': 'myers',
    'diff.noprefix': 'false',
    'diff.mnemonicPrefix': 'false',
  },
};
const plain = [
  '-r',
  '-p',
  '--text',
  '--full-index',
  '--unified=3',
  '--inter-hunk-context=0',
  '--diff-algorithm=myers',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--no-indent-heuristic',
  '--no-relative',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

/** Null if the diff is longer than `diffBytesMax`. An empty `paths` means all paths. */
async function textDiff(hub: string, from: Sha, to: Sha, paths: string[]): Promise<string | null> {
  const args = ['diff-tree', ...plain, from, to, ...(paths.length === 0 ? [] : ['--', ...paths])];
  const result = await git(hub, args, { ...unsteered, outputBytesMax: diffBytesMax });
  if (result.exit === 0) return result.stdout.toString('utf8');
  if (result.cut === 'output') return null;
  throw new TrailError('bad-hub', `no diff of ${from} and ${to}: ${whyFailed(result)}`);
}
