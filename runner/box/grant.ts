// Which folders may be shown to a box at all. The operator grants a folder; this says whether it may be granted: a tool
// folder in one's home is ordinary, a folder from which keys, the state or a service's socket can be reached is not.

import { lstatSync, opendirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export type GrantPlaces = {
  home: string;
  stateDir: string;
  /** Folders that hold the operator's keys, and folders that hold sockets (an ssh-agent's, a desktop session's). */
  keyDirs: string[];
};

/** Folders of the system, which a box has in its own shape or must not have at all; nor anything inside them. */
const closed = ['/etc', '/proc', '/sys', '/dev', '/boot', '/run', '/var/run', '/var/lib/docker', '/tmp/.X11-unix'];
/** In one's home: keys and logins. A grant may neither hold nor lie in any. */
const keysInHome = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.docker',
  '.config/coldpass',
  '.config/gcloud',
  '.password-store',
];
const socketDepthMax = 3;
const socketEntriesMax = 5000;

/** Null where the folder may be granted; else the reason, in words. */
export function checkGrant(path: string, places: GrantPlaces): string | null {
  if (path !== resolve(path) || path === '/')
    return `${path}: an absolute path of a folder, without ".." or a trailing slash, is needed`;
  const real = realOf(path);
  if (real === null) return `${path}: no such folder`;
  if (real !== path) return `${path} is a link, or lies behind one: grant ${real} itself`;
  if (!statSync(path).isDirectory()) return `${path} is not a folder: grant the folder that holds it`;
  const home = realOf(places.home) ?? places.home;
  if (holds(path, home)) return `${path} is or contains the home folder: grant a folder inside it`;
  const apart = [
    ...closed,
    realOf(places.stateDir) ?? places.stateDir,
    ...places.keyDirs.map((dir) => realOf(dir) ?? dir),
    ...keysInHome.map((name) => join(home, name)),
  ];
  const clash = apart.find((dir) => holds(path, dir) || holds(dir, path));
  if (clash !== undefined) return `${path} contains, or lies in, ${clash}, which no box may see`;
  const socket = findSocket(path, socketDepthMax, { left: socketEntriesMax });
  return socket === null ? null : `${path} contains the socket ${socket}: grant a folder without one`;
}

/** Null, or why this folder cannot be bound into a box. */
export function checkSource(path: string): string | null {
  const real = realOf(path);
  if (real === null) return `${path}: no such folder to mount`;
  if (real !== path) return `${path} is a link, or lies behind one: mount ${real} itself`;
  return lstatSync(path).isDirectory() ? null : `${path} is not a folder: only folders are mounted`;
}

/** Whether `inner` is `outer` or lies in it. Both absolute and resolved. */
export function holds(outer: string, inner: string): boolean {
  for (let dir = inner; ; dir = dirname(dir)) {
    if (dir === outer) return true;
    if (dir === dirname(dir)) return outer === dir;
  }
}

/** The path without links, or null where nothing is there (or we may not look). */
export function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function findSocket(dir: string, depth: number, budget: { left: number }): string | null {
  for (const name of namesOf(dir, budget)) {
    const path = join(dir, name);
    const kind = lstatSync(path, { throwIfNoEntry: false });
    if (kind?.isSocket()) return path;
    const inner = kind?.isDirectory() && depth > 1 ? findSocket(path, depth - 1, budget) : null;
    if (inner !== null) return inner;
  }
  return null;
}

function namesOf(dir: string, budget: { left: number }): string[] {
  const names: string[] = [];
  try {
    const handle = opendirSync(dir);
    for (let entry = handle.readSync(); entry !== null && budget.left > 0; entry = handle.readSync()) {
      names.push(entry.name);
      budget.left -= 1;
    }
    handle.closeSync();
  } catch {
    // A folder that we cannot list is one from which the box gets nothing either.
  }
  return names;
}
