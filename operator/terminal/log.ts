// The workspace's log: `log.jsonl` in its state, for those who look for a fault. Never on the terminal; no command reads it.

import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, pino } from 'pino';

const logBytesMax = 32 * 1024 * 1024;

export function logFile(stateDir: string): string {
  return join(stateDir, 'log.jsonl');
}

/** Opens the log to append; one that has grown too large is put aside first, in place of the one before it. */
export function openLog(stateDir: string): Logger {
  const file = logFile(stateDir);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(file, join(stateDir, 'log.1.jsonl'));
  return pino({ level: 'debug', base: { pid: process.pid } }, destination({ dest: file, sync: true, mode: 0o600 }));
}
