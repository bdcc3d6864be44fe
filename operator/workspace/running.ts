// Whether a supervisor is running this workspace. Found out without touching the lock: taking it, even for an instant,
// could turn away a supervisor that is just starting.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import type { StatePaths } from '../../state/trail/workspace.ts';

/** The supervisor's process id; null if none is running. */
export function supervisorOf({ lock }: Pick<StatePaths, 'lock'>): number | null {
  const pid = Number(read(lock));
  return Number.isInteger(pid) && pid > 0 && holds(pid, lock) ? pid : null;
}

// The pid may have been reused by another process, so check that this one has the lock file open.
function holds(pid: number, lock: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const file = realpathSync(lock);
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === file);
  } catch (error) {
    // Another user's process: it exists, and we can see no more than that.
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
