// The one Docker engine that runs are made on, by its socket. Every call has a deadline: an engine that stands still must not
// hold a run for ever. `docker stack deploy` is a notion of the command line, so that alone goes through the docker program.

import { accessSync, constants } from 'node:fs';
import Dockerode from 'dockerode';
import { execa } from 'execa';
import { z } from 'zod';
import { engineFault } from './engineFault.ts';

export const callMs = 30_000;
const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const saidCharsMax = 600;

export type Docker = {
  api: Dockerode;
  socket: string;
  /** One call with a deadline, which also ends where `signal` aborts. Rejects with RunnerError, or the signal's own reason. */
  ask<T>(what: string, call: (abortSignal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>;
};

export type DockerReport = { ok: true; api: string; swarm: true; ipvs: boolean } | { ok: false; why: string; mend: string };

/** `socket`: an absolute path. Nothing is asked of the engine yet. */
export function openDocker(socket: string): Docker {
  const api = new Dockerode({ socketPath: socket });
  return {
    api,
    socket,
    async ask(what, call, signal) {
      const deadline = AbortSignal.timeout(callMs);
      try {
        return await call(signal ? AbortSignal.any([signal, deadline]) : deadline);
      } catch (error) {
        signal?.throwIfAborted();
        throw engineFault(what, deadline.aborted ? new Error(`it did not answer within ${callMs / 1000} s`) : error);
      }
    },
  };
}

/** Whether apps can be run on this engine, and what to do where not. Never rejects. */
export async function dockerReport(socket: string): Promise<DockerReport> {
  const place = placeFault(socket);
  if (place) return place;
  const docker = openDocker(socket);
  try {
    const info = Info.parse(await docker.ask('tell about itself', () => docker.api.info()));
    const version = Version.parse(await docker.ask('tell its version', () => docker.api.version()));
    if (info.Swarm.LocalNodeState !== 'active')
      return no('Docker is no swarm', 'docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1:2377');
    if (!info.Swarm.ControlAvailable) return no('this node is no manager of its swarm', 'run on a manager');
    if (!(await hasProgram())) return no('the docker command is missing', 'sudo apt-get install docker.io');
    return { ok: true, api: version.ApiVersion, swarm: true, ipvs: isThere('/proc/net/ip_vs') };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return no(`Docker does not answer at ${socket} (${said.slice(0, 200)})`, 'start it: sudo systemctl start docker');
  }
}

/** The docker program to its end, against this engine, from an empty environment; it dies with this process. */
export async function dockerProgram(
  { socket }: Docker,
  args: string[],
  { input, seconds, signal }: { input: string; seconds: number; signal: AbortSignal },
): Promise<{ exit: number | null; said: string }> {
  // A program that outlived us would go on making things that nobody takes down.
  const [program, ...before] = (await hasSetpriv()) ? ['setpriv', '--pdeathsig', 'KILL', 'docker'] : ['docker'];
  const { exitCode, all } = await execa(program as string, [...before, ...args], {
    ...{ input, all: true, reject: false, timeout: seconds * 1000, cancelSignal: signal, killSignal: 'SIGKILL' },
    ...{ cwd: '/', extendEnv: false, env: { PATH: programPath, DOCKER_HOST: `unix://${socket}`, HOME: '/nonexistent' } },
    maxBuffer: 1024 * 1024,
  });
  return { exit: exitCode ?? null, said: (all ?? '').replace(/\s+/g, ' ').trim().slice(0, saidCharsMax) };
}

const Info = z.object({
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean().default(false) }),
});
const Version = z.object({ ApiVersion: z.string() });

function placeFault(socket: string): DockerReport | null {
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return no(`no Docker engine listens at ${socket}`, 'sudo apt-get install docker.io, then start it');
    return no(`${socket} may not be used (${code})`, 'sudo usermod -aG docker $USER, then log in again');
  }
}

function no(why: string, mend: string): DockerReport {
  return { ok: false, why, mend };
}

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

async function hasProgram(): Promise<boolean> {
  return (await tried('docker', ['--version'])) === 0;
}

let setpriv: Promise<boolean> | null = null;
function hasSetpriv(): Promise<boolean> {
  setpriv ??= tried('setpriv', ['--pdeathsig', 'KILL', 'true']).then((exit) => exit === 0);
  return setpriv;
}

async function tried(program: string, args: string[]): Promise<number | undefined> {
  const options = { reject: false, timeout: 10_000, stdin: 'ignore', extendEnv: false, env: { PATH: programPath } } as const;
  return (await execa(program, args, options)).exitCode;
}
