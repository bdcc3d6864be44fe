import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditPlain } from '../../../operator/audit/plain.ts';
import { UsageError } from '../../../operator/terminal/errors.ts';
import { commit, type Ground, ground, type Said } from '../../support/phase/cli.ts';
import { fixtureText } from '../../support/plain.ts';
import { git } from '../../support/repo.ts';

const sound =
  '## Gate M1 — CLAIMED @2026-01-02T09:00Z\n**WHAT.** Notes are kept; build #4.\n\n## M1 PASS @2026-01-02T11:00Z\n\nSeen in build #5.\n';

function put({ repo }: Ground, files: Record<string, string | Uint8Array>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(repo, name), content);
}

function expectLine(said: Said, exit: number, line: RegExp): void {
  expect(said).toMatchObject({ exit, out: '' });
  expect(said.err).toMatch(line);
  expect(said.err.trimEnd()).not.toContain('\n');
}

describe('coldpass audit FILE…', () => {
  it('reports the files gate by gate, then lists contradictions, and exits 1', async () => {
    const place = ground();
    put(place, { 'REVIEW-notes.md': fixtureText('REVIEW-notes.md') });
    const { out, exit, err } = await place.type(['audit', 'REVIEW-notes.md']);
    expect({ exit, err }).toEqual({ exit: 1, err: '' });
    const order = [
      /phase notes: DONE at 2026-03-02T15:05Z {2}:48 :52/,
      /M1: PASS\n {2}claimed {2}build #31 {2}:16\n {2}claimed again {2}build #32 {2}:33/,
      /FAIL {2}2026-03-02T11:40Z {2}build #31, 4f1c2d9a0b3e {2}:14 :18\n {2}PASS {2}2026-03-02T11:42Z/,
      /M2: PASS/,
      /findings\n {2}ADV-notes-01: closed \(opened 2026-03-02T11:40Z, closed 2026-03-02T11:42Z\)/,
      /does not add up\n {2}impossible-time {2}M1 FAIL at .* {2}:14 :31/,
      /prose proves nothing: this shows where to look\n1 flagged\n$/,
    ];
    const at = order.map((pattern) => out.search(pattern));
    expect(at).not.toContain(-1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
  });

  it('shows a veto with its checkboxes; with text that it could not place, shows the line numbers', async () => {
    const place = ground();
    put(place, { 'STATUS-7.md': fixtureText('STATUS-7.md') });
    const { out } = await place.type(['audit', 'STATUS-7.md']);
    expect(out).toMatch(
      /vetoes\n {2}STANDS {2}Standing VETO on DONE .*\n {4}\[x\] florist S2\.2 .*\n {4}\[x\] tailor V4-3b .*\n {4}\[ \] grocer S2\.3 .*\n {4}\[ \] S3/,
    );
    expect(out).toMatch(/could not place\n {2}STATUS-7\.md:31-31 {2}The lift in the shop is slow\./);
    expect(out).toMatch(/PASS {2}2026-04-11T09:44Z \(date taken from above\) {2}ff60a7b/);
  });

  it('exits 0 if nothing is flagged; if there are several files, names the file on each line', async () => {
    const place = ground();
    put(place, { 'a.md': sound, 'b.md': '# JOURNAL\n\nFine weather.\n' });
    const { out, exit } = await place.type(['audit', 'a.md', 'b.md']);
    expect(out).toMatch(/claimed {2}2026-01-02T09:00Z {2}WHAT {2}build #4 {2}a\.md:1\n/);
    expect(out).toMatch(/nothing flagged\n$/);
    expect(exit).toBe(0);
  });

  it('with --json, reports everything as one JSON document', async () => {
    const place = ground();
    put(place, { 'STATUS-7.md': fixtureText('STATUS-7.md') });
    const { out, exit } = await place.type(['audit', '--json', 'STATUS-7.md']);
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      exit: 1,
      files: ['STATUS-7.md'],
      repository: null,
      phases: [{ id: '7', status: 'open' }],
    });
    expect(report.gates.map(({ id }: { id: string }) => id)).toEqual([
      'S0',
      'S1',
      'S2',
      'S2.1',
      'S2.2',
      'S2.3',
      'S2.4',
      'S2.5',
      'S3',
      'V4-3b',
    ]);
    expect(report.flags.length).toBe(10);
    expect(out).not.toMatch(/"(stamp|heads|fromMs)"/);
    expect(exit).toBe(1);
  });

  it("writes a report completely even if it is larger than a pipe's buffer", async () => {
    const place = ground();
    const gates = Array.from(
      { length: 600 },
      (_, at) => `## G${at} PASS @2026-01-02T10:00Z\n\nSeen in build #${at}.\n`,
    );
    put(place, { 'many.md': gates.join('\n') });
    const { out } = await place.type(['audit', '--json', 'many.md']);
    expect(out.length).toBeGreaterThan(200_000);
    expect(JSON.parse(out).gates).toHaveLength(600);
  });

  it('neutralises terminal controls in the files', async () => {
    const place = ground();
    put(place, {
      'a.md':
        '## M1 FAIL @2026-01-02T09:00Z\n\n- **V1-2** is \u001b[2Jfixed \u202e.\n\nCORRECTION: a \u001b]0;title\u0007 M1 FAIL is retracted.\n',
    });
    const { out } = await place.type(['audit', 'a.md']);
    expect(out).toMatch(/retracted/);
    for (const hidden of ['\u001b', '\u0007', '\u202e']) expect(out).not.toContain(hidden);
  });

  it('looks up cited commits in a repository', async () => {
    const place = ground();
    commit(place.repo, { 'more.txt': 'more' });
    git(place.repo, ['commit', '--quiet', '--allow-empty', '-m', 'review(M2): PASS']);
    const [other, real] = git(place.repo, ['log', '-2', '--format=%H']).trim().split('\n') as [string, string];
    const text = (sha: string) =>
      `${sound.trimEnd()} Recorded in commit \`${sha}\`.\n\n## M2 PASS @2026-01-03 (REVIEW-1 \`${sha}\`)\n`;
    put(place, {
      'real.md': text(real),
      'short.md': text(real.slice(0, 9)),
      'none.md': text('feedbee1'),
      'other.md': text(other).replaceAll('M2', 'M3'),
    });
    for (const name of ['real.md', 'short.md'])
      expect(await place.type(['audit', name, '--repo', '.'])).toMatchObject({ exit: 0, err: '' });
    const none = await place.type(['audit', 'none.md', '--repo', '.']);
    expect(none.out).toMatch(
      /evidence-nowhere {2}the PASS of M2 cites feedbee1, which is not a commit in the repository/,
    );
    const wrong = await place.type(['audit', 'other.md', '--repo', '.']);
    expect(wrong.out).toMatch(
      /evidence-elsewhere {2}the PASS of M3 cites [0-9a-f]{40}, whose subject is "review\(M2\): PASS"/,
    );
    expect([none.exit, wrong.exit]).toEqual([1, 1]);
    mkdirSync(join(place.dir, 'bare'));
    expectLine(await place.type(['audit', 'real.md', '--repo', '../bare']), 2, /is not in a git repository/);
  });

  it('rejects unreadable input with one line and exit 2', async () => {
    const place = ground();
    mkdirSync(join(place.repo, 'folder'));
    symlinkSync('nowhere', join(place.repo, 'dangling'));
    put(place, {
      'empty.md': '',
      'zero.md': Buffer.from('## M1 PASS\n\0\n'),
      'latin.md': Buffer.concat([Buffer.from('## M1 PASS\n\ncaf'), Buffer.from([0xe9]), Buffer.from(' closed\n')]),
      'huge.md': 'a\n'.repeat(1024 * 1024),
      'long.md': 'a\n'.repeat(50_000),
      'a.md': sound,
    });
    const cases: [string[], RegExp][] = [
      [['none.md'], /^none\.md: no such file; /],
      [['a.md', 'dangling'], /dangling: no such file/],
      [['folder'], /folder: not a file; name the Markdown files one by one/],
      [['empty.md'], /empty\.md: the file is empty; name one that contains a log/],
      [['zero.md'], /zero\.md: byte 11 is zero, so this is not text; name a Markdown file/],
      [['latin.md'], /latin\.md: line 3 is not valid UTF-8; save the file as UTF-8/],
      [['huge.md'], /huge\.md: 2097152 bytes, the limit is 1048576; split it/],
      [['long.md'], /50001 lines are too many, the limit is 40000; give fewer files/],
      [Array.from({ length: 33 }, (_, at) => `${at}.md`), /33 files are too many; give at most 32/],
    ];
    const asked = { dir: place.repo, env: {}, home: place.dir, uid: process.getuid?.() ?? 0 };
    for (const [names, line] of cases) {
      const problem = await auditPlain(asked, names, {}).catch((error: unknown) => error);
      expect(problem).toBeInstanceOf(UsageError);
      expect((problem as UsageError).message).toMatch(line);
      expect((problem as UsageError).message).not.toContain('\n');
    }
    expectLine(await place.type(['audit', 'a.md', 'none.md']), 2, /^coldpass: none\.md: no such file; /);
    expectLine(
      await place.type(['audit', 'a.md', '--since-last']),
      2,
      /--since-last is only for a signed trail; leave it out/,
    );
  });

  it('flags a file that is not a trail, or whose Markdown is broken', async () => {
    const place = ground();
    put(place, {
      'letter.md': 'Dear friend,\n\nall is well.\n',
      'broken.md': '```\n## M1 PASS\n> > > **Gate: \n| | |\n[x]: <\n',
    });
    const letter = await place.type(['audit', 'letter.md']);
    expect(letter.out).toMatch(/nothing-recognised {2}no gate, claim, verdict, finding or veto found/);
    expect(letter.out).toMatch(/could not place\n {2}letter\.md:1-3 {2}Dear friend,/);
    const broken = await place.type(['audit', 'broken.md']);
    expect(broken).toMatchObject({ exit: 1, err: '' });
    expect([letter.exit, broken.exit]).toEqual([1, 1]);
  });
});
