// Tries system calls from inside a box, to check that the filter works. Neither a shell nor node can make such calls,
// and not every machine has a compiler or perl, so this file assembles a program of a few dozen instructions, which
// makes each call of a table (harmless if allowed) and writes the kernel's answers to standard output, last call first.

import { type Arch, cloneNamespaces, deniedCalls, filterArch, filteredCalls, tiocsti, x32Bit } from './seccomp.ts';

export type Try = { name: string; nr: number; args: number[]; errno: number };

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const cloneFs = 0x200;
const cloneNewUser = 0x10000000;
const families = { vsock: 40, alg: 38, packet: 17 };
const stream = 1;
const x64Getpid = 39;
const wordsPerCall = 7;

/**
 * Every call to try, and the error that the filter must return. With arguments of zero, a call does nothing even if it
 * is allowed.
 */
export function callsToTry(arch: Arch): Try[] {
  const calls = filteredCalls[arch];
  const refused = deniedCalls(arch).map(({ name, nr, errno }) => ({ name, nr, args: [], errno }));
  const sockets = Object.entries(families).map(([name, family]) => ({
    name: `socket(${name})`,
    nr: calls.socket,
    args: [family, stream],
    errno: EAFNOSUPPORT,
  }));
  return [
    ...refused,
    ...sockets,
    // CLONE_FS makes the kernel itself refuse with EINVAL, so no child is created even without the filter.
    { name: 'clone(CLONE_NEWUSER)', nr: calls.clone, args: [(cloneNamespaces & cloneNewUser) | cloneFs], errno: EPERM },
    { name: 'ioctl(TIOCSTI)', nr: calls.ioctl, args: [0, tiocsti], errno: EPERM },
    ...(arch === 'x64' ? [{ name: 'x32 getpid', nr: x32Bit + x64Getpid, args: [], errno: ENOSYS }] : []),
  ];
}

/** The ELF program for this machine; null if there is none for its architecture. */
export function syscallProgram(nodeArch: string = process.arch): Buffer | null {
  const arch = filterArch(nodeArch);
  if (arch === null) return null;
  const calls = callsToTry(arch);
  const table = Buffer.alloc(calls.length * wordsPerCall * 8);
  for (const [index, call] of calls.entries()) {
    const words = [call.nr, ...call.args];
    for (const [at, word] of words.entries()) table.writeBigUInt64LE(BigInt(word), (index * wordsPerCall + at) * 8);
  }
  return executable(arch, (arch === 'x64' ? codeX64 : codeArm64)(calls.length), table);
}

/** What each call returned (0 or a negative error), from the program's output; empty if the output is incomplete. */
export function answersOf(arch: Arch, output: Buffer): Map<string, number> {
  const size = arch === 'x64' ? 8 : 16; // pushed on the stack, which aarch64 keeps aligned to 16 bytes
  const calls = callsToTry(arch);
  if (output.length !== calls.length * size) return new Map();
  const last = calls.length - 1;
  return new Map(calls.map((call, index) => [call.name, Number(output.readBigInt64LE((last - index) * size))]));
}

function codeX64(count: number): Buffer {
  return Buffer.concat([
    bytes('48 8d 1d'), // lea rbx, [rip + distance to the table]
    int32(74), // bytes of code after this word
    bytes('41 bc'), // mov r12d, count
    int32(count),
    bytes('48 8b 03 48 8b 7b 08 48 8b 73 10 48 8b 53 18 4c 8b 53 20 4c 8b 43 28 4c 8b 4b 30'), // rax rdi rsi rdx r10 r8 r9
    bytes('0f 05 50 48 83 c3 38 41 ff cc 75 d9'), // syscall; push rax; add rbx, 56; dec r12d; jnz to the loads
    bytes('bf 01 00 00 00 48 89 e6 ba'), // mov edi, 1; mov rsi, rsp; mov edx, size
    int32(count * 8),
    bytes('b8 01 00 00 00 0f 05 31 ff b8 e7 00 00 00 0f 05'), // write; exit_group(0)
  ]);
}

function codeArm64(count: number): Buffer {
  const loads = [8, 0, 1, 2, 3, 4, 5].map((register) => 0xf8408660 + register); // ldr xN, [x19], 8
  const words = [
    0x10000013 + (22 << 5), // adr x19, table: 22 instructions ahead
    0x52800014 + (count << 5), // mov w20, count
    ...loads,
    0xd4000001, // svc 0
    0xf81f0fe0, // str x0, [sp, -16]!
    0x71000694, // subs w20, w20, 1
    0x54000001 + ((-10 & 0x7ffff) << 5), // b.ne to the loads
    0xd2800020, // mov x0, 1
    0x910003e1, // mov x1, sp
    0xd2800002 + ((count * 16) << 5), // mov x2, size
    0xd2800808, // mov x8, 64: write
    0xd4000001,
    0xd2800000, // mov x0, 0
    0xd2800bc8, // mov x8, 94: exit_group
    0xd4000001,
    0xd503201f, // nop, to align the table to 8 bytes
  ];
  const code = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) code.writeUInt32LE(word >>> 0, index * 4);
  return code;
}

/** One read-and-execute segment: ELF header, program header, code, table. */
function executable(arch: Arch, code: Buffer, table: Buffer): Buffer {
  const [at, headers] = [0x400000n, 64 + 56];
  const size = BigInt(headers + code.length + table.length);
  const head = Buffer.alloc(headers);
  Buffer.from('7f454c46020101', 'hex').copy(head);
  head.writeUInt16LE(2, 16); // ET_EXEC
  head.writeUInt16LE(arch === 'x64' ? 62 : 183, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(at + BigInt(headers), 24); // entry point
  head.writeBigUInt64LE(64n, 32); // program headers
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // read, execute
  head.writeBigUInt64LE(at, 80);
  head.writeBigUInt64LE(at, 88);
  head.writeBigUInt64LE(size, 96);
  head.writeBigUInt64LE(size, 104);
  head.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([head, code, table]);
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function int32(value: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeInt32LE(value);
  return word;
}
