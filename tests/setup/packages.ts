// The programs that tests use, and the Debian packages they come in. As root on Debian what is missing is installed; anywhere
// else it is said in one line, and the suites that need it are skipped by name.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { socketDefault } from '../../runner/swarm/docker.ts';

type Need = { pack: string; there(): boolean };

const needs: Need[] = [
  { pack: 'bubblewrap', there: () => starts('bwrap', '--version') },
  { pack: 'busybox-static', there: () => starts('busybox', 'true') },
  { pack: 'chromium', there: () => starts('chromium', '--version') },
  // Where an engine answers, the command is all that is needed of it.
  { pack: 'docker.io', there: () => starts('docker', '--version') && (hasEngine() || starts('dockerd', '--version')) },
  { pack: 'git', there: () => starts('git', '--version') },
  { pack: 'iptables', there: () => hasEngine() || starts('iptables', '--version') },
  { pack: 'mmdebstrap', there: () => starts('mmdebstrap', '--version') },
  { pack: 'openssh-client', there: () => starts('ssh-keygen', '-?') && starts('ssh-add', '-h') },
  { pack: 'openssl', there: () => starts('openssl', 'version') },
  // Of the system's own Python: a box has no other, whatever the caller's PATH leads to.
  { pack: 'python3-pytest', there: () => succeeds('/usr/bin/python3', '-I', '-c', 'import pytest') },
  { pack: 'restic', there: () => starts('restic', 'version') },
  { pack: 'util-linux', there: () => ['flock', 'setpriv', 'prlimit', 'unshare'].every((name) => starts(name, '-V')) },
  { pack: 'zstd', there: () => starts('zstd', '--version') },
];

/** Installs what is missing where it may; throws in CI where it cannot. `say` is given each line for people. */
export function installPackages({ isCi, say }: { isCi: boolean; say(line: string): void }): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const isOurs = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (isOurs) {
    say(`installing from Debian: ${missing.join(' ')}`);
    // Where the lists cannot be had anew, those of before may do.
    apt('update');
    apt('install', '-y', '--no-install-recommends', ...missing);
  }
  const still = missingPackages();
  if (still.length === 0) return;
  const line = `The tests need more than is here. Type: sudo apt-get install ${still.join(' ')}`;
  if (isCi) throw new Error(line);
  say(line);
}

function missingPackages(): string[] {
  return needs.filter((need) => !need.there()).map((need) => need.pack);
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function starts(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).error === undefined;
}

/** A socket that a dead daemon left is none. */
function hasEngine(): boolean {
  return succeeds('docker', '--host', `unix://${socketDefault}`, 'version');
}

function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
