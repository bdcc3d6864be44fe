// Whether a run is alive: its runner listens on a socket in the kernel's abstract namespace, which has no file. The
// kernel releases it when the process dies, however it dies, so no guessing by age or process id is needed.

import net from 'node:net';
import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';

export type RunLock = { release(): Promise<void> };

/** Takes the run's lock; null if another process holds it. */
export async function tryLock(run: RunId): Promise<RunLock | null> {
  const server = net.createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(new RunnerError('io', `cannot lock ${run} (${error.code})`, { cause: error }));
    });
    server.listen(`\0coldpass/run/${run}`, () => resolve({ release: () => closed(server) }));
  });
}

/** Rejects with RunnerError if the run is alive in another process: no run executes twice at once. */
export async function lockRun(run: RunId): Promise<RunLock> {
  const lock = await tryLock(run);
  if (lock) return lock;
  throw new RunnerError('engine', `${run} is already running in another process`);
}

/** May be called twice. */
function closed(server: net.Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
