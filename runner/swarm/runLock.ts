// Whether a run is alive: whoever carries it out listens on an abstract socket named after it. No file, no pid, no age: the
// kernel frees the name with the process, however that ended. It holds for one machine (one network namespace).

import { createServer, type Server } from 'node:net';
import { RunnerError } from '../errors.ts';

export type RunLock = { release(): Promise<void> };

/** Null where another holds it, in this process or any other. */
export async function lockRun(run: string): Promise<RunLock | null> {
  const server = createServer((connection) => connection.destroy());
  if (!(await listens(server, `\0coldpass/run/${run}`))) return null;
  // A process that ends frees it; holding it is no reason to stay.
  server.unref();
  return { release: () => new Promise((done) => server.close(() => done())) };
}

/** A lock that is held for a moment to see counts for others as held: use `lockRun` where something follows. */
export async function isRunLive(run: string): Promise<boolean> {
  const lock = await lockRun(run);
  await lock?.release();
  return lock === null;
}

function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((done, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done(false);
      else failed(new RunnerError('io', 'a run cannot be locked on this machine', { cause: error }));
    });
    server.listen({ path }, () => done(true));
  });
}
