// `coldpass audit FILE…`: audits logs kept by hand, without trail entries. Reads them, within limits, and folds them as
// well as it can; with --repo it looks up the commits that they cite. The result only shows where to look.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { git } from '../../state/git/process.ts';
import { type KnownCommits, withRepository } from '../../state/plain/evidence.ts';
import type { KnownCommit, PlainFile, PlainTrail } from '../../state/plain/report.ts';
import { readPlainTrail } from '../../state/plain/trail.ts';
import { findRepository, gitOptions } from '../project/repository.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { CommandContext } from '../workspace/place.ts';

const fileBytesMax = 1024 * 1024;
const filesMax = 32;
/** The most lines in all files together; about 5 s of work at worst. */
const linesMax = 40_000;

export type PlainAuditReport = PlainTrail & {
  /** 0 nothing flagged, 1 flagged. */
  exit: Exit;
  files: string[];
  /** Where the commits were looked up; null if they were not. */
  repository: string | null;
};

/** The options that only signed trails have, by commander's names for them. */
const trailOptions = { root: '--root', head: '--head', hub: '--hub', sinceLast: '--since-last' } as const;
type PlainOptions = { repo?: string } & Partial<Record<keyof typeof trailOptions, unknown>>;

/** Throws UsageError for a file that is not readable text, or a `repo` that is not a repository. */
export async function auditPlain(
  asked: CommandContext,
  names: string[],
  options: PlainOptions,
): Promise<PlainAuditReport> {
  const { repo } = options;
  const [misplaced] = Object.entries(trailOptions).filter(
    ([name]) => options[name as keyof typeof trailOptions] !== undefined,
  );
  if (misplaced) throw new UsageError(`${misplaced[1]} is only for a signed trail; leave it out with files`);
  if (names.length > filesMax) throw new UsageError(`${names.length} files are too many; give at most ${filesMax}`);
  const files = [...new Set(names)].map((name) => plainFile(asked.dir, name));
  const lines = files.reduce((sum, { text }) => sum + text.split('\n').length, 0);
  if (lines > linesMax) throw new UsageError(`${lines} lines are too many, the limit is ${linesMax}; give fewer files`);
  const trail = readPlainTrail(files);
  const repository = repo === undefined ? null : resolve(asked.dir, repo);
  const checked = repository === null ? trail : withRepository(trail, await lookUp(repository, asked.uid, trail));
  const exit = checked.flags.length > 0 ? exits.no : exits.yes;
  return { exit, files: files.map(({ name }) => name), repository, ...checked };
}

function plainFile(dir: string, name: string): PlainFile {
  const bytes = bytesOf(dir, name);
  if (bytes.length === 0) throw new UsageError(`${name}: the file is empty; name one that contains a log`);
  const zero = bytes.indexOf(0);
  if (zero !== -1) throw new UsageError(`${name}: byte ${zero} is zero, so this is not text; name a Markdown file`);
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new UsageError(`${name}: line ${firstBadLine(bytes)} is not valid UTF-8; save the file as UTF-8`, { cause });
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
    const words = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    throw new UsageError(`${name}: ${words}; name Markdown files, or none to audit this workspace's trail`, { cause });
  }
}

function boundedBytes(descriptor: number, name: string): Buffer {
  const info = fstatSync(descriptor);
  if (!info.isFile()) throw new UsageError(`${name}: not a file; name the Markdown files one by one`);
  if (info.size > fileBytesMax)
    throw new UsageError(`${name}: ${info.size} bytes, the limit is ${fileBytesMax}; split it, or name a part of it`);
  return readFileSync(descriptor);
}

/** Asks git once for all names: which of them are commits, then the subjects of those. */
async function lookUp(dir: string, uid: number, { commits }: PlainTrail): Promise<KnownCommits> {
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
  const existing = shas.filter((sha) => sha !== null);
  const logArgs = ['log', '--no-walk=unsorted', '--stdin', '--format=%H %s'];
  const log = existing.length === 0 ? [] : await ask(logArgs, existing);
  const subjects = new Map(log.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  const known = (sha: string | null | undefined): KnownCommit | null =>
    sha ? { sha, subject: subjects.get(sha) ?? '' } : null;
  return new Map(names.map((name, index) => [name, known(shas[index])]));
}
