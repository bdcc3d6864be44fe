// Keeps the hub quick to clone: the packs of single batches are joined in the background, off the append's path, at low
// priority. `git repack -d --geometric` deletes a pack or a loose object only once a fsynced pack holds all of it, and
// never an unreachable object: it may be killed at any moment, and may run while a batch lies written but not yet named.

import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { startGit } from './process.ts';

/** git's own measure of too many (gc.autoPackLimit). */
export const packsMax = 50;
/** While appends keep coming, so many are left for the next pause. */
export const busyPacksMax = 500;

export type Packer = {
  /** Says that a pack was written. Neither this nor `rested` ever fails: joining is a comfort. */
  wrote(): void;
  /** Says that nothing waits to be written: the moment to join. */
  rested(): void;
  /** Resolves when no joining is under way. */
  settled(): Promise<void>;
  /** Ends joining under way; what it had not finished stays as it was. */
  close(): Promise<void>;
};

/** The packer of the bare repository at `hub`. Counts what is there at its start. */
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
  // SIGTERM to the group, so that git takes its temporary packs away.
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
    // It ended in between.
  }
}
