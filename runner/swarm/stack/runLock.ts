// Whether a run is alive: its runner listens on a socket in the kernel's abstract namespace, which has no file. The kernel lets
// go of it when the process dies, however it dies. No ages and no process numbers are guessed at.

import net from 'node:net';
import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';

export type RunLock = { release(): Promise<void> };

/** Null where somebody holds it. */
export async function tryLock(run: RunId): Promise<RunLock | null> {
  const server = net.createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(new RunnerError('io', `the lock of ${run} cannot be taken (${error.code})`, { cause: error }));
    });
    server.listen(`\0coldpass/run/${run}`, () => resolve({ release: () => closed(server) }));
  });
}

/** Rejects where the run is alive elsewhere: the same run is made once. */
export async function lockRun(run: RunId): Promise<RunLock> {
  const lock = await tryLock(run);
  if (lock) return lock;
  throw new RunnerError('engine', `${run} is under way in another process`);
}

/** May be called twice. */
function closed(server: net.Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
