// How a root supervisor starts a box as an unprivileged user. That user cannot reach folders below a private parent
// (the state, /root/.pyenv), and bubblewrap resolves its sources, even descriptors, as that user. So one process, by a
// chain of exec, makes a private mount namespace, binds the sources where anyone can reach them, and only then drops
// root.

import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closings, shellThat } from './descriptors.ts';
import type { Binaries } from './machine.ts';
import type { BoxOwner } from './sandbox.ts';
import { makeScratch } from './scratch.ts';

/** Where the sources are bound. It is covered in the private namespace only, and a box needs nothing from /sys. */
const stageDir = '/sys';

export type StagedBox = {
  /** Where bubblewrap finds each source. */
  at(source: string): string;
  /** Words to put before bwrap's own command line. */
  prefix: string[];
  /** The mount table, which the child inherits as descriptor `fd`. Call `close` once the child is spawned. */
  table: number | null;
  close(): void;
};

/**
 * `fd`: the descriptor on which the launcher reads the mount table. `procs`: files of the cgroups to enter while still
 * root.
 */
export function stage(options: {
  sources: string[];
  owner: BoxOwner;
  procs: string[];
  stateDir: string;
  fd: number;
  /** Descriptors to close on the way. */
  shed: number[];
  binaries: Binaries;
}): StagedBox {
  const { sources, owner, procs, fd, shed, binaries } = options;
  const places = new Map(sources.map((source, index) => [source, `${stageDir}/${index}`]));
  const lines = [...places].map(([source, target]) => `${escapePath(source)} ${target} none bind,x-mount.mkdir 0 0`);
  const table = openTable(options.stateDir, ['stage /sys tmpfs size=1m,mode=755 0 0', ...lines]);
  return {
    at: (source) => places.get(source) ?? source,
    prefix: [
      binaries.unshare,
      '--mount',
      '--propagation',
      'slave',
      '--',
      ...shellThat(binaries, shed),
      launcher(shed, fd, binaries.mount),
      'sh',
      ...procs,
      '--',
      ...dropRoot(owner, binaries),
    ],
    table,
    close: () => closeSync(table),
  };
}

function dropRoot({ uid, gid }: BoxOwner, { setpriv }: Binaries): string[] {
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs', '--'];
}

/**
 * Shell text that enters the cgroups, mounts the sources and executes the rest. If it exits with 99 and bubblewrap
 * reported no status, the box could not be made.
 */
function launcher(shed: number[], fd: number, mount: string): string {
  return `${closings(shed)}while [ "$1" != -- ]; do echo 0 > "$1" || exit 99; shift; done; shift
${mount} -n -a -T /proc/self/fd/${fd} || exit 99
exec ${fd}<&-
exec "$@"`;
}

/** Opens a mount table for mount(8), which needs a regular file: one is written, opened and removed at once. */
function openTable(stateDir: string, lines: string[]): number {
  const dir = makeScratch(stateDir, 'mounts');
  try {
    writeFileSync(join(dir, 'table'), `${lines.join('\n')}\n`);
    return openSync(join(dir, 'table'), 'r');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function escapePath(path: string): string {
  return path.replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
