// A way from here to a port of a container, whatever networks it has: straight to its address on the bridge that Swarm gives
// every container with an outward network; where it has none (an internal network, a listener on its own loopback), from inside
// its network by a relay in its namespace.

import { spawn } from 'node:child_process';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { z } from 'zod';
import { RunnerError } from '../errors.ts';
import type { Docker } from './docker.ts';

const connectMs = 5000;

const Bridge = z.object({ Containers: z.record(z.string(), z.object({ IPv4Address: z.string() })).nullish() });
const Inspected = z.object({ State: z.object({ Pid: z.number() }) });

/** `container`: its full id. Rejects with RunnerError `box` where nothing listens. */
export async function connectTo(docker: Docker, container: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const address = await bridgeAddress(docker, container, signal);
  const direct = address === null ? null : await dialed(address, port);
  if (direct) return direct;
  return relayed(docker, container, port, signal);
}

async function bridgeAddress(docker: Docker, container: string, signal: AbortSignal): Promise<string | null> {
  const look = () => docker.api.getNetwork('docker_gwbridge').inspect();
  const { Containers } = Bridge.parse(await docker.ask('look at its bridge', look, signal));
  return Containers?.[container]?.IPv4Address.split('/')[0] ?? null;
}

/** Null where it is refused, unreachable or silent. */
function dialed(host: string, port: number): Promise<net.Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const give = (found: net.Socket | null) => {
      socket.removeAllListeners();
      socket.setTimeout(0);
      if (found === null) socket.destroy();
      resolve(found);
    };
    socket.setTimeout(connectMs, () => give(null));
    socket.once('error', () => give(null));
    socket.once('connect', () => give(socket));
  });
}

async function relayed(docker: Docker, container: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const look = () => docker.api.getContainer(container).inspect();
  const { State } = Inspected.parse(await docker.ask('look at a container', look, signal));
  const args = ['-t', `${State.Pid}`, '-n', 'socat', '-', `TCP:127.0.0.1:${port},connect-timeout=5`];
  const child = spawn('nsenter', args, { env: { PATH: '/usr/bin:/bin' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  stream.on('close', () => child.kill('SIGKILL'));
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', () => reject(new RunnerError('box', 'nsenter or socat is missing')));
    child.once('exit', () => reject(new RunnerError('box', `port ${port}: ${said.join('').split(' ').slice(-3).join(' ').trim() || 'closed'}`)));
  });
  failed.catch(() => undefined);
  // socat says nothing once it is through; what refuses it does so at once.
  await Promise.race([failed, new Promise((done) => setTimeout(done, settleMs))]);
  return stream;
}

const settleMs = 150;
