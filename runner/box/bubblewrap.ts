// The real sandbox: bubblewrap with a fixed profile (profile.ts), never as root. If the supervisor is root, each role's
// boxes run as that role's own unprivileged user (staging.ts); otherwise all boxes run as the supervisor's user, which
// is recorded as `shared`. This file builds the sandbox, launch.ts starts its boxes, and box.ts watches each until it
// ends.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inheritable } from './descriptors.ts';
import { RunnerError } from './errors.ts';
import { kitPath, makeEtc } from './etc.ts';
import { launchBox, nodeFolderInside, ownDescriptors, type Setting } from './launch.ts';
import { findCgroups } from './limits.ts';
import { findBinaries, systemLinks } from './machine.ts';
import type { Protection } from './profile.ts';
import type { BoxCommand, BoxOwner, BoxRole, RunningBox, Sandbox, SelfTest } from './sandbox.ts';
import { makeScratch, sandboxDir, sweepScratch } from './scratch.ts';
import { filterArch, seccompFilter } from './seccomp.ts';
import { runSelfTest, unavailable } from './selftest.ts';

export type BubblewrapOptions = {
  /** The workspace's state folder; the sandbox keeps its files in `sandbox/` there. */
  stateDir: string;
  /** Host user (and group) id of each role, for a root supervisor; the ids need no entry in /etc/passwd. */
  uids?: Record<BoxRole, number>;
};

export const defaultUids: Record<BoxRole, number> = { builder: 61001, adversary: 61002, verify: 61003 };

type Result = { sandbox: Sandbox } | { missing: string[]; selfTest: SelfTest };

/**
 * Builds the sandbox without testing it (`openSandbox` does that), or returns what this machine lacks. `without` is for
 * tests only.
 */
export async function bubblewrap(
  options: BubblewrapOptions,
  without: ReadonlySet<Protection> = new Set(),
): Promise<Result> {
  const { stateDir } = options;
  const uid = process.getuid?.() === 0 ? 'own' : 'shared';
  const { binaries, missing } = findBinaries(uid);
  const arch = filterArch(process.arch);
  if (process.platform !== 'linux') missing.push('the sandbox needs Linux');
  else if (arch === null) missing.push(`there is no system-call filter for ${process.arch}: use x86-64 or arm64`);
  if (arch === null || missing.length > 0) return { missing, selfTest: unavailable(uid, missing.join('; ')) };

  sweepScratch(stateDir);
  const seccomp = keepFilter(stateDir, seccompFilter(arch));
  const uids = uid === 'own' ? (options.uids ?? defaultUids) : null;
  const shed = without.has('fds') ? [] : inheritable().filter((fd) => !ownDescriptors(uid).includes(fd));
  const sandbox = sandboxOf({
    stateDir,
    etc: makeEtc(stateDir),
    seccomp,
    binaries,
    system: systemLinks(),
    cgroups: findCgroups(),
    shed,
    uids,
    without,
  });
  return { sandbox };
}

/** Writes the filter's file atomically: another supervisor's box may be reading it. */
function keepFilter(stateDir: string, filter: Buffer): string {
  const path = join(sandboxDir(stateDir), 'seccomp.bpf');
  if (existsSync(path) && readFileSync(path).equals(filter)) return path;
  const draft = makeScratch(stateDir, 'draft');
  writeFileSync(join(draft, 'filter'), filter, { mode: 0o600 });
  renameSync(join(draft, 'filter'), path);
  rmSync(draft, { recursive: true });
  return path;
}

function sandboxOf(setting: Setting): Sandbox {
  const { uids, binaries } = setting;
  const running = new Set<RunningBox>();
  const owner = (role: BoxRole): BoxOwner | null => (uids === null ? null : { uid: uids[role], gid: uids[role] });

  async function start(command: BoxCommand, signal: AbortSignal): Promise<RunningBox> {
    const boxed = await launchBox(setting, command, owner(command.role), signal);
    running.add(boxed);
    void boxed.done.then(() => running.delete(boxed));
    return boxed;
  }
  async function give(role: BoxRole, dir: string): Promise<void> {
    const to = owner(role);
    if (to === null) return;
    const args = ['-h', '-R', '-P', '--', `${to.uid}:${to.gid}`, dir];
    const child = spawn(binaries.chown, args, { env: {}, stdio: 'ignore' });
    const exit = await new Promise((done) => child.once('exit', done).once('error', done));
    if (exit !== 0) throw new RunnerError('io', `cannot give ${dir} to user ${to.uid} (${role}): chown failed`);
  }
  async function close(): Promise<void> {
    await Promise.all([...running].map((boxed) => boxed.stop(0)));
  }

  const sandbox: Sandbox = {
    level: 'bubblewrap',
    uid: uids === null ? 'shared' : 'own',
    selfTest: () => runSelfTest(sandbox, setting.stateDir),
    start,
    owner,
    give,
    inside: (_mounts, path) => path,
    kit: { node: join(nodeFolderInside(), 'node'), files: kitPath('files') },
    close,
  };
  return sandbox;
}
