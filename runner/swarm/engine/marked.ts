// Ends a command inside a container from outside: all processes of that container which have the mark in their environment,
// and their descendants. A process is only ever killed where the kernel says that it belongs to the container.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const roundsMax = 100;
const roundMs = 20;

/** Resolves once none is left, or after two seconds of trying. */
export async function killMarked(container: string, mark: string): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    const found = marked(container, mark);
    // One that is just being started has its mark from the first moment, but not yet its place.
    if (found.length === 0 && round > 1) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went by itself.
      }
    }
    await pause(roundMs);
  }
}

/** Host pids. */
export function marked(container: string, mark: string): number[] {
  const inside = pids().filter((pid) => read(`/proc/${pid}/cgroup`).includes(container) && !isZombie(pid));
  const own = new Set(inside.filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(mark)));
  for (let size = -1; size !== own.size; ) {
    size = own.size;
    for (const pid of inside) if (own.has(parentOf(pid))) own.add(pid);
  }
  return [...own];
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1] ?? 0);
}

function isZombie(pid: number): boolean {
  return statOf(pid)[0] === 'Z';
}

/** What follows the name, which may hold anything: state, parent, … */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Processes go while one looks. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
