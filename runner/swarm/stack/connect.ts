// Connects to a port of a container, on whatever address it is open. Tries the container's address on docker_gwbridge
// first, which needs no published port. If nothing answers there (an internal network, a listener on loopback, another
// engine's bridge), connects from inside the container's network namespace. Never tries an address to which this
// machine has no bridge: the packet would leave by the default route, and whatever answered would not be the container.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BlockList, connect as dial, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, httpStatusOf } from '../engine/docker.ts';
import { programFolders, systemProgram } from '../engine/report.ts';

const bridge = 'docker_gwbridge';
const directMs = 2_000;
const insideMs = 10_000;
const statusFd = 3;

/** Rejects with an Error of code ECONNREFUSED if nothing listens, with RunnerError if the container is gone. */
export async function connectTo(docker: Docker, container: string, port: number): Promise<Duplex> {
  const [address, { pid, addresses }] = await Promise.all([
    bridgeAddress(docker, container),
    insides(docker, container),
  ]);
  const direct = address === null ? null : await tryDirect(address, port);
  const connection = direct ?? (await connectInside(pid, port, ['127.0.0.1', '::1', ...addresses]));
  // An error that the container causes (such as a reset) must not end this process for lack of a listener.
  return connection.on('error', () => {});
}

/** The container's address on docker_gwbridge; null if it has none, or none that this machine's bridge leads to. */
async function bridgeAddress(docker: Docker, container: string): Promise<string | null> {
  try {
    const { Containers } = await docker.getNetwork(bridge).inspect();
    const address = Containers?.[container]?.IPv4Address.split('/')[0];
    return address !== undefined && isOnBridge(address) ? address : null;
  } catch (error) {
    if (httpStatusOf(error) === 404) return null;
    throw error;
  }
}

function isOnBridge(address: string): boolean {
  const subnets = new BlockList();
  for (const { cidr, family } of networkInterfaces()[bridge] ?? []) {
    const [net, bits] = cidr?.split('/') ?? [];
    if (family === 'IPv4' && net !== undefined) subnets.addSubnet(net, Number(bits));
  }
  return subnets.check(address);
}

/** The host pid of the container's first process, and its addresses on all its networks. */
async function insides(docker: Docker, container: string): Promise<{ pid: number; addresses: string[] }> {
  const { State, NetworkSettings } = await docker.getContainer(container).inspect();
  if (!State.Running || State.Pid === 0)
    throw new RunnerError('no-container', `the container ${container.slice(0, 12)} is not running`);
  const addresses = Object.values(NetworkSettings.Networks).map((network) => network.IPAddress);
  return { pid: State.Pid, addresses: addresses.filter((address) => isIP(address) !== 0) };
}

/** Connects by the address; null if that is refused or not answered: connecting from inside may still work. */
async function tryDirect(host: string, port: number): Promise<Socket | null> {
  const socket = dial({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(directMs) });
    return socket;
  } catch {
    socket.destroy();
    return null;
  }
}

/**
 * A program that this same Node runs in the container's network: tries each address, reports on descriptor 3, then
 * pipes.
 */
const program = `
const net = require('node:net');
const fs = require('node:fs');
const [port, ...hosts] = process.argv.slice(1);
const next = () => {
  const host = hosts.shift();
  if (host === undefined) { fs.writeSync(${statusFd}, '-'); process.exit(1); }
  const socket = net.connect({ host, port: Number(port), allowHalfOpen: true });
  socket.once('error', next);
  socket.once('connect', () => {
    socket.removeListener('error', next);
    socket.on('error', () => process.exit(1));
    // Node never ends process.stdout.
    const out = new net.Socket({ fd: 1, readable: false, writable: true });
    out.on('error', () => process.exit(0));
    socket.on('close', () => out.end(() => process.exit(0)));
    fs.writeSync(${statusFd}, '+');
    fs.closeSync(${statusFd});
    process.stdin.pipe(socket).pipe(out);
  });
};
next();
`;

async function connectInside(pid: number, port: number, hosts: string[]): Promise<Duplex> {
  const nsenter = systemProgram('nsenter');
  if (nsenter === null) throw new RunnerError('engine', 'nsenter is not installed: install util-linux');
  const words = ['-t', String(pid), '-n', process.execPath, '-e', program, String(port), ...hosts];
  const env = { PATH: programFolders.join(':') };
  const child = spawn(nsenter, words, { env, cwd: '/', stdio: ['pipe', 'pipe', 'ignore', 'pipe'] });
  const [stdin, stdout, , status] = child.stdio as unknown as [Writable, Readable, null, Readable];
  const timer = setTimeout(() => child.kill('SIGKILL'), insideMs);
  stdin.on('error', () => {});
  const hasConnected = await firstByte(status, child);
  clearTimeout(timer);
  if (!hasConnected) {
    child.kill('SIGKILL');
    throw Object.assign(new Error(`nothing listens on port ${port} of the container`), { code: 'ECONNREFUSED' });
  }
  return joined(stdout, stdin, () => void child.kill('SIGKILL'));
}

/** Joins two streams. Not with `Duplex.from`, which emits an error when destroyed. */
function joined(readable: Readable, writable: Writable, end: () => void): Duplex {
  const duplex = new Duplex({
    read: () => void readable.resume(),
    write: (chunk, _, done) => void writable.write(chunk, done),
    final: (done) => void writable.end(done),
    destroy(error, done) {
      end();
      done(error);
    },
  });
  readable.on('data', (chunk) => {
    if (!duplex.push(chunk)) readable.pause();
  });
  readable.on('end', () => duplex.push(null));
  readable.on('error', (error) => duplex.destroy(error));
  return duplex;
}

async function firstByte(status: Readable, child: ReturnType<typeof spawn>): Promise<boolean> {
  const ended = once(child, 'close').then(() => null);
  const first = once(status, 'data').then(([bytes]: Buffer[]) => bytes?.toString() ?? null);
  return (await Promise.race([first, ended])) === '+';
}
