// What a failed command prints: one line and an exit code. Errors that rooms throw for people are printed as they are;
// common system errors (a full disk, someone else's folder) get a line of advice; anything else is a bug, with its
// details in a file.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Exit, exits, explained } from './errors.ts';

const systemFaults: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space, then try again',
  EDQUOT: 'the disk quota is used up; free some space, then try again',
  EROFS: 'the file system is read-only; mount it writable, then try again',
  EACCES: 'permission denied; run this as the user who owns the workspace',
  EPERM: 'operation not permitted; run this as the user who owns the workspace',
  EMFILE: 'too many open files; raise the limit (ulimit -n), then try again',
};

/** The line for standard error and the exit code. For a bug, writes the stack to a file and names that file. */
export function faultOf(error: unknown, pid: number): { line: string; exit: Exit } {
  const known = explained(error);
  if (known) return { line: known.line.replace(/\s*\n\s*/g, ' '), exit: known.exit };
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
    return `this is a bug in Coldpass, not a mistake of yours: ${first}; please report it and attach ${file}`;
  } catch {
    return `this is a bug in Coldpass, not a mistake of yours: ${first}; please report it`;
  }
}
