import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bubblewrap } from '../../../runner/box/bubblewrap.ts';
import { plainText } from '../../../runner/box/collect.ts';
import {
  commandOf,
  describeBoxed,
  finish,
  isRoot,
  limitsWith,
  openBoxes,
  openUnboxed,
  programsMount,
  run,
  says,
  treeOf,
} from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';

/** Resolves once no process holds the lock any more. */
function lockFree(file: string): Promise<number | null> {
  const waiter = spawn('flock', ['-w', '10', file, 'true']);
  return new Promise((resolve) => waiter.once('exit', resolve));
}

/** Whether a process holds the lock now. */
function isLocked(file: string): boolean {
  return spawnSync('flock', ['-n', file, 'true']).status !== 0;
}

const openers = [
  { level: 'bubblewrap', suite: describeBoxed, open: () => openBoxes() },
  { level: 'none', suite: describe, open: async () => openUnboxed() },
];

for (const { level, suite, open } of openers) {
  suite(`any sandbox, here of level ${level},`, () => {
    test("returns the command's output and its exit code", async () => {
      const { sandbox } = await open();
      expect(sandbox.level).toBe(level);
      const ran = await run(sandbox, ['sh', '-c', 'cat; echo out; echo err >&2; exit 7']);
      expect(ran).toMatchObject({ started: true, exit: 7, signal: null, timedOut: false, out: 'out\n', err: 'err\n' });
    });

    test('runs in the requested folder of the mounted tree, and keeps the changes made there', async () => {
      const opened = await open();
      const tree = await treeOf(opened, { 'sub/a.txt': 'hello' });
      const mounts = [{ source: tree, target: '/tree', mode: 'rw' as const }];
      const ran = await run(opened.sandbox, ['sh', '-c', 'cat a.txt; echo made > b.txt'], {
        mounts,
        workdir: '/tree/sub',
      });
      expect(ran.out).toBe('hello');
      expect(readFileSync(join(tree, 'sub/b.txt'), 'utf8')).toBe('made\n');
    });

    test("passes on the given variables only, and nothing of the supervisor's own environment", async () => {
      const { sandbox } = await open();
      const ran = await run(sandbox, ['env'], { env: { GIVEN: 'yes' } });
      const names = ran.out.split('\n').map((line) => line.split('=')[0]);
      const base = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TMPDIR', 'PWD', 'OLDPWD', 'GIVEN', ''];
      expect(names.filter((name) => !base.includes(name ?? ''))).toEqual([]);
      expect(ran.out).toContain('GIVEN=yes');
    });

    test('treats a missing program as a failed command, not as a failed box', async () => {
      const { sandbox } = await open();
      expect(await run(sandbox, ['no-such-program'])).toMatchObject({ started: true, exit: 127 });
    });

    test('reports a death by signal', async () => {
      const { sandbox } = await open();
      expect(await run(sandbox, ['sh', '-c', 'kill -SEGV $$'])).toMatchObject({ exit: 139, signal: 'SIGSEGV' });
    });

    test('lets a command end by itself after SIGTERM', async () => {
      const { sandbox } = await open();
      const command = commandOf(['sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done']);
      const boxed = await sandbox.start(command, new AbortController().signal);
      await says(boxed, 'ready');
      expect(await boxed.stop(10_000)).toMatchObject({ started: true, exit: 5, timedOut: false });
    });

    test('kills a command that ignores SIGTERM once the grace period is over', async () => {
      const { sandbox } = await open();
      const mounts = [programsMount];
      const path = sandbox.inside(mounts, '/programs/stubborn.sh');
      const boxed = await sandbox.start(commandOf(['sh', path], { mounts }), new AbortController().signal);
      await says(boxed, 'ready');
      expect(await boxed.stop(50)).toMatchObject({ started: true, exit: null, signal: 'SIGKILL' });
    });

    test('ends a command at its deadline', async () => {
      const { sandbox } = await open();
      const ran = await run(sandbox, ['sleep', '30'], { limits: limitsWith({ seconds: 0.2 }) });
      expect(ran).toMatchObject({ started: true, timedOut: true });
    });

    test('ends a command when its signal is aborted, even if that happens before the command starts', async () => {
      const { sandbox } = await open();
      const aborter = new AbortController();
      const boxed = await sandbox.start(commandOf(['sh', '-c', 'echo up; sleep 30']), aborter.signal);
      await says(boxed, 'up');
      aborter.abort();
      expect(await boxed.done).toMatchObject({ exit: null, signal: 'SIGKILL', timedOut: false });
      const late = await sandbox.start(commandOf(['sleep', '30']), AbortSignal.abort());
      expect(await late.done).toMatchObject({ exit: null });
    });

    test('ignores a stop after the command has ended', async () => {
      const { sandbox } = await open();
      const boxed = await sandbox.start(commandOf(['sh', '-c', 'exit 3']), new AbortController().signal);
      const ran = await finish(boxed);
      expect(await boxed.stop(0)).toMatchObject({ exit: 3, signal: ran.signal });
    });

    test('ends every command when it is closed', async () => {
      const { sandbox } = await open();
      const boxed = await sandbox.start(commandOf(['sh', '-c', 'echo up; sleep 30']), new AbortController().signal);
      await says(boxed, 'up');
      await sandbox.close();
      expect((await boxed.done).exit).toBeNull();
    });

    test('keeps only the head and tail of a flood of output, with the digest and size of all of it', async () => {
      const { sandbox } = await open();
      const mounts = [programsMount];
      const ran = await run(sandbox, ['sh', sandbox.inside(mounts, '/programs/flood.sh'), '8'], { mounts });
      const whole = `first\n${'x'.repeat(8 * 1024 * 1024)}\nlast\n`;
      expect(ran.output.bytes).toBe(whole.length);
      expect(ran.output.digest).toBe(createHash('sha256').update(whole).digest('hex'));
      expect(ran.output.head.length + ran.output.tail.length).toBeLessThanOrEqual(21_000);
      expect(ran.output.head.startsWith('first\n')).toBe(true);
      expect(ran.output.tail.endsWith('x\nlast\n')).toBe(true);
    });

    test('survives a command that does not read its input', async () => {
      const { sandbox } = await open();
      const boxed = await sandbox.start(commandOf(['true']), new AbortController().signal);
      boxed.stdin.write(Buffer.alloc(1 << 20));
      expect((await finish(boxed)).exit).toBe(0);
    });
  });
}

describeBoxed('a box', () => {
  test('that could not be created is distinguished from a command that failed', async () => {
    const stateDir = realpathSync(tempDir());
    const result = await bubblewrap({ stateDir });
    if ('missing' in result) throw new Error(result.missing.join());
    writeFileSync(join(stateDir, 'sandbox', 'seccomp.bpf'), 'not a filter');
    const ran = await run(result.sandbox, ['true']);
    expect(ran.started).toBe(false);
    expect(ran.err).toContain('seccomp');
  });

  test('leaves no folder and no cgroup behind', async () => {
    const opened = await openBoxes();
    const home = join(opened.stateDir, '..', 'sandbox');
    await run(opened.sandbox, ['true'], { hosts: ['registry.example'] });
    const kept = readdirSync(home).filter((name) => !name.startsWith('etc-') && name !== 'seccomp.bpf');
    expect(kept).toEqual([]);
    const groups = existsSync('/sys/fs/cgroup/pids') ? readdirSync('/sys/fs/cgroup/pids') : [];
    expect(groups.filter((name) => name.startsWith(`coldpass-${process.pid}-`))).toEqual([]);
  });

  test('whose supervisor died loses its folder when the next supervisor starts; other boxes keep theirs', async () => {
    const stateDir = realpathSync(tempDir());
    const [dead, living] = [spawnSync('true').pid, process.ppid].map((pid) =>
      join(stateDir, 'sandbox', `net-${pid}-abc`),
    );
    for (const dir of [dead, living]) mkdirSync(dir ?? '', { recursive: true });
    await bubblewrap({ stateDir });
    expect([existsSync(dead ?? ''), existsSync(living ?? '')]).toEqual([false, true]);
  });

  test('whose working folder does not exist counts as started, and its command as failed', async () => {
    const { sandbox } = await openBoxes();
    expect(await run(sandbox, ['true'], { workdir: '/tree/gone' })).toMatchObject({ started: true, exit: 126 });
  });

  test('looks the same to every role', async () => {
    const { sandbox } = await openBoxes();
    const looks = await Promise.all(
      (['builder', 'adversary', 'verify'] as const).map((role) =>
        run(sandbox, ['sh', '-c', 'id; pwd; hostname; ls /'], { role }),
      ),
    );
    expect(looks[0]?.out).toContain('uid=1000(agent)');
    expect(new Set(looks.map((look) => look.out)).size).toBe(1);
  });

  test('leaves nothing behind when its command ends, not even a daemon that forked twice with setsid', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened);
    const mounts = [programsMount, { source: tree, target: '/tree', mode: 'rw' as const }];
    const ran = await run(opened.sandbox, ['sh', '/programs/escape.sh', '/tree/lock'], { mounts });
    expect(ran).toMatchObject({ exit: 0, out: 'held\n', survived: false });
    expect(isLocked(join(tree, 'lock'))).toBe(false);
  });

  test('leaves nothing behind when it is stopped', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened);
    const mounts = [programsMount, { source: tree, target: '/tree', mode: 'rw' as const }];
    const command = commandOf(['sh', '/programs/escape.sh', '/tree/lock', 'stay'], { mounts });
    const boxed = await opened.sandbox.start(command, new AbortController().signal);
    await says(boxed, 'held');
    expect(isLocked(join(tree, 'lock'))).toBe(true);
    await boxed.stop(0);
    expect(isLocked(join(tree, 'lock'))).toBe(false);
  });

  test('dies with its supervisor, even by kill -9', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened);
    const supervisor = spawn(process.execPath, [
      join(import.meta.dirname, '../../fixtures/programs/supervisor.ts'),
      opened.stateDir,
      tree,
    ]);
    onTestFinished(() => void supervisor.kill('SIGKILL'));
    await new Promise((held) => supervisor.stdout.once('data', held));
    expect(isLocked(join(tree, 'lock'))).toBe(true);
    supervisor.kill('SIGKILL');
    expect(await lockFree(join(tree, 'lock'))).toBe(0);
  });

  test('cannot reach keys, hub, other clones, home or root; outside a box, the same commands can', async () => {
    const opened = await openBoxes();
    const { stateDir } = opened;
    const tree = await treeOf(opened, { 'a.txt': 'own' }, { name: 'clones/builder' });
    const secrets = ['keys/builder', 'hub.git/HEAD', 'clones/adversary/b.txt', 'heads.log'].map((path) =>
      join(stateDir, path),
    );
    for (const path of secrets) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, 'secret', { mode: 0o644 });
    }
    const mounts = [{ source: tree, target: '/tree', mode: 'rw' as const }];
    const reach = (path: string): string =>
      `cat ${path} ${path.replace(stateDir, '/tree/../..')} /proc/1/root${path} /proc/1/cwd/${path}`;
    const script = [...secrets.map(reach), `ls ${homedir()}`, 'cat /etc/shadow', 'cat /tree/a.txt'].join('; ');
    const inside = await run(opened.sandbox, ['sh', '-c', script], { mounts });
    expect(inside.out).toBe('own');
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toContain('secretsecret');
  });

  test('cannot become root or change the machine', async () => {
    const { sandbox } = await openBoxes();
    const tries = [
      'echo x > /proc/sys/kernel/core_pattern',
      'echo x > /usr/x',
      'echo x > /etc/x',
      'echo x > /x',
      'mount -t tmpfs t /tmp',
      'unshare -U true',
      'unshare -r id',
      'nsenter -t 1 -m true',
      'chroot / true',
      'su root -c id',
      'mknod /tmp/disk b 8 0',
      'setpriv --reuid=0 id',
      'dmesg',
    ];
    const script = tries
      .map((each, index) => `if ( ${each} ) >/dev/null 2>&1; then echo worked ${index}; fi`)
      .join('\n');
    expect(await run(sandbox, ['sh', '-c', `${script}\necho end`])).toMatchObject({ out: 'end\n' });
  });

  test('has no network: it cannot reach a port that the machine listens on', async () => {
    const { sandbox } = await openBoxes();
    let visitors = 0;
    const server = net.createServer((socket) => {
      visitors += 1;
      socket.end('hello');
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void server.close());
    const { port } = server.address() as net.AddressInfo;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
    expect((await run(openUnboxed().sandbox, ['bash', '-c', script])).out).toBe('hello');
    const inside = await run(sandbox, ['bash', '-c', script]);
    expect(inside).toMatchObject({ exit: 1, out: '' });
    expect(visitors).toBe(1);
  });

  test('cannot write to a read-only mount', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened, { 'a.txt': 'old' });
    const mounts = [{ source: tree, target: '/tree', mode: 'ro' as const }];
    const ran = await run(
      opened.sandbox,
      ['sh', '-c', 'echo new > /tree/a.txt; chmod 777 /tree/a.txt; touch /tree/b'],
      { mounts },
    );
    expect(ran.exit).not.toBe(0);
    expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('old');
  });

  test('has granted tools on its PATH, even those below a private folder', async () => {
    const { sandbox } = await openBoxes();
    const home = join(realpathSync(tempDir()), 'home');
    const path = join(home, 'tool one');
    mkdirSync(join(path, 'bin'), { recursive: true });
    writeFileSync(join(path, 'bin', 'greet'), '#!/bin/sh\necho "hello from $0"\n', { mode: 0o755 });
    chmodSync(home, 0o700);
    const ran = await run(sandbox, ['greet'], { tools: [{ name: 'greeter', path }] });
    expect(ran.out).toBe(`hello from ${path}/bin/greet\n`);
    const beside = await run(sandbox, ['ls', home], { tools: [{ name: 'greeter', path }] });
    expect(beside.out).toBe('tool one\n');
  });

  test.skipIf(!isRoot)('writes as the user of its role, never as root', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened, {}, { role: 'adversary' });
    const mounts = [{ source: tree, target: '/tree', mode: 'rw' as const }];
    await run(opened.sandbox, ['touch', '/tree/made'], { role: 'adversary', mounts });
    expect(statSync(join(tree, 'made')).uid).toBe(opened.sandbox.owner('adversary')?.uid);
    expect(opened.sandbox.owner('adversary')?.uid).not.toBe(opened.sandbox.owner('builder')?.uid);
    const other = await run(opened.sandbox, ['touch', '/tree/other'], { role: 'builder', mounts });
    expect(other.exit).not.toBe(0);
  });

  test('is limited in its number of processes', async () => {
    const { sandbox } = await openBoxes();
    const script = 'n=0; while [ $n -lt 200 ]; do sleep 5 & n=$((n+1)); done; echo all';
    const ran = await run(sandbox, ['sh', '-c', script], { limits: limitsWith({ processes: 30 }) });
    expect(ran.out).not.toContain('all');
    expect(ran.err).toMatch(/fork/);
  });

  test('is limited in the size of its files', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened);
    const mounts = [{ source: tree, target: '/tree', mode: 'rw' as const }];
    const ran = await run(opened.sandbox, ['head', '-c', '9M', '/dev/zero'], { mounts });
    expect(ran.exit).toBe(0);
    const wrote = await run(opened.sandbox, ['sh', '-c', 'head -c 9M /dev/zero > /tree/big'], {
      mounts,
      limits: limitsWith({ diskMb: 4 }),
    });
    expect(wrote.exit).not.toBe(0);
    expect(statSync(join(tree, 'big')).size).toBe(4 * 1024 * 1024);
  });

  test.skipIf(!existsSync('/sys/fs/cgroup/memory/tasks') || !isRoot)(
    'that takes too much memory in many processes is ended, and its result says so',
    async () => {
      const { sandbox } = await openBoxes();
      const script = 'for i in 1 2 3 4 5 6; do head -c 30M /dev/zero | tail & done; wait; echo end';
      const ran = await run(sandbox, ['sh', '-c', script], { limits: limitsWith({ memoryMb: 64 }) });
      expect(ran.outOfMemory).toBe(true);
      const calm = await run(sandbox, ['sh', '-c', script], { limits: limitsWith({ memoryMb: 1024 }) });
      expect(calm).toMatchObject({ exit: 0, outOfMemory: false });
    },
  );

  const folder = (name: string): string => join(realpathSync(tempDir()), name);
  test.each([
    ['a link as source', () => linkTo(folder('link')), '/tree', /is a link/],
    ['a file as source', () => fileAt(folder('file')), '/tree', /only folders/],
    ['a missing source', () => folder('gone'), '/tree', /no such folder/],
    ['a target in /etc', () => dirAt(folder('dir')), '/etc/x', /belongs to the profile/],
    ['a target over /usr', () => dirAt(folder('dir')), '/usr', /belongs to the profile/],
    ['a relative target', () => dirAt(folder('dir')), 'tree', /absolute/],
    ['a target with ..', () => dirAt(folder('dir')), '/tree/../etc', /absolute, normal/],
  ])('is refused %s', async (_name, source, target, reason) => {
    const { sandbox } = await openBoxes();
    const mounts = [{ source: source(), target, mode: 'ro' as const }];
    await expect(sandbox.start(commandOf(['true'], { mounts }), new AbortController().signal)).rejects.toThrow(reason);
  });

  test('is refused a mount inside another: boxed code could redirect the inner mount with a link', async () => {
    const opened = await openBoxes();
    const tree = await treeOf(opened);
    const mounts = ['/tree', '/tree/inner'].map((target) => ({ source: tree, target, mode: 'rw' as const }));
    const start = opened.sandbox.start(commandOf(['true'], { mounts }), new AbortController().signal);
    await expect(start).rejects.toThrow('/tree/inner is inside the mount /tree');
  });
});

function linkTo(path: string): string {
  symlinkSync('/usr', path);
  return path;
}

function fileAt(path: string): string {
  writeFileSync(path, '');
  return path;
}

function dirAt(path: string): string {
  mkdirSync(path);
  return path;
}

describe('stored output', () => {
  test.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['a window title', '\u001b]0;owned\u0007text', 'text'],
    ['a hyperlink', '\u001b]8;;http://x\u001b\\name\u001b]8;;\u001b\\', 'name'],
    ['bidi and zero-width characters', 'a\u202eb\u200bc\u2066d', 'abcd'],
    ['carriage returns', 'one\r\ntwo\rthree', 'one\ntwo\nthree'],
    ['controls', 'a\u0000b\u0008c\u007fd\te\n', 'abcd\te\n'],
    ['C1 controls', 'a\u009b31mb', 'a31mb'],
  ])('is plain text: %s', (_name, raw, plain) => {
    expect(plainText(Buffer.from(raw))).toBe(plain);
  });

  test('shows bytes that are not text in escaped form', () => {
    expect(plainText(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\ufffdb');
  });
});
