// Whatever was acknowledged is on the trail, despite kills, full disks and a second writer.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../../state/entry/entry.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { tempDir } from '../../support/temp.ts';
import { expectHonestHistory, openTestFunnel, trailOf } from '../../support/trail/honest.ts';
import type { TestTrail } from '../../support/trail/trail.ts';
import { finding, git, listing, makeTrail, note, titleOf } from '../../support/trail/trail.ts';

const kills = 20;
const killSeed = 20260611;
const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
const someone = ['-c', 'user.name=x', '-c', 'user.email=x@y'];

describe('the branch', () => {
  test('stops the funnel with advice if somebody else moved it, and nothing is appended after that', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await funnel.append([note('a')]);
    const theirs = git(trail.hub, [...someone, 'commit-tree', '-p', 'trail', '-m', 'theirs', 'trail^{tree}']);
    git(trail.hub, ['update-ref', 'refs/heads/trail', theirs]);
    const results = await Promise.allSettled([funnel.append([note('b')]), funnel.append([note('c')])]);
    for (const one of results)
      expect(one).toMatchObject({ reason: { code: 'bad-trail', message: expect.stringContaining(theirs) } });
    git(trail.hub, ['update-ref', 'refs/heads/trail', funnel.head]);
    await expect(funnel.append([note('d')])).rejects.toMatchObject({ code: 'bad-trail' });
    expect(funnel.state.map(titleOf)).toEqual(['a']);
  });

  test('fails only the current batch, with a message of one line, if another git has locked the branch', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    const lock = join(trail.hub, 'refs', 'heads', 'trail.lock');
    writeFileSync(lock, '');
    await expect(funnel.append([note('a')])).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/^Nothing was appended.*trail\.lock.*$/),
    });
    execFileSync('rm', [lock]);
    expect((await funnel.append([note('b')]))[0]?.id).toBe(1);
  });

  test('can be moved again after the git process that moves it was killed', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await funnel.append([note('a')]);
    const before = childrenOf(process.pid).filter(
      (pid) => commandOf(pid).includes('update-ref') && commandOf(pid).includes(trail.hub),
    );
    expect(before).toHaveLength(1);
    process.kill(before[0] as number, 'SIGKILL');
    const retried = await funnel.append([note('b')]);
    expect(retried[0]?.id).toBe(2);
    expect(git(trail.hub, ['rev-parse', 'trail'])).toBe(funnel.head);
  });

  test('is freed from the lock of a dead git process when the trail is opened', async () => {
    const trail = await makeTrail(tempDir());
    const lock = join(trail.hub, 'refs', 'heads', 'trail.lock');
    writeFileSync(lock, '');
    utimesSync(lock, 1, 1);
    const funnel = await openTestFunnel(trail);
    expect(existsSync(lock)).toBe(false);
    expect(await funnel.append([note('a')])).toHaveLength(1);
  });
});

describe('kill -9', () => {
  test(`at ${kills} seeded moments loses nothing acknowledged and duplicates nothing`, async () => {
    const trail = await makeTrail(tempDir());
    const random = seeded(killSeed);
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < kills; round++) {
      for (const [id, title] of await appendUntilKilled(trail, `r${round}`, random)) acknowledged.set(id, title);
      const funnel = await openFunnel(listing(trail));
      expectAll(funnel.state, acknowledged);
      const [own] = await funnel.append([note(`after ${round}`)]);
      acknowledged.set(own?.id as number, `after ${round}`);
      await funnel.close();
    }
    expect(acknowledged.size).toBeGreaterThan(kills * 2);
    await expectHonestHistory(trail);
    expect(git(trail.hub, ['fsck', '--no-dangling'])).toBe('');
  }, 300_000);
});

describe('a full disk', () => {
  const separate = spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

  test.skipIf(!separate)(
    'rejects appends with one clear line; once there is space, appends work (needs unshare and tmpfs)',
    () => {
      const dir = tempDir();
      const program = join(import.meta.dirname, '..', '..', 'support', 'trail', 'fullDisk.ts');
      const script = `mount -t tmpfs -o size=4m,mode=700 tmpfs "$0" && exec "$1" "$2" "$0"`;
      const result = spawnSync('unshare', [...namespace, 'sh', '-c', script, dir, process.execPath, program], {
        encoding: 'utf8',
      });
      expect(result.stderr).toBe('');
      const { errors, titlesWhileFull, titles } = JSON.parse(result.stdout);
      for (const error of errors)
        expect(error).toMatchObject({
          code: 'io',
          message: expect.stringMatching(/^Nothing was appended.*(disk is full|No space left).*$/),
        });
      expect(titlesWhileFull).toEqual(['before']);
      expect(titles).toEqual(['before', 'after']);
    },
  );

  test('at heads.log moves the branch back, and the same append works later', async () => {
    const trail = await trailOf(Array.from({ length: 60 }, (_, n) => `filler ${n}`));
    const funnel = await openTestFunnel(trail);
    const before = { head: funnel.head, heads: readFileSync(trail.heads, 'utf8') };
    const error = await withFilesUpTo(before.heads.length + 10, () =>
      funnel.append([note('late')]).catch((caught: unknown) => caught),
    );
    expect(error).toMatchObject({ code: 'io', message: expect.stringMatching(/ulimit -f/) });
    expect({ head: git(trail.hub, ['rev-parse', 'trail']), heads: readFileSync(trail.heads, 'utf8') }).toEqual(before);
    expect((await funnel.append([note('late')]))[0]?.id).toBe(61);
  });

  test('at an object leaves the trail as it was, and smaller appends work', async () => {
    const trail = await trailOf(['a']);
    const funnel = await openTestFunnel(trail);
    const large = finding('large', randomBytes(40_000));
    await withFilesUpTo(8192, async () => {
      const results = await Promise.allSettled([funnel.append([large])]);
      expect(results[0]).toMatchObject({
        reason: { code: 'io', message: expect.stringMatching(/^Nothing was appended.*ulimit -f/) },
      });
      expect(await funnel.append([note('small')])).toHaveLength(1);
    });
    expect(funnel.state.map(titleOf)).toEqual(['a', 'small']);
    expect(await funnel.append([large])).toHaveLength(1);
  });
});

function expectAll(entries: readonly Entry[], acknowledged: Map<number, string>): void {
  expect(entries.map((entry) => entry.id)).toEqual(entries.map((_, index) => index + 1));
  const titles = entries.map(titleOf);
  expect(new Set(titles).size).toBe(titles.length);
  for (const [id, title] of acknowledged) expect(titles[id - 1], `entry #${id}`).toBe(title);
}

async function appendUntilKilled(trail: TestTrail, name: string, random: () => number): Promise<[number, string][]> {
  const program = join(import.meta.dirname, '..', '..', 'support', 'trail', 'appender.ts');
  const child = spawn(process.execPath, [program, trail.stateDir, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const acknowledged: [number, string][] = [];
  lines.on('line', (line) => acknowledged.push([Number.parseInt(line, 10), line.replace(/^\d+ /, '')]));
  await Promise.race([once(lines, 'line'), closed.then(() => Promise.reject(new Error('it ended by itself')))]);
  await after(random() * 40);
  // Sometimes kills the program's git as well, as when a machine stops.
  const gits =
    random() < 0.3 ? childrenOf(child.pid as number).filter((pid) => commandOf(pid).includes('update-ref')) : [];
  for (const pid of [...gits, child.pid as number]) process.kill(pid, 'SIGKILL');
  await closed;
  return acknowledged;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  });
}

function commandOf(pid: number): string {
  return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') : '';
}

async function withFilesUpTo<T>(bytes: number, act: () => Promise<T>): Promise<T> {
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`]);
  try {
    return await act();
  } finally {
    execFileSync('prlimit', ['--pid', `${process.pid}`, '--fsize=unlimited:']);
  }
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
