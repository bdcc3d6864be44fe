// Decides which folders a box may see at all. The operator grants folders, and each grant is checked here: a tool
// folder in the home folder is fine, a folder that exposes keys, the state or a service's socket is not.

import { lstatSync, opendirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export type GrantPlaces = {
  home: string;
  stateDir: string;
  /** Folders with the operator's keys, and folders with sockets (of an ssh-agent or a desktop session). */
  keyDirs: string[];
};

/** Neither these system folders nor those inside can be granted: a box has its own version, or must have none. */
const closed = ['/etc', '/proc', '/sys', '/dev', '/boot', '/run', '/var/run', '/var/lib/docker', '/tmp/.X11-unix'];
/** Keys and logins in the home folder. A grant may neither contain one nor lie inside one. */
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

/** Null if the folder may be granted, else the reason. */
export function checkGrant(path: string, places: GrantPlaces): string | null {
  if (path !== resolve(path) || path === '/')
    return `${path}: give a folder's absolute path, without ".." or a trailing slash`;
  const real = realOf(path);
  if (real === null) return `${path}: no such folder`;
  if (real !== path) return `${path} is a link or leads through one: grant ${real} itself`;
  if (!statSync(path).isDirectory()) return `${path} is not a folder: grant the folder that contains it`;
  const home = realOf(places.home) ?? places.home;
  if (isWithin(path, home)) return `${path} is or contains the home folder: grant a folder inside it`;
  const apart = [
    ...closed,
    realOf(places.stateDir) ?? places.stateDir,
    ...places.keyDirs.map((dir) => realOf(dir) ?? dir),
    ...keysInHome.map((name) => join(home, name)),
  ];
  const clash = apart.find((dir) => isWithin(path, dir) || isWithin(dir, path));
  if (clash !== undefined) return `${path} contains or is inside ${clash}, which no box may see`;
  const socket = findSocket(path, socketDepthMax, { left: socketEntriesMax });
  return socket === null ? null : `${path} contains the socket ${socket}: grant a folder without one`;
}

/** Null, or why this folder cannot be mounted in a box. */
export function checkSource(path: string): string | null {
  const real = realOf(path);
  if (real === null) return `${path}: no such folder to mount`;
  if (real !== path) return `${path} is a link or leads through one: mount ${real} itself`;
  return lstatSync(path).isDirectory() ? null : `${path} is not a folder: only folders are mounted`;
}

/** True if `inner` is `outer` or inside it. Both must be absolute, with links resolved. */
export function isWithin(outer: string, inner: string): boolean {
  for (let dir = inner; ; dir = dirname(dir)) {
    if (dir === outer) return true;
    if (dir === dirname(dir)) return outer === dir;
  }
}

/** The path with its links resolved; null if nothing is there, or we may not look. */
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
    // If we cannot list a folder, the box gets nothing from it either.
  }
  return names;
}
