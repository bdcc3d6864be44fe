// Records on disk what a run is about to create in the engine, so that after a crash you can see how far the run got.
// The reaper does not use these records: it goes by labels.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '../../box/errors.ts';

/** Adds a line to `runs/<run>/docker.log` and syncs the file and its folder to disk. */
export async function writeIntent(runDir: string, what: string): Promise<void> {
  try {
    await withSynced(join(runDir, 'docker.log'), 'a', `${new Date().toISOString()} ${what}\n`);
    await withSynced(runDir, 'r', null);
  } catch (error) {
    throw new RunnerError('io', `cannot record in ${runDir} what the run creates`, { cause: error });
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
