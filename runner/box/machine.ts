// What this machine offers: the programs that start a box, by absolute path, and the layout of its top-level system
// folders.

import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

const binaryNames = ['bwrap', 'unshare', 'mount', 'setpriv', 'sh', 'bash', 'chown'] as const;
/** Programs that a supervisor without root needs. */
const unprivilegedNames = ['bwrap', 'sh', 'bash'] as const;
const systemFolders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

export type Binaries = Record<(typeof binaryNames)[number], string>;

/** The absolute path of each program; `missing` lists, in words, those that this supervisor needs and cannot find. */
export function findBinaries(uid: 'own' | 'shared'): { binaries: Binaries; missing: string[] } {
  const places = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  const binaries = Object.fromEntries(binaryNames.map((name) => [name, findProgram(name, places) ?? ''])) as Binaries;
  const missing = (uid === 'own' ? binaryNames : unprivilegedNames).filter((name) => binaries[name] === '');
  return {
    binaries,
    missing: missing.map((name) => `${name} is not installed: ${remedies[name] ?? 'install util-linux'}`),
  };
}

/** Each top-level system folder that exists, with the target of a link (`usr/bin`) or null for a real folder. */
export function systemLinks(): Record<string, string | null> {
  const present = systemFolders.filter((dir) => lstatSync(dir, { throwIfNoEntry: false }) !== undefined);
  return Object.fromEntries(present.map((dir) => [dir, lstatSync(dir).isSymbolicLink() ? readlinkSync(dir) : null]));
}

const remedies: Record<string, string> = {
  bwrap: 'sudo apt install bubblewrap (same name in dnf and pacman)',
  bash: 'sudo apt install bash',
  sh: 'install a POSIX shell at /bin/sh',
  chown: 'install coreutils',
};

/** The absolute path of the first program of that name in these folders; null if there is none. */
export function findProgram(name: string, folders: readonly string[]): string | null {
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
