// Limits what a box may use. Each process is limited by ulimit, set inside the box: set outside, the process count
// would include everything else that the same user runs. The whole box is limited by its own cgroup, v1 or v2, if the
// supervisor is root and may make one.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { BoxLimits } from './sandbox.ts';
import { isAlive } from './scratch.ts';

const mebibyte = 1024 * 1024;
/** Allowance for the profile's own processes in the same cgroup: bwrap, its init, the shell that starts the command. */
const ownProcesses = 8;

/** Memory that a JavaScript engine (one per worker thread) maps but never touches. Engines seldom outnumber cores. */
const untouchedMb = 640;

/**
 * Shell text that sets the limits; it can only lower those in force. As in POSIX, units are blocks of 512 bytes, KiB
 * and seconds. dash and busybox call the process count -p, bash calls it -u. The last command makes the kernel kill
 * these processes first when memory runs out.
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

/** Where we may make cgroups. */
export type CgroupPlace = { version: 1; pids: string; memory: string } | { version: 2; dir: string };

export type Cgroup = {
  /** Files to which the box's first process writes 0 to enter the cgroup. */
  procs: string[];
  outOfMemory(): boolean;
  /** Removes the cgroup; call it once the last process is gone. */
  remove(): void;
};

/** Finds where we may limit pids and memory (null if nowhere), and removes empty cgroups of dead supervisors. */
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
  if (pids !== undefined && memory !== undefined) return ifUsable({ version: 1, pids, memory });
  const unified = mounts.find((mount) => mount.type === 'cgroup2')?.at;
  return unified === undefined ? null : ifUsable({ version: 2, dir: join(unified, 'coldpass') });
}

/** Makes a cgroup for one box; null if this machine refuses (then only ulimit applies). */
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
    // `tasks`, not `cgroup.procs`: moving a whole process makes the kernel wait about 15 ms for a grace period, while a
    // single thread moves at once.
    procs: [join(pids, 'tasks'), join(memory, 'tasks')],
    outOfMemory: () => hasOccurred(join(memory, 'memory.oom_control'), 'oom_kill'),
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
    outOfMemory: () => hasOccurred(join(dir, 'memory.events'), 'oom_kill'),
    remove: () => removeDir(dir),
  };
}

function ifUsable(place: CgroupPlace): CgroupPlace | null {
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

/**
 * The supervisor's own cgroup in a v1 hierarchy, so that limits on the supervisor bind its boxes too; the hierarchy's
 * root if that cgroup is hidden.
 */
function ownV1(at: string, controller: string): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const own = lines.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes(controller))?.[2];
  const dir = join(at, own ?? '/');
  return existsSync(dir) ? dir : at;
}

/** Removes cgroups of dead supervisors only: a living supervisor may be about to start a box in an empty cgroup. */
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
    // Already gone, or its last process is still exiting: the next supervisor removes it.
  }
}

function hasOccurred(file: string, key: string): boolean {
  try {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((each) => each.startsWith(`${key} `));
    return Number(line?.slice(key.length) ?? 0) > 0;
  } catch {
    return false;
  }
}
