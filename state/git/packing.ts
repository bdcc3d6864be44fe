// Keeps the hub quick to clone by merging the packs of single batches: in the background, apart from appends, at low
// priority. `git repack -d --geometric` deletes a pack or a loose object only once an fsynced pack contains all of it,
// and never deletes an unreachable object. So a merge may be killed at any moment, and may run while a batch is written
// but not yet referenced.

import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { startGit } from './process.ts';

/** Git's own limit for too many packs (gc.autoPackLimit). */
export const packsMax = 50;
/** While appends keep coming, merging waits for a pause; once there are this many packs, it waits no longer. */
export const busyPacksMax = 500;

export type Packer = {
  /** Reports that a pack was written. Neither this nor `rested` ever fails: merging is optional. */
  wrote(): void;
  /** Reports that nothing waits to be written, which is the moment to merge. */
  rested(): void;
  /** Resolves when no merge is running. */
  settled(): Promise<void>;
  /** Ends a running merge; packs that it has not merged yet stay as they were. */
  close(): Promise<void>;
};

/** The packer of the bare repository at `hub`. Counts the packs there when it starts. */
export function packer(hub: string, max = packsMax): Packer {
  const ending = new AbortController();
  let packs = 0;
  let work: Promise<void> | null = null;

  function joinFrom(enough: number): void {
    if (packs < enough || work !== null || ending.signal.aborted) return;
    packs = 0;
    work = repack(hub, ending.signal).finally(() => {
      work = null;
    });
  }

  const counted = countPacks(hub).then((count) => {
    packs += count;
    joinFrom(max);
  });
  return {
    wrote: () => {
      packs++;
      joinFrom(busyPacksMax);
    },
    rested: () => joinFrom(max),
    settled: async () => {
      await counted;
      await work;
    },
    close: async () => {
      ending.abort();
      await counted;
      await work;
    },
  };
}

async function countPacks(hub: string): Promise<number> {
  const names = await readdir(join(hub, 'objects', 'pack')).catch(() => []);
  return names.filter((name) => name.endsWith('.idx')).length;
}

async function repack(hub: string, signal: AbortSignal): Promise<void> {
  const config = { 'core.fsync': 'all', 'pack.threads': '1', 'repack.writeBitmaps': 'false' };
  const child = startGit(hub, ['repack', '-q', '-d', '-l', '--geometric=2'], { config });
  child.stdout.resume();
  child.stderr.resume();
  const closed = once(child, 'close').catch(() => {});
  const { pid } = child;
  // Sends SIGTERM to the process group, so that git removes its temporary packs.
  const end = () => ifAlive(pid, (alive) => process.kill(-alive, 'SIGTERM'));
  signal.addEventListener('abort', end, { once: true });
  ifAlive(pid, (alive) => setPriority(alive, constants.priority.PRIORITY_LOW));
  await closed;
  signal.removeEventListener('abort', end);
}

function ifAlive(pid: number | undefined, act: (pid: number) => void): void {
  if (pid === undefined) return;
  try {
    act(pid);
  } catch {
    // The process has ended already.
  }
}
