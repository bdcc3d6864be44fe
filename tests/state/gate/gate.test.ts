// The gate rule and the admission of entries: each condition has a case that it rejects and one that it accepts.

import { describe, expect, it } from 'vitest';
import type { IntentOf } from '../../../state/entry/entry.ts';
import type { Digest, EntryId, GateId, RecipeName } from '../../../state/entry/ids.ts';
import { shaOf, tell } from '../../support/phase/life.ts';

const other = 'f'.repeat(64) as Digest;
const M1 = 'M1' as GateId;
const because = 'the operator says so';

describe('a gate holds', () => {
  it('once it is claimed, run and passed, and no finding is open', () => {
    const story = tell();
    story.accept('M1', 1);
    expect(story.gate('M1')).toMatchObject({ holds: true, sha: shaOf(1) });
  });
});

describe('condition 1, the claim', () => {
  it('is unmet without a claim and after the claim is withdrawn', () => {
    const story = tell();
    expect(story.unmet('M1')).toContain('claim');
    const claim = story.submit(story.claimed('M1', 1));
    expect(story.unmet('M1')).not.toContain('claim');
    story.submit(
      story.say('builder', {
        kind: 'close',
        facts: { session: story.awake('builder'), target: claim, as: 'withdrawn', answers: [] },
      }),
    );
    expect(story.unmet('M1')).toContain('claim');
  });

  it('looks only at the newest claim, even if an earlier one was accepted', () => {
    const story = tell();
    story.accept('M1', 1);
    story.submit(story.claimed('M1', 2));
    expect(story.gate('M1').holds).toBe(false);
  });
});

describe('condition 2, the cold runs', () => {
  const claimed = (gates: Record<string, object> = { M1: {} }) => {
    const story = tell(gates);
    return { story, claim: story.submit(story.claimed('M1', 1)) };
  };

  it.each(['FAIL', 'TIMEOUT', 'LEAK', 'NO_TESTS', 'REFUSED'] as const)('is red on %s', (outcome) => {
    const { story, claim } = claimed();
    story.passes(claim, 'M1', { outcome });
    expect(story.gate('M1').standing?.state).toBe('red');
  });

  it.each(['INFRA', 'LOST', 'CANCELLED'] as const)('does not count %s', (outcome) => {
    const { story, claim } = claimed();
    story.passes(claim, 'M1', { outcome });
    expect(story.gate('M1').standing?.state).toBe('running');
  });

  it('is red if an expectation is unmet or the run was outside the sandbox', () => {
    const first = claimed();
    first.story.passes(first.claim, 'M1', { unmet: ['level 2 is asked for, it reached 1'] });
    expect(first.story.gate('M1').standing).toMatchObject({ state: 'red', why: [expect.stringContaining('level 2')] });
    const second = claimed();
    second.story.passes(second.claim, 'M1', { sandbox: 'none' });
    expect(second.story.gate('M1').standing?.state).toBe('red');
  });

  it('needs as many runs as the plan says', () => {
    const { story, claim } = claimed({ M1: { times: 2 } });
    story.passes(claim, 'M1');
    expect(story.gate('M1').standing?.state).toBe('running');
    story.passes(claim, 'M1', {}, 2);
    expect(story.gate('M1').standing?.state).toBe('green');
  });

  it('is held by a flake until the operator lifts it, and then needs new runs', () => {
    const { story, claim } = claimed({ M1: { times: 2 } });
    story.passes(claim, 'M1');
    const flake = story.passes(claim, 'M1', { alike: other }, 2);
    expect(story.gate('M1').standing).toMatchObject({ state: 'held', flakes: [flake] });
    story.submit(story.act({ act: 'lift', target: flake, targetDigest: other, because }));
    expect(story.gate('M1').standing?.state).toBe('running');
  });

  it('detects a flake between the runs of two claims of one tree', () => {
    const { story, claim } = claimed();
    story.passes(claim, 'M1');
    story.submit(
      story.say('builder', {
        kind: 'close',
        facts: { session: story.awake('builder'), target: claim, as: 'withdrawn', answers: [] },
      }),
    );
    const again = story.submit(story.claimed('M1', 1));
    story.passes(again, 'M1', { alike: other });
    expect(story.gate('M1').standing?.state).toBe('held');
  });

  it('refuses a run of another SHA or recipe, and the same run twice', () => {
    const { story, claim } = claimed();
    const run = story.passes(claim, 'M1');
    const purpose = { kind: 'gate' as const, claim, gate: M1, k: 1 };
    expect(() => story.ran(purpose, { shas: { main: shaOf(9) } })).toThrow('not of the SHA');
    expect(() => story.ran(purpose, { recipeDigest: other })).toThrow('not of a recipe');
    expect(() => story.ran(purpose, { run: story.phase().runs.find((r) => r.id === run)?.run as never })).toThrow(
      'already',
    );
  });
});

describe('condition 4, earlier tests and hold-outs', () => {
  const app = 'app' as RecipeName;
  const based = (gates: Record<string, object>, more: object = {}) => {
    const story = tell(gates, more);
    story.ran({ kind: 'base', recipe: app, k: 1 });
    const claim = story.submit(story.claimed('M1', 1));
    story.ran({ kind: 'gate', claim, gate: M1, k: 1 });
    return { story, claim };
  };
  const kept = (result: 'KEPT' | 'BROKEN' | 'INCONCLUSIVE') => ({
    outcome: 'FAIL' as const,
    kept: { result, why: 'w' },
  });

  it.each([
    ['KEPT', 'green'],
    ['BROKEN', 'red'],
    ['INCONCLUSIVE', 'held'],
  ] as const)('earlier tests that are %s make the claim %s', (result, state) => {
    const { story, claim } = based({ M1: {} });
    expect(story.gate('M1').standing?.state).toBe('running');
    story.ran({ kind: 'kept', claim, recipe: app, from: shaOf(0) }, kept(result));
    expect(story.gate('M1').standing?.state).toBe(state);
    expect(story.unmet('M1').includes('tests')).toBe(result !== 'KEPT');
  });

  it('first needs as many runs of the base as `times` of the gate says', () => {
    const story = tell({ M1: { times: 2 } });
    const claim = story.submit(story.claimed('M1', 1));
    const wanted = () => story.gate('M1').standing?.requirements.flatMap(({ needs }) => needs.map(({ slot }) => slot));
    expect(wanted()).toEqual(expect.arrayContaining(['base:app:1', 'base:app:2']));
    for (const k of [1, 2]) story.ran({ kind: 'gate', claim, gate: M1, k });
    for (const k of [1, 2]) story.ran({ kind: 'base', recipe: app, k });
    expect(wanted()).toEqual([`kept:${claim}:app:${shaOf(0)}`]);
  });

  it('covers the tests of every accepted claim; a claim that leaves some of these out is refused', () => {
    const story = tell({ M1: {}, M2: {} });
    story.accept('M1', 1);
    const claim = story.claimed('M2', 2);
    expect((claim as IntentOf<'claim'>).facts.keeps).toEqual({ app: [shaOf(0), shaOf(1)] });
    const other = { ...claim, facts: { ...claim.facts, keeps: { app: [shaOf(0)] } } } as unknown as IntentOf<'claim'>;
    expect(story.refusal(other)).toMatch('the commits whose tests must hold');
    expect(story.refusal(claim)).toBeNull();
  });

  it('can be waived by the operator', () => {
    const { story, claim } = based({ M1: {} });
    story.ran({ kind: 'kept', claim, recipe: app, from: shaOf(0) }, kept('BROKEN'));
    const until = '2026-04-01T00:00:00Z';
    story.submit(story.act({ act: 'waive', phase: story.phaseId, gate: M1, condition: 'tests', until, because }));
    expect(story.gate('M1').standing?.state).toBe('green');
  });

  it('needs a run of the hold-outs if the plan has them, and reports only that run’s outcome and counts', () => {
    const { story, claim } = based({ M1: {} }, { holdout: '/checks' });
    story.ran({ kind: 'kept', claim, recipe: app, from: shaOf(0) }, kept('KEPT'));
    expect(story.gate('M1').standing?.state).toBe('running');
    const counts = { pass: 2, fail: 1, skip: 0 };
    story.ran({ kind: 'holdout', claim, recipe: app }, { outcome: 'FAIL', reason: 'secret words', counts });
    const { standing } = story.gate('M1');
    expect(standing).toMatchObject({ state: 'red', why: [expect.stringMatching(/ended FAIL: 2 passed, 1 failed$/)] });
  });
});

describe('a plan that expects something to be closed', () => {
  it('refuses the claim until an entry closes it', () => {
    const story = tell({ M1: { expect: { closed: ['the leak'] } } });
    expect(story.refusal(story.claimed('M1', 1))).toMatch('"the leak" is to be closed before M1');
    const session = story.awake('builder');
    const item = story.submit(story.say('builder', { kind: 'item', facts: { session, title: 'the leak' } }));
    expect(story.refusal(story.claimed('M1', 1))).toMatch('"the leak" is to be closed');
    const closing = { session: story.awake('builder'), target: item, as: 'done', answers: [] };
    story.submit(story.say('builder', { kind: 'close', facts: closing }));
    story.accept('M1', 1);
    expect(story.gate('M1').holds).toBe(true);
  });
});

describe('condition 3, the controls', () => {
  const controlled = () => {
    const story = tell({ M1: { controls: [] } });
    story.ran({ kind: 'base', recipe: 'app' as never, k: 1 });
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    const control = (result: 'BITES' | 'VACUOUS' | 'INCONCLUSIVE') =>
      story.ran(
        { kind: 'control', claim, gate: M1, control: 'revert', reference: shaOf(0) },
        { outcome: 'FAIL', control: { result, why: 'w' } },
      );
    return { story, control };
  };

  it('is met only by BITES: VACUOUS makes the claim red, INCONCLUSIVE holds it', () => {
    for (const [result, state] of [
      ['BITES', 'green'],
      ['VACUOUS', 'red'],
      ['INCONCLUSIVE', 'held'],
    ] as const) {
      const { story, control } = controlled();
      expect(story.gate('M1').standing?.state).toBe('running');
      control(result);
      expect(story.gate('M1').standing?.state).toBe(state);
    }
  });

  it('can be waived by the operator, until a date', () => {
    const { story, control } = controlled();
    control('VACUOUS');
    const until = new Date(story.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
    story.submit(
      story.act({ act: 'waive', phase: story.phaseId, gate: M1, condition: 'control:revert', until, because }),
    );
    expect(story.gate('M1').standing?.state).toBe('green');
    story.wait(3_600_000);
    expect(story.gate('M1').standing?.state).toBe('red');
  });
});

describe('condition 4, protected paths', () => {
  it('holds a claim that touches such a path, until the operator waives the condition', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1, ['coldpass.yml']));
    story.passes(claim, 'M1');
    expect(story.gate('M1').standing).toMatchObject({ state: 'held', why: [expect.stringContaining('coldpass.yml')] });
    story.submit(
      story.act({
        act: 'waive',
        phase: story.phaseId,
        gate: M1,
        condition: 'protected',
        until: '2099-01-01T00:00:00Z',
        because,
      }),
    );
    expect(story.gate('M1').standing?.state).toBe('green');
  });
});

describe('condition 5, the verdict', () => {
  const green = () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    return { story, claim };
  };

  it('is refused while the evidence is not green', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.wake('adversary', { kind: 'judge', claim });
    expect(story.refusal(story.verdict(claim, 'PASS'))).toMatch('not green');
  });

  it('is refused from a session that began before the claim was green or was not shown the claim’s runs', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.wake('adversary', { kind: 'judge', claim });
    story.passes(claim, 'M1');
    expect(story.refusal(story.verdict(claim, 'PASS'))).toMatch('began before');
    story.wake('adversary', { kind: 'judge', claim });
    expect(story.refusal(story.verdict(claim, 'PASS'))).toMatch('was not shown');
    story.judge(claim);
    expect(story.refusal(story.verdict(claim, 'PASS'))).toBeNull();
  });

  it('is refused if a clause has no check, or a check cites an unknown run', () => {
    const { story, claim } = green();
    story.judge(claim);
    expect(story.refusal(story.verdict(claim, 'PASS', { checks: [] }))).toMatch('missing: 2.1');
    const checks = [{ clause: '2.1', saw: 'x', cites: [{ run: 'r-0123456789ab' as never }] }];
    expect(story.refusal(story.verdict(claim, 'PASS', { checks }))).toMatch('no run on the trail');
  });

  it('is refused a second time, and on a claim that a newer one replaced', () => {
    const { story, claim } = green();
    story.judge(claim);
    story.submit(story.verdict(claim, 'PASS'));
    expect(story.refusal(story.verdict(claim, 'FAIL'))).toMatch('has its verdict');
    story.submit(story.claimed('M1', 2));
    expect(story.refusal(story.verdict(claim, 'PASS'))).toMatch('not the live claim');
  });

  it('is not met by UNVERIFIED', () => {
    const { story, claim } = green();
    story.judge(claim);
    story.submit(story.verdict(claim, 'UNVERIFIED'));
    expect(story.unmet('M1')).toEqual(['verdict']);
  });

  it('may be FAIL only if it names an open finding that has no reproducer or one that ran red', () => {
    const { story, claim } = green();
    story.judge(claim);
    expect(story.refusal(story.verdict(claim, 'FAIL'))).toMatch('names at least one');
    const finding = story.submit(story.finding('M1', claim, true));
    expect(story.refusal(story.verdict(claim, 'FAIL', { findings: [finding] }))).toMatch('wait for it');
    story.ran({ kind: 'reproducer', claim, finding }, { reproducer: 'green' });
    expect(story.refusal(story.verdict(claim, 'FAIL', { findings: [finding] }))).toMatch('did not run red');
  });
});

describe('condition 6, findings and vetoes', () => {
  it('refuse a PASS while a reproducer is red, whatever the PASS answers', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    story.judge(claim);
    const finding = story.submit(story.finding('M1', claim, true));
    const closes = [{ finding, answers: ['it is fine'] }];
    expect(story.refusal(story.verdict(claim, 'PASS', { closes }))).toMatch('has not run');
    story.ran({ kind: 'reproducer', claim, finding }, { reproducer: 'red' });
    expect(story.unmet('M1')).toContain('findings');
    expect(story.refusal(story.verdict(claim, 'PASS', { closes }))).toMatch('is red at this claim');
    expect(story.refusal(story.verdict(claim, 'FAIL', { findings: [finding] }))).toBeNull();
  });

  it('rerun the reproducers of open findings on every later claim; a claim is red while one of these is red', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    story.judge(claim);
    const finding = story.submit(story.finding('M1', claim, true));
    story.ran({ kind: 'reproducer', claim, finding }, { reproducer: 'red' });
    story.submit(story.verdict(claim, 'FAIL', { findings: [finding] }));
    const next = story.submit(story.claimed('M1', 2));
    story.passes(next, 'M1');
    expect(story.gate('M1').standing?.state).toBe('running');
    story.ran({ kind: 'reproducer', claim: next, finding }, { reproducer: 'red' });
    expect(story.gate('M1').standing?.state).toBe('red');
  });

  it('need a PASS that answers every criterion of every open finding; such a PASS closes these findings', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    story.judge(claim);
    const finding = story.submit(story.finding('M1', claim));
    expect(story.unmet('M1')).toContain('findings');
    expect(story.refusal(story.verdict(claim, 'PASS'))).toMatch('answers it in');
    expect(story.refusal(story.verdict(claim, 'PASS', { closes: [{ finding, answers: [] }] }))).toMatch('1 criteria');
    story.submit(story.verdict(claim, 'PASS', { closes: [{ finding, answers: ['seen'] }] }));
    expect(story.gate('M1').holds).toBe(true);
  });

  it('leave every gate unmet during a veto; its author or the operator may lift it, but the Builder may not', () => {
    const story = tell();
    story.accept('M1', 1);
    const veto = story.submit(
      story.say('adversary', { kind: 'veto', facts: { session: story.awake('adversary'), title: 't', until: ['u'] } }),
    );
    expect(story.unmet('M1')).toEqual(['findings']);
    const close = (role: 'builder' | 'adversary') =>
      story.say(role, {
        kind: 'close',
        facts: { session: story.awake(role), target: veto, as: 'lifted', answers: [] },
      });
    expect(story.refusal(close('builder'))).toMatch('adversary');
    story.submit(close('adversary'));
    expect(story.gate('M1').holds).toBe(true);
  });
});

describe('condition 7, required gates', () => {
  const gates = { M1: {}, M2: { requires: ['M1'] } };

  it('refuses a claim unless the required gate holds at an ancestor of its commit', () => {
    const story = tell(gates);
    expect(story.refusal(story.claimed('M2', 1))).toMatch('requires M1');
    story.accept('M1', 2);
    expect(story.refusal(story.claimed('M2', 1))).toMatch('requires M1');
    expect(story.refusal(story.claimed('M2', 3))).toBeNull();
  });

  it('is unmet once the required gate no longer holds', () => {
    const story = tell(gates);
    story.accept('M1', 1);
    story.accept('M2', 2);
    story.submit(story.claimed('M1', 3));
    expect(story.unmet('M2')).toEqual(['requires']);
  });
});

describe('DONE', () => {
  it('cannot be claimed unless every gate holds at an ancestor, and blocks other claims while it is judged', () => {
    const story = tell({ M1: {}, M2: {} });
    expect(story.refusal(story.claimed('DONE', 1))).toMatch('M1, M2 does not');
    story.accept('M1', 1);
    story.accept('M2', 2);
    expect(story.refusal(story.claimed('DONE', 1))).toMatch('M2 does not');
    expect(story.refusal(story.claimed('DONE', 2))).toBeNull();
    expect(story.refusal(story.claimed('M1', 3))).toMatch('DONE is being judged');
  });

  it('needs runs at exactly the claimed SHA that are less than a day old', () => {
    const story = tell();
    story.accept('M1', 1);
    story.submit(story.claimed('DONE', 1));
    expect(story.gate('DONE').standing?.state).toBe('green');
    story.wait(story.aDay);
    expect(story.gate('DONE').standing?.state).toBe('running');
  });

  it('is recorded only if the gate rule holds, and only at the claim’s SHA', () => {
    const story = tell();
    story.accept('M1', 1);
    const claim = story.submit(story.claimed('DONE', 1));
    const done = (sha: number) =>
      story.say('supervisor', { kind: 'phase', facts: { event: 'done', claim, sha: shaOf(sha) } });
    expect(story.refusal(done(1))).toMatch('DONE does not hold');
    story.judge(claim);
    story.submit(story.verdict(claim, 'PASS'));
    expect(story.refusal(done(2))).toMatch('DONE does not hold');
    expect(story.refusal(done(1))).toBeNull();
  });
});

describe('claims are refused', () => {
  it('for a tree that was red, until the operator waives a condition', () => {
    const story = tell();
    story.passes(story.submit(story.claimed('M1', 1)), 'M1', { outcome: 'FAIL' });
    expect(story.refusal(story.claimed('M1', 1))).toMatch('this tree was refused');
    story.submit(
      story.act({
        act: 'waive',
        phase: story.phaseId,
        gate: M1,
        condition: 'flake',
        until: '2099-01-01T00:00:00Z',
        because,
      }),
    );
    expect(story.refusal(story.claimed('M1', 1))).toBeNull();
  });

  it('for a SHA that is being judged, for an unknown gate, and beyond the plan’s limit', () => {
    const story = tell();
    story.submit(story.claimed('M1', 1));
    expect(story.refusal(story.claimed('M1', 1))).toMatch('still being judged');
    expect(
      story.refusal(
        story.say('builder', {
          ...story.claimed('M1', 2),
          facts: { ...(story.claimed('M1', 2) as { facts: object }).facts, gate: 'M9' },
        }),
      ),
    ).toMatch('no gate M9');
    for (let n = 2; n <= 12; n++) story.submit(story.claimed('M1', n));
    expect(story.refusal(story.claimed('M1', 13))).toMatch('12 claims');
  });

  it('if they name other references than the gate rule gives', () => {
    const story = tell();
    const claim = story.claimed('M1', 1) as { facts: object };
    expect(
      story.refusal(story.say('builder', { ...claim, facts: { ...claim.facts, references: { M1: shaOf(1) } } })),
    ).toMatch('references');
  });
});

describe('agents', () => {
  it('cannot write in an ended session, in another role’s session, or in a parked phase', () => {
    const story = tell();
    const note = (role: 'builder' | 'adversary', session: string) =>
      story.say(role, { kind: 'note', facts: { session, title: 't' } });
    const session = story.wake('builder');
    expect(story.refusal(note('adversary', session))).toMatch('not known');
    story.sleep('builder');
    expect(story.refusal(note('builder', session))).toMatch('has ended');
    const awake = story.wake('builder');
    story.submit(
      story.say('supervisor', { kind: 'phase', facts: { event: 'parked', reason: 'idle', why: 'w', about: null } }),
    );
    expect(story.refusal(note('builder', awake))).toMatch('is parked');
  });

  it('may dispute a finding only after two new claims of its gate', () => {
    const story = tell();
    const finding = story.submit(story.finding('M1', null));
    const facts = { action: 'a', verify: 'v', blocks: ['M1'], options: [], disputes: finding };
    const dispute = () =>
      story.say('builder', { kind: 'blocked', facts: { session: story.awake('builder'), ...facts } });
    expect(story.refusal(dispute())).toMatch('after 2 new claims');
    story.submit(story.claimed('M1', 1));
    story.submit(story.claimed('M1', 2));
    expect(story.refusal(dispute())).toBeNull();
  });

  it('may veto once per session', () => {
    const story = tell();
    const veto = () =>
      story.say('adversary', { kind: 'veto', facts: { session: story.awake('adversary'), title: 't', until: ['u'] } });
    story.submit(veto());
    expect(story.refusal(veto())).toMatch('one veto a session');
  });
});

describe('acts are refused', () => {
  it('if they were used before, have expired, or concern something that does not exist', () => {
    const story = tell();
    const note = story.act({ act: 'note', phase: story.phaseId, text: 'x' });
    story.submit(note);
    expect(story.refusal(note)).toMatch('used before');
    const late = story.act({ act: 'note', phase: story.phaseId, text: 'x' }) as { facts: { act: object } };
    expect(
      story.refusal({
        ...late,
        facts: { ...late.facts, act: { ...late.facts.act, expires: '2026-02-01T00:00:00Z' } },
      } as never),
    ).toMatch('expired');
    const lift = (target: number) =>
      story.act({ act: 'lift', target: target as EntryId, targetDigest: other, because });
    expect(story.refusal(lift(2))).toMatch('no standing veto');
    expect(story.refusal(story.act({ act: 'resume', phase: story.phaseId }))).toMatch('not parked');
    expect(story.refusal(story.act({ act: 'approve', target: 2 as EntryId, targetDigest: other }))).toMatch(
      'not an open request',
    );
  });

  it('if they lift a run that makes no flake', () => {
    const story = tell();
    const run = story.passes(story.submit(story.claimed('M1', 1)), 'M1');
    expect(story.refusal(story.act({ act: 'lift', target: run, targetDigest: other, because }))).toMatch(
      'no standing veto, open finding or flake',
    );
  });
});
