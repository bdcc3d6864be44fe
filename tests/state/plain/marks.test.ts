import { describe, expect, it } from 'vitest';
import { blocksOf, lineOf } from '../../../state/plain/blocks.ts';
import { sourceLines } from '../../../state/plain/lines.ts';
import { buildsIn, commitsIn, idsIn, logsIn, sentencesOf } from '../../../state/plain/marks.ts';
import { gapMs, isBefore, overlap, stampsIn, type TimeSpan } from '../../../state/plain/time.ts';

describe('a stamp', () => {
  const [above] = stampsIn('@2026-05-31T05:1xZ', null);

  it.each([
    ['2026-05-31', '2026-05-31', 'day', 24 * 60],
    ['@2026-05-31T05:34Z', '2026-05-31T05:34Z', 'minute', 1],
    ['@2026-05-31T05:34:07Z', '2026-05-31T05:34:07Z', 'second', 1 / 60],
    ['@2026-05-31T05:0xZ', '2026-05-31T05:0xZ', 'ten minutes', 10],
    ['@2026-05-30T23:4x', '2026-05-30T23:4xZ', 'ten minutes', 10],
    ['@2026-05-31T05:xxZ', '2026-05-31T05:xxZ', 'hour', 60],
    ['@2026-05-28 ~22:10Z', '2026-05-28T22:10Z', 'minute', 1],
  ])('%s is a span of time', (text, at, precision, minutes) => {
    const [found] = stampsIn(text, null) as unknown as [TimeSpan];
    expect(found).toMatchObject({ at, precision, assumed: false });
    expect(found.untilMs - found.fromMs).toBe(minutes * 60_000);
  });

  it('without a date gets the date of the stamp above, or the day before if it would be later than that stamp', () => {
    expect(stampsIn('@05:02Z', above ?? null)).toMatchObject([{ at: '2026-05-31T05:02Z', assumed: true }]);
    expect(stampsIn('@16:22:07Z', above ?? null)).toMatchObject([{ at: '2026-05-30T16:22:07Z', assumed: true }]);
    expect(stampsIn('@16:22:07Z', null)).toEqual([]);
    expect(stampsIn('2026-01-01 and @05:02Z', null).map(({ at }) => at)).toEqual(['2026-01-01', '2026-01-01T05:02Z']);
  });

  it.each(['2026-13-01', '@2026-01-01T77:00Z', 'v2024.06.52', '3.0.1+2024.06.27', 'x2026-01-01-2'])(
    '%s is not a stamp',
    (text) => {
      expect(stampsIn(text, null)).toEqual([]);
    },
  );

  it('is compared by the earliest and latest time that it can mean', () => {
    const [vague, early, late] = ['2026-05-31T05:0xZ', '2026-05-31T05:09Z', '2026-05-31T05:10Z'].map(
      (text) => stampsIn(text, null)[0],
    ) as unknown as [TimeSpan, TimeSpan, TimeSpan];
    expect([isBefore(vague, early), isBefore(vague, late), overlap(vague, early), overlap(vague, late)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(gapMs(vague, late)).toBe(11 * 60_000);
  });
});

describe('in a text', () => {
  it.each([
    ['M1, Q3.4 and HQ1', ['M1', 'Q3.4', 'HQ1']],
    [
      'Q4.7b (F2-14c) [ADV-notes-01] CONC-A1 A5-5 A-regall-2',
      ['Q4.7b', 'F2-14c', 'ADV-notes-01', 'CONC-A1', 'A5-5', 'A-regall-2'],
    ],
    ['Phase Q4.6. Then M2(c):', ['Q4.6', 'M2']],
    ['REVIEW-2 STATUS-7 PR-3 SHA-256 UTF-8 a/M1 M1.py `M1` keyM1 M1-notes', []],
  ])('%j has the ids %j', (text, ids) => {
    expect(idsIn(text).map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    ['commit `b9352e8`', ['b9352e8']],
    ['(REVIEW-2 `bb07242`)', ['bb07242*']],
    ['(`be0475a`/REVIEW)', ['be0475a*']],
    [
      'Commits 916bdd8+8844943, head `3758522`, REF=a1e95fcb main@7eb3937a',
      ['916bdd8', '8844943', '3758522', 'a1e95fcb', '7eb3937a'],
    ],
    ['snapshot `13eee64e`, build 4444444, comment #1436300, `b662dd8b-…`, 2400000 ms, defaced, abcdefabcdefg1', []],
  ])('%j has the commits %j', (text, commits) => {
    expect(commitsIn(text).map(({ commit, role }) => (role === 'review' ? `${commit}*` : commit))).toEqual(commits);
  });

  it.each([
    ['build #473', [473]],
    ['Builds #477 + #483, and PR#3', [477, 483]],
    ['(builds #1, #2 and #35). Build 7', [1, 2, 35, 7]],
    ['comment #14363, immich#1, rebuild #4, build 1.5', []],
  ])('%j has the builds %j', (text, numbers) => {
    expect(buildsIn(text).map(({ build }) => build)).toEqual(numbers);
    for (const { build, index } of buildsIn(text)) expect(text.slice(index)).toMatch(new RegExp(`^${build}\\b`));
  });

  it('logs are known by their paths', () => {
    expect(logsIn('see `/root/a-1.log`, /var/log/b.log; not c.log')).toEqual(['/root/a-1.log', '/var/log/b.log']);
  });

  it('a full stop in code, an abbreviation or a number ends no sentence', () => {
    const text = 'One incl. `a. b` 3.5. **Two (see e.g. it).** Q1 ✅ · Q2 ✅ end';
    expect(sentencesOf(text).map((one) => one.text.trim())).toEqual([
      'One incl. `a. b` 3.5.',
      '**Two (see e.g. it).**',
      'Q1 ✅ ·',
      'Q2 ✅ end',
    ]);
  });
});

describe('the lines of a page', () => {
  const blocks = (text: string) => blocksOf(sourceLines(text)).map((block) => [lineOf(block), block.kind, block.text]);

  it('lose the bars between them and regain the empty lines', () => {
    expect(blocks('3 lines\n1 KiB\nMarkdown\n# A\n|\n||\nb\n|\n||\n|\n||\nc\n|\n||\nd\n|\n')).toEqual([
      [4, 'heading', 'A'],
      [7, 'paragraph', 'b'],
      [12, 'paragraph', 'c d'],
    ]);
  });

  it('keep the bars of a real table', () => {
    expect(blocks('# A\n\n| a | b |\n|---|---|\n| 1 | 2 |\n')).toEqual([
      [1, 'heading', 'A'],
      [3, 'paragraph', '| a | b | |---|---| | 1 | 2 |'],
    ]);
  });

  it('keep a word inside the text, even one that a page would show above the text', () => {
    expect(blocks('# A\n\nMarkdown\n')).toEqual([
      [1, 'heading', 'A'],
      [3, 'paragraph', 'Markdown'],
    ]);
  });
});
