// Tries known escapes in a box of every role before any box is trusted. Each check is data: what must be true, and what
// was seen if it was not. This file checks what can only be seen from outside: which user the box runs as, whether its
// namespaces are its own, and whether any of its processes is left at the end.

import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { digestOfJson } from '../../state/entry/digest.ts';
import { collect } from './collect.ts';
import { answersOf, callsToTry } from './probe.ts';
import type { BoxEnd, BoxRole, EscapeCheck, Sandbox, SelfTest } from './sandbox.ts';
import { makeScratch } from './scratch.ts';
import { filterArch } from './seccomp.ts';

const probeSeconds = 20;
const outputBytesMax = 128 * 1024;
const limits = { memoryMb: 1024, processes: 256, diskMb: 64, seconds: probeSeconds };

/** Runs the probe in a box of each role, or of one if roles share a user. Rejects only if the bait cannot be laid. */
export async function runSelfTest(sandbox: Sandbox, stateDir: string): Promise<SelfTest> {
  const startedAt = performance.now();
  const roles: BoxRole[] = sandbox.uid === 'own' ? ['builder', 'adversary', 'verify'] : ['verify'];
  const bait = await layBait(stateDir);
  try {
    const checks = (await Promise.all(roles.map((role) => probeRole(sandbox, role, bait)))).flat();
    return reportOf(sandbox, checks, performance.now() - startedAt);
  } finally {
    bait.close();
  }
}

/** The report of a machine that can make no boxes. */
export function unavailable(uid: 'own' | 'shared', why: string): SelfTest {
  const checks: EscapeCheck[] = [{ role: 'verify', name: 'the box starts', held: false, saw: why }];
  return reportOf({ level: 'bubblewrap', uid }, checks, 0);
}

/** The report of a sandbox that protects nothing, and does not claim to. */
export function unprotected(): SelfTest {
  const checks: EscapeCheck[] = [
    { role: 'verify', name: 'commands are boxed', held: false, saw: 'they run on the machine itself' },
  ];
  return reportOf({ level: 'none', uid: 'shared' }, checks, 0);
}

function reportOf({ level, uid }: Pick<Sandbox, 'level' | 'uid'>, checks: EscapeCheck[], ms: number): SelfTest {
  const digest = digestOfJson({ level, uid, checks: checks.map(({ role, name, held }) => ({ role, name, held })) });
  return { level, uid, held: checks.every((check) => check.held), checks, digest, ms: Math.round(ms) };
}

/** Paths at which a box has a folder of its own. */
const ofTheBox = /^\/(tmp|run|home|home\/agent|usr.*|etc|dev|proc|var|var\/(tmp|run))?$/;

type Bait = { argument: string; close(): void };

/** Lays out a secret, a socket, an abstract socket and a listening port: a real box can reach none of them. */
async function layBait(stateDir: string): Promise<Bait> {
  const dir = makeScratch(stateDir, 'bait');
  const [secret, socket] = [join(dir, 'secret'), join(dir, 'socket')];
  const abstract = `coldpass-${randomBytes(8).toString('hex')}`;
  writeFileSync(secret, 'nobody in a box may read this\n', { mode: 0o644 });
  const fd = openSync(dir, 'r');
  const servers = await Promise.all([
    listening({ host: '127.0.0.1', port: 0 }),
    listening({ path: `/proc/self/fd/${fd}/socket`, writableAll: true, readableAll: true }),
    listening({ path: `\0${abstract}` }),
  ]);
  closeSync(fd);
  const port = (servers[0].address() as net.AddressInfo).port;
  const folders = [
    homedir(),
    '/root',
    '/var/lib',
    '/var/log',
    '/boot',
    '/sys',
    '/mnt',
    '/srv',
    dirname(stateDir),
    stateDir,
  ];
  return {
    argument: JSON.stringify({
      secret,
      socket,
      abstract,
      port,
      folders: folders.filter((each) => !ofTheBox.test(each)),
    }),
    close: () => {
      for (const server of servers) server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function listening(options: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => resolve(server));
  });
}

/** Lists the inherited descriptors above standard error (only a shell sees them unchanged) and executes the probe. */
const startProbe =
  'cd /proc/$$/fd; open=; for n in *; do [ -h "$n" ] && [ "$n" -gt 2 ] && open="$open $n"; done; cd "$OLDPWD"; exec "$@" "$open"';

async function probeRole(sandbox: Sandbox, role: BoxRole, bait: Bait): Promise<EscapeCheck[]> {
  const program = join(dirname(sandbox.kit.files), sandbox.kit.files.endsWith('.ts') ? 'probe.ts' : 'probe.js');
  const argv = ['/bin/sh', '-c', startProbe, 'sh', sandbox.kit.node, program, bait.argument];
  const base = { role, argv, workdir: '/tmp', mounts: [], env: {}, tools: [], hosts: [], limits, kit: true as const };
  try {
    const boxed = await sandbox.start(base, AbortSignal.timeout(probeSeconds * 1000));
    boxed.stdin.end();
    const outside = watchOutside(boxed.hostPid, boxed.stdout);
    const [output, errors, end] = await Promise.all([
      outside,
      collect(boxed.stderr, { headBytes: 2000, tailBytes: 0 }),
      boxed.done,
    ]);
    if (!end.started) return [checkOf(role, 'the box starts', firstLine(errors.head))];
    return [checkOf(role, 'the box starts', null), ...judge(role, output, end, errors.head)];
  } catch (error) {
    return [checkOf(role, 'the box starts', String(error))];
  }
}

type Outside = { text: string; uids: string[] };

/** Reads the probe's output and, when it first arrives, the user ids of the box's first process. */
async function watchOutside(hostPid: Promise<number | null>, stdout: NodeJS.ReadableStream): Promise<Outside> {
  const outside: Outside = { text: '', uids: [] };
  for await (const chunk of stdout) {
    const pid = outside.uids.length === 0 ? await hostPid : null;
    if (pid !== null) outside.uids = uidsOf(pid);
    if (outside.text.length < outputBytesMax) outside.text += String(chunk);
  }
  return outside;
}

const Line = z.union([
  z.strictObject({ name: z.string(), saw: z.string().nullable() }),
  z.strictObject({ namespaces: z.record(z.string(), z.string()) }),
  z.strictObject({ calls: z.string() }),
  z.strictObject({ left: z.literal(true) }),
]);

/** Namespaces that the probe must report; a missing one fails its check. */
const namespaces = ['user', 'pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup'];

function judge(role: BoxRole, outside: Outside, end: BoxEnd, errors: string): EscapeCheck[] {
  const lines = outside.text.split('\n').flatMap((text) => lineOf(text));
  const tried = lines.flatMap((line) => ('name' in line ? [checkOf(role, line.name, line.saw)] : []));
  const inside = new Map(Object.entries(lines.find((line) => 'namespaces' in line)?.namespaces ?? {}));
  const calls = lines.find((line) => 'calls' in line)?.calls ?? '';
  const complete = lines.some((line) => 'left' in line) && end.exit === 0;
  return [
    ...tried,
    checkOf(role, 'the probe finished', complete ? null : firstLine(errors) || `exit ${end.exit}`),
    checkOf(role, "the box's user is not root", rootSeen(outside.uids)),
    ...namespaces.map((name) =>
      checkOf(role, `the ${name} namespace is its own`, sharedNamespace(name, inside.get(name))),
    ),
    ...callChecks(role, calls),
    checkOf(
      role,
      'nothing outlives the box',
      leftBehind(inside.get('pid')) ?? (end.survived ? 'something survived' : null),
    ),
  ];
}

function lineOf(text: string): z.infer<typeof Line>[] {
  try {
    const parsed = Line.safeParse(JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

function callChecks(role: BoxRole, output: string): EscapeCheck[] {
  const arch = filterArch(process.arch);
  if (arch === null) return [];
  const answers = answersOf(arch, Buffer.from(output, 'base64'));
  return callsToTry(arch).map((call) => {
    const answer = answers.get(call.name);
    const saw = answer === -call.errno ? null : `the kernel answered ${answer ?? 'nothing'}`;
    return checkOf(role, `${call.name} is refused`, saw);
  });
}

function rootSeen(uids: string[]): string | null {
  if (uids.length === 0) return 'unknown';
  return uids.includes('0') ? 'it is root' : null;
}

function uidsOf(pid: number): string[] {
  try {
    return /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
  } catch {
    return [];
  }
}

function sharedNamespace(name: string, inside: string | undefined): string | null {
  if (inside === undefined) return 'unknown';
  return inside === readlinkSync(`/proc/self/ns/${name}`) ? "it is the supervisor's" : null;
}

/** Processes still in the box's pid namespace. Those of other users cannot be seen, but cannot be the box's either. */
function leftBehind(namespace: string | undefined): string | null {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const left = pids.filter((pid) => {
    try {
      const ended = /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return !ended && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });
  return left.length === 0 ? null : `still running: process ${left.join(', ')}`;
}

function checkOf(role: BoxRole, name: string, saw: string | null): EscapeCheck {
  return { role, name, held: saw === null, saw: saw ?? 'held' };
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.slice(0, 300) ?? ''
  );
}
