// What a run is about to make in the engine, on disk before it does: after a crash, a person can tell how far it came. Nothing is
// reaped by it; labels tell what there is.

import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Adds a line to `runs/<run>/docker.log` and waits until the disk has it. */
export async function writeIntent(runDir: string, what: string): Promise<void> {
  const file = await open(join(runDir, 'docker.log'), 'a', 0o600);
  try {
    await file.write(`${new Date().toISOString()} ${what}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
