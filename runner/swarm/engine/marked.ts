// Kills a command in a container from the host: every process of the container that has the command's mark in its
// environment, and all descendants of such processes. Kills a process only if the kernel reports that it belongs to the
// container.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const roundsMax = 100;
const roundMs = 20;

/** Resolves once no marked process is left, or after two seconds of trying. */
export async function killMarked(container: string, mark: string): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    const processes = markedProcesses(container, mark);
    // A process that is just starting has its mark at once, but is not yet in the container's cgroup.
    if (processes.length === 0 && round > 1) return;
    for (const pid of processes) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await pause(roundMs);
  }
}

/** The host pids of the marked processes and their descendants. */
export function markedProcesses(container: string, mark: string): number[] {
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

/** The fields of a process's `stat` after its name (which may contain anything): state, parent, … */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The text of a file under /proc; empty if the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
