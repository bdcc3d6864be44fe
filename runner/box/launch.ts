// Starts one box: sets up its proxy, cgroup and mounts, builds its command line and passes its descriptors. bwrap gets
// an empty environment, because its environment stays readable in the box, at /proc/1/environ.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { watchBox } from './box.ts';
import { shedding } from './descriptors.ts';
import { RunnerError } from './errors.ts';
import { kitPath } from './etc.ts';
import { checkSource, realOf } from './grant.ts';
import { parseHost } from './hosts.ts';
import { type Cgroup, type CgroupPlace, limitWords, makeCgroup } from './limits.ts';
import type { Binaries } from './machine.ts';
import { checkTarget, netFolder, nodeFolder, type Protection, profileArgs, toolMounts } from './profile.ts';
import { type BoxProxy, boxPort, openProxy, proxyEnv, socketName } from './proxy.ts';
import type { BoxCommand, BoxOwner, BoxRole, Mount, RunningBox } from './sandbox.ts';
import { makeScratch } from './scratch.ts';
import { type StagedBox, stage } from './staging.ts';

/** What all boxes of a sandbox share. */
export type Setting = {
  stateDir: string;
  etc: string;
  /** Path of the system-call filter. */
  seccomp: string;
  binaries: Binaries;
  system: Record<string, string | null>;
  cgroups: CgroupPlace | null;
  /** Descriptors that this process inherited and that are closed on the way into a box. */
  shed: number[];
  /** Null if boxes run as this process's own user. */
  uids: Record<BoxRole, number> | null;
  without: ReadonlySet<Protection>;
};

const statusFd = 3;
const startedFd = 4;
const seccompFd = 5;
const tableFd = 6;
const leakFd = 7;

/** Numbers of the descriptors that a box is given; an inherited descriptor with such a number is replaced. */
export function ownDescriptors(uid: 'own' | 'shared'): number[] {
  return uid === 'own' ? [statusFd, startedFd, seccompFd, tableFd] : [statusFd, startedFd, seccompFd];
}

/** See `Sandbox.start`. */
export async function launchBox(
  setting: Setting,
  command: BoxCommand,
  owner: BoxOwner | null,
  signal: AbortSignal,
): Promise<RunningBox> {
  const problem = problemOf(command);
  if (problem !== null) throw new RunnerError('bad-request', problem);
  const around = await surround(setting, command);
  try {
    const child = spawnBox(setting, command, owner, around);
    const [stdin, stdout, stderr, status, started] = child.stdio as [Writable, Readable, Readable, Readable, Readable];
    const { seconds } = command.limits;
    return watchBox({ child, stdin, stdout, stderr, status, started, seconds, ...around }, signal);
  } catch (error) {
    await around.release();
    throw error;
  }
}

/** The folder of node in a box: a node under /usr is in every box, any other is mounted in the boxes that need it. */
export function nodeFolderInside(): string {
  const folder = dirname(process.execPath);
  return folder.startsWith('/usr/') ? folder : nodeFolder;
}

type Around = {
  cgroup: Cgroup | null;
  extra: Mount[];
  denials(): string[];
  outOfMemory(): boolean;
  release(): Promise<void>;
};

async function surround(setting: Setting, command: BoxCommand): Promise<Around> {
  const id = randomBytes(6).toString('hex');
  const { hosts } = command;
  const proxy = hosts.length > 0 ? await openProxy({ dir: makeScratch(setting.stateDir, 'net'), hosts }) : null;
  const cgroup = makeCgroup(setting.cgroups, id, command.limits);
  return {
    cgroup,
    extra: [...(proxy !== null || command.kit ? nodeMount() : []), ...netMount(proxy)],
    denials: () => proxy?.denials() ?? [],
    outOfMemory: () => cgroup?.outOfMemory() ?? false,
    release: async () => {
      cgroup?.remove();
      await proxy?.close();
    },
  };
}

function nodeMount(): Mount[] {
  const source = dirname(process.execPath);
  return nodeFolderInside() === source ? [] : [{ source, target: nodeFolder, mode: 'ro' }];
}

function netMount(proxy: BoxProxy | null): Mount[] {
  return proxy === null ? [] : [{ source: proxy.dir, target: netFolder, mode: 'ro' }];
}

function spawnBox(setting: Setting, command: BoxCommand, owner: BoxOwner | null, around: Around): ChildProcess {
  const { without, binaries } = setting;
  const staged = stageFor(setting, command, owner, around);
  const seccomp = openSync(setting.seccomp, 'r');
  try {
    const [program = '', ...args] = [...staged.prefix, binaries.bwrap, ...bwrapArgs(setting, command, staged, around)];
    const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', seccomp, staged.table ?? 'ignore'];
    if (without.has('fds')) stdio[leakFd] = seccomp;
    const env = without.has('env') ? { SECRET: 'of the supervisor' } : {};
    const child = spawn(program, args, { env, stdio, cwd: '/' });
    if (child.stdio !== undefined) return child;
    throw new RunnerError('io', 'no box can be started: too many open files or processes on this machine');
  } finally {
    closeSync(seccomp);
    staged.close();
  }
}

function stageFor(setting: Setting, command: BoxCommand, owner: BoxOwner | null, around: Around): StagedBox {
  const { stateDir, binaries, shed, without } = setting;
  if (owner === null) return { at: (source) => source, prefix: shedding(binaries, shed), table: null, close: () => {} };
  const mounts = [...around.extra, ...command.mounts].map((mount) => mount.source);
  const sources = [...new Set([setting.etc, ...command.tools.map((tool) => tool.path), ...mounts])];
  const user = without.has('uid') ? { uid: 0, gid: 0 } : owner;
  const procs = around.cgroup?.procs ?? [];
  return stage({ sources, owner: user, procs, stateDir, fd: tableFd, shed, binaries });
}

function bwrapArgs(setting: Setting, command: BoxCommand, { at }: StagedBox, { extra }: Around): string[] {
  const { etc, system, without } = setting;
  const net = command.hosts.length > 0;
  const fds = { status: statusFd, seccomp: seccompFd };
  const path = command.tools.map((tool) => binOf(tool.path));
  const env = { ...(net ? proxyEnv(command.hosts) : {}), ...command.env };
  return [
    ...profileArgs({ command, etc, system, without, extra, path, env, at, fds }),
    '/bin/sh',
    '-c',
    starter(command),
    'sh',
    command.workdir,
    ...(net ? forwarder() : []),
    ...command.argv,
  ];
}

/**
 * Shell text that reports that the command is about to run (or exits if the supervisor is gone), sets the limits and
 * executes the command.
 */
function starter({ limits }: BoxCommand): string {
  return `printf . >&${startedFd} || exit 99; exec ${startedFd}>&-; cd -- "$1" || exit 126; shift
{ ${limitWords(limits)}; } 2>/dev/null; exec "$@"`;
}

function forwarder(): string[] {
  return [join(nodeFolderInside(), 'node'), kitPath('net'), `${netFolder}/${socketName}`, String(boxPort), '--'];
}

function binOf(path: string): string {
  const bin = join(path, 'bin');
  return realOf(bin) === null ? path : bin;
}

function problemOf(command: BoxCommand): string | null {
  const texts = [...command.argv, command.workdir, ...Object.entries(command.env).flat()];
  if (command.argv.length === 0) return 'a box needs a command';
  if (texts.some((text) => text.includes('\0'))) return 'a command, folder or variable contains a NUL byte';
  const name = Object.keys(command.env).find((each) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(each));
  if (name !== undefined) return `${JSON.stringify(name)} is not a variable name`;
  command.hosts.forEach(parseHost);
  const sources = [...command.tools.map((tool) => tool.path), ...command.mounts.map((mount) => mount.source)];
  const tools = toolMounts(command);
  const targets = [
    ...command.mounts.map((mount) => checkTarget(mount, [...command.mounts, ...tools])),
    ...tools.map((tool) => checkTarget(tool, command.mounts)),
  ];
  return sources.map(checkSource).find((each) => each !== null) ?? targets.find((each) => each !== null) ?? null;
}
