import { describe, expect, it } from 'vitest';
import { withRepository } from '../../../state/plain/evidence.ts';
import { fixtureText, flagsOf, linesOf, read } from '../../support/plain.ts';

const claimed = '## Gate M1 — CLAIMED @2026-01-02T09:00Z\n**WHAT.** Notes are kept; commit `abc1230`, build #4.\n\n';
const passed = '## M1 PASS @2026-01-02T11:00Z\n\nSeen in build #5, commit `abc1230`.\n';

describe('nothing is flagged', () => {
  it.each([
    ['in a claim and its later verdict', claimed + passed],
    [
      'in a fail and a pass with time for a fix between them',
      `## M1 FAIL @2026-01-02T10:00Z\n\nBuild #3.\n\n## M1 PASS @2026-01-02T10:30Z\n\nCommit \`abc1230\`, build #5.\n`,
    ],
    [
      'in a fail and a pass close together over the same build',
      '## M1 FAIL @2026-01-02T10:00Z\n\nBuild #3.\n\n## M1 PASS @2026-01-02T10:01Z\n\nBuild #3, read again.\n',
    ],
    ['in a claim that awaits its verdict, which comes later', `${claimed}Awaiting Adversary.\n\n${passed}`],
    [
      'in a branch whose head is given abbreviated and in full',
      `${claimed}branch \`a/b\`, head \`1234abc\`\n\nbranch \`a/b\`, head \`1234abcdef\`\n\n${passed}`,
    ],
    [
      'in a tier that is not applicable everywhere',
      `${claimed}The backup tier is N/A. install/upgrade ALL pass.\n\n${passed}`,
    ],
    [
      'in a finding that was left to be closed, and later closed',
      `${claimed}V1-2 is left for the Adversary to close, @2026-01-02T10:00Z.\n\n${passed}V1-2 is closed.\n`,
    ],
    [
      'in a phase that is done, with its boxes ticked',
      `# STATUS — phase a\n\n## Definition of Done\n\n- [x] all\n\n${claimed}${passed}\n## DONE\n\nHanded over.\n`,
    ],
    [
      'in two verdicts in one sentence, with one commit',
      `${claimed}${claimed.replaceAll('M1', 'M2')}M1 + M2 ✅PASS @2026-01-02T10:00Z (\`def4560\`).\n`,
    ],
    [
      'in a fail with nothing but words as evidence',
      '## M1 FAIL @2026-01-02T10:00Z\n\n[CONC-A1] filed: the counter is shared.\n',
    ],
    ['in a veto that was lifted', `${claimed}${passed}\n## VETO the rest is missing\n\n## VETO LIFTED @2026-01-03\n`],
  ])('%s', (_, text) => {
    expect(read(text).flags).toEqual([]);
  });
});

describe('it is flagged', () => {
  it.each<[string, string, RegExp, number[]]>([
    [
      'that a fail and a pass are too close for the fix and the build between them',
      '## M1 FAIL @2026-01-02T10:00Z\n\nBuild #3.\n\n## M1 PASS @2026-01-02T10:02Z\n\nCommit `abc1230`, build #5.\n',
      /^impossible-time M1 FAIL at .*10:00Z and M1 PASS at .*10:02Z are only 2 min apart, with a fix \(abc1230\) and a build \(#5\)/,
      [1, 5],
    ],
    [
      'that a verdict is only listed',
      `${claimed}${passed}\nWith a PASS: notes (M1), files (M2).\n\n- **M2 files** — next.\n`,
      /^no-evidence M2 PASS has no evidence: the text names no commit/,
      [8],
    ],
    [
      'that a verdict is older than its claim',
      claimed + passed.replace('T11', 'T08'),
      /^verdict-before-claim M1 PASS at .*08:00Z is older than its claim at .*09:00Z/,
      [4, 1],
    ],
    [
      'that a claim has no verdict',
      claimed,
      /^claim-without-verdict M1 is claimed at 2026-01-02T09:00Z, but the text has no verdict on it/,
      [1],
    ],
    [
      'that a claim is newer than every verdict',
      `${claimed}${passed}\n**Gate: M1 — RE-CLAIMED @2026-01-04**\n`,
      /^claim-without-verdict M1 is claimed at 2026-01-04, but every verdict in the text is older/,
      [8],
    ],
    [
      'that a claim has lost its gate line, though a name in it shows its gate',
      `**Gate: M1 notes — PASS @2026-01-02 (\`abc1230\`).**\n\n**WHAT.** a\n\n---\n\n**Gate: M2 files — PASS @2026-01-02 (\`def4560\`).**\n\n**WHAT.** b\n\n**WHAT.** notes are kept.\n`,
      /^claim-without-gate a claim has no gate line; it was assigned to M1 because of a name in it/,
      [11],
    ],
    [
      'that a claim has no gate at all',
      `${claimed}${passed}\n---\n\n**WHAT.** Something is kept.\n`,
      /^claim-without-gate a claim has no gate line, and its gate is unknown/,
      [10],
    ],
    [
      'that a verdict was taken back',
      `${claimed}${passed}\nCORRECTION: the M1 PASS is retracted.\n`,
      /^retracted the PASS of M1 is retracted/,
      [8],
    ],
    [
      'that a verdict was made up',
      `${claimed}CORRECTION: commit \`1111aaa\` claimed an M1 PASS (\`2222bbb\`); no such commit exists.\n`,
      /^fabricated the PASS of M1 that commit 1111aaa claimed, citing 2222bbb, is fabricated/,
      [4],
    ],
    [
      "that a verdict cites the commit of another gate's verdict",
      '**Gate: M1 — PASS @2026-01-02 (REVIEW-1 `abc1230`).**\n\n**Gate: M2 — PASS @2026-01-03 (REVIEW-1 `abc1230`).**\n',
      /^evidence-elsewhere M1 PASS cites abc1230, which the text uses for the verdict of M2/,
      [1, 3],
    ],
    [
      "that a verdict cites the commit of another gate's claim",
      `${claimed}${passed}\n## M2 PASS @2026-01-03 (\`abc1230\`)\n`,
      /^evidence-elsewhere M2 PASS cites abc1230, which the text uses for the claim of M1/,
      [8, 1],
    ],
    [
      "that a verdict cites the build of another gate's claim alone",
      `${claimed}${passed}\n## M2 PASS @2026-01-03\n\nSeen in build #4.\n`,
      /^evidence-elsewhere M2 PASS cites build #4, which belongs to the claim of M1/,
      [8, 1],
    ],
    [
      'that a heading and the text under it give two verdicts',
      `${claimed}${passed}\n**Verdict: FAIL** — no.\n`,
      /^sections-disagree M1 is PASS and FAIL under one heading/,
      [4, 8],
    ],
    [
      'that one verdict has two records',
      'M1 of old.\n\n- **M1 notes** — PASS @2026-01-02 (REVIEW-1 `abc1230`).\n- **M1 notes** — PASS @2026-01-02 (REVIEW-1 `def4560`).\n',
      /^sections-disagree M1 PASS is recorded as abc1230 in one place and as def4560 in another/,
      [3, 4],
    ],
    [
      'that a gate has passed and is not claimed, without a time',
      `${claimed}${passed}\n---\n\n**M1 notes — in work (not claimed).**\n`,
      /^sections-disagree M1 is PASS at .* and not claimed in another, without a time/,
      [4, 10],
    ],
    [
      'that a gate has passed and awaits its verdict on the same day',
      '**Gate: M1 — PASS @2026-01-02 (`abc1230`).**\n\n---\n\n**Gate: M1 — RE-CLAIMED @2026-01-02, awaiting Adversary.**\n',
      /^sections-disagree M1 is PASS at 2026-01-02 in one place and awaiting the verdict in another, at 2026-01-02: the times do not show which is later/,
      [1, 5],
    ],
    [
      'that a tier is not applicable and green',
      `${claimed}UPGRADE TIER = N/A here.\n\ninstall/upgrade/backup ALL pass.\n\n${passed}`,
      /^sections-disagree M1: the upgrade tier is not applicable in one place and green in another/,
      [4, 6],
    ],
    [
      'that a branch has two heads',
      `${claimed}branch \`a/b\`, head \`1234abc\`\n\nhead: \`5678def\` (branch \`a/b\`)\n\n${passed}`,
      /^sections-disagree the head of a\/b is 1234abc, 5678def in different places/,
      [4, 6],
    ],
    [
      'that a finding is closed and yet to be closed',
      `${claimed}V1-2 is left for the Adversary to close.\n\n${passed}\n## Log\n\nV1-2 CLOSED @2026-01-01.\n`,
      /^sections-disagree V1-2 is closed in one place and still to be closed in another/,
      [12, 4],
    ],
    [
      'that a gate is said to have no findings, though one is mentioned',
      `${claimed}${passed}V1-2 is closed. M1 has no Adversary findings.\n`,
      /^sections-disagree the text says that M1 has no findings, but lists V1-2 under it/,
      [7, 7],
    ],
    [
      'that what has passed is listed as open',
      `${claimed}Still open:\n- **notes (M1)** — ✅ Adversary PASS @2026-01-02.\n`,
      /^sections-disagree M1 is listed as open, but marked PASS there/,
      [4, 5],
    ],
    [
      'that a veto stands with an open item',
      `${claimed}${passed}\n## VETO the rest is missing\n\n- [x] one\n- [ ] two\n`,
      /^veto-stands the veto is still in force; open on its checklist: two/,
      [8],
    ],
    [
      'that a veto stands over a met checklist',
      `${claimed}${passed}\n## VETO the rest is missing\n\n- [x] one\n`,
      /^veto-stands the veto is still in force; its checklist is all met, but nobody has lifted it/,
      [8],
    ],
    [
      'that DONE is a placeholder',
      `# STATUS — phase a\n\n${claimed}${passed}\n## DONE\n\nNot yet.\n`,
      /^done-unsupported phase a is DONE only in a heading/,
      [10],
    ],
    [
      'that a phase is done and a gate has not passed',
      `# STATUS — phase a\n\n## Milestones\n\n- **M1** — one\n- **M2** — two\n\n${claimed}${passed}\n## DONE\n`,
      /^done-unsupported phase a is marked DONE, but there is no valid PASS for M2/,
      [15],
    ],
    [
      'that a phase is done and a finding is not closed',
      `# STATUS — phase a\n\n${claimed}${passed}V1-2 is fixed.\n\n## DONE\n`,
      /^done-unsupported phase a is marked DONE, but these findings are not closed: V1-2/,
      [11, 9],
    ],
    [
      'that a phase is done and a box is not ticked',
      `# STATUS — phase a\n\n## Definition of Done\n\n- [ ] all\n\n${claimed}${passed}\n## DONE\n`,
      /^done-unsupported phase a is marked DONE, but a checkbox of its Definition of Done is not ticked/,
      [14],
    ],
    [
      'that a phase is done under a veto',
      `# STATUS — phase a\n\n${claimed}${passed}\n## VETO the rest\n\n## DONE\n`,
      /^done-unsupported phase a is marked DONE, but a veto is still in force/,
      [12, 10],
    ],
    [
      'that a phase is done where the page says that checks failed',
      `Some checks failed\n\n# STATUS — phase a\n\n${claimed}${passed}\n## DONE\n`,
      /^done-unsupported phase a is marked DONE, but the page reports failed checks/,
      [12, 1],
    ],
    [
      'that nothing was recognised',
      'A letter to a friend.\n',
      /^nothing-recognised no gate, claim, verdict, finding or veto found/,
      [1],
    ],
    [
      'that a line is too long to be read whole',
      `${claimed}${passed}${'word '.repeat(900)}\n`,
      /^not-all-read the line has more than 4000 characters: wrap it/,
      [7],
    ],
    [
      'that a paragraph is too long to be read whole',
      `${claimed}${passed}${`${'word '.repeat(20)}\n`.repeat(300)}`,
      /^not-all-read the paragraph has more than 20000 characters: split it/,
      [6],
    ],
  ])('%s', (_, text, what, lines) => {
    const flags = read(text).flags.map((flag) => ({ text: `${flag.kind} ${flag.what}`, lines: linesOf(flag.where) }));
    expect(flags.map((one) => one.text)).toContainEqual(expect.stringMatching(what));
    expect(flags.find((one) => what.test(one.text))?.lines).toEqual(lines);
  });

  it('at each problem in the fixtures, and nowhere else', () => {
    expect(flagsOf(read(fixtureText('REVIEW-notes.md')))).toEqual(['impossible-time M1']);
    expect(flagsOf(read(fixtureText('STATUS-7.md')))).toEqual([
      'no-evidence S2.4',
      'fabricated S2.3',
      'claim-without-gate',
      'veto-stands S2.2 V4-3b S2.3 S3',
      'sections-disagree S1',
      'sections-disagree S2.2',
      'sections-disagree',
      'sections-disagree V4-1',
      'sections-disagree S0',
      'sections-disagree S2.1',
    ]);
  });
});

describe('with a repository', () => {
  const trail = read(
    claimed + passed.replace('`abc1230`', '`def4560`').replace('11:00Z', '11:00Z (REVIEW-1 `eee7890`)'),
  );
  const known = (subject: string) => ({ sha: 'a'.repeat(40), subject });

  it('a commit that the repository lacks is no evidence', () => {
    const checked = withRepository(
      trail,
      new Map([
        ['abc1230', known('keep notes')],
        ['def4560', known('x')],
        ['eee7890', null],
      ]),
    );
    expect(checked.flags.map(({ what }) => what)).toEqual([
      'the PASS of M1 cites eee7890, which is not a commit in the repository',
    ]);
    expect(checked.commits.map(({ known: one }) => one?.subject ?? null)).toEqual(['keep notes', null, 'x']);
  });

  it('a verdict is flagged if the subject of its commit names only other gates', () => {
    const at = (subject: string) =>
      withRepository(
        trail,
        new Map([...['abc1230', 'def4560'].map((one) => [one, known('x')] as const), ['eee7890', known(subject)]]),
      );
    expect(at('review(M2): PASS').flags).toMatchObject([{ kind: 'evidence-elsewhere', ids: ['M1', 'M2'] }]);
    expect(at('review(M1): PASS').flags).toEqual([]);
    expect(at('review(M1, M2): PASS').flags).toEqual([]);
  });
});
