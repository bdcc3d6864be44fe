// Hold-outs: a folder of checks that is outside the repository and that no agent ever sees. Reads the whole folder in a
// fixed order, and makes one digest of its paths, modes and bytes: you sign the digest when you queue the plan, and
// every run checks it again.

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { digestOf, digestOfJson } from '../entry/digest.ts';
import { TrailError } from '../entry/errors.ts';
import type { Digest } from '../entry/ids.ts';

const filesMax = 200;
const fileBytesMax = 1024 * 1024;

export type HoldOutFile = { path: string; mode: string; bytes: Buffer };
export type HoldOuts = { files: HoldOutFile[]; digest: Digest };

/**
 * Every file below `dir`, in order. Throws TrailError 'bad-file' if there is none, or if one is too large or not a
 * plain file.
 */
export function readHoldOuts(dir: string): HoldOuts {
  const files = listed(dir).map((path) => fileAt(dir, path));
  if (files.length === 0) refuse(dir, 'holds no file');
  const digest = digestOfJson(files.map(({ path, mode, bytes }) => ({ path, mode, digest: digestOf(bytes) })));
  return { files, digest };
}

function listed(dir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'));
  } catch (cause) {
    throw new TrailError('bad-file', `the hold-outs' folder ${dir} cannot be read (${(cause as Error).message})`, {
      cause,
    });
  }
  if (names.length > filesMax) refuse(dir, `holds more than ${filesMax} files`);
  return names.sort();
}

function fileAt(dir: string, path: string): HoldOutFile {
  const full = join(dir, path);
  const info = lstatSync(full);
  if (!info.isFile()) refuse(dir, `holds ${path}, which is no plain file`);
  if (info.size > fileBytesMax) refuse(dir, `holds ${path}, which is larger than ${fileBytesMax / 1024} KiB`);
  return { path, mode: (info.mode & 0o100) === 0 ? '100644' : '100755', bytes: readFileSync(full) };
}

function refuse(dir: string, what: string): never {
  throw new TrailError('bad-file', `the hold-outs' folder ${dir} ${what}`);
}
