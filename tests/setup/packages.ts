// The programs that each tier of tests uses, and their Debian packages. If root runs the suite on Debian, the missing
// ones are installed; anywhere else one line says what to install, and the suites that need them are skipped and
// listed.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { socketDefault } from '../../runner/swarm/engine/docker.ts';

/** A tier needs its own programs and those of the tiers before it. */
export type Tier = 'git' | 'boxed' | 'swarm';
const tiers: Tier[] = ['git', 'boxed', 'swarm'];

type Need = { tier: Tier; pack: string; there(): boolean };

const needs: Need[] = [
  { tier: 'git', pack: 'git', there: () => starts('git', '--version') },
  { tier: 'git', pack: 'openssh-client', there: () => starts('ssh-keygen', '-?') && starts('ssh-add', '-h') },
  { tier: 'git', pack: 'openssl', there: () => starts('openssl', 'version') },
  {
    tier: 'git',
    pack: 'util-linux',
    there: () => ['flock', 'setpriv', 'prlimit', 'unshare'].every((name) => starts(name, '-V')),
  },
  { tier: 'boxed', pack: 'bubblewrap', there: () => starts('bwrap', '--version') },
  { tier: 'boxed', pack: 'chromium', there: () => starts('chromium', '--version') },
  // The system's Python, even if the caller's PATH finds another, since a box has no other.
  {
    tier: 'boxed',
    pack: 'python3-pytest',
    there: () => succeeds('/usr/bin/python3', '-I', '-c', 'import pytest'),
  },
  { tier: 'swarm', pack: 'busybox-static', there: () => starts('busybox', 'true') },
  // If a Docker engine answers already, only the `docker` command is needed.
  {
    tier: 'swarm',
    pack: 'docker.io',
    there: () => starts('docker', '--version') && (hasEngine() || starts('dockerd', '--version')),
  },
  { tier: 'swarm', pack: 'iptables', there: () => hasEngine() || starts('iptables', '--version') },
  { tier: 'swarm', pack: 'mmdebstrap', there: () => starts('mmdebstrap', '--version') },
  { tier: 'swarm', pack: 'restic', there: () => starts('restic', 'version') },
  { tier: 'swarm', pack: 'zstd', there: () => starts('zstd', '--version') },
];

/** Installs what the tier lacks if allowed, else prints what to install; in CI it throws instead. */
export function installPackages(tier: Tier): void {
  const missing = missingPackages(tier);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    console.log(`installing from Debian: ${missing.join(' ')}`);
    // If the package lists cannot be updated, the old ones may still work.
    if (!isUpdated) apt('update');
    isUpdated = true;
    apt('install', '-y', '--no-install-recommends', ...missing);
  }
  const still = missingPackages(tier);
  if (still.length === 0) return;
  const line = `Some programs for the tests are missing. Type: sudo apt-get install ${still.join(' ')}`;
  if (process.env.CI === 'true') throw new Error(line);
  console.log(line);
}

let isUpdated = false;

function missingPackages(tier: Tier): string[] {
  const upTo = tiers.indexOf(tier);
  return needs.filter((need) => tiers.indexOf(need.tier) <= upTo && !need.there()).map((need) => need.pack);
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function starts(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).error === undefined;
}

/** A socket alone proves nothing, since a dead daemon leaves one. */
function hasEngine(): boolean {
  return succeeds('docker', '--host', `unix://${socketDefault}`, 'version');
}

function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
