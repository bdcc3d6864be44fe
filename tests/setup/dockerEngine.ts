// The Docker engine for live tests. A running engine with an active swarm is used and left unchanged. If none answers
// and we may start one (root, dockerd installed), we do, with its own socket and folder and its swarm on 127.0.0.1
// only; after the tests we stop exactly that daemon and clean up its mounts. A machine can run only one engine at a
// time, since a second would take over the first one's bridge; so if the running engine has no swarm, we print a line
// and start none.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Docker, openDocker, socketDefault } from '../../runner/swarm/engine/docker.ts';
import { runLabel } from '../../runner/swarm/engine/place.ts';
import { labelValues } from '../../runner/swarm/stack/residue.ts';
import { witnessLabel } from '../../runner/swarm/stack/witness.ts';

const startMs = 60_000;
const stopMs = 40_000;
const lookEveryMs = 100;
const answerMs = 5_000;
/** Short, since sockets are in this folder and the path of a socket may have at most 107 characters. */
const prefix = 'coldpass-engine-';
const bridges = ['docker_gwbridge', 'docker0'];

/** The folder of the engine that this run of the suite starts, if it starts one. */
const ownDir = join(tmpdir(), `${prefix}${process.pid}`);

/** `socket` is null if there is no engine; `findEngine` then passed the reason to `say`. */
export type TestEngine = { socket: string | null; stop(): Promise<void> };

export async function findEngine(say: (line: string) => void): Promise<TestEngine> {
  const none: TestEngine = { socket: null, stop: async () => {} };
  const state = await swarmState(socketDefault);
  if (state === 'active') return { ...none, socket: socketDefault };
  if (state !== null) {
    say(`Docker at ${socketDefault} has no active swarm (${state}), so the tests on a Swarm are skipped.`);
    return none;
  }
  await sweepDead();
  if (process.getuid?.() !== 0 || spawnSync('dockerd', ['--version'], { stdio: 'ignore' }).status !== 0) {
    say('No Docker engine answers and none can be started, so the tests on a Swarm are skipped.');
    return none;
  }
  const other = engineDirs().find((dir) => existsSync(join(dir, 'docker.sock')));
  if (other !== undefined) {
    say(`Another run of the suite has its engine in ${other}, so the tests on a Swarm are skipped.`);
    return none;
  }
  return startEngine();
}

/**
 * What test runs left on the engine that this suite started. Ignores a shared engine, where others may run tests too.
 */
export async function leftOnEngine(): Promise<string[]> {
  const socket = join(ownDir, 'docker.sock');
  if ((await swarmState(socket)) === null) return [];
  const docker = openDocker(socket);
  const runs = [await labelValues(docker, runLabel), await labelValues(docker, witnessLabel)].flat();
  return [...new Set(runs)].map((run) => `objects of ${run} on the Docker engine`);
}

async function startEngine(): Promise<TestEngine> {
  const dir = ownDir;
  const socket = join(dir, 'docker.sock');
  const bridgesBefore = bridgesHere();
  mkdirSync(dir, { mode: 0o700 });
  const log = openSync(join(dir, 'log'), 'a');
  const places = ['data', 'exec'].flatMap((name) => [`--${name}-root`, join(dir, name)]);
  const args = ['--host', `unix://${socket}`, ...places, '--pidfile', join(dir, 'docker.pid')];
  // A new session, so that Ctrl-C during the tests reaches it only through `stop`.
  const daemon = spawn('dockerd', args, { stdio: ['ignore', log, log], detached: true, cwd: '/' });
  const stop = async (): Promise<void> => {
    await stopDaemon(daemon, socket);
    cleanUp(dir);
    for (const bridge of bridgesHere()) if (!bridgesBefore.includes(bridge)) runs('ip', 'link', 'delete', bridge);
  };
  try {
    await untilAnswers(daemon, socket, join(dir, 'log'));
    await initSwarm(openDocker(socket));
    return { socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilAnswers(daemon: ChildProcess, socket: string, log: string): Promise<void> {
  const untilMs = Date.now() + startMs;
  while ((await swarmState(socket)) === null) {
    const isDead = daemon.exitCode !== null || daemon.signalCode !== null;
    if (isDead || Date.now() > untilMs)
      throw new Error(`dockerd did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    await pause(lookEveryMs);
  }
}

/** Listens on one address: without `ListenAddr` a swarm listens on all addresses. */
async function initSwarm(docker: Docker): Promise<void> {
  await docker.swarmInit({ AdvertiseAddr: '127.0.0.1', ListenAddr: `127.0.0.1:${await freePort()}` });
}

/** Stops the daemon, which ends its containers; `cleanUp` unmounts the folders of any that survive. */
async function stopDaemon(daemon: ChildProcess, socket: string): Promise<void> {
  const isOver = (): boolean => daemon.exitCode !== null || daemon.signalCode !== null;
  if (isOver()) return;
  await openDocker(socket, { callMs: answerMs })
    .swarmLeave({ force: true })
    .catch(() => {});
  daemon.kill('SIGTERM');
  for (const untilMs = Date.now() + stopMs; !isOver() && Date.now() < untilMs; ) await pause(lookEveryMs);
  if (!isOver()) daemon.kill('SIGKILL');
}

/** Stops the daemons of suites that were killed. */
async function sweepDead(): Promise<void> {
  for (const dir of engineDirs()) {
    if (existsSync(`/proc/${dir.slice(dir.lastIndexOf('-') + 1)}`)) continue;
    const pid = daemonOf(dir);
    if (pid !== null) process.kill(pid, 'SIGTERM');
    for (const untilMs = Date.now() + stopMs; daemonOf(dir) !== null && Date.now() < untilMs; )
      await pause(lookEveryMs);
    cleanUp(dir);
  }
}

function engineDirs(): string[] {
  const names = readdirSync(tmpdir()).filter((name) => new RegExp(`^${prefix}\\d+$`).test(name));
  return names.map((name) => join(tmpdir(), name));
}

/** Null unless the pid in the file is a live daemon of this folder: pids are reused, and a zombie does not count. */
function daemonOf(dir: string): number | null {
  try {
    const pid = Number(readFileSync(join(dir, 'docker.pid'), 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(`unix://${dir}/docker.sock`) ? pid : null;
  } catch {
    return null;
  }
}

/**
 * Removes the daemon's folder. Network namespaces and image layers stay mounted in it, so unmounts the deepest first.
 */
function cleanUp(dir: string): void {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounts = lines.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${dir}/`));
  for (const mount of mounts.sort().reverse()) runs('umount', '-l', mount);
  rmSync(dir, { recursive: true, force: true });
}

/** The swarm state in `docker info`; null if no engine answers. */
async function swarmState(socket: string): Promise<string | null> {
  if (!existsSync(socket)) return null;
  try {
    const { Swarm } = await openDocker(socket, { callMs: answerMs }).info();
    if (Swarm?.LocalNodeState === 'active' && !Swarm.ControlAvailable) return 'a worker';
    return Swarm?.LocalNodeState ?? 'inactive';
  } catch {
    return null;
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer().once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function bridgesHere(): string[] {
  return readdirSync('/sys/class/net').filter((name) => bridges.includes(name));
}

function runs(program: string, ...args: string[]): void {
  spawnSync(program, args, { stdio: 'ignore' });
}
