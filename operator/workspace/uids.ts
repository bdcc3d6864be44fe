// Host users for boxes. A supervisor running as root gives each role of each workspace its own uid, so that no box can
// touch another box's files. The uids need no passwd entry; they lie outside the ranges that Debian and systemd assign.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BoxUids } from '../../state/trail/workspace.ts';
import { UsageError } from '../terminal/errors.ts';

const uidFirst = 61_000;
const uidLast = 61_183;
const roles = ['builder', 'adversary', 'verify'] as const;

/** Three uids that neither /etc/passwd nor a workspace beside `stateDir` has; null if the user is not root. */
export function freeUids(stateDir: string, uid: number, passwd = '/etc/passwd'): BoxUids | null {
  if (uid !== 0) return null;
  const taken = new Set([...neighbours(dirname(stateDir)), ...named(passwd)]);
  const free: number[] = [];
  for (let at = uidFirst; at <= uidLast && free.length < roles.length; at++) if (!taken.has(at)) free.push(at);
  const [builder, adversary, verify] = free;
  if (builder && adversary && verify) return { builder, adversary, verify };
  throw new UsageError(
    `no free uid between ${uidFirst} and ${uidLast}; move an old workspace out of ${dirname(stateDir)}`,
  );
}

function neighbours(folder: string): number[] {
  const dirs = readdirSync(folder, { withFileTypes: true }).filter((item) => item.isDirectory());
  return dirs.flatMap((dir) => uidsIn(join(folder, dir.name, 'workspace.json')));
}

function uidsIn(file: string): number[] {
  try {
    const { uids } = JSON.parse(readFileSync(file, 'utf8'));
    return Object.values(uids ?? {}).filter((uid) => typeof uid === 'number');
  } catch {
    // Not a workspace, or a broken one: `doctor` reports it there.
    return [];
  }
}

function named(passwd: string): number[] {
  return readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => Number(line.split(':')[2]));
}
