// Deferred work: what may be deferred, when a trigger fires and a re-entry may be proposed, and what the operator's
// answers do. The phase that takes the work up is not DONE until an entry closes the deferral.

import { describe, expect, it } from 'vitest';
import type { Facts, Intent, Trigger } from '../../../state/entry/entry.ts';
import { type Digest, DONE, type EntryId, type PhaseId, type SessionId } from '../../../state/entry/ids.ts';
import { type Deferral, type Phase, phaseAt, type TrailState } from '../../../state/entry/phase.ts';
import { signersOf } from '../../../state/entry/policy.ts';
import { gateReport } from '../../../state/gate/gate.ts';
import { inboxOf } from '../../../state/gate/inbox.ts';
import { shaOf, tell, zero } from '../../support/phase/life.ts';

const manual: Trigger = { kind: 'manual' };
const command: Trigger = { kind: 'command', run: 'sh ready.sh' };
const dated: Trigger = { kind: 'date', at: '2026-03-02T00:00:00Z' };
const tomorrowMs = 24 * 3_600_000;

type Story = ReturnType<typeof tell>;

function deferral(
  story: Story,
  facts: Partial<Facts<'deferral'>> | object = {},
  by: 'builder' | 'adversary' = 'builder',
) {
  const base = { session: story.awake(by), name: 'docs', title: 'Describe it', trigger: manual, clauses: [] };
  return story.say(by, { kind: 'deferral', facts: { ...base, ...facts } });
}

function onlyDeferral(story: Story): Deferral {
  return story.trail().deferrals.at(-1) as Deferral;
}

function looked(story: Story, outcome: Facts<'run'>['outcome'], target = onlyDeferral(story).id) {
  return story.ran({ kind: 'trigger', deferral: target }, { outcome });
}

function reentry(story: Story, facts: Partial<Facts<'reentry'>> = {}): Intent {
  const { id, edges, greenIn, trigger } = onlyDeferral(story);
  const why = trigger.kind === 'date' ? `its date has come: ${trigger.at}` : 'its command has turned green';
  return story.say('supervisor', {
    kind: 'reentry',
    facts: { deferral: id, edge: Math.max(1, edges), run: greenIn, why, ...facts },
  });
}

function refuse(story: Story, target: number): Intent {
  return story.act({ act: 'refuse', target: target as EntryId, targetDigest: zero, because: 'not now' });
}

function takeUp(story: Story, target: number, phase = 'again'): Intent {
  const recipes = { app: zero } as Record<string, Digest>;
  const reentered = { target: target as EntryId, targetDigest: zero };
  return story.act({
    act: 'queue',
    phase: phase as PhaseId,
    plan: zero,
    recipes,
    baseSha: shaOf(0),
    reentry: reentered,
  });
}

describe('work may be deferred', () => {
  it.each<[string, object, RegExp]>([
    ['under the name of an open deferral', { name: 'taken' }, /#\d+ is an open deferral of that name/],
    ['to a date in the past', { trigger: { kind: 'date', at: '2026-02-28T00:00:00Z' } }, /has passed already/],
    ['with a clause that a gate covers', { clauses: ['9', '2.1'] }, /M1 covers 2\.1/],
    ['with a part of such a clause', { clauses: ['2.1.4'] }, /M1 covers 2\.1/],
    ['with the parent of such a clause', { clauses: ['2'] }, /M1 covers 2\.1/],
    ['with a line of the Definition of Done', { clauses: ['DoD.1'] }, /DONE covers DoD\.1/],
  ])('not %s', (_, facts, why) => {
    const story = tell();
    story.submit(deferral(story, { name: 'taken' }));
    expect(story.refusal(deferral(story, facts))).toMatch(why);
  });

  it('with clauses that no gate covers, and under the name of a closed deferral', () => {
    const story = tell();
    const first = story.submit(deferral(story, { clauses: ['9', '21'] }));
    const closing = { session: story.awake('builder'), target: first, as: 'superseded', answers: [] };
    story.submit(story.say('builder', { kind: 'close', facts: closing }));
    expect(story.refusal(deferral(story))).toBeNull();
  });

  it('at most ten times per phase', () => {
    const story = tell();
    for (let n = 0; n < 10; n++) story.submit(deferral(story, { name: `d${n}` }));
    expect(story.refusal(deferral(story))).toMatch('10 things at most');
  });
});

describe('a proposed re-entry', () => {
  it('may be written only by the supervisor, for a deferral that exists', () => {
    expect(signersOf('reentry')).toEqual(['supervisor']);
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    looked(story, 'PASS');
    expect(story.refusal(reentry(story, { deferral: 1 as EntryId }))).toMatch('#1 is no deferral');
  });

  it('is refused for a manual trigger', () => {
    const story = tell();
    story.submit(deferral(story));
    expect(story.refusal(reentry(story))).toMatch('has not fired');
  });

  it('is refused before the date and admitted after it, and the date fires only once', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: dated }));
    expect(story.refusal(reentry(story))).toMatch('has not fired');
    story.wait(tomorrowMs);
    const proposal = story.submit(reentry(story));
    expect(story.refusal(reentry(story))).toMatch('its firing is answered');
    story.submit(refuse(story, proposal));
    story.wait(tomorrowMs);
    expect(story.refusal(reentry(story, { edge: 2 }))).toMatch('has not fired');
  });

  it.each<[string, Facts<'run'>['outcome'][], number]>([
    ['no look yet', [], 0],
    ['red', ['FAIL'], 0],
    ['red, then green', ['FAIL', 'PASS'], 1],
    ['green at the first look, which counts as red before', ['PASS'], 1],
    ['green and green again, which is one turn', ['PASS', 'PASS'], 1],
    ['green, red, green', ['PASS', 'FAIL', 'PASS'], 2],
    ['an inconclusive look', ['INFRA'], 0],
    ['inconclusive looks in between', ['PASS', 'TIMEOUT', 'CANCELLED', 'PASS'], 1],
  ])('of a command needs a turn from red to green: %s', (_, outcomes, edges) => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    for (const outcome of outcomes) looked(story, outcome);
    expect(onlyDeferral(story).edges).toBe(edges);
    const why = story.refusal(reentry(story));
    if (edges > 0) expect(why).toBeNull();
    else expect(why).toMatch('has not fired');
  });

  it('must name the newest firing and the run that turned green', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    looked(story, 'PASS');
    looked(story, 'PASS');
    expect(story.refusal(reentry(story, { run: null }))).toMatch('has fired otherwise');
    expect(story.refusal(reentry(story, { edge: 2 }))).toMatch('has fired otherwise');
    expect(story.refusal(reentry(story))).toBeNull();
  });

  it('blocks others until it is answered; after a refusal the next one needs a new turn from red to green', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    looked(story, 'PASS');
    const proposal = story.submit(reentry(story));
    looked(story, 'FAIL');
    looked(story, 'PASS');
    expect(story.refusal(reentry(story))).toMatch('its firing is answered');
    story.submit(refuse(story, proposal));
    expect(story.refusal(refuse(story, proposal))).not.toBeNull();
    expect(story.refusal(reentry(story))).toBeNull();
  });

  it('is refused if an earlier proposal for the only turn to green was refused', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    looked(story, 'PASS');
    story.submit(refuse(story, story.submit(reentry(story))));
    looked(story, 'PASS');
    expect(story.refusal(reentry(story))).toMatch('its firing is answered');
  });

  it('is in the inbox with the acts that answer it; while there is no proposal, the deferral is there instead', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    const { id } = onlyDeferral(story);
    const items = () => inboxOf(story.trail(), story.now()).map(({ kind, id: about, acts }) => [kind, about, acts[0]]);
    expect(items()).toEqual([['deferral', id, `coldpass approve ${id} --plan FILE`]]);
    looked(story, 'PASS');
    const proposal = story.submit(reentry(story));
    expect(items()).toEqual([['reentry', proposal, `coldpass approve ${proposal} --plan FILE`]]);
    story.submit(refuse(story, proposal));
    expect(items()).toEqual([['deferral', id, `coldpass approve ${id} --plan FILE`]]);
    story.submit(takeUp(story, id));
    expect(items()).toEqual([]);
  });
});

describe('the operator takes a deferral up', () => {
  it('by the deferral’s number, at any time, but only once and only while the deferral is open', () => {
    const story = tell();
    const id = story.submit(deferral(story));
    expect(story.refusal(takeUp(story, 2))).toMatch('#2 is no deferral');
    story.submit(takeUp(story, id));
    expect(story.refusal(takeUp(story, id, 'twice'))).toMatch(`takes deferral #${id} up already`);
    const other = story.submit(deferral(story, { name: 'other' }));
    const closing = { session: story.awake('builder'), target: other, as: 'done', answers: [] };
    story.submit(story.say('builder', { kind: 'close', facts: closing }));
    expect(story.refusal(takeUp(story, other, 'late'))).toMatch(`deferral #${other} is closed`);
  });

  it('by an open proposal, but not by a refused one', () => {
    const story = tell();
    story.submit(deferral(story, { trigger: command }));
    looked(story, 'PASS');
    const proposal = story.submit(reentry(story));
    story.submit(refuse(story, proposal));
    expect(story.refusal(takeUp(story, proposal))).toMatch('was answered');
    expect(story.refusal(takeUp(story, onlyDeferral(story).id))).toBeNull();
    expect(story.refusal(refuse(story, proposal))).not.toBeNull();
  });
});

describe('the phase that takes a deferral up', () => {
  it.each<[string, 'builder' | 'adversary', Facts<'close'>['as'] | null, boolean]>([
    ['is not DONE while the deferral is open', 'builder', null, false],
    ['is not DONE if the deferral was only retracted', 'builder', 'retracted', false],
    ['may be DONE once the Builder closed its deferral as done', 'builder', 'done', true],
    ['may be DONE once the Adversary closed its deferral as done', 'adversary', 'done', true],
  ])('%s', (_, by, as, isMet) => {
    const { state, submit } = taken(by);
    if (as !== null) submit(by, { target: deferralIn(state()).id, as });
    const unmet = closedConditionOf(state());
    expect(unmet).toEqual(isMet ? [] : [expect.stringMatching(/"docs" is to be closed first/)]);
  });

  it('lets only the role that wrote the deferral close it', () => {
    const { state, refusal } = taken('adversary');
    const target = deferralIn(state()).id;
    expect(refusal('builder', { target, as: 'done' })).toMatch("is the adversary's to close");
    expect(refusal('adversary', { target, as: 'fixed' })).toMatch(
      'a deferral closes as done or retracted or superseded',
    );
  });
});

/** A finished phase deferred something; another phase, queued to take it up, is open with both roles awake. */
function taken(by: 'builder' | 'adversary') {
  const story = tell();
  const id = story.submit(deferral(story, {}, by));
  const queue = story.submit(takeUp(story, id));
  const drop = story.submit(story.act({ act: 'drop', phase: story.phaseId, because: 'enough' }));
  story.submit(story.say('supervisor', { kind: 'phase', facts: { event: 'abandoned', act: drop } }));
  const again = 'again' as PhaseId;
  const { spec, recipes } = story.phase();
  const opened = { event: 'opened', queue, plan: zero, base: shaOf(0), recipes, sandbox: 'bubblewrap', uid: 'own' };
  const inPhase = (role: string, rest: object) => ({ role, phase: again, body: '', ...rest }) as Intent;
  story.submit(
    inPhase('supervisor', { kind: 'phase', facts: { ...opened, holdout: null, spec: { ...spec, phase: again } } }),
  );
  const session = (role: string) => `s-${(role === 'builder' ? 1 : 2).toString(16).padStart(12, '0')}` as SessionId;
  for (const role of ['builder', 'adversary']) {
    const who = { session: session(role), for: role, reason: { kind: 'work' }, backend: 'b', model: 'm', prompt: zero };
    const facts = { event: 'started', ...who, shown: { upTo: story.trail().lastId, runs: [] }, reservedUsd: 0 };
    story.submit(inPhase('supervisor', { kind: 'session', facts }));
  }
  const close = (role: string, facts: object) =>
    inPhase(role, { kind: 'close', facts: { session: session(role), answers: [], ...facts } });
  return {
    state: () => story.trail(),
    submit: (role: string, facts: object) => story.submit(close(role, facts)),
    refusal: (role: string, facts: object) => story.refusal(close(role, facts)),
  };
}

function deferralIn(state: TrailState): Deferral {
  return state.deferrals[0] as Deferral;
}

function closedConditionOf(state: TrailState): string[] {
  const report = gateReport(phaseAt(state.phases.again as Phase, 0), DONE);
  return report.conditions.filter(({ name }) => name === 'closed').flatMap(({ unmet }) => unmet);
}
