import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AuditOptions, audit } from '../../../state/audit/audit.ts';
import { rulesDigest } from '../../../state/audit/mark.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { addCommits, git, makeHub } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import { rejected, spoilable } from '../../support/trail/attack.ts';
import { replaceObject } from '../../support/trail/forge.ts';

const { the, copy, commitOf } = spoilable();

/** Copies the whole trail, with the mark that an audit left when the trail still ended at entry `upTo`. */
async function marked(upTo: number, from = the.story.stateDir): Promise<AuditOptions & { mark: string }> {
  const { hub } = copy(from);
  const mark = join(hub, '..', 'audit.mark');
  const head = git(hub, ['rev-parse', 'trail']);
  git(hub, ['update-ref', 'refs/heads/trail', commitOf(upTo)]);
  expect(await audit({ hub, mark })).toMatchObject({ ok: true, entries: upTo, since: null, notes: [] });
  git(hub, ['update-ref', 'refs/heads/trail', head]);
  return { hub, mark, sinceMark: true };
}

describe('the digest of the auditing code', () => {
  test('covers every file of state/, however deep', async () => {
    expect(await rulesDigest()).toBe(await rulesDigest(join(import.meta.dirname, '..', '..', '..', 'state')));
    const folder = tempDir();
    mkdirSync(join(folder, 'gate', 'deep'), { recursive: true });
    const digests = [];
    for (const path of ['gate/gate.ts', 'gate/deep/rule.ts', 'entry.ts']) {
      writeFileSync(join(folder, path), 'one');
      digests.push(await rulesDigest(folder));
      writeFileSync(join(folder, path), 'two');
      digests.push(await rulesDigest(folder));
    }
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('an audit since the last one', () => {
  test('reports the same as a full audit, and where it started', async () => {
    for (const upTo of [0, 1, the.story.ids.opened, the.story.ids.claim, the.story.ids.fail, the.story.ids.done]) {
      const options = await marked(upTo);
      const { since, ...rest } = await audit(options);
      const { since: none, ...whole } = await audit({ hub: options.hub });
      expect(rest).toEqual(whole);
      expect(none).toBe(null);
      expect(since).toEqual({ entry: upTo, head: commitOf(upTo), at: expect.stringMatching(/^\d{4}-.*Z$/) });
    }
  });

  test('leaves the same mark as a full audit', async () => {
    const options = await marked(the.story.ids.claim);
    const markBody = () => readFileSync(options.mark, 'utf8').split('\n')[1];
    await audit(options);
    const spared = markBody();
    await audit({ ...options, sinceMark: false });
    expect(markBody()).toBe(spared);
    expect((await audit(options)).since?.entry).toBe(the.story.ids.done);
  });

  test('is witnessed like a full audit', async () => {
    const options = await marked(the.story.ids.fail);
    const headsLog = join(options.hub, '..', 'heads.log');
    expect(await audit({ ...options, headsLog })).toMatchObject({ ok: true, tail: 'witnessed' });
    expect(await audit({ ...options, head: commitOf(2) })).toMatchObject({ ok: true, tail: 'witnessed' });
    writeFileSync(headsLog, readFileSync(headsLog, 'utf8').replace(/^9 /m, '8 '));
    expect(await audit({ ...options, headsLog })).toMatchObject({ ok: false, tail: 'unwitnessed' });
  });

  test('checks the phase’s branch again, and keeps the mark if the branch has a problem', async () => {
    const options = await marked(the.story.ids.done);
    addCommits(options.hub, 'refs/heads/phase/notes', [{ 'src/more.js': 'x\n' }]);
    const before = readFileSync(options.mark);
    rejected(await audit(options), the.story.ids.done, /is at .*, but the commit judged is/);
    expect(readFileSync(options.mark)).toEqual(before);
    git(options.hub, ['update-ref', '-d', 'refs/heads/phase/notes']);
    rejected(await audit(options), the.story.ids.opened, /phase\/notes is gone/);
  });

  test('misses damage in the part that the mark covers; a full audit finds it', async () => {
    const options = await marked(the.story.ids.done, the.exploded);
    const id = git(options.hub, ['rev-parse', `${commitOf(the.story.ids.fail)}:machine-docs/REVIEW-notes.md`]);
    replaceObject(options.hub, id, (bytes) => Buffer.from(bytes.toString().replace('FAIL', 'PASS')));
    expect(await audit(options)).toMatchObject({ ok: true, since: { entry: the.story.ids.done } });
    rejected(
      await audit({ ...options, sinceMark: false }),
      the.story.ids.fail,
      /content of its object .* does not match that id/,
    );
  });

  test('checks the old bytes of files that have grown since', async () => {
    const options = await marked(the.story.ids.fail, the.exploded);
    const id = git(options.hub, ['rev-parse', `${commitOf(the.story.ids.fail)}:machine-docs/REVIEW-notes.md`]);
    replaceObject(options.hub, id, (bytes) => Buffer.from(bytes.toString().replace('FAIL', 'PASS')));
    const { problems } = await audit(options);
    expect(problems.map(({ what }) => what).join('\n')).toMatch(
      new RegExp(`content of its object ${id} does not match that id`),
    );
  });
});

describe('a mark that does not fit is ignored, with the reason:', () => {
  type Spoil = (mark: string, hub: string) => unknown;
  const cases: [string, RegExp, Spoil][] = [
    ['there is no mark', /no earlier audit is on record/, (mark) => rmSync(mark)],
    ['it cannot be read', /is damaged/, (mark) => writeFileSync(mark, 'x')],
    ['it was truncated', /is damaged/, (mark) => writeFileSync(mark, readFileSync(mark).subarray(0, -100))],
    [
      'its content was changed',
      /is damaged/,
      (mark) => writeFileSync(mark, readFileSync(mark, 'utf8').replace('"status":"done"', '"status":"open"')),
    ],
    ['other code wrote it', /another version/, (mark) => relabel(mark, { rules: digestOf('other rules') })],
    ['it belongs to another root', /another trail/, (mark) => relabel(mark, { root: 'SHA256:x' })],
    ['it belongs to another first commit', /another trail/, (mark) => relabel(mark, { genesis: 'e'.repeat(40) })],
    [
      'the trail was cut before it',
      /no longer contains the commit/,
      (_, hub) => git(hub, ['update-ref', 'refs/heads/trail', commitOf(the.story.ids.claim)]),
    ],
  ];
  test.each(cases)('%s', async (_, why, spoil) => {
    const options = await marked(the.story.ids.done);
    spoil(options.mark, options.hub);
    const report = await audit(options);
    expect(report).toMatchObject({ ok: true, since: null, notes: [expect.stringMatching(why)] });
    expect(report.notes[0]).toMatch(/^checked the whole trail: /);
  });

  test('the audited hub is a mirror, which has no mark', async () => {
    const report = await audit({ hub: the.story.hub.dir, sinceMark: true });
    expect(report).toMatchObject({ ok: true, since: null, notes: [expect.stringMatching(/no mark is kept/)] });
  });

  test('it belongs to another trail of the same operator', async () => {
    const other = await makeHub();
    const mark = join(tempDir(), 'audit.mark');
    await audit({ hub: other.hub.dir, mark });
    expect(await audit({ hub: the.story.hub.dir, mark, sinceMark: true })).toMatchObject({ ok: true, since: null });
  });

  function relabel(mark: string, change: object): void {
    const [first, ...rest] = readFileSync(mark, 'utf8').split('\n');
    writeFileSync(mark, [JSON.stringify({ ...JSON.parse(first as string), ...change }), ...rest].join('\n'));
  }
});

test('an audit that finds problems leaves no mark; if a mark cannot be written, a note says so', async () => {
  const mark = join(tempDir(), 'audit.mark');
  await audit({ hub: the.story.hub.dir, root: 'SHA256:x', mark });
  expect(() => readFileSync(mark)).toThrow(/ENOENT/);
  const report = await audit({ hub: the.story.hub.dir, mark: join(mark, 'x') });
  expect(report).toMatchObject({ ok: true, notes: [expect.stringMatching(/could not record how far .*ENOENT/)] });
});
