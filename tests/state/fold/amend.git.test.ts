// Amendments of a plan: what they do to gates, claims and DONE, which ones are refused, and how the audit checks them.

import { describe, expect, it, onTestFinished } from 'vitest';
import { audit } from '../../../state/audit/audit.ts';
import { canonicalJson, digestOf } from '../../../state/entry/digest.ts';
import {
  type Digest,
  DONE,
  type EntryId,
  type GateId,
  type PhaseId,
  type RecipeName,
  type Sha,
} from '../../../state/entry/ids.ts';
import type { PhaseSpec } from '../../../state/entry/spec.ts';
import type { Amendment } from '../../../state/fold/amendment.ts';
import { readPlan } from '../../../state/plan/plan.ts';
import { shaOf, tell, zero } from '../../support/phase/life.ts';
import { addCommits, makeHub } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import {
  harnessText,
  openPhase,
  openWriter,
  phaseId,
  pinned,
  planText,
  recipeDigest,
} from '../../support/trail/writer.ts';

type Story = ReturnType<typeof tell>;
type Parts = Omit<Partial<Amendment>, 'spec'> & { spec?: Partial<PhaseSpec> };

const other = 'f'.repeat(64) as Digest;
const [M1, M2] = ['M1', 'M2'] as GateId[] as [GateId, GateId];

/** An act that changes the story's own plan. */
function amendment(story: Story, { spec: change, ...more }: Parts): Amendment {
  const phase = story.phase();
  const spec = { ...phase.spec, ...change };
  const plan = digestOf(canonicalJson([spec, more]));
  const about = { phase: phase.id, replaces: phase.plan, plan, recipes: phase.recipes as Amendment['recipes'] };
  return { act: 'amend', ...about, spec, because: 'the operator says so', ...more };
}

function amend(story: Story, parts: Parts): EntryId {
  return story.submit(story.act(amendment(story, parts)));
}

/** The parts of an amendment that changes the spec of one gate. */
function gate(story: Story, name: GateId, change: object): Parts {
  const { gates } = story.phase().spec;
  return { spec: { gates: { ...gates, [name]: { ...gates[name], ...change } } as PhaseSpec['gates'] } };
}

function twoAccepted(): Story {
  const story = tell({ M1: {}, M2: {} });
  story.accept('M1', 1);
  story.accept('M2', 2);
  return story;
}

describe('a gate whose spec was amended', () => {
  it('is judged again at the same claim, without the old runs and verdict; other gates still hold', () => {
    const story = twoAccepted();
    const claim = story.gate('M1').claim?.id as EntryId;
    amend(story, gate(story, M1, { expect: { pass: ['it adds'], flags: [], closed: [] } }));
    expect(story.gate('M1')).toMatchObject({
      holds: false,
      verdict: null,
      standing: { state: 'running' },
      claim: { id: claim },
    });
    expect(story.gate('M2').holds).toBe(true);
    story.passes(claim, 'M1');
    expect(story.gate('M1')).toMatchObject({ holds: false, verdict: null, standing: { state: 'green' } });
    story.judge(claim);
    story.submit(story.verdict(claim, 'PASS'));
    expect(story.gate('M1').holds).toBe(true);
  });

  it('is red or green by its new runs alone; a FAIL given under the old plan no longer counts', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1', { outcome: 'FAIL' });
    amend(story, gate(story, M1, { expect: { level: 1, pass: [], flags: [], closed: [] } }));
    expect(story.gate('M1').standing?.state).toBe('running');
    story.passes(claim, 'M1');
    story.judge(claim);
    const finding = story.submit(story.finding('M1', claim));
    story.submit(story.verdict(claim, 'FAIL', { findings: [finding] }));
    expect(story.gate('M1').verdict?.verdict).toBe('FAIL');
    amend(story, gate(story, M1, { times: 2 }));
    expect(story.gate('M1').verdict).toBeNull();
  });

  const changes: [string, (story: Story) => Parts, string[]][] = [
    ['its recipe’s digest', () => ({ recipes: { app: other } as Amendment['recipes'] }), ['M1', 'M2']],
    ['its expectations', (story) => gate(story, M1, { expect: { level: 2, pass: [], flags: [], closed: [] } }), ['M1']],
    ['how often it runs', (story) => gate(story, M1, { times: 3 }), ['M1']],
    ['its controls', (story) => gate(story, M1, { controls: [] }), ['M1']],
    ['what it covers', (story) => gate(story, M1, { covers: ['2.2'] }), ['M1']],
    ['what it requires', (story) => gate(story, M1, { requires: ['M2'] }), ['M1']],
    ['the text of a clause that it covers', () => ({ spec: { clauses: clauses('x', 'z') } }), ['M2']],
    ['the paths that are tests', () => ({ spec: { tests: ['**/*.test.js'] } }), ['M1', 'M2']],
    ['the paths that are protected', () => ({ spec: { protected: ['.ci/**'] } }), ['M1', 'M2']],
    ['the tests that may change', () => ({ spec: { supersedes: ['adds'] } }), ['M1', 'M2']],
    ['the hold-outs', () => ({ holdout: other }), ['M1', 'M2']],
    ['its title alone', () => ({ spec: { title: 'other' } }), []],
    ['its budget alone', () => ({ spec: { budget: { usd: 1, hours: 1, claims: 30 } } }), []],
    ['its Definition of Done alone', () => ({ spec: { dod: [{ id: 'DoD.1', text: 'z' }] } }), []],
  ];
  const clauses = (one: string, two: string) => [
    { id: '2.1', text: one },
    { id: '2.2', text: two },
  ];
  it.each(changes)('is judged again only if it depends on what the amendment changes: %s', (_, change, anew) => {
    const story = tell({ M1: {}, M2: { covers: ['2.2'] } }, { clauses: clauses('x', 'y') });
    story.accept('M1', 1);
    story.accept('M2', 2);
    amend(story, change(story));
    // With these the base has as many runs as the new plan may need.
    for (const k of [2, 3]) story.ran({ kind: 'base', recipe: 'app' as RecipeName, k });
    expect([M1, M2].filter((name) => !story.gate(name).holds)).toEqual(anew);
  });
});

describe('a claim', () => {
  it('is void if facts in the claim depend on what changed; its SHA may then be claimed again', () => {
    const story = twoAccepted();
    amend(story, { spec: { protected: ['src/**'] } });
    expect(story.gate('M1').claim).toBeNull();
    expect(story.gate('M2').claim).toBeNull();
    story.accept('M1', 1);
    expect(story.gate('M1').holds).toBe(true);
  });

  it('is void if its recipe starts or stops being for an app, since functions then count differently', () => {
    const story = twoAccepted();
    amend(story, { apps: ['app' as RecipeName], recipes: { ['app' as RecipeName]: other } });
    expect(story.phase().apps).toEqual(['app']);
    expect(story.gate('M1').claim).toBeNull();
    const back = tell({ M1: {} }, {}, ['app']);
    back.accept('M1', 1);
    amend(back, { recipes: { ['app' as RecipeName]: other } });
    expect(back.phase().apps).toEqual([]);
    expect(back.gate('M1').claim).toBeNull();
  });

  it('of DONE is void after any amendment; for the next claim of DONE, runs of gates that still hold count', () => {
    const story = twoAccepted();
    const done = story.submit(story.claimed(DONE, 2));
    expect(story.refusal(story.claimed('M1', 3))).toMatch(/DONE is being judged/);
    amend(story, { spec: { title: 'other' } });
    expect(story.gate(DONE).claim).toBeNull();
    expect(story.phase().claims.find(({ id }) => id === done)?.withdrawn).not.toBeNull();
    expect(story.accept(DONE, 2)).toBeGreaterThan(done);
    expect(story.gate(DONE).holds).toBe(true);
  });

  it('of DONE counts no run of a gate from before an amendment of that gate', () => {
    const story = tell();
    const claim = story.accept('M1', 1);
    amend(story, gate(story, M1, { expect: { level: 1, pass: [], flags: [], closed: [] } }));
    const after = story.passes(claim, 'M1');
    story.judge(claim);
    story.submit(story.verdict(claim, 'PASS'));
    story.submit(story.claimed(DONE, 1));
    const own = story.gate(DONE).standing?.requirements.filter(({ condition }) => condition === 'runs');
    expect(own).toMatchObject([{ result: 'good', at: after }]);
  });

  it('of a tree that was red may be repeated', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1', { outcome: 'FAIL' });
    expect(story.refusal(story.claimed('M1', 1))).toMatch(/this tree was refused/);
    amend(story, { spec: { title: 'other' } });
    expect(story.refusal(story.claimed('M1', 1))).toBeNull();
  });
});

describe('a gate', () => {
  it('that an amendment removes is no longer needed for DONE', () => {
    const story = twoAccepted();
    const { M1: kept } = story.phase().spec.gates as Record<string, PhaseSpec['gates'][GateId]>;
    story.submit(story.finding('M2', null, true));
    amend(story, { spec: { gates: { [M1]: kept } as PhaseSpec['gates'] } });
    expect(story.refusal(story.claimed('M2', 3))).toMatch(/the plan has no gate M2/);
    const done = story.submit(story.claimed(DONE, 2));
    story.passes(done, 'M1');
    const needs = story.gate(DONE).standing?.requirements.flatMap((requirement) => requirement.needs);
    expect(needs).toMatchObject([{ purpose: { kind: 'reproducer' }, recipe: 'app', sha: shaOf(2) }]);
  });

  it('that an amendment adds must hold like any other; one that is removed and added back starts over', () => {
    const story = twoAccepted();
    const { gates } = story.phase().spec;
    const { M1: kept } = gates as Record<string, PhaseSpec['gates'][GateId]>;
    amend(story, { spec: { gates: { [M1]: kept } as PhaseSpec['gates'] } });
    amend(story, { spec: { gates } });
    expect(story.gate('M2')).toMatchObject({ claim: null, holds: false });
    expect(story.refusal(story.claimed(DONE, 2))).toMatch(/M2 does not/);
    story.accept('M2', 2);
    expect(story.gate('M2').holds).toBe(true);
  });
});

describe('an amendment is refused', () => {
  const cases: [string, (story: Story) => Parts, RegExp][] = [
    [
      'if it replaces a plan other than the phase’s',
      () => ({ replaces: other, spec: { title: 'x' } }),
      /another one by now/,
    ],
    [
      'with the plan of another phase',
      () => ({ spec: { phase: 'elsewhere' as PhaseId } }),
      /is that of phase elsewhere/,
    ],
    ['with another base', () => ({ spec: { base: 'other' } }), /the base of story is main and stays so/],
    ['without a recipe that its plan runs', () => ({ recipes: {}, spec: { title: 'x' } }), /pins no recipe app/],
    ['if it changes nothing', (story) => ({ plan: story.phase().plan }), /it changes nothing/],
  ];
  it.each(cases)('%s', (_, change, reason) => {
    const story = tell();
    expect(story.refusal(story.act(amendment(story, change(story))))).toMatch(reason);
  });

  it('once the phase is over', () => {
    const story = tell();
    const act = story.submit(story.act({ act: 'drop', phase: story.phaseId, because: 'enough' }));
    story.submit(story.say('supervisor', { kind: 'phase', facts: { event: 'abandoned', act } }));
    expect(story.refusal(story.act(amendment(story, { spec: { title: 'x' } })))).toMatch(/phase story is abandoned/);
  });

  it('if the act is for a phase other than the amended one', () => {
    const story = tell();
    const act = story.act({ ...amendment(story, { spec: { title: 'x' } }), phase: 'elsewhere' as PhaseId });
    expect(story.refusal(act)).toMatch(/the act is about phase elsewhere/);
  });
});

describe('the audit of a trail with an amendment', () => {
  const changed = planText.replace('level: 1', 'level: 1, pass: ["both are kept"]');

  async function ground() {
    const made = await makeHub([{ 'src/keep.js': 'export {};\n', 'runner.config.js': harnessText }], tempDir());
    const writer = await openWriter(made);
    onTestFinished(() => writer.trail.close());
    await openPhase(writer);
    const read = readPlan(changed);
    if (!('spec' in read)) throw new Error('the plan does not read');
    const recipes = { [pinned.name]: recipeDigest } as Record<RecipeName, Digest>;
    const about = { phase: phaseId, replaces: digestOf(planText), plan: digestOf(changed), recipes };
    const payload: Amendment = { act: 'amend', ...about, spec: read.spec, because: 'more is to be seen' };
    const blobs = [{ path: `blobs/${digestOf(changed)}`, bytes: Buffer.from(changed) }];
    return { made, writer, payload, blobs };
  }

  it('reports no problem with claims and runs before and after the amendment', async () => {
    const { made, writer, payload, blobs } = await ground();
    const branch = `refs/heads/phase/${phaseId}`;
    const [sha] = addCommits(made.hub.dir, branch, [{ 'src/keep.js': 'export const one = 1;\n' }], made.base) as [Sha];
    const session = await writer.wake('builder', { kind: 'work' });
    const claim = await writer.claim(session, M1, sha);
    const first = await writer.run({ kind: 'gate', claim, gate: M1, k: 1 }, sha);
    await writer.act(payload, blobs);
    const again = await writer.run({ kind: 'gate', claim, gate: M1, k: 1 }, sha);
    expect(writer.trail.state.phases[phaseId]?.runs.map(({ run, unmet }) => [run, unmet])).toEqual([
      [first.run, []],
      [again.run, ['no test is called "both are kept"']],
    ]);
    expect(await audit({ hub: made.hub.dir })).toMatchObject({ ok: true, problems: [] });
  });

  it('reports a spec that does not match its plan, and a plan or recipe that is not stored', async () => {
    const { made, writer, payload, blobs } = await ground();
    const act = await writer.act({ ...payload, spec: { ...payload.spec, title: 'something else' } }, blobs);
    await writer.act({ ...payload, replaces: payload.plan, plan: zero, recipes: { ['app' as RecipeName]: other } });
    const { problems } = await audit({ hub: made.hub.dir });
    const of = (id: number) => problems.filter(({ entry }) => entry === id).map(({ what }) => what);
    expect(of(act)).toEqual(['its spec does not match the stored plan']);
    expect(of(act + 1)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^the plan 0+ that it signs is not stored/)]),
    );
    expect(of(act + 1)).toEqual(expect.arrayContaining([expect.stringMatching(/^the recipe app .* is not stored/)]));
  });

  it('reports an act that lists a recipe for commands as one for an app', async () => {
    const { made, writer, payload, blobs } = await ground();
    const act = await writer.act({ ...payload, apps: ['app' as RecipeName] }, blobs);
    const { problems } = await audit({ hub: made.hub.dir });
    expect(problems.filter(({ entry }) => entry === act).map(({ what }) => what)).toEqual([
      'the recipe app is for commands, but the act says that it is for an app',
    ]);
  });

  it('reports a plan with a control for apps at a gate whose recipe is for commands', async () => {
    const { made, writer, payload } = await ground();
    const text = changed.replace('covers: ["1.1"]', 'covers: ["1.1"], controls: [omit-volume]');
    const read = readPlan(text);
    if (!('spec' in read)) throw new Error('the plan does not read');
    const stored = [{ path: `blobs/${digestOf(text)}`, bytes: Buffer.from(text) }];
    const act = await writer.act({ ...payload, plan: digestOf(text), spec: read.spec }, stored);
    const { problems } = await audit({ hub: made.hub.dir });
    expect(problems.filter(({ entry }) => entry === act).map(({ what }) => what)).toEqual([
      'M1 declares omit-volume, but recipe app is for commands',
    ]);
  });
});
