import { describe, expect, it } from 'vitest';
import { readPlainTrail } from '../../../state/plain/trail.ts';
import { fixtureText, flagsOf, linesOf, read, verdictsOf, webbed } from '../../support/plain.ts';
import { fc } from '../../support/property.ts';

const review = fixtureText('REVIEW-notes.md');
const status = fixtureText('STATUS-7.md');

describe('a plain trail', () => {
  it('folds a review log: claims, verdicts, the finding, builds, commits, the phase', () => {
    const trail = read(review);
    expect(trail.phases).toMatchObject([{ id: 'notes', status: 'DONE', at: '2026-03-02T15:05Z' }]);
    expect(verdictsOf(trail)).toEqual([
      'M1: FAIL 2026-03-02T11:40Z',
      'M1: PASS 2026-03-02T11:42Z',
      'M2: PASS 2026-03-02T15:05Z',
    ]);
    expect(trail.gates.map(({ standing }) => standing)).toEqual(['PASS', 'PASS']);
    const [m1] = trail.gates;
    expect(m1?.claims).toMatchObject([
      { again: false, evidence: { builds: [31] } },
      { again: true, evidence: { builds: [32] } },
    ]);
    expect(m1?.verdicts).toMatchObject([
      { evidence: { builds: [31], commits: ['4f1c2d9a0b3e'] } },
      { evidence: { builds: [32], commits: ['c0ffee1'] } },
    ]);
    expect(trail.findings).toMatchObject([
      {
        id: 'ADV-notes-01',
        state: 'closed',
        events: [
          { event: 'opened', at: '2026-03-02T11:40Z' },
          { event: 'closed', at: '2026-03-02T11:42Z' },
        ],
      },
    ]);
    expect(trail.builds.map(({ build, ids }) => [build, ...ids])).toEqual([
      [31, 'M1'],
      [32, 'M1', 'M2'],
      [35, 'M2'],
    ]);
    expect(trail.commits.map(({ commit }) => commit)).toEqual(['4f1c2d9a0b3e', 'c0ffee1']);
    expect(trail.deferrals.map(({ state }) => state)).toEqual(['closed', 'closed']);
    expect(trail.unplaced).toEqual([]);
  });

  it('folds a status log: gates of all kinds, the veto with its checklist, deferrals, retractions', () => {
    const trail = read(status);
    expect(Object.fromEntries(trail.gates.map(({ id, standing }) => [id, standing]))).toEqual({
      S0: 'PASS',
      S1: 'PASS',
      S2: 'unknown',
      'S2.1': 'PASS',
      'S2.2': 'PASS',
      'S2.3': 'retracted',
      'S2.4': 'only listed',
      'S2.5': 'blocked',
      S3: 'unknown',
      'V4-3b': 'PASS',
    });
    expect(verdictsOf(trail)).toEqual([
      'S0: PASS 2026-04-07',
      'S1: FAIL -',
      'S1: PASS 2026-04-08',
      'S2.1: PASS 2026-04-09',
      'S2.2: PASS 2026-04-11T09:44Z',
      'S2.3: PASS -',
      'S2.4: PASS -',
      'V4-3b: PASS 2026-04-10T21:15Z',
    ]);
    const gate = (id: string) => trail.gates.find((one) => one.id === id);
    expect(gate('S2.2')?.claims).toMatchObject([
      {
        at: '2026-04-11T09:1xZ',
        precision: 'ten minutes',
        parts: ['WHAT', 'WHERE', 'HOW', 'EXPECTED'],
        evidence: { logs: ['/root/florist-6.log'] },
      },
    ]);
    expect(gate('S2.2')?.verdicts).toMatchObject([{ assumed: true, cites: ['ff60a7b'] }]);
    expect(gate('S2.1')).toMatchObject({
      names: ['bakery'],
      claims: [{ parts: ['WHAT', 'HOW', 'EXPECTED', 'WHERE'], evidence: { commits: ['6666fff'] } }],
    });
    expect(gate('S2.3')?.verdicts).toMatchObject([{ cites: ['ee50f6a'], retracted: { line: 18 } }]);
    expect(gate('V4-3b')?.verdicts).toMatchObject([
      { cites: ['ab70b8c'], evidence: { logs: ['/root/adv-tailor.log'] } },
    ]);
    expect(trail.vetoes).toMatchObject([
      {
        at: '2026-04-10T18:02:11Z',
        assumed: true,
        standing: true,
        lifted: null,
        checklist: [
          { what: 'florist S2.2', ids: ['S2.2'], met: true },
          { what: 'tailor V4-3b', ids: ['V4-3b'], met: true },
          { what: 'grocer S2.3', ids: ['S2.3'], met: false },
          { what: 'S3', ids: ['S3'], met: false },
        ],
      },
    ]);
    expect(trail.findings.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'V3-9 open',
      'V4-0 closed',
      'V4-1 closed',
      'V4-2 fixed',
    ]);
    expect(trail.retractions).toMatchObject([{ ids: ['S2.3'], verdict: 'PASS', commits: ['dd40e5f', 'ee50f6a'] }]);
    expect(trail.deferrals.map(({ state, where }) => [state, ...linesOf(where)])).toEqual([
      ['open', 22],
      ['open', 50],
    ]);
    expect(trail.checklists).toMatchObject([{ section: 'Definition of Done', ticked: 0, open: 2 }]);
    expect(trail.phases).toMatchObject([{ id: '7', status: 'open' }]);
    expect(trail.unplaced).toMatchObject([{ from: 31, to: 31, text: 'The lift in the shop is slow.' }]);
  });

  it.each(['|', '||'] as const)(
    'reads the same if copied from a page with bars between the lines (| and %s)',
    (second) => {
      for (const text of [review, status]) {
        const [plain, page] = [read(text), read(webbed(text, second))];
        expect(verdictsOf(page)).toEqual(verdictsOf(plain));
        expect(flagsOf(page)).toEqual(flagsOf(plain));
        expect(page.vetoes.map(({ checklist }) => checklist.map(({ what, met }) => [what, met]))).toEqual(
          plain.vetoes.map(({ checklist }) => checklist.map(({ what, met }) => [what, met])),
        );
        const line =
          webbed(text, second)
            .split('\n')
            .findIndex((one) => one.includes('## Gate S2.2 — CLAIMED')) + 1;
        if (line > 0)
          expect(page.gates.find(({ id }) => id === 'S2.2')?.claims[0]?.where.map((at) => at.line)).toContain(line);
      }
    },
  );

  it('reads the same with Windows line endings and a byte order mark', () => {
    expect(read(`\ufeff${status.replaceAll('\n', '\r\n')}`)).toEqual(read(status));
  });

  it('folds several files into one trail, and names the file of each line', () => {
    const trail = readPlainTrail([
      { name: 'STATUS.md', text: '## Gate M1 — CLAIMED @2026-01-02T10:00Z\n**WHAT.** It works; commit `abc1230`.\n' },
      { name: 'REVIEW.md', text: '## M1 PASS @2026-01-02T11:00Z\n\n**Verdict: PASS** — seen in build #7.\n' },
    ]);
    expect(trail.gates).toMatchObject([
      {
        standing: 'PASS',
        claims: [{ where: [{ file: 'STATUS.md', line: 1 }] }],
        verdicts: [{ where: [{ file: 'REVIEW.md', line: 1 }, { line: 3 }] }],
      },
    ]);
    expect(trail.flags).toEqual([]);
  });

  it.each([
    ['a heading', '## M1 PASS @2026-01-02T10:00Z\n'],
    ['a heading with a colon', '## M1: PASS @2026-01-02T10:00Z\n'],
    ['a gate line', '**Gate: M1 notes — ✅ Adversary PASS @2026-01-02T10:00Z (REVIEW-1 `abc1230`).** Cold.\n'],
    ['a gate line in a list', '- **notes (M1)** — ✅ Adversary PASS @2026-01-02T10:00Z.\n'],
    ["a commit's subject", 'review(M1): PASS @2026-01-02T10:00Z\n'],
    [
      'a mention in passing',
      '## Gate M1 — CLAIMED @2026-01-02T09:00Z\n\nSee below. M1 ✅PASS @2026-01-02T10:00Z (`abc1230`).\n',
    ],
    [
      'a line inside a paragraph',
      'As was said before:\n**M1 notes — ✅ Adversary PASS @2026-01-02T10:00Z (REVIEW-1 `abc1230`).**\n',
    ],
  ])('takes a verdict from %s', (_, text) => {
    expect(verdictsOf(read(text))).toEqual(['M1: PASS 2026-01-02T10:00Z']);
  });

  it.each([
    ['tests that passed', '## Notes\n\n- **M1** is next.\n- `test_a` PASSED; all 5 stages PASS; P4 restore PASSED.\n'],
    ['text quoted as code', '## Gate M1 — CLAIMED @2026-01-02\n\nWrite `## M1 PASS @2026-01-03` there.\n'],
    ['a condition', '## Gate M1 — CLAIMED @2026-01-02\n\nNothing goes on until M1 PASS.\n'],
    [
      'another gate that is named in passing',
      '## Gate M1 — CLAIMED @2026-01-02\n\n- **notes (M1)** — verified as part of the rest.\n',
    ],
  ])('takes no verdict from %s', (_, text) => {
    expect(verdictsOf(read(text))).toEqual([]);
  });

  it('reads a heading as text if a sentence was wrapped into it', () => {
    const trail = read(
      '## Log\n- **notes M1 — CLAIMED @2026-01-02 (all green, see\n## Gate M1).** Deferred: none.\n\n## Gate M1 — CLAIMED @2026-01-02\n',
    );
    expect(trail.gates).toMatchObject([{ id: 'M1', claims: [{ where: [{ line: 2 }, { line: 5 }] }] }]);
  });

  it('dates a verdict that has no time by its heading, and marks that time as assumed', () => {
    const text =
      '## M1: PASS @2026-01-02T10:00Z\n\nBuild #3.\n\n## CORRECTION, the M1 PASS was one look at the wrong log\n\n## Looked at again @2026-01-02T13:00Z\n\nM1: PASS\n';
    expect(read(text).gates).toMatchObject([
      {
        standing: 'PASS',
        verdicts: [
          { at: '2026-01-02T10:00Z', assumed: false, retracted: { line: 5 } },
          { at: '2026-01-02T13:00Z', assumed: true, retracted: null },
        ],
      },
    ]);
  });

  it('opens and closes findings by their boxes', () => {
    const trail = read(
      '# BACKLOG\n\n## Adversary findings\n\n- [ ] [ADV-a-01] one is lost\n- [x] [ADV-a-02] another, mended\n',
    );
    expect(trail.findings.map(({ id, state }) => `${id} ${state}`)).toEqual(['ADV-a-01 open', 'ADV-a-02 closed']);
  });

  it('opens and closes deferrals by their boxes', () => {
    const trail = read(
      '# DEFERRED — what waits\n\n- [ ] 2026-01-02: the second store, when asked for\n- [x] 2026-01-03: the first\n',
    );
    expect(trail.deferrals.map(({ state }) => state)).toEqual(['open', 'closed']);
  });

  it('keeps a veto standing until it is lifted, even if its checklist is met', () => {
    const raised = '## VETO the notes are lost\n\n- [x] one store\n- [ ] the other\n';
    expect(read(raised).vetoes).toMatchObject([{ standing: true, checklist: [{ met: true }, { met: false }] }]);
    const met = raised.replace('[ ]', '[x]');
    expect(read(met).vetoes).toMatchObject([{ standing: true, checklist: [{ met: true }, { met: true }] }]);
    expect(read(`${met}\n## VETO LIFTED @2026-01-05\n`).vetoes).toMatchObject([
      { standing: false, lifted: { line: 6 } },
    ]);
    expect(read(`${met}\nThe Adversary has NOT yet lifted the VETO.\n`).vetoes).toMatchObject([{ standing: true }]);
    expect(read('## M1 PASS @2026-01-02\n\nSeen in build #4. No VETO.\n').vetoes).toEqual([]);
  });

  it('folds the 60 verdicts of a gate in the order of their times', () => {
    const verdicts = Array.from(
      { length: 60 },
      (_, at) => `## M1 ${at === 59 ? 'PASS' : 'FAIL'} @2026-01-02T10:${String(at).padStart(2, '0')}Z`,
    );
    const trail = read(verdicts.toReversed().join('\n\n'));
    expect(trail.gates).toMatchObject([{ standing: 'PASS', verdicts: { length: 60 } }]);
  });

  it('never makes the reader fail, whatever it contains', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.constantFrom(
        '---',
        '```',
        '|',
        '||',
        '## M1 FAIL @2026-01-02T10:0xZ',
        '**Gate: M1 — CLAIMED @05:1xZ**',
        '- [ ] [ADV-a-1] x',
        '> > **WHAT.** `a',
      ),
      fc.constantFrom(
        '**VETO** requires: a + b all',
        'CORRECTION: `abc1230` M1 PASS fabricated',
        '## DONE',
        '`x/y`, head `abc1230`',
        'M1 ✅PASS @99:99Z',
        '@2026-99-99',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const trail = read(lines.join('\n'));
        for (const flag of trail.flags) {
          expect(flag.what).not.toContain('\n');
          for (const where of flag.where) expect(where.line).toBeGreaterThan(0);
        }
        for (const { from, to } of trail.unplaced) expect(from).toBeLessThanOrEqual(to);
      }),
    );
  });
});
