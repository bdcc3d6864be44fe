// Runs INSIDE a box, for files.ts: resolves paths in a tree that other boxed code may be changing at this moment. A
// path is walked folder by folder on descriptors, so that nothing can be swapped underneath; links are followed within
// their tree, never out of it.

import fs from 'node:fs';

const linksMax = 40;
const pathBytesMax = 4096;
export const openPath = 0o10000000; // O_PATH, which node does not name
const { O_NOFOLLOW, O_DIRECTORY } = fs.constants;

/** Thrown to refuse a request; the message is for the caller. */
export class Refusal extends Error {}

/**
 * The last part of a path: its open `folder`, its `name`, and `at`, a path to it with no link that could be swapped.
 */
export type HeldPath = { folder: number; name: string; at: string };

const trees = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
let opened: number[] = [];

/** Walks to a path's last part, which need not exist. A relative path is in the first tree. Throws Refusal. */
export function walk(path: string, how: Walk = {}): HeldPath {
  const { rest, root } = treeOf(path);
  const top = keep(fs.openSync(root, openPath | O_DIRECTORY));
  const trip: Trip = { path, root, folders: [top], todo: partsOf(rest), links: 0 };
  for (let part = trip.todo.pop(); part !== undefined; part = trip.todo.pop()) {
    const arrived = part === '..' ? goUp(trip) : goOn(trip, placeIn(trip, part), how);
    if (arrived !== null) return arrived;
  }
  return placeIn(trip, '.');
}

export type Walk = { makeFolders?: boolean; followLast?: boolean };
/** `folders` are open descriptors, the tree's top first; `todo` is the rest of the path, the next part last. */
type Trip = { path: string; root: string; folders: number[]; todo: string[]; links: number };

function placeIn({ folders }: Trip, name: string): HeldPath {
  const folder = folders.at(-1) as number;
  return { folder, name, at: `/proc/self/fd/${folder}/${name}` };
}

function goUp(trip: Trip): null {
  if (trip.folders.length === 1) throw new Refusal(`${trip.path} leaves the tree`);
  trip.folders.pop();
  return null;
}

function goOn(trip: Trip, place: HeldPath, how: Walk): HeldPath | null {
  const last = trip.todo.length === 0;
  const status = fs.lstatSync(place.at, { throwIfNoEntry: false });
  if (status?.isSymbolicLink() && !(last && how.followLast === false)) {
    followLink(trip, place.at);
    return null;
  }
  if (last) return place;
  if (status === undefined && how.makeFolders === true) fs.mkdirSync(place.at);
  trip.folders.push(folderIn(place.folder, place.name));
  return null;
}

function followLink(trip: Trip, at: string): void {
  trip.links += 1;
  if (trip.links > linksMax) throw new Refusal(`${trip.path}: too many links`);
  const target = fs.readlinkSync(at);
  const { root } = trip;
  if (!target.startsWith('/')) return void trip.todo.push(...partsOf(target));
  if (target !== root && !target.startsWith(`${root}/`)) {
    throw new Refusal(`${trip.path} is a link out of the tree, to ${target}`);
  }
  trip.folders.length = 1;
  trip.todo.push(...partsOf(target.slice(root.length)));
}

function treeOf(path: string): { root: string; rest: string } {
  if (path.includes('\0') || Buffer.byteLength(path) > pathBytesMax) throw new Refusal('that is not a path');
  if (!path.startsWith('/')) return { root: Object.values(trees)[0] ?? '', rest: path };
  const tree = Object.keys(trees).find((name) => path === name || path.startsWith(`${name}/`));
  if (tree === undefined) throw new Refusal(`${path} is not in ${Object.keys(trees).join(' or ')}`);
  return { root: trees[tree] ?? '', rest: path.slice(tree.length) };
}

/** The parts of a path, the last one first, ready to be popped. */
function partsOf(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reverse();
}

export function folderIn(folder: number, name: string): number {
  return keep(fs.openSync(`/proc/self/fd/${folder}/${name}`, openPath | O_DIRECTORY | O_NOFOLLOW));
}

/** Opens the folder at `path`; with `make`, makes it and its parents if missing. */
export function openFolder(path: string, make: boolean): number {
  const { folder, name, at } = walk(path, { makeFolders: make });
  if (name === '.') return folder;
  if (make && fs.lstatSync(at, { throwIfNoEntry: false }) === undefined) fs.mkdirSync(at);
  return folderIn(folder, name);
}

/** Closes every descriptor opened for one request. */
export function closeAll(): void {
  for (const fd of opened) fs.closeSync(fd);
  opened = [];
}

export function keep(fd: number): number {
  opened.push(fd);
  return fd;
}

export function kindOf(status: fs.Stats): string {
  if (status.isFile()) return 'a file';
  if (status.isDirectory()) return 'a folder';
  if (status.isSymbolicLink()) return 'a link';
  if (status.isFIFO()) return 'a fifo';
  return status.isSocket() ? 'a socket' : 'a device';
}
