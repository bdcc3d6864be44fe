// Finds what a run of the suite left behind: temporary folders, mounts, processes, workspaces, and, if it started a
// Docker engine, objects there. A process belongs to this run if its environment, arguments, working folder or mounts
// contain the name of the run's ground (`ground.ts`), so boxes of another run are never reported.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { leftOnEngine } from './dockerEngine.ts';
import { ground, groundMark } from './ground.ts';

/** How long to wait for processes to go: a killed orphan is a zombie, or still exiting, for about a second. */
const patienceMs = 20_000;
const lookEveryMs = 100;
const namedMax = 8;
const workspacesDir = '/var/lib/coldpass';

/** Returns a line for each thing left behind, after waiting for processes that are exiting. */
export async function leftovers(): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const left = [...processes(), ...mounts(), ...folders(), ...workspaces(), ...(await leftOnEngine())];
    if (left.length === 0 || Date.now() > deadline) return left;
    await pause(lookEveryMs);
  }
}

/** Each with some of what is in it, which tells the test that left it. */
function folders(): string[] {
  return listed(ground).map((name) => {
    const within = quiet(() => readdirSync(`${ground}/${name}`, { recursive: true, encoding: 'utf8' }), []);
    return `folder ${ground}/${name}: ${within.slice(0, namedMax).join(', ') || 'empty'}`;
  });
}

function mounts(): string[] {
  const lines = read('/proc/self/mountinfo').split('\n');
  const points = lines.filter((line) => line.includes(groundMark)).map((line) => line.split(' ')[4]);
  return points.filter((point) => point !== ground).map((point) => `mount ${point}`);
}

function workspaces(): string[] {
  return listed(workspacesDir)
    .filter((name) => read(`${workspacesDir}/${name}/workspace.json`).includes(groundMark))
    .map((name) => `workspace ${workspacesDir}/${name}`);
}

function processes(): string[] {
  return listed('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isOurs(name))
    .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 200)}`);
}

function isOurs(pid: string): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has nothing left to leak, and our own children are vitest's workers.
  if (state === 'Z' || Number(parent) === process.pid) return false;
  const texts = [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`].map(read);
  return [...texts, link(`/proc/${pid}/cwd`), ...boundIn(pid)].some((text) => text.includes(groundMark));
}

/**
 * If the process has a mount namespace of its own: the lines of its `mountinfo` for folders that are bind-mounted
 * there, such as a box's tree.
 */
function boundIn(pid: string): string[] {
  if (link(`/proc/${pid}/ns/mnt`) === link('/proc/self/ns/mnt')) return [];
  const lines = read(`/proc/${pid}/mountinfo`).split('\n');
  // Leaves out whole file systems: the ground itself is mounted in every copy of our namespace.
  return lines.filter((line) => line.split(' ')[3] !== '/');
}

function listed(dir: string): string[] {
  return quiet(() => readdirSync(dir), []);
}

function read(file: string): string {
  return quiet(() => readFileSync(file, 'utf8'), '');
}

function link(path: string): string {
  return quiet(() => readlinkSync(path), '');
}

/** Returns `otherwise` if `look` throws: a process may exit meanwhile, and some we may not read. */
function quiet<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
