// The system-call filter of every box, built here as classic BPF: it denies calls that an escape needs and a test suite
// does not. A denied call returns EPERM, or ENOSYS if programs then fall back to another call; a call of another
// architecture kills the process. The filter also forbids a box inside a box. Socket families are an allow-list: VSOCK,
// for one, reaches a virtual machine's host from any network namespace.

export type Arch = 'x64' | 'arm64';
export type DeniedCall = { name: string; nr: number; errno: number };

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Call numbers on x86_64 and aarch64; null if the architecture has no such call. */
const denied: [name: string, x64: number, arm64: number | null][] = [
  ['ptrace', 101, 117],
  ['process_vm_readv', 310, 270],
  ['process_vm_writev', 311, 271],
  ['process_madvise', 440, 440],
  ['pidfd_getfd', 438, 438],
  ['kcmp', 312, 272],
  ['mount', 165, 40],
  ['umount2', 166, 39],
  ['pivot_root', 155, 41],
  ['chroot', 161, 51],
  ['open_tree', 428, 428],
  ['move_mount', 429, 429],
  ['fsopen', 430, 430],
  ['fsconfig', 431, 431],
  ['fsmount', 432, 432],
  ['fspick', 433, 433],
  ['mount_setattr', 442, 442],
  ['open_by_handle_at', 304, 265],
  ['quotactl', 179, 60],
  ['quotactl_fd', 443, 443],
  ['unshare', 272, 97],
  ['setns', 308, 268],
  ['add_key', 248, 217],
  ['request_key', 249, 218],
  ['keyctl', 250, 219],
  ['bpf', 321, 280],
  ['perf_event_open', 298, 241],
  ['userfaultfd', 323, 282],
  ['fanotify_init', 300, 262],
  ['lookup_dcookie', 212, 18],
  ['syslog', 103, 116],
  ['acct', 163, 89],
  ['swapon', 167, 224],
  ['swapoff', 168, 225],
  ['reboot', 169, 142],
  ['kexec_load', 246, 104],
  ['kexec_file_load', 320, 294],
  ['init_module', 175, 105],
  ['finit_module', 313, 273],
  ['delete_module', 176, 106],
  ['settimeofday', 164, 170],
  ['clock_settime', 227, 112],
  ['clock_adjtime', 305, 266],
  ['sethostname', 170, 161],
  ['setdomainname', 171, 162],
  ['vhangup', 153, 58],
  ['iopl', 172, null],
  ['ioperm', 173, null],
  ['modify_ldt', 154, null],
  ['uselib', 134, null],
];

/** Calls that return ENOSYS: every program can do without them. */
const absent: [name: string, nr: number][] = [
  ['clone3', 435], // its flags are in memory, which a filter cannot read
  ['io_uring_setup', 425],
  ['io_uring_enter', 426],
  ['io_uring_register', 427],
];

export const filteredCalls = {
  x64: { clone: 56, ioctl: 16, socket: 41 },
  arm64: { clone: 220, ioctl: 29, socket: 198 },
} as const;
export const tiocsti = 0x5412;
const tioclinux = 0x541c;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
export const cloneNamespaces = 0x7e020000;
/** unix, inet, inet6, netlink (without which getifaddrs fails). */
const socketFamilies = [1, 2, 10, 16];
const auditArch = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
export const x32Bit = 0x40000000;

/** The calls that the filter denies whatever their arguments, with the error that each returns. */
export function deniedCalls(arch: Arch): DeniedCall[] {
  const refused = denied.map(([name, x64, arm64]) => ({ name, nr: arch === 'x64' ? x64 : arm64, errno: EPERM }));
  const missing = absent.map(([name, nr]) => ({ name, nr, errno: ENOSYS }));
  return [...refused, ...missing].filter((call): call is DeniedCall => call.nr !== null);
}

/** The architecture's name in this file; null if it has no filter (then no bubblewrap sandbox can be opened). */
export function filterArch(nodeArch: string): Arch | null {
  return nodeArch === 'x64' || nodeArch === 'arm64' ? nodeArch : null;
}

/** `struct sock_filter[]`, little-endian, as `bwrap --seccomp` reads it. */
export function seccompFilter(arch: Arch): Buffer {
  const calls = filteredCalls[arch];
  const program: Step[] = [
    load(archAt),
    jumpIf('==', auditArch[arch], 'number', 'kill'),
    label('number'),
    load(numberAt),
    ...(arch === 'x64' ? [jumpIf('>=', x32Bit, 'enosys')] : []),
    ...deniedCalls(arch).map((call) => jumpIf('==', call.nr, call.errno === ENOSYS ? 'enosys' : 'eperm')),
    jumpIf('==', calls.clone, 'clone'),
    jumpIf('==', calls.ioctl, 'ioctl'),
    jumpIf('==', calls.socket, 'socket'),
    label('allow'),
    answer(0x7fff0000),
    label('clone'),
    load(argumentAt(0)),
    jumpIf('&', cloneNamespaces, 'eperm', 'pass'),
    label('ioctl'),
    load(argumentAt(1)),
    jumpIf('==', tiocsti, 'eperm'),
    jumpIf('==', tioclinux, 'eperm', 'pass'),
    label('socket'),
    load(argumentAt(0)),
    ...socketFamilies.map((family) => jumpIf('==', family, 'pass')),
    answer(0x00050000 | EAFNOSUPPORT),
    label('pass'),
    answer(0x7fff0000),
    label('eperm'),
    answer(0x00050000 | EPERM),
    label('enosys'),
    answer(0x00050000 | ENOSYS),
    label('kill'),
    answer(0x80000000),
  ];
  return assemble(program);
}

type Test = '==' | '>=' | '&';
type Step =
  | { is: 'label'; name: string }
  | { is: 'load'; at: number }
  | { is: 'answer'; value: number }
  | { is: 'jump'; test: Test; value: number; yes: string; no: string | null };

const numberAt = 0;
const archAt = 4;
const opcode = { load: 0x20, answer: 0x06, '==': 0x15, '>=': 0x35, '&': 0x45 } as const;

/** Offset in `struct seccomp_data` of an argument's low half: the kernel reads only 32 bits of those checked here. */
function argumentAt(index: number): number {
  return 16 + 8 * index;
}

function label(name: string): Step {
  return { is: 'label', name };
}

function load(at: number): Step {
  return { is: 'load', at };
}

function answer(value: number): Step {
  return { is: 'answer', value };
}

function jumpIf(test: Test, value: number, target: string, otherwise: string | null = null): Step {
  return { is: 'jump', test, value, yes: target, no: otherwise };
}

function assemble(program: Step[]): Buffer {
  const steps = program.filter((step) => step.is !== 'label');
  const places = new Map<string, number>();
  let next = 0;
  for (const step of program) {
    if (step.is === 'label') places.set(step.name, next);
    else next += 1;
  }
  const code = Buffer.alloc(steps.length * 8);
  for (const [index, step] of steps.entries()) {
    const distance = (name: string | null): number => (name === null ? 0 : (places.get(name) ?? 0) - index - 1);
    if (step.is === 'load') put(code, index, opcode.load, 0, 0, step.at);
    else if (step.is === 'answer') put(code, index, opcode.answer, 0, 0, step.value);
    else put(code, index, opcode[step.test], distance(step.yes), distance(step.no), step.value);
  }
  return code;
}

function put(code: Buffer, index: number, op: number, yes: number, no: number, value: number): void {
  code.writeUInt16LE(op, index * 8);
  code.writeUInt8(yes, index * 8 + 2);
  code.writeUInt8(no, index * 8 + 3);
  code.writeUInt32LE(value >>> 0, index * 8 + 4);
}
