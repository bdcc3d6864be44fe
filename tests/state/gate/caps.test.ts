// Limits on what agents may write, and how the operator ends a dispute. For each limit, a test shows what
// is still accepted and what is refused, with the reason.

import { describe, expect, it } from 'vitest';
import type { Facts, Intent } from '../../../state/entry/entry.ts';
import type { EntryId } from '../../../state/entry/ids.ts';
import { bySessionMax, openFindingsMax, unreproduced } from '../../../state/gate/caps.ts';
import { inboxOf } from '../../../state/gate/inbox.ts';
import { tell, zero } from '../../support/phase/life.ts';

const because = 'I have looked at it';

type Story = ReturnType<typeof tell>;

function titled(story: Story, kind: 'note' | 'item' | 'journal' | 'decision'): Intent {
  return story.say('builder', { kind, facts: { session: story.awake('builder'), title: 't' } });
}

function ask(story: Story, facts: Partial<Facts<'blocked'>> | object = {}): Intent {
  const base = { session: story.awake('builder'), action: 'a', verify: 'v', blocks: ['M1'], options: [] };
  return story.say('builder', { kind: 'blocked', facts: { ...base, ...facts }, body: 'It is the other way round.' });
}

describe('one session', () => {
  it('may file a limited number of findings; the next session may file more', () => {
    const story = tell({ M1: {}, M2: {} });
    const gates = ['M1', 'M2'];
    for (let n = 0; n < bySessionMax.findings; n++) story.submit(story.finding(gates[n % 2] as string, null));
    expect(story.refusal(story.finding('M1', null))).toMatch('this session has filed 10 findings');
    story.wake('adversary');
    expect(story.refusal(story.finding('M1', null))).toBeNull();
  });

  it('may write a limited number of notes, items, journal entries and decisions', () => {
    const story = tell();
    const kinds = ['note', 'item', 'journal', 'decision'] as const;
    for (let n = 0; n < bySessionMax.writings; n++) story.submit(titled(story, kinds[n % 4] as 'note'));
    for (const kind of kinds) expect(story.refusal(titled(story, kind))).toMatch('that is enough of words');
    story.wake('builder');
    expect(story.refusal(titled(story, 'note'))).toBeNull();
  });

  it('may ask the operator a limited number of times', () => {
    const story = tell();
    const session = story.awake('builder');
    for (let n = 0; n < bySessionMax.requests; n++) {
      const target = story.submit(ask(story));
      story.submit(story.say('builder', { kind: 'close', facts: { session, target, as: 'withdrawn', answers: [] } }));
    }
    expect(story.refusal(ask(story))).toMatch('asked the operator 5 times');
  });
});

describe('open findings', () => {
  it('are limited per gate and per phase', () => {
    const story = tell({ M1: {}, M2: {}, M3: {} });
    const file = (gate: string) => {
      story.wake('adversary');
      return story.refusal(story.finding(gate, null));
    };
    for (let n = 0; n < openFindingsMax.gate; n++) expect(file('M1')).toBeNull();
    expect(file('M1')).toMatch('10 findings of M1 are open');
    for (let n = openFindingsMax.gate; n < openFindingsMax.phase; n++) expect(file('M2')).toBeNull();
    expect(file('M3')).toMatch('20 findings are open in the phase');
  });

  it('count as unreproduced if the reproducer of the finding did not run red at its claim', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    story.judge(claim);
    const shown = (['red', 'green', 'inconclusive'] as const).map((reproducer) => {
      const finding = story.submit(story.finding('M1', claim, true));
      story.ran({ kind: 'reproducer', claim, finding }, { reproducer });
      return finding;
    });
    story.submit(story.finding('M1', claim));
    expect(unreproduced(story.phase()).map(({ id }) => id)).toEqual(shown.slice(1));
  });
});

describe('claims', () => {
  it('are limited by the plan, and a resume allows no more of them', () => {
    const story = tell();
    for (let n = 1; n <= 12; n++) story.submit(story.claimed('M1', n));
    const facts = { event: 'parked', reason: 'budget', why: 'all are used', about: null };
    story.submit(story.say('supervisor', { kind: 'phase', facts }));
    resume(story, story.submit(story.act({ act: 'resume', phase: story.phaseId })));
    expect(story.refusal(story.claimed('M1', 13))).toMatch('allows 12 claims and all are used');
  });
});

describe('a dispute', () => {
  it('must name the gate of the finding; after a refusal the next dispute needs two more claims', () => {
    const { story, finding, dispute } = disputed();
    expect(story.refusal(ask(story, { disputes: finding, blocks: ['DONE'] }))).toMatch('name that gate');
    const id = story.submit(dispute());
    park(story, id);
    const refusal = story.submit(story.act({ act: 'refuse', target: id, targetDigest: zero, because }));
    expect(story.phase().actToAnswer).toEqual({ act: 'resume', id: refusal });
    resume(story, refusal);
    story.submit(story.claimed('M1', 4));
    expect(story.refusal(dispute())).toMatch(`since #${id} there have been 1`);
    story.submit(story.claimed('M1', 5));
    expect(story.refusal(dispute())).toBeNull();
  });

  it('cannot be approved: the operator lifts the finding or refuses the dispute', () => {
    const { story, finding, dispute } = disputed();
    const id = story.submit(dispute());
    park(story, id);
    const acts = [`coldpass lift ${finding} --because "…"`, `coldpass refuse ${id} --because "…"`];
    expect(inboxOf(story.trail(), story.now())).toMatchObject([
      { kind: 'parked', acts: expect.arrayContaining(acts) },
      { kind: 'blocked', id, acts },
    ]);
    const approve = story.act({ act: 'approve', target: id, targetDigest: zero });
    expect(story.refusal(approve)).toMatch(`lift ${finding}, or refuse ${id}`);
    const lift = story.submit(story.act({ act: 'lift', target: finding, targetDigest: zero, because }));
    expect(story.phase().blocked[0]).toMatchObject({ closed: lift, answer: { act: 'lift', because } });
    expect(story.phase().actToAnswer).toEqual({ act: 'resume', id: lift });
  });

  it('ends when the finding is closed, whoever closes it', () => {
    const { story, finding, dispute } = disputed();
    story.submit(dispute());
    const closing = { session: story.awake('adversary'), target: finding, as: 'retracted', answers: [] };
    const closed = story.submit(story.say('adversary', { kind: 'close', facts: closing }));
    expect(story.phase().blocked).toMatchObject([{ closed, answer: null }]);
  });

  it('keeps the phase parked if the operator answers something else', () => {
    const { story, dispute } = disputed();
    const other = story.submit(story.finding('DONE', null));
    park(story, story.submit(dispute()));
    story.submit(story.act({ act: 'lift', target: other, targetDigest: zero, because }));
    expect(story.phase().actToAnswer).toBeNull();
  });
});

/** A finding followed by two claims, so that it may be disputed. */
function disputed() {
  const story = tell();
  const finding = story.submit(story.finding('M1', null));
  story.submit(story.claimed('M1', 1));
  story.submit(story.claimed('M1', 2));
  return { story, finding, dispute: () => ask(story, { disputes: finding }) };
}

function park(story: Story, about: EntryId): void {
  story.submit(
    story.say('supervisor', { kind: 'phase', facts: { event: 'parked', reason: 'dispute', why: 'w', about } }),
  );
}

function resume(story: Story, act: EntryId): void {
  story.submit(story.say('supervisor', { kind: 'phase', facts: { event: 'resumed', act } }));
}
