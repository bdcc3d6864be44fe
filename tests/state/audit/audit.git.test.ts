import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AuditOptions, type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { mustReadTree, objectStore } from '../../../state/git/objects.ts';
import { gitObject, withFiles } from '../../../state/git/trees.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { addCommits, git, makeHub } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import { rejected, spoilable } from '../../support/trail/attack.ts';

const { the, copy, commitOf } = spoilable();

describe('an honest trail', () => {
  test('is in order; the report has the gates and the given anchors', async () => {
    const { hub, headsLog, ids, shas } = the.story;
    const report = await audit({ hub: hub.dir, root: hub.root, head: commitOf(ids.done), headsLog });
    expect(report).toEqual({
      ok: true,
      entries: ids.done,
      commits: ids.done + 1,
      head: commitOf(ids.done),
      root: { fingerprint: hub.root, assumed: false },
      tail: 'witnessed',
      phases: [
        {
          id: 'notes',
          status: 'done',
          gates: [
            { gate: 'M1', holds: true, claim: ids.again, sha: shas.second },
            { gate: 'DONE', holds: true, claim: ids.handOff, sha: shas.second },
          ],
          sandbox: 'bubblewrap',
        },
      ],
      problems: [],
      since: null,
      notes: [],
    });
  });

  test('without anchors is reported as unwitnessed', async () => {
    expect(await audit({ hub: the.story.hub.dir })).toMatchObject({
      ok: true,
      root: { fingerprint: the.story.hub.root, assumed: true },
      tail: 'unwitnessed',
      problems: [],
    });
  });

  test('is witnessed by any of its commits, or by heads.log alone', async () => {
    const head = commitOf(the.story.ids.claim);
    expect(await audit({ hub: the.story.hub.dir, head })).toMatchObject({ ok: true, tail: 'witnessed' });
    expect(await audit({ hub: the.story.hub.dir, headsLog: the.story.headsLog })).toMatchObject({
      ok: true,
      tail: 'witnessed',
    });
  });

  test('may have no entries yet', async () => {
    const { hub } = await makeHub();
    const report = await audit({ hub: hub.dir, root: hub.root, head: hub.genesis });
    expect(report).toMatchObject({ ok: true, entries: 0, commits: 1, tail: 'witnessed', phases: [], problems: [] });
  });
});

test('a path that is not a hub throws instead of giving a report', async () => {
  const plain = tempDir();
  git(plain, ['init', '-q', '--bare']);
  await expect(audit({ hub: plain })).rejects.toMatchObject({ code: 'bad-hub' });
  await expect(audit({ hub: join(plain, 'nowhere') })).rejects.toMatchObject({ code: 'bad-hub' });
});

describe('the anchors', () => {
  test('show another trail if the root differs', async () => {
    const { fingerprint } = generateKey(join(tempDir(), 'k'), 'x');
    rejected(await audit({ hub: the.story.hub.dir, root: fingerprint }), null, /another trail/);
  });

  const lost = (report: AuditReport) =>
    rejected(report, the.story.ids.done, new RegExp(`ends at #${the.story.ids.done - 1} without`));
  const cut = (): { hub: string; headsLog: string } => {
    const copied = copy();
    git(copied.hub, ['update-ref', 'refs/heads/trail', 'trail~1']);
    return copied;
  };

  test('show that the tail was cut if somebody wrote down a later commit', async () => {
    const report = await audit({ hub: cut().hub, head: commitOf(the.story.ids.done) });
    lost(report);
    expect(report.tail).toBe('unwitnessed');
  });

  test('show that the tail was cut if heads.log is one of them', async () => lost(await audit(cut())));

  test('are needed to see that the tail was cut; a report without them says unwitnessed', async () => {
    expect(await audit({ hub: cut().hub })).toMatchObject({
      ok: true,
      entries: the.story.ids.done - 1,
      tail: 'unwitnessed',
    });
  });

  test('must not include an abbreviated head', async () => {
    const head = commitOf(3).slice(0, 12);
    rejected(await audit({ hub: the.story.hub.dir, head }), null, /not a full commit id/);
  });

  test.each<[string, RegExp, (text: string) => string]>([
    ['another count for a commit', /the trail has 9 entries up to that commit/, (text) => text.replace(/^9 /m, '8 ')],
    ['an invalid line', /line 2 is not/, (text) => text.replace('\n', '\nx\n')],
    ['no lines', /is empty/, () => ''],
  ])('a heads.log with %s witnesses nothing', async (_, what, change) => {
    const copied = copy();
    writeFileSync(copied.headsLog, change(readFileSync(copied.headsLog, 'utf8')));
    const report = await audit(copied);
    expect(report).toMatchObject({ ok: false, tail: 'unwitnessed' });
    expect(report.problems[0]?.what).toMatch(what);
  });

  test('may include a heads.log whose last line was torn by a crash, but none that is missing', async () => {
    const copied = copy();
    writeFileSync(copied.headsLog, `${readFileSync(copied.headsLog, 'utf8')}99 abc`);
    expect(await audit(copied)).toMatchObject({ ok: true, tail: 'witnessed' });
    rmSync(copied.headsLog);
    rejected(await audit(copied), null, /cannot be read/);
  });
});

describe('branches:', () => {
  test('the branch of a phase that is done must not move, or what is merged is not what was judged', async () => {
    const { hub } = copy();
    addCommits(hub, 'refs/heads/phase/notes', [{ 'src/more.js': 'x\n' }]);
    rejected(await audit({ hub }), the.story.ids.done, /is at .*, but the commit judged is/);
  });

  test('a phase’s branch must exist, even if its commits are kept', async () => {
    const { hub } = copy();
    git(hub, ['update-ref', 'refs/keep', 'phase/notes']);
    git(hub, ['update-ref', '-d', 'refs/heads/phase/notes']);
    rejected(await audit({ hub }), the.story.ids.opened, /its branch phase\/notes is gone/);
  });

  test('a phase’s branch may be missing just after the phase was opened', async () => {
    const { hub } = copy();
    git(hub, ['update-ref', 'refs/heads/trail', commitOf(the.story.ids.opened)]);
    git(hub, ['update-ref', '-d', 'refs/heads/phase/notes']);
    expect(await audit({ hub })).toMatchObject({ ok: true });
  });

  test('a phase’s branch must contain what a session published, even if it was never claimed', async () => {
    const { hub } = copy();
    const upTo = the.story.ids.again - 1;
    git(hub, ['update-ref', 'refs/heads/trail', commitOf(upTo)]);
    git(hub, ['update-ref', 'refs/heads/phase/notes', the.story.shas.first]);
    const { problems } = await audit({ hub });
    expect(problems).toMatchObject([{ what: `${the.story.shas.second} is not on phase/notes` }]);
    expect(problems[0]?.entry).toBeLessThan(the.story.ids.again);
    expect(problems[0]?.commit).toBe(commitOf(problems[0]?.entry as number));
  });

  test('a phase’s branch must begin at its base', async () => {
    const { hub } = copy();
    git(hub, ['update-ref', 'refs/heads/trail', commitOf(the.story.ids.approve)]);
    const other = git(hub, ['commit-tree', '-m', 'x', git(hub, ['rev-parse', 'main^{tree}'])]);
    git(hub, ['update-ref', 'refs/heads/phase/notes', other]);
    rejected(await audit({ hub }), the.story.ids.opened, /is not on phase\/notes/);
  });

  test('the trail must not have two beginnings', async () => {
    const { hub } = copy();
    const other = git(hub, ['rev-parse', 'main']);
    const tree = git(hub, ['rev-parse', 'trail^{tree}']);
    const merge = git(hub, ['commit-tree', '-p', 'trail', '-p', other, '-m', 'x', tree]);
    git(hub, ['update-ref', 'refs/heads/trail', merge]);
    const report = await audit({ hub });
    expect(report).toMatchObject({ ok: false, head: merge });
    expect(report.problems[0]).toMatchObject({ commit: merge, what: expect.stringMatching(/merge/) });
  });

  test('the trail’s first commit must contain nothing but keys', async () => {
    const { hub, signers } = await makeHub();
    const store = objectStore(hub.dir);
    const blob = gitObject('blob', Buffer.from('# PASS\n'));
    const load = async (sha: Sha) => mustReadTree(store, sha);
    const top = await load(git(hub.dir, ['rev-parse', `${hub.genesis}^{tree}`]) as Sha);
    const tree = await withFiles(top, new Map([['machine-docs/plan-phase-x.md', blob.sha]]), load);
    const facts = { tree: tree.sha, parent: null, role: 'operator', atMs: 0, subject: 'init: sample' };
    const commit = signedCommit(facts, signers.operator);
    await store.write([blob, ...tree.objects, commit]);
    store.close();
    git(hub.dir, ['update-ref', 'refs/heads/trail', commit.sha]);
    rejected(await audit({ hub: hub.dir }), null, /the first commit contains machine-docs\/plan-phase-x.md/);
  });

  test('the trail must exist', async () => {
    const { hub } = copy();
    git(hub, ['update-ref', '-d', 'refs/heads/trail']);
    rejected(await audit({ hub } satisfies AuditOptions), null, /`trail` is missing/);
  });
});
