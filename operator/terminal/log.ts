// The workspace's debug log: `log.jsonl` in the state folder. It never goes to the terminal, and no command reads it.

import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, pino } from 'pino';

const logBytesMax = 32 * 1024 * 1024;

export function logFile(stateDir: string): string {
  return join(stateDir, 'log.jsonl');
}

/** Opens the log for appending. Renames a log that has grown too large to `log.1.jsonl` first. */
export function openLog(stateDir: string): Logger {
  const file = logFile(stateDir);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(file, join(stateDir, 'log.1.jsonl'));
  return pino({ level: 'debug', base: { pid: process.pid } }, destination({ dest: file, sync: true, mode: 0o600 }));
}
