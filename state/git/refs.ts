// The trail's branch, moved by compare-and-swap through one long-running `git update-ref --stdin`.
//
// `commit` is sent only after git has answered `prepare`; git then has `<ref>.lock`. So a git whose parent was killed
// either never moves the branch, or keeps the lock until it has moved it. `openBranch` waits for that lock; after that
// nobody else can move the branch.

import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { syncFolder } from './objects.ts';
import { endGit, git, startGit, whyFailed } from './process.ts';

/** A lock this old has no owner: only milliseconds pass between `prepare` and `commit`. */
export const staleLockMs = 2000;
const lockLookMs = 5;
const zero = '0'.repeat(40);

export type Branch = {
  /** Where the branch points now; null if it is missing. */
  read(): Promise<Sha | null>;
  /** Moves the branch durably. Rejects with git's message; `read` then shows where the branch is. */
  move(from: Sha, to: Sha): Promise<void>;
  /** Makes sure that the branch's current position is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
};

/**
 * The branch `ref` (full name) of the bare repository at `hub`. If there is a lock that a dead git left, waits until it
 * is stale, and removes it.
 */
export async function openBranch(hub: string, ref: string): Promise<Branch> {
  await settleLock(join(hub, `${ref}.lock`));
  const mover = refMover(hub, ref);
  const sync = () => syncFolder(dirname(join(hub, ref)));
  return {
    read: () => readRef(hub, ref),
    move: async (from, to) => {
      await mover.move(from, to);
      await sync();
    },
    sync,
    close: () => mover.close(),
  };
}

async function readRef(hub: string, ref: string): Promise<Sha | null> {
  const result = await git(hub, ['for-each-ref', '--format=%(objectname)', ref]);
  if (result.exit !== 0) throw new TrailError('bad-hub', `${hub} is not a hub that git can read: ${whyFailed(result)}`);
  const sha = result.stdout.toString().trim();
  return sha === '' || sha === zero ? null : (sha as Sha);
}

async function settleLock(path: string): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    const lock = await stat(path).catch(() => null);
    if (lock === null) return;
    const agesMs = [Date.now() - lock.mtimeMs, performance.now() - startedAtMs];
    if (Math.max(...agesMs) > staleLockMs) return rm(path, { force: true });
    await after(lockLookMs);
  }
}

function refMover(hub: string, ref: string): { move(from: Sha, to: Sha): Promise<void>; close(): Promise<void> } {
  let session: Session | null = null;

  async function move(from: Sha, to: Sha): Promise<void> {
    const isReused = session !== null;
    const used = session ?? startSession(hub);
    session = used;
    try {
      await used.say(`start\nupdate ${ref} ${to} ${from}\nprepare\n`, ['start: ok', 'prepare: ok']);
      await used.say('commit\n', ['commit: ok']);
    } catch (error) {
      // A refused update ends git (exit 128) and releases its lock; only then may the branch be read.
      await used.ended();
      session = null;
      const wasKilled = isReused && used.complaint() === '' && (await readRef(hub, ref)) === from;
      if (!wasKilled) throw error;
      await move(from, to);
    }
  }

  return {
    move,
    close: async () => {
      await session?.ended();
      session = null;
    },
  };
}

type Session = {
  /** Sends text and waits for these answers, one line each. Rejects with git's stderr if git ends instead. */
  say(text: string, answers: string[]): Promise<void>;
  /** Git's stderr so far. */
  complaint(): string;
  /** Ends git, and resolves once it has ended. */
  ended(): Promise<void>;
};

function startSession(hub: string): Session {
  const child = startGit(hub, ['update-ref', '--stdin'], {
    config: { 'core.fsync': 'all', 'core.logAllRefUpdates': 'false' },
  });
  const closed = once(child, 'close').catch((error: unknown) => error);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(0, 1000);
  });

  return {
    say: async (text, answers) => {
      child.stdin.write(text);
      for (const answer of answers) {
        const line = await lines.next();
        if (line.done === true) {
          await closed;
          throw new Error(complaint.split('\n')[0] || 'git update-ref ended');
        }
        if (line.value !== answer) throw new Error(`git update-ref answered «${line.value}»`);
      }
    },
    complaint: () => complaint,
    ended: async () => {
      child.stdin.end();
      const timer = setTimeout(() => endGit(child), staleLockMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
