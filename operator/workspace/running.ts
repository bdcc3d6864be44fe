// Whether a supervisor runs this workspace now. Asked without touching the lock: to try it, even for an instant, could turn a
// supervisor away that is just starting.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import type { StatePaths } from '../../state/trail/workspace.ts';

/** The supervisor's process id; null where none runs. */
export function supervisorOf({ lock }: Pick<StatePaths, 'lock'>): number | null {
  const pid = Number(read(lock));
  return Number.isInteger(pid) && pid > 0 && holds(pid, lock) ? pid : null;
}

// A pid alone may have come to mean another process: the holder has the lock's file open.
function holds(pid: number, lock: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const file = realpathSync(lock);
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === file);
  } catch (error) {
    // Another user's process: it is there, and more cannot be seen.
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
