// heads.log: a record, kept outside git, of what was acknowledged. It has one line `<last entry id> <commit>` for each
// commit of an acknowledged batch. The line is fsynced before the acknowledgement, so the log shows it if the trail's
// tail is cut off later. `0 <commit>` means the first commit.

import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { syncFolder } from '../git/objects.ts';

export const headsLogBytesMax = 256 * 1024 * 1024;

export type Head = { id: number; sha: Sha };

export type HeadsLog = {
  /** The lines read at opening, in order, without a torn last line. */
  lines: Head[];
  /** Resolves when the lines are on disk. Rejects with the disk's own error; then none of the lines counts. */
  append(heads: Head[]): Promise<void>;
  close(): Promise<void>;
};

/**
 * Opens the log, or creates it if it is missing; repairs the last line if a crash tore it. Throws TrailError
 * 'bad-trail' if any other line is bad.
 */
export async function openHeadsLog(path: string): Promise<HeadsLog> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const text = await readWhole(file, path);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const lines = parseHeads(whole, path);
    if (whole.length < text.length) await file.truncate(whole.length);
    await file.sync();
    await syncFolder(dirname(path));
    return { lines, ...appender(file, whole.length) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Parses the log's text. Throws TrailError 'bad-trail'; the message names the bad line. */
export function parseHeads(text: string, path: string): Head[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const [, id, sha] = /^(\d{1,15}) ([0-9a-f]{40})$/.exec(line) ?? [];
      if (id === undefined) {
        const remedy =
          'The file was changed by something else; compare it with the trail (coldpass audit) before you repair it';
        throw new TrailError('bad-trail', `${path} line ${index + 1} is not «<entry> <commit>». ${remedy}.`);
      }
      return { id: Number(id), sha: sha as Sha };
    });
}

function appender(file: FileHandle, sizeAtOpen: number): Pick<HeadsLog, 'append' | 'close'> {
  let sizeBytes = sizeAtOpen;
  let torn = false;

  async function append(heads: Head[]): Promise<void> {
    const bytes = Buffer.from(heads.map(({ id, sha }) => `${id} ${sha}\n`).join(''));
    if (torn) await file.truncate(sizeBytes);
    torn = true;
    try {
      await writeWhole(file, bytes, sizeBytes);
      await file.datasync();
    } catch (error) {
      // Truncating a file needs no space. If even that fails, the next append truncates the file before it writes.
      await file.truncate(sizeBytes).catch(() => {});
      throw error;
    }
    sizeBytes += bytes.length;
    torn = false;
  }

  return { append, close: () => file.close() };
}

async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

async function readWhole(file: FileHandle, path: string): Promise<string> {
  const stat = await file.stat();
  if (!stat.isFile() || stat.size > headsLogBytesMax) {
    throw new TrailError(
      'bad-trail',
      `${path} is not a heads.log (not a plain file, or too large); move it away and inspect it.`,
    );
  }
  return file.readFile('latin1');
}
