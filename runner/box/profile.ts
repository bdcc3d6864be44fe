// The sandbox profile as bubblewrap's arguments. Pure: computed from the command and where its folders are. A box
// contains only what a line here puts in it: system programs read-only, our own /etc, sized scratch space, the
// command's mounts.

import { posix } from 'node:path';
import { boxUser } from './etc.ts';
import type { BoxCommand, Mount } from './sandbox.ts';

const mebibyte = 1024 * 1024;
const sharedMemoryMb = 64;
const runMb = 16;
const scratchMbMax = 1024;
/** The profile's own folders: no mount may cover one or lie inside one. */
const ownFolders = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/proc',
  '/dev',
  '/sys',
  '/run',
];

/** Where a box has our node and the proxy's socket, if its command needs them. */
export const nodeFolder = '/run/coldpass/node';
export const netFolder = '/run/coldpass/net';

/** Protections that only tests can leave out, one at a time, to check that the self-test notices. */
export type Protection = 'uid' | 'env' | 'fds' | 'root' | 'dev' | 'net' | 'pid' | 'seccomp' | 'proc-sys' | 'session';

export type ProfileParts = {
  command: BoxCommand;
  etc: string;
  /** The host's top-level system folders: a link's target (`usr/bin`), or null for a real folder to mount. */
  system: Record<string, string | null>;
  /** Mounted read-only in addition to the command's own mounts. */
  extra: Mount[];
  path: string[];
  env: Record<string, string>;
  /** Where bubblewrap finds a source: the source itself, or its staged path (staging.ts). */
  at(source: string): string;
  fds: { status: number; seccomp: number };
  without: ReadonlySet<Protection>;
};

/** Arguments up to and including `--`; the command follows. */
export function profileArgs(parts: ProfileParts): string[] {
  const { command, without } = parts;
  return [
    '--unshare-user',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    ...(without.has('pid') ? [] : ['--unshare-pid']),
    ...(without.has('net') ? [] : ['--unshare-net']),
    ...(without.has('session') ? [] : ['--new-session']),
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    '--hostname',
    'box',
    '--uid',
    String(boxUser.uid),
    '--gid',
    String(boxUser.gid),
    ...systemArgs(parts),
    '--proc',
    '/proc',
    ...(without.has('proc-sys') ? [] : ['--ro-bind', '/proc/sys', '/proc/sys']),
    '--dev',
    '/dev',
    ...scratch('/dev/shm', sharedMemoryMb),
    ...(without.has('dev') ? [] : ['--remount-ro', '/dev']),
    ...scratch('/tmp', Math.min(command.limits.diskMb, scratchMbMax)),
    ...scratch('/run', runMb),
    ...scratch(boxUser.home, Math.min(command.limits.diskMb, scratchMbMax)),
    ...mountArgs(parts),
    ...(without.has('root') ? [] : ['--remount-ro', '/']),
    ...envArgs(parts),
    '--json-status-fd',
    String(parts.fds.status),
    ...(without.has('seccomp') ? [] : ['--seccomp', String(parts.fds.seccomp)]),
    '--',
  ];
}

/** The command's tool folders as mounts, except those under /usr, which every box has. */
export function toolMounts({ tools }: BoxCommand): Mount[] {
  return tools
    .filter(({ path }) => path !== '/usr' && !path.startsWith('/usr/'))
    .map(({ path }) => ({ source: path, target: path, mode: 'ro' }));
}

/** Null, or why a box may not have this mount alongside the others. */
export function checkTarget(mount: Mount, others: Mount[]): string | null {
  const { target } = mount;
  if (!target.startsWith('/') || posix.normalize(target) !== target || target.endsWith('/')) {
    return `mount target ${target} must be an absolute, normalized path`;
  }
  const own = ownFolders.find((dir) => target === dir || target.startsWith(`${dir}/`));
  if (own !== undefined) return `mount target ${target} is inside ${own}, which belongs to the profile`;
  // For a target inside another mount, bubblewrap would make a folder there, through any link that boxed code left.
  const around = others.find((other) => other !== mount && `${target}/`.startsWith(`${other.target}/`));
  return around === undefined ? null : `mount target ${target} is inside the mount ${around.target}`;
}

function systemArgs({ system, etc, at }: ProfileParts): string[] {
  const links = Object.entries(system).flatMap(([dir, link]) =>
    link === null ? ['--ro-bind', dir, dir] : ['--symlink', link, dir],
  );
  const short = ['--symlink', '../tmp', '/var/tmp', '--symlink', '../run', '/var/run'];
  return ['--ro-bind', '/usr', '/usr', ...links, ...short, '--ro-bind', at(etc), '/etc'];
}

function scratch(dir: string, mb: number): string[] {
  return ['--perms', '1777', '--size', String(mb * mebibyte), '--tmpfs', dir];
}

function mountArgs({ command, extra, at }: ProfileParts): string[] {
  return [...toolMounts(command), ...extra, ...command.mounts].flatMap((mount) => [
    mount.mode === 'rw' ? '--bind' : '--ro-bind',
    at(mount.source),
    mount.target,
  ]);
}

function envArgs({ env, path }: ProfileParts): string[] {
  const base = {
    PATH: [...path, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
    HOME: boxUser.home,
    USER: boxUser.name,
    LOGNAME: boxUser.name,
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
  };
  return ['--clearenv', ...Object.entries({ ...base, ...env }).flatMap(([name, value]) => ['--setenv', name, value])];
}
