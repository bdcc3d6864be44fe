// `coldpass audit FILE…`: files as the practice wrote them, without entries. They are read, bounded and folded best effort; with
// --repo the commits that they cite are looked up. What comes out shows where to look and proves nothing.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { git } from '../../state/git/process.ts';
import { type Known, withRepository } from '../../state/plain/evidence.ts';
import type { KnownCommit, PlainFile, PlainTrail } from '../../state/plain/report.ts';
import { readPlainTrail } from '../../state/plain/trail.ts';
import { findRepository, gitOptions } from '../project/repository.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { Asked } from '../workspace/place.ts';

const fileBytesMax = 1024 * 1024;
const filesMax = 32;
/** Over all files; some 5 s of work at worst. */
const linesMax = 40_000;

export type PlainAudited = PlainTrail & {
  /** 0 nothing flagged, 1 flagged. */
  exit: Exit;
  files: string[];
  /** Where the commits were looked up; null where they were not. */
  repository: string | null;
};

/** What is asked of a signed trail alone, by the names that commander gives to the options. */
const trailOptions = { root: '--root', head: '--head', hub: '--hub', sinceLast: '--since-last' } as const;
type PlainOptions = { repo?: string } & Partial<Record<keyof typeof trailOptions, unknown>>;

/** UsageError for a file that cannot be read as text, and for a repository that is none. */
export async function auditPlain(asked: Asked, names: string[], options: PlainOptions): Promise<PlainAudited> {
  const { repo } = options;
  const [given] = Object.entries(trailOptions).filter(
    ([name]) => options[name as keyof typeof trailOptions] !== undefined,
  );
  if (given) throw new UsageError(`${given[1]} is for a signed trail; leave it out with files`);
  if (names.length > filesMax) throw new UsageError(`${names.length} files are too many; give at most ${filesMax}`);
  const files = [...new Set(names)].map((name) => plainFile(asked.dir, name));
  const lines = files.reduce((sum, { text }) => sum + text.split('\n').length, 0);
  if (lines > linesMax) throw new UsageError(`${lines} lines are too many at once, over ${linesMax}; give fewer files`);
  const trail = readPlainTrail(files);
  const repository = repo === undefined ? null : resolve(asked.dir, repo);
  const found = repository === null ? trail : withRepository(trail, await lookUp(repository, asked.uid, trail));
  const exit = found.flags.length > 0 ? exits.no : exits.yes;
  return { exit, files: files.map(({ name }) => name), repository, ...found };
}

function plainFile(dir: string, name: string): PlainFile {
  const bytes = bytesOf(dir, name);
  if (bytes.length === 0) throw new UsageError(`${name}: it is empty; name a file that holds a trail`);
  const zero = bytes.indexOf(0);
  if (zero !== -1) throw new UsageError(`${name}: byte ${zero} is zero, so it is no text; name a Markdown file`);
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new UsageError(`${name}: line ${firstBadLine(bytes)} is not UTF-8; save the file as UTF-8`, { cause });
  }
}

function firstBadLine(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  const own = bytes.indexOf('\ufffd') === -1 ? text.indexOf('\ufffd') : text.length;
  return text.slice(0, Math.max(0, own)).split('\n').length;
}

function bytesOf(dir: string, name: string): Buffer {
  try {
    const descriptor = openSync(resolve(dir, name), 'r');
    try {
      return boundedBytes(descriptor, name);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const words = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UsageError(`${name}: ${words}; name Markdown files, or none for this workspace's trail`, { cause });
  }
}

function boundedBytes(descriptor: number, name: string): Buffer {
  const info = fstatSync(descriptor);
  if (!info.isFile()) throw new UsageError(`${name}: it is no file; name the Markdown files one by one`);
  if (info.size > fileBytesMax)
    throw new UsageError(`${name}: it has ${info.size} bytes, over ${fileBytesMax}; split it, or name a part of it`);
  return readFileSync(descriptor);
}

/** One git for all: which of them are commits, then what those are called. */
async function lookUp(dir: string, uid: number, { commits }: PlainTrail): Promise<Known> {
  const repository = await findRepository(dir, uid);
  const names = commits.map(({ commit }) => commit);
  const ask = async (args: string[], lines: string[]) => {
    const result = await git(repository.top, args, {
      ...gitOptions(repository),
      input: lines.map((one) => `${one}\n`).join(''),
    });
    if (result.exit !== 0) throw new UsageError(`git cannot look commits up in ${dir}: ${result.stderr}`);
    return result.stdout.toString().split('\n');
  };
  const checked = await ask(
    ['cat-file', '--batch-check'],
    names.map((name) => `${name}^{commit}`),
  );
  const shas = names.map((_, index) => /^([0-9a-f]{40,64}) commit /.exec(checked[index] ?? '')?.[1] ?? null);
  const there = shas.filter((sha) => sha !== null);
  const told = there.length === 0 ? [] : await ask(['log', '--no-walk=unsorted', '--stdin', '--format=%H %s'], there);
  const subjects = new Map(told.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  const known = (sha: string | null | undefined): KnownCommit | null =>
    sha ? { sha, subject: subjects.get(sha) ?? '' } : null;
  return new Map(names.map((name, index) => [name, known(shas[index])]));
}
