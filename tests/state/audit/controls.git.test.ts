// What the audit reports of controls, with a real repository: functions that a claim hides, judgements that do not
// follow from the records, runs that no claim needs, and invalid patches.

import { expect, it } from 'vitest';
import { pinRecipe } from '../../../runner/run/pinned.ts';
import {
  functionProblems,
  judgedControlProblems,
  sabotageProblems,
  targetProblems,
} from '../../../state/audit/controls.ts';
import type { AuditStore } from '../../../state/audit/store.ts';
import type { ControlPurpose } from '../../../state/controls/judge.ts';
import { hollowTargets } from '../../../state/controls/requirements.ts';
import type { EntryOf } from '../../../state/entry/entry.ts';
import type { EntryId, GateId, RecipeName, RunId, Sha } from '../../../state/entry/ids.ts';
import type { Claim, Phase, Run } from '../../../state/entry/phase.ts';
import type { RunRecord } from '../../../state/entry/record.ts';
import { runFacts } from '../../../state/fold/facts.ts';
import { tell, zero } from '../../support/phase/life.ts';
import { recipeOf, repoOf } from '../../support/recipes.ts';
import { passed, record } from '../../support/trail/records.ts';

const M1 = 'M1' as GateId;
const app = 'app' as RecipeName;
const store = 'export function one() {\n  return 1;\n}\n\nexport function two() {\n  return 2;\n}\n';
const tests = [passed('test/a.test.js > one')];

/** Makes a phase with one claim, a run of the claim and a run of the base, in a repository of two commits. */
function layPhase() {
  const repo = repoOf(
    { 'test/a.test.js': '// old\n' },
    { 'lib/store.js': store, 'lib/data.json': '{}', 'test/a.test.js': '//\n' },
  );
  const [base, sha] = repo.shas as [Sha, Sha];
  const id = 7 as EntryId;
  const { pinned } = pinRecipe(app, recipeOf(), () => null);
  const runOf = (run: string, purpose: object, at: Sha) =>
    ({ id: 9, run, purpose, sha: at, tree: at, ...counts }) as Run;
  const counts = { recipe: app, recipeDigest: zero, outcome: 'PASS', atMs: 0 } as Partial<Run>;
  const claim = {
    id,
    gate: M1,
    sha,
    tree: sha,
    references: { M1: base },
    functions: { M1: 2 },
    keeps: {},
    touches: [],
    descends: [],
    precedes: [],
    verdicts: [],
    withdrawn: null,
    atMs: 0,
    expects: { pass: [], looksBad: [] },
  } as Claim;
  const own = runOf('r-00000000000a', { kind: 'gate', claim: id, gate: M1, k: 1 }, sha);
  const reference = runOf('r-00000000000b', { kind: 'base', recipe: app, k: 1 }, base);
  const phase: Phase = {
    ...tell({ M1: { controls: ['hollow'] } }).phase(),
    base,
    claims: [claim],
    runs: [reference, own],
    sabotages: [{ id: 11 as EntryId, claim: id, gate: M1, edits: [] }],
  };
  const records = new Map<RunId, RunRecord>([
    [own.run, record({ tests })],
    [reference.run, record({ tests: [] })],
  ]);
  const using = {
    hub: repo.hub,
    store: {
      read: () => Promise.resolve(Buffer.from(JSON.stringify(pinned))),
      record: (run: RunId) => Promise.resolve(records.get(run) ?? null),
    } as Partial<AuditStore> as AuditStore,
  };
  return { phase, claim, using, base, sha };
}

function controlOf(base: Sha, more: Partial<ControlPurpose>): ControlPurpose {
  return { kind: 'control', claim: 7 as EntryId, gate: M1, control: 'hollow', reference: base, ...more };
}

it.each([
  ['lists all', { M1: 2 }, []],
  ['hides some', { M1: 1 }, [/the number of functions it changes, by gate, is \{"M1":2\}, but it says \{"M1":1\}/]],
  ['hides all', undefined, [/but it says \{\}/]],
])('a claim that %s of its functions', async (_, functions, problems) => {
  const { phase, using, base, sha } = layPhase();
  const facts = { shas: { main: sha }, references: { M1: base }, ...(functions && { functions }) };
  const faults = await functionProblems({ facts } as unknown as EntryOf<'claim'>, phase, using);
  expect(faults).toEqual(problems.map((problem) => expect.stringMatching(problem)));
});

it('a function that the plan exempts is not counted', async () => {
  const { phase, using, base, sha } = layPhase();
  const gate = { ...phase.spec.gates[M1], exempt: ['two'] };
  const spec = { ...phase.spec, gates: { M1: gate } } as Phase['spec'];
  const facts = { shas: { main: sha }, references: { M1: base }, functions: { M1: 1 } };
  expect(await functionProblems({ facts } as unknown as EntryOf<'claim'>, { ...phase, spec }, using)).toEqual([]);
});

it('computing a judgement again shows a wrong function name or a wrong result', async () => {
  const { phase, using, base, sha } = layPhase();
  const purpose = controlOf(base, { target: '2' });
  const control = record({ purpose, shas: { main: sha }, tests });
  const problemsOf = (result: string, name: string) => {
    const why = `With ${name} emptied every test stays green. Test what it does, or leave it out.`;
    const facts = { ...runFacts(control), control: { result, why } };
    return judgedControlProblems({ facts } as unknown as EntryOf<'run'>, phase, control, using);
  };
  expect(await problemsOf('VACUOUS', 'two (lib/store.js:5)')).toEqual([]);
  expect(await problemsOf('VACUOUS', 'one (lib/store.js:1)')).toEqual([
    expect.stringMatching(/by its records the control is VACUOUS .*two/),
  ]);
  expect(await problemsOf('BITES', 'two (lib/store.js:5)')).toEqual([expect.stringMatching(/the entry says BITES/)]);
});

it('a run that its claim does not need is recognised by the run’s reference and target', () => {
  const { phase, claim, base, sha } = layPhase();
  const problems = (more: Partial<ControlPurpose>) => targetProblems(controlOf(base, more), phase, claim);
  expect(hollowTargets(phase, claim, M1).toSorted()).toEqual([1, 2]);
  expect(problems({ target: '1' })).toEqual([]);
  expect(problems({ control: 'sabotage', target: '11' })).toEqual([]);
  expect(problems({ control: 'placebo' })).toEqual([]);
  expect(problems({ target: '3' })).toEqual(['claim #7 needs no hollow control with target 3']);
  expect(problems({})).toEqual(['claim #7 needs no hollow control with target none']);
  expect(problems({ control: 'sabotage', target: '12' })).toEqual([
    'claim #7 needs no sabotage control with target 12',
  ]);
  expect(problems({ control: 'revert', target: '1' })).toEqual(['claim #7 needs no revert control with target 1']);
  expect(problems({ target: '1', reference: sha })).toEqual([
    `it compares with ${sha}; for claim #7 it should be ${base}`,
  ]);
  const later = { ...claim, references: { M1: sha } };
  expect(targetProblems(controlOf(base, { control: 'published' }), phase, later)).toEqual([]);
  expect(targetProblems(controlOf(base, { control: 'revert' }), phase, later)).toHaveLength(1);
});

it.each([
  ['of production code is accepted', 'lib/store.js', 'return 2;', []],
  ['of a test is reported', 'test/a.test.js', '//', [/test\/a\.test\.js is no production file/]],
  ['of missing text is reported', 'lib/store.js', 'return 3;', [/holds this nowhere/]],
  ['of data is accepted', 'lib/data.json', '{}', []],
])('a patch %s', async (_, path, find, problems) => {
  const { phase, using } = layPhase();
  const facts = { session: 's-000000000001', claim: 7, gate: M1, edits: [{ path, find, replace: '' }] };
  const faults = await sabotageProblems({ facts } as unknown as EntryOf<'sabotage'>, phase, using);
  expect(faults).toEqual(problems.map((problem) => expect.stringMatching(problem)));
});

it('a patch that changes a protected path is reported', async () => {
  const { phase, using } = layPhase();
  const spec = { ...phase.spec, protected: ['lib/**'] };
  const edits = [{ path: 'lib/store.js', find: 'return 2;', replace: '' }];
  const facts = { session: 's-000000000001', claim: 7, gate: M1, edits };
  const faults = await sabotageProblems({ facts } as unknown as EntryOf<'sabotage'>, { ...phase, spec }, using);
  expect(faults).toEqual([expect.stringMatching(/is no production file/)]);
});
