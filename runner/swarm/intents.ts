// Written ahead: a line in `runs/<run>/docker.log` says what is about to be made on the engine, on disk before it is asked for.
// Whatever then happens to this process, the next one knows which runs may have left something there. Nobody needs the file
// to find the things themselves: those carry the run's label.

import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RunId } from '../../state/ids.ts';
import { RunnerError } from '../errors.ts';
import { runPaths } from '../runPaths.ts';

export type Made = 'network' | 'config' | 'secret' | 'volume' | 'stack' | 'container' | 'witnesses';

export interface Intents {
  /** Durable when it returns. */
  about(kind: Made, name: string): void;
}

const fileName = 'docker.log';

export function openIntents(stateDir: string, run: RunId): Intents {
  const path = intentsPath(stateDir, run);
  return {
    about(kind, name) {
      try {
        append(path, `${new Date().toISOString()} ${kind} ${name}\n`);
      } catch (error) {
        throw new RunnerError('io', `what is made for ${run} cannot be noted in ${path}`, { cause: error });
      }
    },
  };
}

/** Runs that were about to make something on the engine. */
export function runsIntended(stateDir: string): RunId[] {
  let names: string[];
  try {
    names = readdirSync(join(stateDir, 'runs'));
  } catch {
    return [];
  }
  const runs = names.filter((name) => RunId.safeParse(name).success) as RunId[];
  return runs.filter((run) => statSync(intentsPath(stateDir, run), { throwIfNoEntry: false }) !== undefined);
}

export function intentsPath(stateDir: string, run: RunId): string {
  return join(runPaths(join(stateDir, 'runs'), run).dir, fileName);
}

function append(path: string, line: string): void {
  const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
  if (isNew) mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'a', 0o600);
  try {
    writeSync(fd, line);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (isNew) syncFolder(dirname(path));
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
