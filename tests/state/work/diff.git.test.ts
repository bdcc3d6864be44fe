// The diff that the judge of a claim is shown. The repositories are real and try to hide parts of the change.

import { describe, expect, it } from 'vitest';
import type { Sha } from '../../../state/entry/ids.ts';
import { type WorkDiff, workDiff } from '../../../state/work/diff.ts';
import { type Files, git, makeRepo } from '../../support/repo.ts';

async function diffOf(base: Files, claim: Files, rig?: (dir: string) => void): Promise<WorkDiff> {
  const { dir, shas } = makeRepo([base, claim]);
  rig?.(dir);
  return workDiff(`${dir}/.git`, shas[0] as Sha, shas[1] as Sha);
}

function textOf(diff: WorkDiff): string {
  if ('tooLarge' in diff) throw new Error(diff.tooLarge);
  return diff.parts.map((part) => part.text).join('');
}

describe('the diff of a claim', () => {
  it('shows what was added, changed, removed, linked and made executable', async () => {
    const text = textOf(
      await diffOf({ 'a.js': 'one\n', 'b.js': 'gone\n' }, { 'a.js': 'two\n', 'b.js': null, c: { link: '/etc' } }),
    );
    expect(text).toContain('-one\n+two\n');
    expect(text).toContain('-gone\n');
    expect(text).toContain('new file mode 120000');
    expect(text).toContain('+/etc');
  });

  it('ignores the repository’s attributes, diff drivers and settings', async () => {
    const attributes = '* -diff\n*.js diff=mine\n*.js binary\n';
    const files = { '.gitattributes': attributes, 'a.js': 'steal()\n' };
    const text = textOf(
      await diffOf({ '.gitattributes': attributes, 'a.js': 'ok()\n' }, files, (dir) => {
        git(dir, ['config', 'diff.mine.textconv', 'echo nothing to see #']);
        git(dir, ['config', 'diff.external', '/bin/true']);
        git(dir, ['config', 'diff.noprefix', 'true']);
        git(dir, ['config', 'diff.context', '0']);
      }),
    );
    expect(text).toContain('diff --git a/a.js b/a.js');
    expect(text).toContain('-ok()\n+steal()\n');
  });

  it('is the same whatever diff settings the repository has', async () => {
    const files: [Files, Files] = [{ 'a.js': 'a\nb\nc\nd\n' }, { 'a.js': 'b\na\nc\nd\nb\n' }];
    const plain = await diffOf(...files);
    const rigged = await diffOf(...files, (dir) => {
      for (const [key, value] of [
        ['diff.algorithm', 'patience'],
        ['diff.interHunkContext', '9'],
        ['diff.indentHeuristic', 'true'],
        ['core.abbrev', '4'],
        ['core.quotePath', 'false'],
      ] as const)
        git(dir, ['config', key, value]);
    });
    expect(rigged).toEqual(plain);
  });

  it('shows a program that git takes for binary because of a zero byte', async () => {
    const text = textOf(await diffOf({ 'a.js': 'ok()\n' }, { 'a.js': '// \0\nsteal()\n' }));
    expect(text).toContain('+// \\u{0}\n+steal()\n');
  });

  it('names a binary file with its sizes before and after, and shows the other files', async () => {
    const image = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 151) % 256));
    const text = textOf(await diffOf({ 'a.js': 'one\n' }, { 'a.js': 'two\n', 'logo "x".png': image }));
    expect(text).toMatch(
      /^diff --git "logo \\"x\\".png"\nnot text, so not shown: nothing became 600 bytes \(blob [0-9a-f]{40}\)$/m,
    );
    expect(text).toContain('+two\n');
    expect(text).not.toContain('Binary files');
  });

  it('shows hidden characters, and carriage returns that would overwrite a line', async () => {
    const sly = 'if (isAdmin\u202e)\u2066 {\u200b\r// nothing\u001b[2K\n';
    const text = textOf(await diffOf({ 'a.js': '\n' }, { 'a.js': sly }));
    expect(text).toContain('+if (isAdmin\\u{202e})\\u{2066} {\\u{200b}\\u{d}// nothing\\u{1b}[2K\n');
  });

  it('comes in parts if it is long, and is the same every time', async () => {
    const long = Array.from({ length: 4000 }, (_, i) => `line ${i} of many`).join('\n');
    const { dir, shas } = makeRepo([{ 'a.js': 'x\n' }, { 'a.js': long, 'b.js': 'y'.repeat(100_000) }]);
    const [base, claim] = shas as [Sha, Sha];
    const diff = await workDiff(`${dir}/.git`, base, claim);
    expect('parts' in diff && diff.parts.length).toBeGreaterThan(7);
    expect(textOf(diff)).toContain(`+${'y'.repeat(100_000)}\n`);
    expect(await workDiff(`${dir}/.git`, base, claim)).toEqual(diff);
    expect(await workDiff(`${dir}/.git`, claim, claim)).toMatchObject({ parts: [] });
  });

  it('is not served at all if it is too large to read', async () => {
    const diff = await diffOf({ 'a.js': '\n' }, { 'a.js': 'many words\n'.repeat(500_000) });
    expect(diff).toEqual({ tooLarge: 'the diff is larger than 4194304 bytes' });
  });
});
