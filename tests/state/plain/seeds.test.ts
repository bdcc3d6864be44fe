// Reads files that people wrote without Coldpass. The tests expect what a person finds in these files; the code
// has no special case for these files.

import { describe, expect, it } from 'vitest';
import type { PlainGate } from '../../../state/plain/report.ts';
import { linesOf, read, seedText, verdictsOf } from '../../support/plain.ts';

const review = seedText('000_');
const status = seedText('003_');

describe.skipIf(review === null)("the practice's review log (skipped where its seed is absent)", () => {
  const trail = read(review ?? '');

  it('folds into its two gates, its finding, builds, commits and the end of the phase', () => {
    expect(trail.phases).toMatchObject([{ id: 'mailu', status: 'DONE', at: '2026-06-11T21:15Z' }]);
    expect(verdictsOf(trail)).toEqual([
      'M1: FAIL 2026-06-11T20:58Z',
      'M1: PASS 2026-06-11T21:00Z',
      'M2: PASS 2026-06-11T21:15Z',
    ]);
    expect(trail.gates.map(({ verdicts }) => verdicts.map(({ evidence }) => evidence.builds))).toEqual([
      [[473], [477]],
      [[477, 483]],
    ]);
    expect(trail.findings).toMatchObject([
      {
        id: 'ADV-mailu-01',
        state: 'closed',
        events: [
          { event: 'opened', at: '2026-06-11T20:58Z' },
          { event: 'closed', at: '2026-06-11T21:00Z' },
          { event: 'closed' },
        ],
      },
    ]);
    expect(trail.builds.map(({ build }) => build)).toEqual([473, 477, 483]);
    expect(trail.commits.map(({ commit }) => commit)).toEqual(['edc0201a79d36bc87696b0f93f1ee88ad7bd10ed', 'b9352e8']);
    expect(trail.unplaced).toEqual([]);
  });

  it('is flagged for a fix and a build in two minutes, and for the failed checks above it', () => {
    expect(trail.flags.map(({ kind, what, where }) => [kind, what.includes('2 min apart'), ...linesOf(where)])).toEqual(
      [
        ['impossible-time', true, 84, 268],
        ['done-unsupported', false, 3, 1],
      ],
    );
    expect(trail.flags[0]?.what).toMatch(/a fix \(b9352e8\) and a build \(#477\)/);
  });
});

describe.skipIf(status === null)("the practice's status log (skipped where its seed is absent)", () => {
  const trail = read(status ?? '');
  const gate = (id: string): PlainGate | undefined => trail.gates.find((one) => one.id === id);

  it('folds into its gates, each with the last state in the text', () => {
    const standing = Object.fromEntries(trail.gates.map((one) => [one.id, one.standing]));
    const passed = 'F2-14b F2-14c HQ1 Q0 Q1 Q2 Q3.1 Q3.2 Q3.3 Q3.5 Q4.1 Q4.2 Q4.3 Q4.4 Q4.5 Q4.6 Q4.9'.split(' ');
    expect(standing).toEqual({
      ...Object.fromEntries(passed.map((id) => [id, 'PASS'])),
      'Q3.4': 'only listed',
      'Q4.8': 'only listed',
      'Q4.7': 'retracted',
      'Q4.10': 'signed off',
      Q3: 'unknown',
      Q4: 'unknown',
      Q5: 'unknown',
    });
    const withoutClaim = trail.gates.filter(({ claims }) => claims.length === 0).map(({ id }) => id);
    expect(withoutClaim).toEqual(['Q3', 'Q3.4', 'Q4', 'Q4.7', 'Q4.8', 'Q4.10', 'Q5']);
  });

  it('gives each verdict a time, as precise as the text allows, and the place where the verdict is recorded', () => {
    expect(verdictsOf(trail).join('\n')).toBe(
      [
        'F2-14b: PASS 2026-05-30T22:42Z',
        'F2-14c: PASS 2026-05-31T05:26Z',
        'HQ1: PASS 2026-05-29',
        'Q0: PASS 2026-05-28',
        'Q1: PASS 2026-05-28',
        'Q2: PASS 2026-05-28',
        'Q3.1: PASS 2026-05-30',
        'Q3.2: FAIL -',
        'Q3.2: PASS 2026-05-29',
        'Q3.3: PASS 2026-05-29',
        'Q3.4: PASS -',
        'Q3.5: PASS 2026-05-30',
        'Q4.1: PASS 2026-05-30',
        'Q4.2: PASS 2026-05-29',
        'Q4.3: PASS 2026-05-30',
        'Q4.4: PASS 2026-05-30',
        'Q4.5: PASS 2026-05-30',
        'Q4.6: PASS 2026-05-31T05:34Z',
        'Q4.7: PASS -',
        'Q4.8: PASS -',
        'Q4.9: PASS 2026-05-29',
      ].join('\n'),
    );
    const cites = Object.fromEntries(
      trail.gates.map(({ id, verdicts }) => [id, verdicts.map((one) => one.cites.join())]),
    );
    expect(cites).toMatchObject({
      'F2-14b': ['be0475a'],
      'F2-14c': ['0d5d516'],
      HQ1: ['0215bd2'],
      'Q3.2': ['911680f', '3f5d58a'],
    });
    expect(cites).toMatchObject({ 'Q4.4': ['baa7ad8'], 'Q4.6': ['7525478'], 'Q4.7': ['4cb8c84'], 'Q4.9': ['2958eb6'] });
    expect(gate('Q4.6')?.claims).toMatchObject([
      { at: '2026-05-31T05:0xZ', precision: 'ten minutes', parts: ['WHAT', 'WHERE', 'HOW', 'EXPECTED'] },
    ]);
    expect(gate('Q3.2')?.claims).toMatchObject([{ again: true, at: '2026-05-29' }]);
  });

  it('shows the veto that stands, and its checklist', () => {
    expect(trail.vetoes).toMatchObject([{ at: '2026-05-30T16:22:07Z', standing: true }]);
    expect(trail.vetoes[0]?.checklist.map(({ ids, met }) => [...ids, met])).toEqual([
      ['F2-14b', true],
      ['Q4.6', true],
      ['F2-14c', true],
      ['Q4.7b', false],
      ['Q4.10', false],
      ['Q5', false],
    ]);
    expect(trail.flags).toContainEqual(expect.objectContaining({ kind: 'veto-stands' }));
  });

  it('is flagged for the fabricated verdict', () => {
    const flags = trail.flags.filter(({ kind }) => kind === 'fabricated');
    expect(flags).toMatchObject([
      { ids: ['Q4.7'], what: expect.stringMatching(/3e2974b claimed, citing 4cb8c84, is fabricated/) },
    ]);
    expect(linesOf(flags[0]?.where ?? [])).toEqual([185]);
  });

  it('is flagged for the contradictions between its sections', () => {
    const flags = trail.flags
      .filter(({ kind }) => kind === 'sections-disagree')
      .map(({ ids, where }) => [ids.join(), ...linesOf(where)]);
    expect(flags).toEqual([
      ['Q3.2', 1176, 2763],
      ['Q3.5', 911, 1165],
      ['Q4.2', 2361, 1095],
      ['Q4.2', 2361, 1137],
      ['Q4.3', 986, 1004],
      ['Q4.5', 948, 975],
      ['Q4.6', 242, 209],
      ['', 215, 576],
      ['', 692, 879, 1568],
      ['F2-9', 1190, 1219],
      ['F2-12', 1176, 2772],
      ['Q1', 3269, 3162],
      ['Q3.1', 155, 164],
    ]);
    const others = trail.flags.filter(({ kind }) => !['sections-disagree', 'veto-stands', 'fabricated'].includes(kind));
    expect(others.map(({ kind, ids }) => [kind, ...ids])).toEqual([
      ['no-evidence', 'Q3.4'],
      ['claim-without-gate', 'Q4.3'],
      ['no-evidence', 'Q4.8'],
    ]);
  });

  it('folds into its findings', () => {
    expect(trail.findings.map(({ id, state }) => `${id} ${state}`).join(', ')).toBe(
      'F1e-2 open, F2-1 closed, F2-2 open, F2-3 closed, F2-4 closed, F2-5 closed, F2-6 closed, F2-7 open, F2-8 closed, F2-9 closed, F2-11 fixed, F2-12 closed, F2-13 closed, F2-15 closed',
    );
  });
});
