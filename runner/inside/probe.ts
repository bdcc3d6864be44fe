// Runs INSIDE a box, for the self-test: tries what must fail and writes one JSON line per check. Plain node, no
// dependencies. Attempts are chosen so that file permissions cannot hide a missing protection: on a read-only mount
// chmod returns EROFS for any caller, on a writable one it succeeds or returns EPERM.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';

const bait = JSON.parse(process.argv[2] ?? '{}') as {
  secret: string;
  socket: string;
  abstract: string;
  port: number;
  folders: string[];
};

/** Null if the check passes, else what was seen. */
type Attempt = () => string | null | Promise<string | null>;

const allowedDevices = 'console core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' ');
const shellVariables = ['PWD', 'OLDPWD', 'SHLVL', '_'];
const boxVariables = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TMPDIR'];
const connectMs = 1000;

const attempts: [name: string, attempt: Attempt][] = [
  ['/ is read-only', () => readOnly('/')],
  ['/usr is read-only', () => readOnly('/usr')],
  ['/etc is read-only', () => readOnly('/etc')],
  ['/dev is read-only', () => readOnly('/dev')],
  ['/proc/sys is read-only', () => readOnly('/proc/sys/kernel/core_pattern')],
  ['/proc/sysrq-trigger cannot be written', () => refusedBy(() => fs.openSync('/proc/sysrq-trigger', 'w'))],
  ['scratch space is bounded', scratchSizes],
  ["the supervisor's files are out of reach", () => refusedBy(() => fs.readFileSync(bait.secret))],
  ["the host's folders are out of reach", hostFolders],
  ['/etc/shadow is out of reach', () => refusedBy(() => fs.readFileSync('/etc/shadow'))],
  ['only harmless devices are there', devices],
  [
    'device nodes cannot be made',
    () => (spawnSync('mknod', ['/tmp/node', 'b', '8', '0']).status === 0 ? 'mknod made one' : null),
  ],
  ["the host's loopback is out of reach", () => connects({ host: '127.0.0.1', port: bait.port })],
  ['the metadata address is out of reach', () => connects({ host: '169.254.169.254', port: 80 })],
  ['there is no network card', cards],
  ["the supervisor's sockets are out of reach", () => connects({ path: bait.socket })],
  ['abstract sockets are out of reach', () => connects({ path: `\0${bait.abstract}` })],
  ['no environment but the given', environments],
  ['no descriptor is inherited', descriptors],
  ['there is no terminal', () => refusedBy(() => fs.openSync('/dev/tty', 'r+'))],
  ['the session is its own', () => (statField(5) === '0' ? 'session 0: led from outside' : null)],
  ['no set-user-id program works', () => mountsLacking('nosuid')],
  ['no new privileges', () => statusIs('NoNewPrivs', '1')],
  ['the system-call filter is on', () => statusIs('Seccomp', '2')],
  ['no capability is left', capabilities],
  ['limits are set', limits],
  ['the machine has another name', () => (os.hostname() === 'box' ? null : os.hostname())],
];

for (const [name, attempt] of attempts) {
  const saw = await Promise.resolve()
    .then(attempt)
    .catch((error: Error) => `the check itself failed: ${error.message}`);
  report({ name, saw });
}
report({
  namespaces: Object.fromEntries(
    fs.readdirSync('/proc/self/ns').map((name) => [name, fs.readlinkSync(`/proc/self/ns/${name}`)]),
  ),
});
const calls = spawnSync(new URL('syscalls', import.meta.url).pathname, { maxBuffer: 65536 });
report({ calls: calls.stdout?.toString('base64') ?? '' });
// A process that outlives this program and keeps nothing open: it must end with the box.
spawn('sh', ['-c', 'setsid sleep 2 &'], { detached: true, stdio: 'ignore' }).on('exit', () => report({ left: true }));

function report(line: object): void {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function readOnly(path: string): string | null {
  try {
    fs.chmodSync(path, fs.statSync(path).mode & 0o7777);
    return 'writable';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EROFS' ? null : `the mount is writable (${code})`;
  }
}

function refusedBy(act: () => unknown): string | null {
  try {
    act();
    return 'it worked';
  } catch {
    return null;
  }
}

function scratchSizes(): string | null {
  const [mebibyte, mbMax] = [1048576, 1024];
  const big = ['/tmp', '/run', '/dev/shm', os.homedir()].filter((dir) => {
    const { blocks, bsize, type } = fs.statfsSync(dir);
    const tmpfs = 0x01021994;
    return type !== tmpfs || blocks * bsize > mbMax * mebibyte;
  });
  return big.length === 0 ? null : `no size limit on ${big.join(', ')}`;
}

function hostFolders(): string | null {
  const seen = bait.folders.filter((dir) => {
    try {
      return fs.readdirSync(dir).length > 0;
    } catch {
      return false;
    }
  });
  return seen.length === 0 ? null : `can list ${seen.join(', ')}`;
}

function devices(): string | null {
  const other = fs.readdirSync('/dev').filter((name) => !allowedDevices.includes(name));
  return other.length === 0 ? null : `found ${other.join(', ')}`;
}

function connects(to: net.NetConnectOpts): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...to, timeout: connectMs });
    const answer = (saw: string | null) => (): void => {
      socket.destroy();
      resolve(saw);
    };
    socket.on('connect', answer('connected'));
    socket.on('timeout', answer('a packet left the box'));
    socket.on('error', answer(null));
  });
}

function cards(): string | null {
  const names = fs.readFileSync('/proc/net/dev', 'utf8').match(/^ *[^\s:]+(?=:)/gm) ?? [];
  const other = names.map((name) => name.trim()).filter((name) => name !== 'lo');
  return other.length === 0 ? null : `found ${other.join(', ')}`;
}

/** Checks the environment of every process in the box, including the first (bwrap's own, started outside). */
function environments(): string | null {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const other = pids.flatMap((pid) => {
    const names = fs
      .readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((part) => part.split('=')[0] ?? '');
    const fine = ['', ...shellVariables, ...(pid === '1' ? [] : boxVariables)];
    return names.filter((name) => !fine.includes(name));
  });
  return other.length === 0 ? null : `found ${[...new Set(other)].join(', ')}`;
}

/** Checks the descriptors that the starting shell saw: node marks low ones close-on-exec, as if it had opened them. */
function descriptors(): string | null {
  const inherited = process.argv[3]?.trim();
  if (inherited === undefined) return 'unknown';
  return inherited === '' ? null : `descriptors ${inherited}`;
}

function statField(index: number): string {
  const text = fs.readFileSync('/proc/self/stat', 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[index - 2] ?? '';
}

function mountsLacking(option: string): string | null {
  const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  const lacking = lines
    .map((line) => line.split(' '))
    .filter((fields) => !(fields[5] ?? '').split(',').includes(option));
  return lacking.length === 0 ? null : `${lacking.map((fields) => fields[4]).join(', ')} without ${option}`;
}

function statusIs(field: string, wanted: string): string | null {
  const value = new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
  return value === wanted ? null : `${field} is ${value}`;
}

function capabilities(): string | null {
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
  const present = sets.map((set) => statusIs(set, '0'.repeat(16))).filter((saw) => saw !== null);
  return present.length === 0 ? null : present.join(', ');
}

function limits(): string | null {
  const text = fs.readFileSync('/proc/self/limits', 'utf8');
  const unlimited = ['Max cpu time', 'Max file size', 'Max data size', 'Max processes'].filter((name) =>
    new RegExp(`^${name}\\s+\\S+\\s+unlimited`, 'm').test(text),
  );
  const core = /^Max core file size\s+0\s+0/m.test(text) ? [] : ['Max core file size'];
  const open = [...unlimited, ...core];
  return open.length === 0 ? null : `no limit: ${open.join(', ')}`;
}
