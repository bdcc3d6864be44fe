// The controls of an app, with a real repository: what the audit computes again, what it reports, and which files each
// control restores.

import { expect, it } from 'vitest';
import { pinRecipe } from '../../../runner/run/pinned.ts';
import { functionProblems, judgedControlProblems, targetProblems } from '../../../state/audit/controls.ts';
import type { AuditStore } from '../../../state/audit/store.ts';
import { idInTurn, judgeDrill, withAll } from '../../../state/controls/drill.ts';
import { judgeKept, keptEdits } from '../../../state/controls/earlierTests.ts';
import type { ControlPurpose } from '../../../state/controls/judge.ts';
import { revertEdits } from '../../../state/controls/revert.ts';
import type { EntryOf } from '../../../state/entry/entry.ts';
import type { EntryId, GateId, RecipeName, RunId, Sha } from '../../../state/entry/ids.ts';
import type { Claim, Phase, Run } from '../../../state/entry/phase.ts';
import { Recipe } from '../../../state/entry/recipe.ts';
import { type AppFacts, checkId, type RunRecord } from '../../../state/entry/record.ts';
import { testGlobsOf } from '../../../state/entry/spec.ts';
import { runFacts } from '../../../state/fold/facts.ts';
import { changedPaths } from '../../../state/git/git.ts';
import { workFor } from '../../../state/work/changed.ts';
import { tell, zero } from '../../support/phase/life.ts';
import { repoOf } from '../../support/recipes.ts';
import type { Files } from '../../support/repo.ts';
import { failed, passed, record } from '../../support/trail/records.ts';

const M1 = 'M1' as GateId;
const mail = 'app' as RecipeName;
const recipe = Recipe.parse({
  engine: 'swarm',
  suite: 'tests',
  tests: ['tests/**'],
  harness: ['tests/vitest.config.ts'],
});
const account = 'tests/restore.test.ts > restore > account';
const message = 'tests/restore.test.ts > restore > mail message';
const stands = checkId('install', 'every service stands');
const base: Files = {
  'compose.yml': 'a',
  'ops/backup.js': 'export function keep() {}\n',
  'tests/restore.test.ts': '// one\n',
};
const deeper: Files = { 'tests/restore.test.ts': '// one and two\n' };
const labelled: Files = {
  'compose.yml': 'b',
  'ops/backup.js': 'export function keep() {\n  return 1;\n}\n',
  ...deeper,
};

const facts: AppFacts = {
  deploys: { made: 1, expected: 1 },
  crossover: null,
  images: {},
  backedUp: ['mail'],
  witnesses: null,
  residue: 0,
  lint: [],
  denied: [],
};

/** Makes an app's phase with one claim, which makes this change, and with records of the claim's runs. */
function layPhase(change: Files, isOfApp = true) {
  const repo = repoOf(base, change);
  const [from, sha] = repo.shas as [Sha, Sha];
  const { pinned } = pinRecipe(mail, recipe, () => null);
  const counts = { recipe: mail, recipeDigest: zero, outcome: 'PASS', atMs: 0 } as Partial<Run>;
  const runOf = (run: string, purpose: object, at: Sha) =>
    ({ id: 9, run, purpose, sha: at, tree: at, ...counts }) as Run;
  const claim = {
    id: 7 as EntryId,
    gate: M1,
    sha,
    tree: sha,
    references: { M1: from },
    functions: {},
    keeps: {},
    touches: [],
    descends: [],
    precedes: [],
    verdicts: [],
    withdrawn: null,
    atMs: 0,
    expects: { pass: [], looksBad: [] },
  } as Claim;
  const purpose = { kind: 'control', claim: claim.id, gate: M1, reference: from };
  const own = runOf('r-00000000000a', { kind: 'gate', claim: claim.id, gate: M1, k: 1 }, sha);
  const reference = runOf('r-00000000000b', { kind: 'base', recipe: mail, k: 1 }, from);
  const drill = runOf('r-00000000000c', { ...purpose, control: 'omit-volume' }, sha);
  const turns = [
    ...inTurn(withAll, passed(account), passed(message)),
    ...inTurn('without mail', passed(account), failed(message)),
  ];
  const records = new Map<RunId, RunRecord>([
    [own.run, record({ app: facts, tests: [passed(stands), passed(account), passed(message)] })],
    [reference.run, record({ app: facts, tests: [passed(stands), passed(account)] })],
    [drill.run, record({ app: facts, outcome: 'FAIL', tests: turns })],
  ]);
  const phase: Phase = {
    ...tell({ M1: { controls: ['omit-volume'] } }, {}, isOfApp ? ['app'] : []).phase(),
    base: from,
    claims: [claim],
    runs: [reference, own, drill],
  };
  const using = {
    hub: repo.hub,
    store: {
      read: () => Promise.resolve(Buffer.from(JSON.stringify(pinned))),
      record: (run: RunId) => Promise.resolve(records.get(run) ?? null),
    } as Partial<AuditStore> as AuditStore,
  };
  const of = (control: ControlPurpose['control']) => ({ ...purpose, control }) as ControlPurpose;
  return { phase, claim, using, hub: repo.hub, from, sha, of, records, own, turns };
}

function inTurn(turn: string, ...tests: RunRecord['tests']) {
  return tests.map((test) => ({ ...test, id: idInTurn(turn, test.id) }));
}

it('the audit judges a drill again from the records', async () => {
  const { phase, using, sha, of, records, own, turns } = layPhase(labelled);
  const control = record({
    app: facts,
    outcome: 'FAIL',
    purpose: of('omit-volume'),
    shas: { main: sha },
    tests: turns,
  });
  const right = judgeDrill('omit-volume', { claim: records.get(own.run) as RunRecord, control });
  expect(right.result).toBe('BITES');
  const problemsOf = (judgement: object) =>
    judgedControlProblems(
      { facts: { ...runFacts(control), control: judgement } } as unknown as EntryOf<'run'>,
      phase,
      control,
      using,
    );
  expect(await problemsOf(right)).toEqual([]);
  expect(await problemsOf({ ...right, result: 'VACUOUS' })).toEqual([
    expect.stringMatching(/by its records the control is BITES .*says VACUOUS/),
  ]);
});

it('the audit judges `published` again, with the earlier drills; without them the result differs', async () => {
  const { phase, using, sha, of } = layPhase(deeper);
  const tests = [passed(stands), passed(account), passed(message)];
  const control = record({ app: facts, purpose: of('published'), shas: { main: sha }, tests });
  const problemsOf = (result: string, why: string, runs = phase.runs) => {
    const entry = { facts: { ...runFacts(control), recipeDigest: zero, control: { result, why } } };
    return judgedControlProblems(entry as unknown as EntryOf<'run'>, { ...phase, runs }, control, using);
  };
  const bites = `With a volume left out of the restore these fail on an assertion: "${message}".`;
  expect(await problemsOf('BITES', bites)).toEqual([]);
  expect(await problemsOf('BITES', bites, phase.runs.slice(0, 2))).toEqual([
    expect.stringMatching(
      /by its records the control is INCONCLUSIVE .*leaves the app as it was.*, but the entry says BITES/,
    ),
  ]);
});

it('the audit reports a control that the kind of recipe cannot have', () => {
  const { phase, claim, of } = layPhase(labelled);
  for (const control of ['published', 'placebo', 'omit-volume', 'no-restore'] as const)
    expect(targetProblems(of(control), phase, claim)).toEqual([]);
  for (const control of ['revert', 'hollow', 'sabotage'] as const)
    expect(targetProblems(of(control), phase, claim)).toEqual([
      'it is a control for commands, but the recipe of M1 is for an app',
    ]);
  const other = layPhase(labelled, false);
  expect(targetProblems(other.of('no-restore'), other.phase, other.claim)).toEqual([
    'it is a control for apps, but the recipe of M1 is for commands',
  ]);
});

it('the audit counts no function of an app, even if its tree has some', async () => {
  const { phase, using, sha, from } = layPhase(labelled);
  const claimWith = (functions?: object) => ({
    facts: { shas: { main: sha }, references: { M1: from }, ...(functions && { functions }) },
  });
  expect(await functionProblems(claimWith() as unknown as EntryOf<'claim'>, phase, using)).toEqual([]);
  expect(await functionProblems(claimWith({ M1: 1 }) as unknown as EntryOf<'claim'>, phase, using)).toHaveLength(1);
});

it('`published` runs the claim’s tests on the old app; earlier tests run on the claim’s app', async () => {
  const { phase, hub, from, sha } = layPhase(labelled);
  const changed = await changedPaths(hub, from, sha);
  const globs = testGlobsOf(phase.spec, recipe);
  expect(revertEdits(changed, globs, recipe.harness).map(({ path }) => path)).toEqual(['compose.yml', 'ops/backup.js']);
  expect(keptEdits(changed, globs, recipe.harness).map(({ path }) => path)).toEqual(['tests/restore.test.ts']);
  const options = { hub, reference: from, sha, spec: phase.spec, recipe };
  expect((await workFor('published', options)).reverted).toEqual(['compose.yml', 'ops/backup.js']);
  const alone = layPhase(deeper);
  expect(
    (await workFor('published', { ...options, hub: alone.hub, reference: alone.from, sha: alone.sha })).reverted,
  ).toEqual([]);
});

it('harness checks are earlier tests too: BROKEN if one of them turns red or disappears', () => {
  const upgraded = checkId('upgrade', 'the deployed version is the head’s');
  const earlier = [record({ app: facts, tests: [passed(stands), passed(upgraded), passed(account)] })];
  const claim = record({ app: facts, tests: [passed(stands), passed(upgraded), passed(account), passed(message)] });
  const judge = (kept: RunRecord, own = claim) => judgeKept({ earlier, claim: own, kept, supersedes: [] }).result;
  const green = record({ tests: [passed(stands), passed(upgraded), passed(account)] });
  expect(judge(green)).toBe('KEPT');
  expect(judge(record({ outcome: 'FAIL', tests: [passed(stands), failed(upgraded), passed(account)] }))).toBe('BROKEN');
  expect(judge(green, record({ tests: [passed(stands), passed(account), passed(message)] }))).toBe('BROKEN');
});
