// What a run is about to make in the engine, on disk before it does: after a crash, a person can tell how far it came. Nothing is
// reaped by it; labels tell what there is.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '../../box/errors.ts';

/** Adds a line to `runs/<run>/docker.log` and waits until the disk has it, and has its name. */
export async function writeIntent(runDir: string, what: string): Promise<void> {
  try {
    await withSynced(join(runDir, 'docker.log'), 'a', `${new Date().toISOString()} ${what}\n`);
    await withSynced(runDir, 'r', null);
  } catch (error) {
    throw new RunnerError('io', `what a run makes cannot be noted in ${runDir}`, { cause: error });
  }
}

async function withSynced(path: string, flags: string, text: string | null): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    if (text !== null) await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
