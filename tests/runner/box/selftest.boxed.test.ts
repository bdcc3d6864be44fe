import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSandbox } from '../../../runner/box/open.ts';
import type { Protection } from '../../../runner/box/profile.ts';
import { unavailable } from '../../../runner/box/selftest.ts';
import { describeBoxed, isRoot, openBoxes, openUnboxed } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';

/** Command line of the process that the probe leaves behind on purpose; only a pid namespace ends it early. */
const stray = ['sleep', '2', ''].join('\0');

/** Resolves once no process has this command line. */
async function gone(commandLine: string): Promise<void> {
  const isIt = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === commandLine;
    } catch {
      return false;
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isIt(name));
  await Promise.all(
    pids.map((pid) => new Promise((end) => spawn('tail', [`--pid=${pid}`, '-f', '/dev/null']).once('exit', end))),
  );
}

/** Protections to leave out, each with the name of the check that must then fail. */
const seen: [Protection, RegExp][] = [
  ['env', /^no environment but the given$/],
  ['fds', /^no descriptor is inherited$/],
  ['root', /^\/ is read-only$/],
  ['dev', /^\/dev is read-only$/],
  ['net', /^the host's loopback is out of reach$/],
  ['pid', /^the pid namespace is its own$/],
  ['seccomp', /^unshare is refused$/],
  ['proc-sys', /^\/proc\/sys is read-only$/],
  ['session', /^the session is its own$/],
];

describeBoxed('the self-test', () => {
  test('passes every check, for every role that has its own user', async () => {
    const { sandbox } = await openBoxes();
    const report = await sandbox.selfTest();
    expect(report.checks.filter((check) => !check.held)).toEqual([]);
    expect(report).toMatchObject({ held: true, level: 'bubblewrap', uid: isRoot ? 'own' : 'shared' });
    expect(new Set(report.checks.map((check) => check.role)).size).toBe(isRoot ? 3 : 1);
    const ofVerify = report.checks.filter((check) => check.role === 'verify');
    expect(new Set(ofVerify.map((check) => check.name)).size).toBe(ofVerify.length);
    expect(ofVerify.length).toBeGreaterThan(90);
  });

  test('has the same digest for the same result', async () => {
    const { sandbox } = await openBoxes();
    const [first, second] = [await sandbox.selfTest(), await sandbox.selfTest()];
    expect(second.digest).toBe(first.digest);
    const weak = await (await openBoxes(['root'])).sandbox.selfTest();
    expect(weak.digest).not.toBe(first.digest);
  });

  test.each(seen)('fails if the protection "%s" is left out', async (protection, check) => {
    const { sandbox } = await openBoxes([protection]);
    const report = await sandbox.selfTest();
    const failed = report.checks.filter((each) => !each.held).map((each) => each.name);
    expect(failed).toContainEqual(expect.stringMatching(check));
    expect(report.held).toBe(false);
    if (protection === 'pid') await gone(stray);
  });

  test.skipIf(!isRoot)('fails if boxes run as root', async () => {
    const report = await (await openBoxes(['uid'])).sandbox.selfTest();
    const failed = report.checks.filter((each) => !each.held);
    expect(failed.map((each) => each.name)).toContain("the box's user is not root");
    expect(report.held).toBe(false);
  });

  test('opens a sandbox if every check passes', async () => {
    const opened = await openSandbox({ stateDir: realpathSync(tempDir()) });
    expect(opened.sandbox?.level).toBe('bubblewrap');
    expect(opened.selfTest.held).toBe(true);
    await opened.sandbox?.close();
  });

  test.skipIf(!isRoot)('opens no sandbox if a check fails, and says which check and what to do', async () => {
    const uids = { builder: 61001, adversary: 61002, verify: 0 };
    const opened = await openSandbox({ stateDir: realpathSync(tempDir()), uids });
    expect(opened.sandbox).toBeNull();
    if (opened.sandbox !== null) return;
    expect(opened.mend.join('\n')).toContain('check failed for verify: "the box\'s user is not root" (it is root)');
    expect(opened.selfTest.held).toBe(false);
  });

  test.skipIf(!isRoot || !everyoneReaches(import.meta.dirname))(
    'holds for a supervisor that is not root, as uid shared',
    async () => {
      const stateDir = realpathSync(tempDir());
      chmodSync(stateDir, 0o777);
      const program = join(import.meta.dirname, '../../fixtures/programs/selftest.ts');
      const child = spawn(process.execPath, [program, stateDir], {
        uid: 61010,
        gid: 61010,
        env: { HOME: stateDir },
        cwd: '/',
      });
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.pipe(process.stderr);
      await new Promise((done) => child.once('close', done));
      expect(JSON.parse(out)).toEqual({ uid: 'shared', failed: [], checked: true });
    },
  );
});

test('the report for a machine without bubblewrap has no passed check', () => {
  const report = unavailable('shared', 'bwrap is not installed');
  expect(report.held).toBe(false);
  expect(report.checks[0]?.saw).toBe('bwrap is not installed');
});

test('the sandbox without boxes does not claim to protect anything', async () => {
  expect(await openUnboxed().sandbox.selfTest()).toMatchObject({ held: false, level: 'none' });
});

function everyoneReaches(dir: string): boolean {
  const { statSync } = process.getBuiltinModule('node:fs');
  for (let at = dir; at !== '/'; at = join(at, '..')) if ((statSync(at).mode & 0o005) !== 0o005) return false;
  return true;
}
