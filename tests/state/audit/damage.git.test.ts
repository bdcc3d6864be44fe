import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { git } from '../../support/repo.ts';
import { rejected, spoilable } from '../../support/trail/attack.ts';
import { damageObject, replaceObject } from '../../support/trail/forge.ts';
import type { Chapter } from '../../support/trail/phase.ts';

const { the, copy, commitOf } = spoilable();

describe('an audit finds, although every signature is valid,', () => {
  type Case = [string, (at: Sha) => string];
  const objects: Case[] = [
    ['a blob', (at) => `${at}:machine-docs/REVIEW-notes.md`],
    ['a folder', (at) => `${at}:machine-docs`],
    ['the top folder', (at) => `${at}^{tree}`],
  ];

  async function spoilt(name: (at: Sha) => string, spoil: (hub: string, id: string) => void): Promise<AuditReport> {
    const { hub } = copy(the.exploded);
    spoil(hub, git(hub, ['rev-parse', name(commitOf(the.story.ids.fail))]));
    return audit({ hub });
  }

  const flip = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(/FAIL|README|trail/, 'FAKE'), 'latin1');

  test('a changed byte in an old entry, under the old id', async () => {
    const report = await spoilt(objects[0]?.[1] as Case[1], (hub, id) => replaceObject(hub, id, flip));
    rejected(report, the.story.ids.fail, /content of its object .* does not match that id|framing/);
    expect(report.problems.map(({ what }) => what).join()).toMatch(/content of its object .* does not match that id/);
  });

  test('a changed folder listing, under the old id', async () => {
    // Changes the name of a file that the audit does not read when it checks commits.
    const report = await spoilt(objects[1]?.[1] as Case[1], (hub, id) => replaceObject(hub, id, flip));
    expect(report.problems).toContainEqual(
      expect.objectContaining({
        entry: the.story.ids.fail,
        what: expect.stringMatching(/content of its object .* does not match that id/),
      }),
    );
  });

  test('a changed commit message, under the old id', async () => {
    const change = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('FAIL', 'PASS'), 'latin1');
    const report = await spoilt(
      (at) => at,
      (hub, id) => replaceObject(hub, id, change),
    );
    rejected(report, the.story.ids.fail, /content of its object .* does not match that id|signature/);
  });

  test.each(objects)('a flipped bit in %s, at which git has to stop reading', async (_, name) => {
    const report = await spoilt(name, damageObject);
    rejected(report, the.story.ids.fail, /from here on the trail cannot be read/);
    expect(report.entries).toBe(the.story.ids.fail - 1);
    expect(report.phases[0]).toMatchObject({ id: 'notes', status: 'open' });
  });

  test('a flipped bit in a commit, and names the commit’s entry, which it knows from later commits', async () => {
    rejected(await spoilt((at) => at, damageObject), the.story.ids.fail, /this commit cannot be read/);
  });

  test('a flipped bit in the first commit', async () => {
    const report = await spoilt(() => the.story.hub.genesis, damageObject);
    rejected(report, 0, /this commit cannot be read/);
    expect(report.root).toEqual({ fingerprint: null, assumed: true });
  });

  test('a flipped bit in the last commit, and names the commit’s entry, which it knows from heads.log', async () => {
    const copied = copy(the.exploded);
    damageObject(copied.hub, commitOf(the.story.ids.done));
    rejected(await audit(copied), the.story.ids.done, /this commit cannot be read/);
    rejected(await audit({ hub: copied.hub }), null, /this commit cannot be read/);
  });

  test('a changed file of the first commit other than its keys, under the old id', async () => {
    const { hub } = copy(the.exploded);
    replaceObject(hub, git(hub, ['rev-parse', `${the.story.hub.genesis}:machine-docs/README`]), flip);
    rejected(await audit({ hub }), null, /content of its object .* does not match that id/);
  });

  test.each<['base' | 'first' | 'second', Chapter, string]>([
    ['base', 'opened', 'tests/old.test.js'],
    ['first', 'claim', 'tests/new.test.js'],
    ['second', 'again', 'src/keep.js'],
  ])('a flipped bit in the work of the %s commit', async (name, chapter, path) => {
    const { hub } = copy(the.exploded);
    damageObject(hub, git(hub, ['rev-parse', `${the.story.shas[name]}:${path}`]));
    rejected(await audit({ hub }), the.story.ids[chapter], /the work at .* is damaged/);
  });

  test('a flipped bit in a pack', async () => {
    const { hub } = copy();
    git(hub, ['repack', '-adq']);
    const pack = join(hub, 'objects/pack');
    const id = git(hub, ['rev-parse', `${commitOf(the.story.ids.fail)}:machine-docs/REVIEW-notes.md`]);
    const index = git(hub, ['show-index'], readFileSync(packFile(pack, '.idx')));
    const at = Number(
      index
        .split('\n')
        .find((row) => row.includes(id))
        ?.split(' ')[0],
    );
    const file = packFile(pack, '.pack');
    const bytes = readFileSync(file);
    bytes[at + 12] = (bytes[at + 12] as number) ^ 1;
    rmSync(file);
    writeFileSync(file, bytes);
    const report = await audit({ hub });
    expect(report.ok).toBe(false);
    expect(report.problems[0]?.entry).toBeGreaterThan(0);
  });
});

function packFile(dir: string, ending: string): string {
  return join(dir, readdirSync(dir).find((name) => name.endsWith(ending)) as string);
}
