// Short-lived folders of the sandbox, under the state: named after the process that made them, so that what a dead one left
// can be told from what a living one uses.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A new folder `<stateDir>/sandbox/<kind>-<pid>-…`, 0700. Whoever made it removes it. */
export function makeScratch(stateDir: string, kind: 'bait' | 'draft' | 'home' | 'net' | 'mounts'): string {
  return mkdtempSync(join(sandboxDir(stateDir), `${kind}-${process.pid}-`));
}

/** The sandbox's own folder in the state. */
export function sandboxDir(stateDir: string): string {
  const dir = join(stateDir, 'sandbox');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** Removes what processes that are no more left there. */
export function sweepScratch(stateDir: string): void {
  const dir = sandboxDir(stateDir);
  for (const name of readdirSync(dir)) {
    const pid = Number(/^(?:bait|draft|home|net|mounts)-(\d+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && !isAlive(pid)) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/** Whether a process has this number now. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
