// The sandbox's short-lived folders, in the state folder. Each name contains the pid of the process that made it, which
// tells a dead process's leftovers from folders in use.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a folder `<stateDir>/sandbox/<kind>-<pid>-…`, mode 0700. The caller removes it. */
export function makeScratch(stateDir: string, kind: 'bait' | 'draft' | 'home' | 'net' | 'mounts'): string {
  return mkdtempSync(join(sandboxDir(stateDir), `${kind}-${process.pid}-`));
}

/** The sandbox's folder in the state folder, made if missing. */
export function sandboxDir(stateDir: string): string {
  const dir = join(stateDir, 'sandbox');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** Removes the folders that dead processes left in the sandbox's folder. */
export function sweepScratch(stateDir: string): void {
  const dir = sandboxDir(stateDir);
  for (const name of readdirSync(dir)) {
    const pid = Number(/^(?:bait|draft|home|net|mounts)-(\d+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && !isAlive(pid)) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/** True if a process has this pid now. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
