// Whether this machine's Docker can run apps, for `doctor` and for the check before a run. Changes nothing.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { RunnerError } from '../../box/errors.ts';
import { findProgram } from '../../box/machine.ts';
import { openDocker, socketDefault } from './docker.ts';

export type DockerReport =
  | {
      ok: true;
      api: string;
      swarm: true;
      /** Whether the kernel has IPVS; without it, virtual IPs look healthy but lead nowhere. */
      ipvs: boolean;
    }
  | { ok: false; why: string; mend: string };

const answerMs = 10_000;
export const programFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];
const initLine = 'docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1:2377';
const startLine = 'start it: systemctl start docker (or run dockerd as root)';

export async function dockerReport(socket: string = socketDefault): Promise<DockerReport> {
  if (systemProgram('docker') === null)
    return no('there is no docker command', 'apt-get install docker.io iptables, or put docker into /usr/local/bin');
  const fault = socketFault(socket);
  if (fault !== null) return fault;
  const docker = openDocker(socket, { callMs: answerMs });
  try {
    const [version, info] = await Promise.all([docker.version(), docker.info() as Promise<Info>]);
    return swarmFault(info) ?? { ok: true, api: version.ApiVersion, swarm: true, ipvs: hasIpvs() };
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error;
    return no(`the Docker engine at ${socket} does not answer (${error.message})`, startLine);
  }
}

/** The program's absolute path, from the system's usual folders; null if missing. */
export function systemProgram(name: string): string | null {
  return findProgram(name, programFolders);
}

function hasIpvs(): boolean {
  return existsSync('/proc/net/ip_vs');
}

type Info = { Swarm?: { LocalNodeState?: string; ControlAvailable?: boolean } };

function swarmFault({ Swarm }: Info): DockerReport | null {
  const state = Swarm?.LocalNodeState ?? 'inactive';
  if (state === 'locked') return no('the swarm of the Docker engine is locked', 'docker swarm unlock');
  if (state !== 'active') return no(`no swarm is active on the Docker engine (${state})`, initLine);
  if (Swarm?.ControlAvailable) return null;
  return no(
    'the Docker engine is a worker of its swarm, and apps are deployed on a manager',
    'docker node promote NODE',
  );
}

function socketFault(socket: string): DockerReport | null {
  const stats = statSync(socket, { throwIfNoEntry: false });
  if (stats === undefined) return no(`no Docker engine listens at ${socket}`, startLine);
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return no(`you may not use ${socket}`, 'run as root, or join its group: usermod -aG docker "$USER"');
  }
}

function no(why: string, mend: string): DockerReport {
  return { ok: false, why, mend };
}
