import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RunnerError } from '../../../runner/box/errors.ts';
import { fileBytesMax, openFiles, type TreeFiles } from '../../../runner/box/files.ts';
import type { Sandbox } from '../../../runner/box/sandbox.ts';
import { describeBoxed, openBoxes, openUnboxed, programs, run, treeOf } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';

type Place = { sandbox: Sandbox; stateDir: string; tree: string; files: TreeFiles };

async function served(
  opened: { sandbox: Sandbox; stateDir: string },
  texts: Record<string, string>,
  mode: 'ro' | 'rw' = 'rw',
): Promise<Place> {
  const tree = await treeOf(opened, texts);
  const copy = await treeOf(opened, {}, { name: 'copy' });
  const mounts = [
    { source: tree, target: '/tree', mode },
    { source: copy, target: '/copy', mode: 'rw' as const },
  ];
  const files = openFiles(opened.sandbox, { role: 'builder', mounts });
  onTestFinished(() => files.close());
  return { ...opened, tree, files };
}

const openers = [
  { level: 'bubblewrap', suite: describeBoxed, open: () => openBoxes() },
  { level: 'none', suite: describe, open: async () => openUnboxed() },
];

for (const { level, suite, open } of openers) {
  suite(`the file service, in a sandbox of level ${level},`, () => {
    test('reads a file, whole or in part, with its size and mode', async () => {
      const { files } = await served(await open(), { 'src/a.txt': 'hello world' });
      const whole = await files.read('src/a.txt', { bytesMax: 1000 });
      expect(whole).toMatchObject({ ok: true, size: 11, bytes: Buffer.from('hello world') });
      const part = await files.read('/tree/src/a.txt', { bytesMax: 3, offset: 6 });
      expect(part).toMatchObject({ ok: true, size: 11, bytes: Buffer.from('wor') });
      expect(await files.read('src/a.txt', { bytesMax: 10, offset: 99 })).toMatchObject({
        ok: true,
        bytes: Buffer.alloc(0),
      });
    });

    test('writes a file and its folders, and keeps the mode of a file that exists', async () => {
      const { files, tree } = await served(await open(), { 'run.sh': 'old' });
      expect(await files.write('new/deep/a.bin', Buffer.from([0, 255, 10]), 0o600)).toEqual({ ok: true });
      expect(readFileSync(join(tree, 'new/deep/a.bin'))).toEqual(Buffer.from([0, 255, 10]));
      await files.write('run.sh', Buffer.from('#!'), 0o755);
      await files.write('run.sh', Buffer.from('#!/bin/sh'));
      expect(statSync(join(tree, 'run.sh')).mode & 0o777).toBe(0o755);
      expect(readdirSync(tree).sort()).toEqual(['new', 'run.sh']);
    });

    test('edits text that occurs exactly once, and otherwise says why not', async () => {
      const { files, tree } = await served(await open(), { 'a.txt': 'one\ntwo\nthree two\n' });
      expect(await files.edit('a.txt', 'three', '3 $& \\1')).toEqual({ ok: true, line: 3 });
      expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('one\ntwo\n3 $& \\1 two\n');
      expect(await files.edit('a.txt', 'two', '2')).toMatchObject({
        ok: false,
        why: expect.stringContaining('more than once'),
      });
      expect(await files.edit('a.txt', 'four', '4')).toMatchObject({
        ok: false,
        why: expect.stringContaining('is not in a.txt'),
      });
      expect(await files.edit('a.txt', '', '4')).toMatchObject({ ok: false, why: expect.stringContaining('empty') });
    });

    test('lists, describes, makes, removes and measures files and folders', async () => {
      const { files, tree } = await served(await open(), { 'b/c/d.txt': 'd', 'a.txt': 'aa' });
      const listed = await files.list('.', 2, 100);
      expect(listed.ok && listed.entries.map((entry) => `${entry.path} ${entry.type}`)).toEqual([
        'a.txt a file',
        'b a folder',
        'b/c a folder',
      ]);
      expect(await files.list('.', 9, 2)).toMatchObject({ ok: true, cut: true });
      expect(await files.stat('a.txt')).toMatchObject({ ok: true, type: 'a file', size: 2 });
      expect(await files.mkdirs('x/y/z')).toEqual({ ok: true });
      expect(statSync(join(tree, 'x/y/z')).isDirectory()).toBe(true);
      expect(await files.remove('b')).toEqual({ ok: true });
      expect(existsSync(join(tree, 'b'))).toBe(false);
      await files.write('big', Buffer.alloc(1 << 20));
      const used = await files.diskUsage('.');
      expect(used.ok && used.bytes).toBeGreaterThanOrEqual(1 << 20);
    });

    test('copies a tree with its modes and links unchanged', async () => {
      const { files, tree, stateDir } = await served(await open(), { 'bin/run': '#!/bin/sh\n' });
      chmodSync(join(tree, 'bin/run'), 0o755);
      symlinkSync('/etc/passwd', join(tree, 'out'));
      expect(await files.copyTree('.', '/copy/snapshot')).toEqual({ ok: true });
      const copy = join(stateDir, 'copy/snapshot');
      expect(statSync(join(copy, 'bin/run')).mode & 0o777).toBe(0o755);
      expect(readlinkSync(join(copy, 'out'))).toBe('/etc/passwd');
    });

    test('follows links inside the tree, and refuses links that lead out of it', async () => {
      const { files, tree, sandbox } = await served(await open(), { 'real/a.txt': 'inside' });
      const top = sandbox.level === 'none' ? tree : '/tree';
      symlinkSync('real', join(tree, 'folder'));
      symlinkSync(`${top}/real/a.txt`, join(tree, 'absolute'));
      symlinkSync('../../../../../../etc/passwd', join(tree, 'up'));
      symlinkSync('/etc', join(tree, 'etc'));
      symlinkSync('round', join(tree, 'round'));
      for (const path of ['folder/a.txt', 'absolute', 'folder/../real/a.txt']) {
        expect(await files.read(path, { bytesMax: 100 })).toMatchObject({ ok: true, bytes: Buffer.from('inside') });
      }
      for (const path of ['up', 'etc/passwd', '../x', 'real/../../x', '/etc/passwd', '/treeside', 'round', 'a\0b']) {
        expect(await files.read(path, { bytesMax: 100 })).toMatchObject({ ok: false });
        expect(await files.write(`${path}/x`, Buffer.from('x'))).toMatchObject({ ok: false });
      }
      expect(await files.list('etc', 1, 10)).toMatchObject({
        ok: false,
        why: expect.stringContaining('link out of the tree'),
      });
      expect(await files.copyTree('etc', '/copy/etc')).toMatchObject({ ok: false });
    });

    test('does not write, edit or remove through a link: it refuses, or removes the link itself', async () => {
      const { files, tree, stateDir } = await served(await open(), {});
      const outside = join(stateDir, 'outside.txt');
      writeFileSync(outside, 'safe');
      symlinkSync(outside, join(tree, 'link'));
      expect(await files.write('link', Buffer.from('x'))).toEqual({ ok: false, why: 'link is a link, not a file' });
      expect(await files.edit('link', 'safe', 'x')).toMatchObject({ ok: false });
      expect(await files.stat('link')).toMatchObject({ ok: true, type: 'a link' });
      expect(await files.remove('link')).toEqual({ ok: true });
      expect(readFileSync(outside, 'utf8')).toBe('safe');
    });

    test('does not touch a fifo, socket or folder when asked for a file', async () => {
      const { files, tree } = await served(await open(), { 'dir/x': '' });
      spawnSync('mkfifo', [join(tree, 'fifo')]);
      const server = net.createServer();
      await new Promise<void>((ready) => server.listen(join(tree, 's'), ready));
      onTestFinished(() => void server.close());
      for (const [path, kind] of [
        ['fifo', 'a fifo'],
        ['s', 'a socket'],
        ['dir', 'a folder'],
      ] as const) {
        const why = `${path} is ${kind}, not a file`;
        expect(await files.read(path, { bytesMax: 10 })).toEqual({ ok: false, why });
        expect(await files.write(path, Buffer.from('x'))).toEqual({ ok: false, why });
        expect(await files.edit(path, 'a', 'b')).toEqual({ ok: false, why });
      }
      expect(await files.list('fifo', 1, 10)).toMatchObject({ ok: false });
    });

    test('limits what it reads and what it writes', async () => {
      const { files, tree } = await served(await open(), {});
      writeFileSync(join(tree, 'large'), Buffer.alloc(fileBytesMax + 10));
      const read = await files.read('large', { bytesMax: 1e12 });
      expect(read.ok && read.bytes.length).toBe(fileBytesMax);
      expect(read.ok && read.size).toBe(fileBytesMax + 10);
      expect(await files.write('x', Buffer.alloc(fileBytesMax + 1))).toMatchObject({ ok: false });
      expect(await files.read('x'.repeat(100_000), { bytesMax: 1 })).toMatchObject({ ok: false });
      expect(await files.read('missing', { bytesMax: 1 })).toEqual({
        ok: false,
        why: 'missing: no such file or folder',
      });
    });

    test('handles calls in order', async () => {
      const { files } = await served(await open(), {});
      const [, first, , second] = await Promise.all([
        files.write('a', Buffer.from('1')),
        files.read('a', { bytesMax: 9 }),
        files.write('a', Buffer.from('2')),
        files.read('a', { bytesMax: 9 }),
      ]);
      expect([first, second]).toMatchObject([{ bytes: Buffer.from('1') }, { bytes: Buffer.from('2') }]);
    });
  });
}

describeBoxed('the file service in a box', () => {
  test('writes nothing if the tree is read-only', async () => {
    const { files } = await served(await openBoxes(), { a: 'x' }, 'ro');
    expect(await files.write('a', Buffer.from('y'))).toEqual({ ok: false, why: 'a: it is read-only here' });
    expect(await files.read('a', { bytesMax: 1 })).toMatchObject({ ok: true });
  });

  test('is not fooled by a folder that is swapped for a link while the service works', async () => {
    const opened = await openBoxes();
    const { files, tree } = await served(opened, { 'real/a.txt': 'inside' });
    const mounts = [{ source: tree, target: '/tree', mode: 'rw' as const }];
    const swap = 'while [ ! -e stop ]; do mv real kept; ln -s /etc real; rm real; mv kept real; done';
    const swapping = run(opened.sandbox, ['sh', '-c', swap], { mounts, workdir: '/tree' });
    const missing = 'real/hosts: no such file or folder';
    const linked = 'real/hosts is a link out of the tree, to /etc';
    // The folder became a link after the service had looked at it, but before the service opened it.
    const swapped = 'real/hosts: part of the path is not a folder';
    const seen = new Set<string>();
    for (let i = 0; i < 3000 && !(seen.has(missing) && seen.has(linked)); i += 1) {
      const answer = await files.read('real/hosts', { bytesMax: 100 });
      seen.add(answer.ok ? answer.bytes.toString() : answer.why);
    }
    await files.write('stop', Buffer.from(''));
    await swapping;
    expect([...seen].filter((said) => said !== swapped).sort()).toEqual([linked, missing]);
  });

  test('answers again after its box was ended', async () => {
    const { files, sandbox } = await served(await openBoxes(), { a: 'x' });
    expect(await files.read('a', { bytesMax: 1 })).toMatchObject({ ok: true });
    await sandbox.close();
    await expect(files.read('a', { bytesMax: 1 })).rejects.toThrow(RunnerError);
    expect(await files.read('a', { bytesMax: 1 })).toMatchObject({ ok: true });
  });
});

describe('a file service replaced by an attacker', () => {
  function lied(way: string): TreeFiles {
    const { sandbox } = openUnboxed();
    const source = join(realpathSync(tempDir()), `way-${way}`);
    mkdirSync(source);
    const enemy = { ...sandbox, kit: { node: process.execPath, files: join(programs, 'liar.mjs') } };
    const files = openFiles(enemy, {
      role: 'builder',
      mounts: [{ source, target: '/tree', mode: 'rw' }],
      callMs: 1500,
    });
    onTestFinished(() => files.close());
    return files;
  }

  test.each(['garbage', 'huge', 'more', 'flood', 'wrong', 'twice', 'shape', 'text', 'die', 'unasked', 'hang'])(
    'can only make calls fail: %s',
    async (way) => {
      const call = lied(way).read('a', { bytesMax: 10 });
      const error = await call.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(RunnerError);
      expect((error as RunnerError).code).toBe('box');
    },
  );

  test('cannot write to the terminal of whoever reads its refusals', async () => {
    expect(await lied('words').read('a', { bytesMax: 10 })).toEqual({ ok: false, why: 'red' });
  });
});
