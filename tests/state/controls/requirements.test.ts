// Which control runs a claim needs and what their results mean: the order of the runs, which results end a control, and
// when the Adversary or the operator has to step in.

import { describe, expect, it } from 'vitest';
import { drillRuns, hollowTargets } from '../../../state/controls/requirements.ts';
import { sabotagesMax } from '../../../state/controls/sabotage.ts';
import type { Facts, Intent, IntentOf } from '../../../state/entry/entry.ts';
import type { Digest, EntryId, GateId, PhaseId, RecipeName } from '../../../state/entry/ids.ts';
import { type Claim, phaseAt } from '../../../state/entry/phase.ts';
import type { ControlResult, Purpose } from '../../../state/entry/record.ts';
import { wantedSabotage } from '../../../state/gate/admitSabotage.ts';
import { shaOf, tell, zero } from '../../support/phase/life.ts';

type ControlPurpose = Extract<Purpose, { kind: 'control' }>;
const M1 = 'M1' as GateId;

/** A claim of M1 with a green run that changes this many functions, under these controls. */
function claimed(controls: string[], functions = 0, apps: string[] = []) {
  const story = tell({ M1: { controls } }, {}, apps);
  const intent = story.claimed('M1', 1) as IntentOf<'claim'>;
  const facts = functions > 0 ? { ...intent.facts, functions: { [M1]: functions } } : intent.facts;
  const id = story.submit({ ...intent, facts });
  story.passes(id, 'M1');
  const claim = () => story.phase().claims.find((one) => one.id === id) as Claim;
  const standing = () => story.gate('M1').standing as NonNullable<ReturnType<typeof story.gate>['standing']>;
  const wanted = () =>
    standing().requirements.flatMap(({ needs }) =>
      needs.flatMap(({ purpose }) => (purpose.kind === 'control' ? purpose : [])),
    );
  const names = () => wanted().map(({ control, target }) => (target === undefined ? control : `${control} ${target}`));
  const make = (purpose: ControlPurpose, result: ControlResult) =>
    story.ran(purpose, { control: { result, why: `it says ${result}` } });
  /** Records every wanted run of this control: the n-th run gets the n-th result, or the last if there are fewer. */
  function answer(control: string, ...results: ControlResult[]): void {
    const runs = wanted().filter((purpose) => purpose.control === control);
    if (runs.length === 0) throw new Error(`no run of ${control} is wanted, but ${names().join(', ')}`);
    for (const [at, purpose] of runs.entries()) make(purpose, (results[at] ?? results.at(-1)) as ControlResult);
  }
  const sabotage = (more: Partial<Facts<'sabotage'>> = {}): IntentOf<'sabotage'> => ({
    kind: 'sabotage',
    role: 'adversary',
    phase: story.phaseId,
    body: 'It breaks 2.1.',
    facts: {
      session: story.awake('adversary'),
      claim: id,
      gate: M1,
      edits: [{ path: 'src/a.js', find: 'one', replace: 'two' }],
      ...more,
    },
  });
  const wakeToBreak = () => story.wake('adversary', { kind: 'sabotage', claim: id });
  return { story, id, claim, standing, wanted, names, answer, make, sabotage, wakeToBreak };
}

describe('the wanted controls', () => {
  it('are revert and those that the plan declares; published always compares with the base', () => {
    const { names, answer, standing } = claimed(['published', 'placebo']);
    expect(names()).toEqual(['published', 'revert', 'placebo']);
    for (const control of names()) answer(control, 'BITES');
    expect(standing().state).toBe('green');

    const story = tell({ M1: {}, M2: { requires: ['M1'], controls: ['published'] } });
    story.accept('M1', 1);
    const claim = story.submit(story.claimed('M2', 2));
    story.passes(claim, 'M2');
    const needs = story.gate('M2').standing?.requirements.flatMap((requirement) => requirement.needs) ?? [];
    expect(needs.map(({ purpose }) => (purpose as ControlPurpose).reference)).toEqual([shaOf(0), shaOf(1)]);
  });

  it.each([
    ['revert', [], 0],
    ['published', ['published'], 0],
    ['placebo', ['placebo'], 0],
    ['hollow', ['hollow'], 1],
  ])('turn the claim red if %s is vacuous', (control, controls, functions) => {
    const { answer, standing, names } = claimed(controls, functions);
    if (control === 'hollow') for (const first of names()) answer(first, 'BITES');
    answer(control, 'VACUOUS');
    expect(standing()).toMatchObject({ state: 'red', why: [`M1: control ${control} is VACUOUS: it says VACUOUS`] });
  });

  it('hold the claim if a placebo is inconclusive, since no patch would help', () => {
    const { answer, standing, story, claim } = claimed(['placebo']);
    answer('revert', 'BITES');
    answer('placebo', 'INCONCLUSIVE');
    expect(standing().state).toBe('held');
    expect(wantedSabotage(phaseAt(story.phase(), story.now()), claim())).toBeNull();
  });
});

describe('one emptied function, if the plan does not ask for hollow,', () => {
  it('must be noticed, and is tried after revert; one noticed function is enough', () => {
    const { names, answer, claim, story, standing } = claimed([], 30);
    expect(names()).toEqual(['revert']);
    answer('revert', 'BITES');
    const [first, second] = hollowTargets(story.phase(), claim(), M1);
    expect(names()).toEqual([`hollow ${first}`]);
    answer('hollow', 'VACUOUS');
    expect(names()).toEqual([`hollow ${second}`]);
    answer('hollow', 'BITES');
    expect(standing().state).toBe('green');
  });

  it('turns the claim red if none of three functions is noticed, but not if all three are inconclusive', () => {
    const vacuous = claimed([], 30);
    vacuous.answer('revert', 'BITES');
    for (const result of ['VACUOUS', 'INCONCLUSIVE', 'VACUOUS'] as const) vacuous.answer('hollow', result);
    expect(vacuous.standing()).toMatchObject({
      state: 'red',
      why: [expect.stringContaining('of 3 emptied functions')],
    });
    const silent = claimed([], 2);
    silent.answer('revert', 'BITES');
    for (let n = 0; n < 2; n += 1) silent.answer('hollow', 'INCONCLUSIVE');
    expect(silent.standing().state).toBe('green');
  });

  it('is not wanted if the claim changes no known function or a control is red', () => {
    const none = claimed([]);
    none.answer('revert', 'BITES');
    expect(none.standing().state).toBe('green');
    const red = claimed([], 30);
    red.answer('revert', 'VACUOUS');
    expect(red.names()).toEqual([]);
  });
});

describe('hollow', () => {
  it('runs after revert and placebo, a few at a time, until all drawn functions are noticed', () => {
    const { names, answer, claim, story, standing } = claimed(['hollow'], 30);
    expect(names()).toEqual(['revert', 'placebo']);
    answer('revert', 'BITES');
    expect(names()).toEqual(['placebo']);
    answer('placebo', 'BITES');
    const drawn = hollowTargets(story.phase(), claim(), M1);
    expect(drawn).toHaveLength(20);
    const order: string[] = [];
    for (let left = 20; left > 0; left -= 4) {
      order.push(...names().filter((name) => name.startsWith('hollow')));
      answer('hollow', 'BITES');
    }
    expect(order).toEqual(drawn.map((n) => `hollow ${n}`));
    expect(standing().state).toBe('green');
    expect(standing().requirements.flatMap(({ run }) => run ?? [])).toHaveLength(1 + 1 + 20 + 1 + 1);
  });

  it('stops at the first survivor', () => {
    const { wanted, make, names, answer, standing } = claimed(['hollow'], 30);
    answer('revert', 'BITES');
    answer('placebo', 'BITES');
    const [, second] = wanted();
    make(second as ControlPurpose, 'VACUOUS');
    expect(standing().state).toBe('red');
    expect(names()).toEqual([]);
  });

  it('bites if some functions are inconclusive, and holds the claim if all are', () => {
    const some = claimed(['hollow'], 3);
    some.answer('revert', 'BITES');
    some.answer('placebo', 'BITES');
    some.answer('hollow', 'INCONCLUSIVE', 'BITES', 'INCONCLUSIVE');
    expect(some.standing().state).toBe('green');
    const none = claimed(['hollow'], 3);
    none.answer('revert', 'BITES');
    none.answer('placebo', 'BITES');
    none.answer('hollow', 'INCONCLUSIVE');
    expect(none.standing()).toMatchObject({ state: 'held', why: [expect.stringContaining('control hollow')] });
  });

  it('holds the claim without a run if there is nothing to empty', () => {
    const { answer, names, standing } = claimed(['hollow']);
    answer('revert', 'BITES');
    expect(names()).toEqual([]);
    expect(standing()).toMatchObject({ state: 'held', why: [expect.stringContaining('changes no function')] });
  });

  it('may be waived, and then ignores a survivor', () => {
    const { story, answer, standing } = claimed(['hollow'], 3);
    const until = '2026-04-01T00:00:00Z';
    const because = 'it is known';
    story.submit(
      story.act({ act: 'waive', phase: story.phaseId, gate: M1, condition: 'control:hollow', until, because }),
    );
    answer('revert', 'BITES');
    answer('placebo', 'BITES');
    answer('hollow', 'VACUOUS');
    expect(standing().state).toBe('green');
  });

  it('draws functions by a run made after the claim, and draws the same ones if the same tree is claimed again', () => {
    const draws = (run: string) => {
      const story = tell({ M1: { controls: ['hollow'] } });
      const intent = story.claimed('M1', 1) as IntentOf<'claim'>;
      const functions = { [M1]: 100 };
      const first = story.submit({ ...intent, facts: { ...intent.facts, functions } });
      const known = (id: EntryId) => story.phase().claims.find((claim) => claim.id === id) as Claim;
      expect(hollowTargets(story.phase(), known(first), M1)).toEqual([]);
      story.passes(first, 'M1', { run: run as Facts<'run'>['run'] });
      const before = hollowTargets(story.phase(), known(first), M1);
      const target = first;
      const facts = { session: story.awake('builder'), target, as: 'withdrawn', answers: [] };
      story.submit(story.say('builder', { kind: 'close', facts }));
      const again = story.claimed('M1', 1) as IntentOf<'claim'>;
      const second = story.submit({ ...again, facts: { ...again.facts, functions } });
      story.passes(second, 'M1');
      expect(hollowTargets(story.phase(), known(second), M1)).toEqual(before);
      return before;
    };
    expect(draws('r-aaaaaaaaaaaa')).not.toEqual(draws('r-bbbbbbbbbbbb'));
  });
});

describe('if revert is inconclusive', () => {
  it('hollow decides: the claim is green if it bites, red if a function survives', () => {
    const good = claimed([], 2);
    good.answer('revert', 'INCONCLUSIVE');
    good.answer('placebo', 'BITES');
    expect(good.names().toSorted()).toEqual(['hollow 1', 'hollow 2']);
    good.answer('hollow', 'BITES');
    expect(good.standing().state).toBe('green');
    const bad = claimed([], 2);
    bad.answer('revert', 'INCONCLUSIVE');
    bad.answer('placebo', 'BITES');
    bad.answer('hollow', 'BITES', 'VACUOUS');
    expect(bad.standing().state).toBe('red');
  });

  it('and no function can be emptied, a patch by the Adversary is wanted and may turn the claim green', () => {
    const { story, id, claim, answer, standing, names, sabotage, wakeToBreak } = claimed([]);
    expect(wantedSabotage(phaseAt(story.phase(), story.now()), claim())).toBeNull();
    answer('revert', 'INCONCLUSIVE');
    expect(standing().state).toBe('held');
    expect(wantedSabotage(phaseAt(story.phase(), story.now()), claim())).toBe(M1);
    wakeToBreak();
    const entry = story.submit(sabotage());
    expect(standing().state).toBe('running');
    expect(names()).toEqual([`sabotage ${entry}`]);
    expect(story.refusal(sabotage())).toBe(`claim #${id} needs no sabotage now`);
    answer('sabotage', 'BITES');
    expect(standing().state).toBe('green');
    expect(story.refusal(story.verdict(id, 'PASS'))).toMatch('woken for sabotage gives no verdict');
    story.judge(id);
    expect(story.refusal(story.verdict(id, 'PASS'))).toBeNull();
  });

  it('and three patches go unnoticed too, the operator decides', () => {
    const { story, claim, answer, standing, sabotage, wakeToBreak } = claimed([]);
    answer('revert', 'INCONCLUSIVE');
    wakeToBreak();
    for (let n = 0; n < sabotagesMax; n += 1) {
      story.submit(sabotage());
      answer('sabotage', 'INCONCLUSIVE');
      expect(standing().state).toBe('held');
    }
    expect(standing()).toMatchObject({ why: [expect.stringMatching(/(Sabotage #\d+: it says INCONCLUSIVE.*){3}/)] });
    expect(wantedSabotage(phaseAt(story.phase(), story.now()), claim())).toBeNull();
    expect(story.refusal(sabotage())).toMatch('needs no sabotage now');
  });
});

describe('a sabotage is refused', () => {
  it('if its session was woken for something else, or if it is for another gate or claim or for an older claim', () => {
    const { story, id, answer, sabotage, wakeToBreak } = claimed([]);
    answer('revert', 'INCONCLUSIVE');
    story.judge(id);
    expect(story.refusal(sabotage())).toBe(`this session was not woken for a sabotage of claim #${id}`);
    wakeToBreak();
    expect(story.refusal(sabotage({ claim: 1 as EntryId }))).toMatch('not woken for a sabotage of claim #1');
    expect(story.refusal(sabotage({ gate: 'M2' as GateId }))).toMatch('the control of M1 is the one that says nothing');
    story.submit(story.claimed('M1', 2));
    expect(story.refusal(sabotage())).toBe(`#${id} is not the live claim of its gate`);
  });
});

describe('the controls of an app', () => {
  const ofApp = (controls: string[], functions = 0) => claimed(controls, functions, ['app']);

  it('are first the drills, then `published` once these bite; no function is emptied', () => {
    const { names, answer, standing } = ofApp(['placebo', 'omit-volume', 'no-restore'], 3);
    expect(names()).toEqual(['omit-volume', 'no-restore']);
    answer('omit-volume', 'BITES');
    expect(names()).toEqual(['no-restore']);
    answer('no-restore', 'BITES');
    expect(names()).toEqual(['placebo', 'published']);
    answer('placebo', 'BITES');
    answer('published', 'BITES');
    expect(standing().state).toBe('green');
  });

  it('are only `published` if the plan names no control; there are none at all if the plan says why', () => {
    const { names, answer, standing } = ofApp([], 3);
    expect(names()).toEqual(['published']);
    answer('published', 'BITES');
    expect(standing().state).toBe('green');
    const story = tell({ M1: {} }, {}, ['app']);
    const id = story.submit(story.claimed('M1', 1));
    story.passes(id, 'M1');
    expect(story.unmet('M1')).not.toContain('controls');
  });

  it('end at a vacuous drill, which turns the claim red before anything else runs', () => {
    const { names, answer, standing } = ofApp(['omit-volume']);
    answer('omit-volume', 'VACUOUS');
    expect(names()).toEqual([]);
    expect(standing()).toMatchObject({
      state: 'red',
      why: ['M1: control omit-volume is VACUOUS: it says VACUOUS'],
    });
  });

  it.each(['omit-volume', 'published'])(
    'hold the claim for the operator if %s is inconclusive, and no patch is wanted',
    (control) => {
      const { names, answer, claim, story, standing } = ofApp(['omit-volume'], 3);
      answer('omit-volume', control === 'omit-volume' ? 'INCONCLUSIVE' : 'BITES');
      answer('published', control === 'published' ? 'INCONCLUSIVE' : 'BITES');
      expect(names()).toEqual([]);
      expect(standing().state).toBe('held');
      expect(wantedSabotage(phaseAt(story.phase(), story.now()), claim())).toBeNull();
      const [until, because] = ['2099-01-01T00:00:00Z', 'I looked'];
      story.submit(
        story.act({
          act: 'waive',
          phase: story.phaseId,
          gate: M1,
          until,
          because,
          condition: `control:${control}` as 'control:published',
        }),
      );
      expect(standing().state).toBe('green');
    },
  );

  it('compare with the base of the phase', () => {
    const { wanted } = ofApp(['omit-volume']);
    expect(wanted().map(({ reference }) => reference)).toEqual([shaOf(0)]);
  });

  it('hold the claim if the plan names a drill for a recipe of commands', () => {
    const { names, answer, standing } = claimed(['omit-volume']);
    expect(names()).toEqual(['omit-volume']);
    answer('omit-volume', 'INCONCLUSIVE');
    answer('revert', 'BITES');
    expect(standing().state).toBe('held');
  });

  it('let `published` be judged by the newest drill of each kind at the same commit', () => {
    const { story, answer, claim, make, wanted } = ofApp(['omit-volume', 'no-restore']);
    const [first] = wanted();
    answer('no-restore', 'BITES');
    make(first as ControlPurpose, 'INCONCLUSIVE');
    const newest = make(first as ControlPurpose, 'BITES');
    const of = { sha: claim().sha, recipeDigest: zero };
    const drills = drillRuns(story.phase(), M1, of);
    expect(drills.map(({ purpose }) => purpose)).toMatchObject([{ control: 'omit-volume' }, { control: 'no-restore' }]);
    expect(drills[0]?.id).toBe(newest);
    expect(drillRuns(story.phase(), M1, { ...of, sha: shaOf(9) })).toEqual([]);
  });
});

it('a phase has the app recipes that the operator signed; an opening that names others is refused', () => {
  const story = tell({ M1: {} }, {}, ['app']);
  expect(story.phase().apps).toEqual(['app']);
  expect(tell().phase().apps).toEqual([]);
  const open = (apps?: string[]) => {
    const other = tell();
    const phase = 'next' as PhaseId;
    const recipes = other.phase().recipes as Record<RecipeName, Digest>;
    const spec = { ...other.phase().spec, phase };
    other.submit(other.act({ act: 'drop', phase: other.phaseId, because: 'another one' }));
    other.submit(other.say('supervisor', { kind: 'phase', facts: { event: 'abandoned', act: other.trail().lastId } }));
    const pinned = { recipes, apps: ['app' as RecipeName] };
    const queue = other.submit(other.act({ act: 'queue', phase, plan: zero, ...pinned, baseSha: shaOf(0) }));
    const of = { queue, plan: zero, base: shaOf(0), recipes, holdout: null, spec, sandbox: 'bubblewrap', uid: 'own' };
    const facts = { event: 'opened', ...of, ...(apps && { apps }) };
    return other.refusal({ ...other.say('supervisor', { kind: 'phase', facts }), phase } as Intent);
  };
  expect(open(['app'])).toBeNull();
  expect(open()).toBe('the recipes are not those that the operator signed');
});
