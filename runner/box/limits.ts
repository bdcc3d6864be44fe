// What a box may use. Per process by ulimit, set inside the box (set outside, the process count would include everything
// else its user runs). For the box as a whole by a cgroup of its own, v1 or v2, where the supervisor is root and may make one.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { BoxLimits } from './sandbox.ts';
import { isAlive } from './scratch.ts';

const mebibyte = 1024 * 1024;
/** Processes of the profile itself, in the cgroup with the command's: bwrap, its init, the shell that starts the command. */
const ownProcesses = 8;

/** What one JavaScript engine (one a worker thread) has mapped as data and never touches; they are seldom more than the cores. */
const untouchedMb = 640;

/**
 * Shell words that set the limits and can only lower what holds already: blocks of 512 bytes, KiB and seconds, as POSIX has
 * it; dash and busybox call the process count -p, bash -u. Then the kernel is told whom to end first when memory runs out.
 */
export function limitWords(limits: BoxLimits): string {
  const [blocksPerMb, kibPerMb] = [2048, 1024];
  const cores = availableParallelism();
  const dataMb = limits.memoryMb + untouchedMb * (cores + 2);
  return [
    'ulimit -c 0',
    `ulimit -t ${Math.ceil(limits.seconds) * cores + 1}`,
    `ulimit -f ${limits.diskMb * blocksPerMb}`,
    `ulimit -d ${dataMb * kibPerMb}`,
    `{ ulimit -p ${limits.processes} || ulimit -u ${limits.processes}; }`,
    'echo 1000 > /proc/self/oom_score_adj',
  ].join('; ');
}

/** Where cgroups of ours may be made; null where they cannot. */
export type CgroupPlace = { version: 1; pids: string; memory: string } | { version: 2; dir: string };

export type Cgroup = {
  /** Files into which the box's first process writes 0 to enter. */
  procs: string[];
  outOfMemory(): boolean;
  /** Removes it; call when its last process is gone. */
  remove(): void;
};

/** Looks for a writable pids and memory hierarchy, and removes empty cgroups that a dead supervisor left. */
export function findCgroups(): CgroupPlace | null {
  if (process.getuid?.() !== 0) return null;
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, at = '', type = '', options = '']) => ({ at, type, options: options.split(',') }));
  const first = (name: string): string | undefined => {
    const at = mounts.find((mount) => mount.type === 'cgroup' && mount.options.includes(name))?.at;
    return at === undefined ? undefined : ownV1(at, name);
  };
  const [pids, memory] = [first('pids'), first('memory')];
  if (pids !== undefined && memory !== undefined) return tried({ version: 1, pids, memory });
  const unified = mounts.find((mount) => mount.type === 'cgroup2')?.at;
  return unified === undefined ? null : tried({ version: 2, dir: join(unified, 'coldpass') });
}

/** A cgroup for one box; null where this machine turns it down (ulimit then stands alone). */
export function makeCgroup(place: CgroupPlace | null, id: string, limits: BoxLimits): Cgroup | null {
  if (place === null) return null;
  const name = `coldpass-${process.pid}-${id}`;
  try {
    return place.version === 1 ? makeV1(place, name, limits) : makeV2(place, name, limits);
  } catch {
    for (const dir of parentsOf(place)) removeDir(join(dir, name));
    return null;
  }
}

function makeV1(place: { pids: string; memory: string }, name: string, limits: BoxLimits): Cgroup {
  const [pids, memory] = [join(place.pids, name), join(place.memory, name)];
  mkdirSync(pids);
  mkdirSync(memory);
  writeFileSync(join(pids, 'pids.max'), String(limits.processes + ownProcesses));
  const bytes = String(limits.memoryMb * mebibyte);
  writeFileSync(join(memory, 'memory.limit_in_bytes'), bytes);
  const withSwap = join(memory, 'memory.memsw.limit_in_bytes');
  if (existsSync(withSwap)) writeFileSync(withSwap, bytes);
  return {
    // Not cgroup.procs: to move a whole process the kernel waits out a grace period, some 15 ms; a lone thread moves itself.
    procs: [join(pids, 'tasks'), join(memory, 'tasks')],
    outOfMemory: () => counted(join(memory, 'memory.oom_control'), 'oom_kill'),
    remove: () => [pids, memory].forEach(removeDir),
  };
}

function makeV2(place: { dir: string }, name: string, limits: BoxLimits): Cgroup {
  const dir = join(place.dir, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'pids.max'), String(limits.processes + ownProcesses));
  writeFileSync(join(dir, 'memory.max'), String(limits.memoryMb * mebibyte));
  const swap = join(dir, 'memory.swap.max');
  if (existsSync(swap)) writeFileSync(swap, '0');
  return {
    procs: [join(dir, 'cgroup.procs')],
    outOfMemory: () => counted(join(dir, 'memory.events'), 'oom_kill'),
    remove: () => removeDir(dir),
  };
}

function tried(place: CgroupPlace): CgroupPlace | null {
  try {
    if (place.version === 2) {
      mkdirSync(place.dir, { recursive: true });
      writeFileSync(join(place.dir, '..', 'cgroup.subtree_control'), '+pids +memory');
      writeFileSync(join(place.dir, 'cgroup.subtree_control'), '+pids +memory');
    }
    for (const dir of parentsOf(place)) sweep(dir);
    const probe = makeCgroup(place, 'probe', { memoryMb: 64, processes: 8, diskMb: 1, seconds: 1 });
    probe?.remove();
    return probe === null ? null : place;
  } catch {
    return null;
  }
}

/** Our own cgroup in a v1 hierarchy, so that a limit set on us binds the boxes too; its root where ours is not visible. */
function ownV1(at: string, controller: string): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const own = lines.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes(controller))?.[2];
  const dir = join(at, own ?? '/');
  return existsSync(dir) ? dir : at;
}

/** Removes what dead supervisors left; one of a living supervisor may be empty only because its box is about to enter it. */
function sweep(dir: string): void {
  for (const name of readdirSync(dir)) {
    const pid = Number(/^coldpass-(\d+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && !isAlive(pid)) removeDir(join(dir, name));
  }
}

function parentsOf(place: CgroupPlace): string[] {
  return place.version === 1 ? [place.pids, place.memory] : [place.dir];
}

function removeDir(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Already gone, or a process of it is only just going: the next supervisor sweeps.
  }
}

function counted(file: string, key: string): boolean {
  try {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((each) => each.startsWith(`${key} `));
    return Number(line?.slice(key.length) ?? 0) > 0;
  } catch {
    return false;
  }
}
