// Opening a trail folds all of it and compares it with heads.log. Damage by a crash is repaired; a trail with any other
// damage is refused.

import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TrailError } from '../../../state/entry/errors.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { tempDir } from '../../support/temp.ts';
import { openTestFunnel, trailOf } from '../../support/trail/honest.ts';
import type { TestTrail } from '../../support/trail/trail.ts';
import { git, listing, makeTrail, titleOf } from '../../support/trail/trail.ts';

const someone = ['-c', 'user.name=x', '-c', 'user.email=x@y'];

describe('heads.log', () => {
  test('is repaired at opening if its last line was torn', async () => {
    const trail = await trailOf(['a', 'b']);
    const whole = readFileSync(trail.heads, 'utf8');
    for (const torn of ['3', '3 ', `3 ${'a'.repeat(39)}`, `3 ${'a'.repeat(40)}`]) {
      appendFileSync(trail.heads, torn);
      await (await openFunnel(listing(trail))).close();
      expect(readFileSync(trail.heads, 'utf8')).toBe(whole);
    }
  });

  test('gets the line of a batch that was on the trail when the process died', async () => {
    const trail = await trailOf(['a', 'b']);
    const whole = readFileSync(trail.heads, 'utf8');
    truncateSync(trail.heads, whole.trimEnd().lastIndexOf('\n') + 1);
    const funnel = await openTestFunnel(trail);
    expect(funnel.state.map(titleOf)).toEqual(['a', 'b']);
    expect(readFileSync(trail.heads, 'utf8')).toBe(whole);
  });

  test('shows a cut tail if it is ahead of the trail: opening then names the entry and changes nothing', async () => {
    const trail = await trailOf(['a', 'b']);
    const cut = git(trail.hub, ['rev-parse', 'trail']);
    git(trail.hub, ['update-ref', 'refs/heads/trail', 'trail~1']);
    const refusal = {
      code: 'bad-trail',
      message: expect.stringMatching(new RegExp(`#2 \\(${cut}\\).*tail was cut.*update-ref`)),
    };
    await expect(openFunnel(listing(trail))).rejects.toMatchObject(refusal);
    expect(readFileSync(trail.heads, 'utf8')).toContain(cut);
    git(trail.hub, ['update-ref', 'refs/heads/trail', cut]);
    expect((await openTestFunnel(trail)).state).toHaveLength(2);
  });

  test('is refused if a line is invalid or lines are out of order', async () => {
    const trail = await trailOf(['a', 'b']);
    const lines = readFileSync(trail.heads, 'utf8').trimEnd().split('\n');
    writeFileSync(trail.heads, `${lines.toReversed().join('\n')}\n`);
    await expect(openFunnel(listing(trail))).rejects.toThrow(/out of order/);
    writeFileSync(trail.heads, `${lines[0]}\nhello\n`);
    await expect(openFunnel(listing(trail))).rejects.toThrow(/heads\.log line 2/);
  });
});

describe('opening', () => {
  test('refuses a folder that is not a hub, and a key that the trail does not allow', async () => {
    await expect(openFunnel({ ...listing(await makeTrail(tempDir())), hub: tempDir() })).rejects.toMatchObject({
      code: 'bad-hub',
    });
    await expect(
      openFunnel({ ...listing(await makeTrail(tempDir())), hub: '/nonexistent/hub' }),
    ).rejects.toBeInstanceOf(TrailError);
    const trail = await makeTrail(tempDir());
    const builder = generateKey(join(trail.stateDir, 'keys', 'another'), 'x');
    const opening = openFunnel({ ...listing(trail), signers: { ...trail.signers, builder } });
    await expect(opening).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining(builder.fingerprint),
    });
  });

  test('refuses a merge, and entries that are missing, duplicate, in the wrong file or not framed', async () => {
    const trail = await trailOf(['a', 'b']);
    const text = `${git(trail.hub, ['show', 'trail:machine-docs/STATUS-mailu.md'])}\n\n`;
    const second = text.indexOf('## ', 5);
    const wrong: Record<string, [RegExp, string?]> = {
      [text.slice(second)]: [/#1 is missing/],
      [text + text.slice(second)]: [/#3 is missing or duplicated/],
      [`${text}stray\n`]: [/./],
      [text]: [/#1 belongs in machine-docs\/STATUS-mailu.md/, 'REVIEW-mailu.md'],
    };
    for (const [content, [reason, name = 'STATUS-mailu.md']] of Object.entries(wrong)) {
      const copy = await trailOf([]);
      rewriteTrail(copy, name, content);
      await expect(openFunnel(listing(copy))).rejects.toThrow(reason);
    }
    git(trail.hub, [
      'update-ref',
      'refs/heads/trail',
      git(trail.hub, [...someone, 'commit-tree', '-p', 'trail', '-p', 'trail~1', '-m', 'm', 'trail^{tree}']),
    ]);
    await expect(openFunnel(listing(trail))).rejects.toThrow(/is a merge/);
  });
});

function rewriteTrail(trail: TestTrail, name: string, content: string): void {
  const env = { ...process.env, GIT_INDEX_FILE: join(trail.stateDir, 'index') };
  const run = (args: string[], input = '') =>
    execFileSync('git', ['-C', trail.hub, ...args], { env, input, encoding: 'utf8' }).trim();
  run(['read-tree', 'trail']);
  const blob = run(['hash-object', '-w', '--stdin'], content);
  run(['update-index', '--add', '--cacheinfo', `100644,${blob},machine-docs/${name}`]);
  const commit = run([...someone, 'commit-tree', '-p', 'trail', '-m', 'by hand', run(['write-tree'])]);
  run(['update-ref', 'refs/heads/trail', commit]);
}
