// The funnel on a real hub: an acknowledged append stays on the trail, and a refused one leaves nothing there.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Act } from '../../../state/entry/act.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Entry, Intent, StoredBytes } from '../../../state/entry/entry.ts';
import { Refused, TrailError } from '../../../state/entry/errors.ts';
import type { Role } from '../../../state/entry/ids.ts';
import { sealBytes } from '../../../state/entry/policy.ts';
import { openFunnel, queuedAppendsMax } from '../../../state/trail/funnel.ts';
import { tempDir } from '../../support/temp.ts';
import { expectHonestHistory, openTestFunnel } from '../../support/trail/honest.ts';
import type { Appended } from '../../support/trail/trail.ts';
import {
  close,
  finding,
  git,
  listing,
  makeTrail,
  note,
  phase,
  sessionEnd,
  titleOf,
} from '../../support/trail/trail.ts';

describe('an append', () => {
  test('is numbered, dated, on the trail and in heads.log when it resolves', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    const [first] = await funnel.append([note('one')]);
    const [second, third] = await funnel.append([note('two'), note('three')]);
    expect([first, second, third].map((entry) => entry?.id)).toEqual([1, 2, 3]);
    expect(first).toMatchObject({ at: '2026-06-11T20:58:03Z', kind: 'note', role: 'builder', facts: { title: 'one' } });
    expect(funnel.head).toBe(git(trail.hub, ['rev-parse', 'trail']));
    expect(readFileSync(trail.heads, 'utf8').trimEnd().split('\n').at(-1)).toBe(`3 ${funnel.head}`);
    expect(git(trail.hub, ['show', 'trail:machine-docs/STATUS-mailu.md'])).toContain('Seen with my own eyes.');
    expect((await funnel.file('STATUS-mailu.md'))?.toString()).toBe(
      `${git(trail.hub, ['show', 'trail:machine-docs/STATUS-mailu.md'])}\n\n`,
    );
  });

  test('is unchanged when the trail is opened again', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openFunnel(listing(trail));
    const appended = [...(await funnel.append([note('one')])), ...(await funnel.append([sessionEnd('it waited')]))];
    await funnel.close();
    const again = await openTestFunnel(trail);
    expect(again.state).toEqual(appended);
    expect(again.nextId).toBe(3);
  });

  test('shares a commit only with neighbouring appends by the same role', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await Promise.all(
      [note('a'), note('b'), note('c', 'adversary'), note('d', 'adversary'), sessionEnd('e'), note('f')].map((intent) =>
        funnel.append([intent]),
      ),
    );
    expect(funnel.state.map((entry) => entry.role).join(' ')).toBe(
      'builder builder adversary adversary supervisor builder',
    );
    expect(git(trail.hub, ['log', '--reverse', '--format=%an', 'trail']).split('\n').slice(1)).toEqual([
      'Coldpass builder',
      'Coldpass adversary',
      'Coldpass supervisor',
      'Coldpass builder',
    ]);
  });

  test('notifies listeners in order, after the state has changed, until they stop', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    const heard: string[] = [];
    const stop = funnel.onAppended((entries) =>
      heard.push(`${entries.map((entry) => entry.id)} of ${funnel.state.length}`),
    );
    await Promise.all([funnel.append([note('a')]), funnel.append([note('b')])]);
    await funnel.append([note('c')]);
    stop();
    await funnel.append([note('d')]);
    expect(heard).toEqual(['1,2 of 2', '3 of 3']);
  });

  test('is rejected after close, but what was queued before is finished', async () => {
    const funnel = await openFunnel(listing(await makeTrail(tempDir())));
    const queued = funnel.append([note('a')]);
    await funnel.close();
    expect(await queued).toHaveLength(1);
    await expect(funnel.append([note('b')])).rejects.toThrow(/closed/);
  });

  test('rejects with the error if a rule has a bug, while other appends succeed', async () => {
    const bug = new TypeError('undefined is not an id');
    const admit = (_: Appended, entry: Entry) => {
      if (titleOf(entry) === 'b') throw bug;
      return null;
    };
    const funnel = await openFunnel({ ...listing(await makeTrail(tempDir())), admit });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((title) => funnel.append([note(title)])));
    await funnel.close();
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: bug });
    expect(funnel.state.map(titleOf)).toEqual(['a', 'c']);
  });

  test('is rejected at once if too many are waiting', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    const all = await Promise.allSettled(
      Array.from({ length: queuedAppendsMax + 5 }, () => funnel.append([note('forbidden', 'builder', '')])),
    );
    const away = all.filter((one) => one.status === 'rejected' && one.reason instanceof TrailError);
    expect(away).toHaveLength(5);
  });
});

describe('16 writers at once', () => {
  test('lose and duplicate nothing, and their numbers have no gaps', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openFunnel(listing(trail));
    const roles: Role[] = ['builder', 'adversary', 'supervisor', 'builder'];
    const acknowledged = await Promise.all(
      Array.from({ length: 16 }, (_, writer) =>
        appendMany(20, (n) => funnel.append([byRole(roles[writer % 4] as Role, `${writer}.${n}`)])),
      ),
    );
    await funnel.close();
    const again = await openTestFunnel(trail);
    expect(again.state.map((entry) => entry.id)).toEqual(Array.from({ length: 320 }, (_, index) => index + 1));
    const byId = new Map(again.state.map((entry) => [entry.id, entry]));
    for (const entry of acknowledged.flat()) expect(byId.get(entry.id)).toEqual(entry);
    expect(new Set(acknowledged.flat().map((entry) => entry.id)).size).toBe(320);
    await expectHonestHistory(trail);
  });
});

describe('a refused append', () => {
  test('is refused alone; its neighbours in the same batch are accepted', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    const results = await Promise.allSettled([
      funnel.append([note('a')]),
      funnel.append([note('forbidden')]),
      funnel.append([note('b')]),
    ]);
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: new Refused('that word is not for here; use another') });
    expect(funnel.state.map(titleOf)).toEqual(['a', 'b']);
    expect(funnel.nextId).toBe(3);
  });

  test('leaves no commit, no number and no stored bytes', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await funnel.append([note('a')]);
    const before = { head: funnel.head, heads: readFileSync(trail.heads, 'utf8') };
    const both = [finding('b', Buffer.from('kept out')), finding('forbidden', Buffer.from('x'))];
    await expect(funnel.append(both)).rejects.toThrow(Refused);
    expect({ head: git(trail.hub, ['rev-parse', 'trail']), heads: readFileSync(trail.heads, 'utf8') }).toEqual(before);
    expect(await funnel.blob(digestOf('kept out'))).toBeNull();
    expect(
      git(trail.hub, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']).match(/commit/g),
    ).toHaveLength(2);
    expect((await funnel.append([note('b')]))[0]?.id).toBe(2);
  });

  test('is judged after everything accepted before it, even if that is not written yet', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    const results = await Promise.allSettled([
      funnel.append([note('same')]),
      funnel.append([note('same', 'adversary')]),
    ]);
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected']);
    await expect(funnel.append([note('twice'), note('twice')])).rejects.toThrow('«twice» is there already');
  });

  const turnedDown: [string, () => Intent[], RegExp][] = [
    ['an empty append', () => [], /at least one entry/],
    ['two roles', () => [note('a'), note('b', 'adversary')], /must be of one role/],
    ['a role that may not write this kind', () => [note('a', 'runner')], /not by the runner/],
    ['facts that break the schema', () => [note('x'.repeat(1001))], /title: Too big/],
    ['a heading in the body', () => [note('a', 'builder', 'fine\n## M1 PASS\n')], /./],
    ['the end of a comment in the body', () => [note('a', 'builder', '-->')], /./],
    ['a body that is too long', () => [note('a', 'builder', 'long '.repeat(10_000))], /50000 bytes, over/],
    ['a lone surrogate', () => [note('a', 'builder', 'half \ud800 of it')], /./],
    [
      'bytes with another digest',
      () => [{ ...note('a'), blobs: [{ path: `blobs/${'0'.repeat(64)}`, bytes: Buffer.from('x') }] }],
      /do not match its digest/,
    ],
    ['bytes that no entry names', () => [{ ...note('a'), ...blobOf('x') }], /does not name the bytes/],
    [
      'a file of entries as stored bytes',
      () => [{ ...finding('a', Buffer.from('x')), blobs: [{ path: 'REVIEW-mailu.md', bytes: Buffer.from('x') }] }],
      /may not store/,
    ],
    [
      'a run record that is not the runner’s',
      () => [{ ...note('a'), blobs: [{ path: 'runs/r-0123456789ab/results.json', bytes: Buffer.from('{}') }] }],
      /The builder may not store/,
    ],
    ['a close of a missing entry', () => [close(7)], /there is no such target/],
    [
      'bytes at an unknown path',
      () => [{ ...note('a'), blobs: [{ path: 'allowed_signers', bytes: Buffer.from('x') }] }],
      /may not store/,
    ],
    [
      'bytes outside the folder',
      () => [{ ...note('a'), blobs: [{ path: '../README.md', bytes: Buffer.from('x') }] }],
      /may not store/,
    ],
  ];
  test.for(turnedDown)('%s is refused with a reason', async ([, intents, reason]) => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    const error = await funnel.append(intents()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).message).toMatch(reason);
    expect(git(trail.hub, ['rev-parse', 'trail'])).toBe(trail.genesis);
  });
});

describe('stored bytes', () => {
  test('are committed with the entry that names them, signed by the same key, and can be read back', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await funnel.append([finding('a', Buffer.from('a reproducer\n'))]);
    const digest = digestOf('a reproducer\n');
    expect((await funnel.blob(digest))?.toString()).toBe('a reproducer\n');
    expect(git(trail.hub, ['show', '--format=%an', '--name-only', 'trail']).split('\n').filter(Boolean).sort()).toEqual(
      ['Coldpass adversary', 'machine-docs/BACKLOG-mailu.md', `machine-docs/blobs/${digest}`],
    );
  });

  test('may be named again by later entries, and stay as they are', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    await Promise.all(['a', 'b'].map((title) => funnel.append([finding(title, Buffer.from('same'))])));
    await funnel.append([finding('c', Buffer.from('same'))]);
    expect(funnel.state).toHaveLength(3);
  });

  test('are refused at a path that is taken, even within one batch', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    const results = await Promise.allSettled(
      ['one plan', 'another plan'].map((plan) => funnel.append([queueAct(plan)])),
    );
    expect(results[1]).toMatchObject({
      reason: new Refused(
        'machine-docs/plan-phase-mailu.md is already on the trail with other bytes; stored files never change.',
      ),
    });
    await expect(funnel.append([queueAct('a third')])).rejects.toThrow(/with other bytes/);
    expect(funnel.state).toHaveLength(1);
  });

  test('that come with an act are its plan, pinned recipe, and the harness files that the recipe names', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    await funnel.append([queueAct('the plan')]);
    expect((await funnel.file('plan-phase-mailu.md'))?.toString()).toBe('the plan');
    expect((await funnel.blob(digestOf('harness')))?.toString()).toBe('harness');
    expect(git(trail.hub, ['log', '-1', '--format=%an', 'trail', '--', 'machine-docs/OPERATOR.md'])).toBe(
      'Coldpass supervisor',
    );
    expect(funnel.state[0]?.role).toBe('operator');
  });
});

describe('a close', () => {
  test('is in the file of the entry that it closes, in whichever batch that entry was appended', async () => {
    const trail = await makeTrail(tempDir());
    const first = await openFunnel(listing(trail));
    await first.append([finding('a', Buffer.from('x')), note('b', 'adversary')]);
    await first.append([close(1)]);
    await first.close();
    const again = await openTestFunnel(trail);
    await again.append([close(2)]);
    await again.append([note('c', 'adversary'), close(5)]);
    const idsIn = (name: string) =>
      [...git(trail.hub, ['show', `trail:machine-docs/${name}`]).matchAll(/"id": (\d+)/g)].map((match) =>
        Number(match[1]),
      );
    expect(idsIn('BACKLOG-mailu.md')).toEqual([1, 3]);
    expect(idsIn('REVIEW-mailu.md')).toEqual([2, 4, 5, 6]);
  });

  test('of the other role’s entry is refused if the closing role may not write the file of that entry', async () => {
    const funnel = await openTestFunnel(await makeTrail(tempDir()));
    await funnel.append([note('a')]);
    await expect(funnel.append([close(1, 'adversary')])).rejects.toThrow(
      /has nothing to close in machine-docs\/STATUS-mailu.md/,
    );
  });
});

describe('a file', () => {
  test('is sealed before it exceeds 64 KiB, and continues in the next', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openFunnel(listing(trail));
    const body = 'A line of a long body.\n'.repeat(1000).trimEnd();
    for (let n = 0; n < 8; n++) await funnel.append([note(`${n}`, 'builder', body)]);
    await funnel.close();
    const sizes = git(trail.hub, ['ls-tree', '-l', 'trail', 'machine-docs/'])
      .split('\n')
      .filter((row) => row.includes('STATUS'));
    expect(sizes.map((row) => row.split('/').at(-1))).toEqual([
      'STATUS-mailu.2.md',
      'STATUS-mailu.3.md',
      'STATUS-mailu.4.md',
      'STATUS-mailu.md',
    ]);
    for (const row of sizes) expect(Number(row.split(/\s+/)[3])).toBeLessThanOrEqual(sealBytes);
    expect((await openTestFunnel(trail)).state.map(titleOf)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    await expectHonestHistory(trail);
  });

  test('is sealed in the middle of a batch too', async () => {
    const trail = await makeTrail(tempDir());
    const funnel = await openTestFunnel(trail);
    const body = 'A line of a long body.\n'.repeat(1000).trimEnd();
    await Promise.all(Array.from({ length: 5 }, (_, n) => funnel.append([note(`${n}`, 'builder', body)])));
    expect(git(trail.hub, ['rev-list', '--count', 'trail'])).toBe('2');
    expect(git(trail.hub, ['ls-tree', '--name-only', 'trail', 'machine-docs/'])).toContain('STATUS-mailu.3.md');
  });
});

function byRole(role: Role, title: string): Intent {
  return role === 'supervisor' ? sessionEnd(title) : note(title, role);
}

async function appendMany(count: number, append: (n: number) => Promise<Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let n = 0; n < count; n++) entries.push(...(await append(n)));
  return entries;
}

function blobOf(text: string): { blobs: StoredBytes[] } {
  return { blobs: [{ path: `blobs/${digestOf(text)}`, bytes: Buffer.from(text) }] };
}

/** An act that queues `plan`, with one recipe that names one harness file. Nothing checks the act's signature here. */
function queueAct(plan: string): Intent {
  const recipe = JSON.stringify({ harness: [{ item: 'runner.json', digest: digestOf('harness') }] });
  const payload = {
    act: 'queue',
    phase,
    plan: digestOf(plan),
    recipes: { tests: digestOf(recipe) },
    baseSha: 'a'.repeat(40),
  } as const;
  const times = { at: '2026-06-11T20:58:03Z', expires: '2026-06-11T21:58:03Z' };
  const act = Act.parse({
    v: 1,
    workspace: 'here',
    root: 'SHA256:root',
    nonce: digestOf(plan).slice(32),
    ...times,
    payload,
  });
  const blobs = [
    ...blobOf(recipe).blobs,
    ...blobOf('harness').blobs,
    { path: 'plan-phase-mailu.md', bytes: Buffer.from(plan) },
  ];
  return { kind: 'act', role: 'operator', phase, facts: { act, signature: 'unsigned' }, body: '', blobs };
}
