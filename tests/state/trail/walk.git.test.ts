import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Sha } from '../../../state/entry/ids.ts';
import { type CommitProblem, checkCommit } from '../../../state/trail/commitRule.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { placeAt, placeAtGenesis, walkTrail } from '../../../state/trail/walk.ts';
import { git, gitBytes, makeHub } from '../../support/repo.ts';
import { listing, note } from '../../support/trail/trail.ts';

/** Makes a trail of this many commits by two roles in turn; its files grow large enough to be sealed into parts. */
async function longTrail(commits: number) {
  const { hub, stateDir, signers } = await makeHub();
  const funnel = await openFunnel(listing({ hub: hub.dir, stateDir, signers }));
  const titles = Array.from({ length: commits }, (_, n) => `note ${n} ${'x'.repeat(900)}`);
  await Promise.all(titles.map((title, n) => funnel.append([note(title, n % 2 === 0 ? 'builder' : 'adversary')])));
  const { head } = funnel;
  await funnel.close();
  return { dir: hub.dir, genesis: hub.genesis, head };
}

test('each commit by the funnel passes the rules, also where files are sealed, wherever a walk starts', async () => {
  const { dir, genesis, head } = await longTrail(300);
  let place = await placeAtGenesis(dir, genesis);
  const problems: CommitProblem[] = [];
  const walked: Sha[] = [];
  const ids: number[] = [];
  for await (const commit of walkTrail(dir, genesis, head)) {
    const checked = checkCommit(place, commit);
    problems.push(...checked.problems);
    ids.push(...checked.entries.map(({ id }) => id));
    walked.push(commit.sha);
    place = checked.next;
  }
  expect(problems).toEqual([]);
  expect(ids).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
  expect(walked).toEqual(git(dir, ['rev-list', '--reverse', `${genesis}..trail`]).split('\n'));
  expect(place.parts.get('machine-docs/STATUS-mailu.md')).toBeGreaterThan(1);
  expect(await placeAt(dir, genesis, head)).toEqual(place);
});

test('a walk may stop early, and throws if an object is missing', async () => {
  const { dir, genesis, head } = await longTrail(4);
  for await (const commit of walkTrail(dir, genesis, head)) {
    expect(commit.changes.map(({ path }) => path)).toEqual(['machine-docs/STATUS-mailu.md']);
    break;
  }
  const packs = join(dir, 'objects/pack');
  const lost = git(dir, ['rev-parse', 'trail:machine-docs/REVIEW-mailu.md']);
  // Objects of the trail may be loose or packed, so this unpacks all except the one that is to be missing.
  const ids = git(dir, ['cat-file', '--batch-check=%(objectname)', '--batch-all-objects']).split('\n');
  const pack = gitBytes(dir, ['pack-objects', '-q', '--stdout'], ids.filter((id) => id !== lost).join('\n'));
  for (const folder of readdirSync(join(dir, 'objects'))) rmSync(join(dir, 'objects', folder), { recursive: true });
  git(dir, ['init', '-q', '--bare']);
  git(dir, ['unpack-objects', '-q'], pack);
  expect(readdirSync(packs)).toEqual([]);
  const walk = async () => {
    for await (const commit of walkTrail(dir, genesis, head)) void commit;
  };
  await expect(walk()).rejects.toMatchObject({ code: 'bad-hub', message: expect.stringContaining(lost) });
});
