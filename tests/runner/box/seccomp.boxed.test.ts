import { expect, test } from 'vitest';
import { kitDir } from '../../../runner/box/etc.ts';
import { answersOf, callsToTry, syscallProgram } from '../../../runner/box/probe.ts';
import type { Sandbox } from '../../../runner/box/sandbox.ts';
import { filterArch, seccompFilter } from '../../../runner/box/seccomp.ts';
import { describeBoxed, openBoxes, run } from '../../support/box.ts';

const arch = filterArch(process.arch) ?? 'x64';

async function answersIn(sandbox: Sandbox): Promise<Map<string, number>> {
  const ran = await run(sandbox, ['sh', '-c', `${kitDir}/syscalls | od -An -v -tx1 | tr -d ' \\n'`]);
  return answersOf(arch, Buffer.from(ran.out, 'hex'));
}

describeBoxed('the system-call filter', () => {
  test('rejects every call that it lists, each with the listed error', async () => {
    const { sandbox } = await openBoxes();
    const answers = await answersIn(sandbox);
    const wrong = callsToTry(arch).filter((call) => answers.get(call.name) !== -call.errno);
    expect(wrong).toEqual([]);
    expect(answers.size).toBeGreaterThan(40);
  });

  test('is needed: without it the kernel allows many of these calls', async () => {
    const { sandbox } = await openBoxes(['seccomp']);
    const answers = await answersIn(sandbox);
    const held = callsToTry(arch).filter((call) => answers.get(call.name) === -call.errno);
    const through = ['unshare', 'ptrace', 'setns', 'clone(CLONE_NEWUSER)', 'ioctl(TIOCSTI)', 'process_vm_readv'];
    expect(held.map((call) => call.name)).not.toEqual(expect.arrayContaining(through));
    for (const name of through) expect(held.map((call) => call.name)).not.toContain(name);
  });

  test('does not affect ordinary work: threads, children, sockets, signals, pipes', async () => {
    const { sandbox } = await openBoxes();
    const script = `
      const { Worker } = require('node:worker_threads'); const net = require('node:net'); const { execSync } = require('node:child_process');
      const server = net.createServer((s) => s.end('tcp')).listen(0, '127.0.0.1', () => {
        net.connect(server.address().port, '127.0.0.1').on('data', (d) => {
          server.close();
          new Worker("require('worker_threads').parentPort.postMessage(require('os').networkInterfaces().lo[0].address)", { eval: true })
            .on('message', (m) => console.log(String(d), m, String(execSync('echo child | cat')).trim()));
        });
      });`;
    const ran = await run(sandbox, [sandbox.kit.node, '-e', script], { kit: true });
    expect(ran).toMatchObject({ exit: 0, out: 'tcp 127.0.0.1 child\n' });
    expect(
      (await run(sandbox, ['sh', '-c', 'git init -q /tmp/r && git -C /tmp/r status -s && sort --version | head -c 4']))
        .out,
    ).toBe('sort');
  });

  test('prevents boxed code from creating another box', async () => {
    const { sandbox } = await openBoxes();
    const ran = await run(sandbox, ['bwrap', '--unshare-user', '--ro-bind', '/', '/', 'true']);
    expect(ran.exit).not.toBe(0);
  });
});

test("the filter has a whole number of instructions, within the kernel's limit, for both architectures", () => {
  for (const each of ['x64', 'arm64'] as const) {
    const filter = seccompFilter(each);
    expect(filter.length % 8).toBe(0);
    expect(filter.length / 8).toBeLessThan(256);
    expect(syscallProgram(each)?.subarray(1, 4).toString()).toBe('ELF');
  }
  expect(seccompFilter('x64').equals(seccompFilter('arm64'))).toBe(false);
});

test('an architecture without a filter has none, rather than a wrong one', () => {
  expect(filterArch('riscv64')).toBeNull();
  expect(syscallProgram('riscv64')).toBeNull();
});
