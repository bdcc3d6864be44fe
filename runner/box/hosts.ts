// Decides which hosts a granted list allows, and at which address. Pure except for the name resolver that it is passed.

import net from 'node:net';
import { RunnerError } from './errors.ts';

export type HostPort = { host: string; port: number };
const defaultPorts = [80, 443];

/**
 * Parses a grant: `host`, `host:port` or `[v6]:port`; a host alone means ports 80 and 443. Throws RunnerError
 * `bad-request` for anything else.
 */
export function parseHost(text: string): HostPort[] {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  const host = plainHost(parts?.[1] ?? '');
  const ports = parts?.[2] === undefined ? defaultPorts : [Number(parts[2])];
  if (host === '' || ports.some((port) => port < 1 || port > 65535)) {
    throw new RunnerError('bad-request', `${JSON.stringify(text)} is not a host: write "host" or "host:port"`);
  }
  return ports.map((port) => ({ host, port }));
}

/**
 * Chooses the address to connect to, or says why there is none and what would help. A granted name does not allow an
 * internal address (`localhost` apart): the address itself must be granted.
 */
export async function chooseAddress(
  target: HostPort,
  granted: ReadonlySet<string>,
  resolve: (host: string) => Promise<string[]>,
): Promise<{ address: string } | { denied: string }> {
  if (!granted.has(hostPortName(target)))
    return { denied: `${hostPortName(target)} is not among the hosts granted to this command` };
  if (net.isIP(target.host) !== 0) return { address: target.host };
  const addresses = await resolve(target.host);
  const byName = target.host === 'localhost';
  const allowed = addresses.find((address) => {
    if (!isInternal(address) || granted.has(hostPortName({ host: address, port: target.port }))) return true;
    return byName && (address === '127.0.0.1' || address === '::1');
  });
  if (allowed !== undefined) return { address: allowed };
  const list = addresses.join(', ') || 'nothing';
  return {
    denied: `${hostPortName(target)} resolves to ${list}, inside this machine's networks: grant the address itself`,
  };
}

/** True for addresses outside the public internet: this machine, private networks, metadata services, multicast. */
export function isInternal(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isInternal(mapped);
  const family = net.isIP(address);
  return family === 0 || internal.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

const internal = new net.BlockList();
const internalV4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/3';
const internalV6 =
  '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8';
for (const [text, family] of [
  [internalV4, 'ipv4'],
  [internalV6, 'ipv6'],
] as const) {
  for (const [start = '', bits = ''] of text.split(' ').map((range) => range.split('/'))) {
    internal.addSubnet(start, Number(bits), family);
  }
}

/** The host in lower case, without brackets or a final dot. */
export function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

export function hostPortName({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
