// What this machine has: the programs that start a box, by absolute path, and the shape of its top-level system folders.

import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const binaryNames = ['bwrap', 'unshare', 'mount', 'setpriv', 'sh', 'bash', 'chown'] as const;
/** What a supervisor that is not root needs of them. */
const unprivilegedNames = ['bwrap', 'sh', 'bash'] as const;
const systemFolders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

export type Binaries = Record<(typeof binaryNames)[number], string>;

/** Where each program lies; `missing` says in words what this supervisor needs and does not find. */
export function findBinaries(uid: 'own' | 'shared'): { found: Binaries; missing: string[] } {
  const places = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  const find = (name: string): string | undefined => places.map((dir) => join(dir, name)).find(isProgram);
  const found = Object.fromEntries(binaryNames.map((name) => [name, find(name) ?? ''])) as Binaries;
  const missing = (uid === 'own' ? binaryNames : unprivilegedNames).filter((name) => found[name] === '');
  return {
    found,
    missing: missing.map((name) => `${name} is not installed: ${remedies[name] ?? 'install util-linux'}`),
  };
}

/** Each top-level folder that is there: the text of its link (`usr/bin`), or null for a real folder. */
export function systemLinks(): Record<string, string | null> {
  const present = systemFolders.filter((dir) => lstatSync(dir, { throwIfNoEntry: false }) !== undefined);
  return Object.fromEntries(present.map((dir) => [dir, lstatSync(dir).isSymbolicLink() ? readlinkSync(dir) : null]));
}

const remedies: Record<string, string> = {
  bwrap: 'sudo apt install bubblewrap (dnf, pacman: the same name)',
  bash: 'sudo apt install bash',
  sh: 'a POSIX shell is needed at /bin/sh',
  chown: 'install coreutils',
};

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
