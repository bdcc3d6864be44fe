// What a command that failed says: one line and an exit code. Errors that rooms throw for people are said as they are, and so
// are the system's own (a full disk, a folder that is not ours); anything else is a bug, whose details go to a file.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Exit, exits, explained } from './errors.ts';

const systemFaults: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space, then type it again',
  EDQUOT: 'the disk quota is used up; free some space, then type it again',
  EROFS: 'the file system is read-only; mount it writable, then type it again',
  EACCES: 'access is denied; run this as the user whose workspace it is',
  EPERM: 'that is not permitted; run this as the user whose workspace it is',
  EMFILE: 'too many files are open; raise the limit (ulimit -n), then type it again',
};

/** The line for standard error and the exit code. Writes a bug's stack to a file, and names it. */
export function faultOf(error: unknown, pid: number): { line: string; exit: Exit } {
  const said = explained(error);
  if (said) return { line: said.line.replace(/\s*\n\s*/g, ' '), exit: said.exit };
  const { code = '', path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall !== undefined && systemFaults[code] !== undefined)
    return { line: `${path === undefined ? '' : `${path}: `}${systemFaults[code]}`, exit: exits.machine };
  return { line: bugLine(error, pid), exit: exits.machine };
}

function bugLine(error: unknown, pid: number): string {
  const file = join(tmpdir(), `coldpass-bug-${pid}.txt`);
  const first = String((error as Error)?.message ?? error).split('\n', 1)[0];
  try {
    writeFileSync(file, `${(error as Error)?.stack ?? String(error)}\n`, { mode: 0o600, flag: 'wx' });
    return `this is a bug in Coldpass, nothing that you did: ${first}; please report it with ${file}`;
  } catch {
    return `this is a bug in Coldpass, nothing that you did: ${first}`;
  }
}
