// Controls in the real loop: what code alone finds before the Adversary wakes, what decides when a control is
// inconclusive, and the patch that is requested from the Adversary. Each cheating claim has an honest twin.

import { expect, test } from 'vitest';
import type { Facts } from '../../state/entry/entry.ts';
import { describeBoxed } from '../support/box.ts';
import {
  auditOf,
  calls,
  claimOf,
  committed,
  layGround,
  type Played,
  play,
  scriptOf,
  wake,
} from '../support/phase/live.ts';

const playMs = 300_000;

const config = `name: adder
base: main
agents: { model: scripted }
recipes:
  unit:
    stages:
      - { name: test, run: node --test --test-reporter=junit --test-reporter-destination=.junit.xml, seconds: 60, report: .junit.xml }
    tests: ["tests/**"]
    tools: [node]
    limits: { memoryMb: 1024, processes: 128, diskMb: 256 }
`;

function planOf(controls: string): string {
  return `---
phase: adder
base: main
gates:
  M1: { recipe: unit, covers: ["2.1"], controls: ${controls} }
tests: ["tests/**"]
budget: { usd: 5, hours: 1, claims: 12 }
---

# Phase adder: a box with two stores

**Mission**: write it.

## 2. Work requirements

1. What is put into the box is in both of its stores.

## 3. Gates

**M1: both stores.** They hold what was put.

## 5. Definition of Done

- The box does what clause 2.1 says.
`;
}

const base = {
  'coldpass.yml': config,
  'package.json': '{"type":"module"}\n',
  '.gitignore': '.junit.xml\n',
  'run-tests.sh': null,
  'add.sh': null,
  'sum.sh': null,
  'tests/present.test.sh': null,
  'tests/present.test.js': "import { test } from 'node:test';\ntest('is there', () => {});\n",
};
const stub = 'export const index = new Map();\nexport const texts = new Map();\n\nexport function put(id, text) {}\n';
const box = stub
  .replace('{}', '{\n  putIndex(id);\n  putText(id, text);\n}')
  .concat(
    '\nfunction putIndex(id) {\n  index.set(id, true);\n}\n\nfunction putText(id, text) {\n  texts.set(id, text);\n}\n',
  );

/** Returns a shell command that writes a file. */
function file(path: string, text: string): string {
  return `mkdir -p "$(dirname ${path})" && cat > ${path} <<'END'\n${text}END\n`;
}

function testFile(imports: string, tests: Record<string, string>): string {
  const cases = Object.entries(tests).map(([name, body]) => `test('${name}', () => {\n  ${body}\n});\n`);
  return `import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n${imports}\n\n${cases.join('\n')}`;
}

const boxImports = "import { index, put, texts } from '../src/box.js';";
const listed = { 'is listed': "put(1, 'one');\n  assert.deepEqual([...index.keys()], [1]);" };
const kept = { ...listed, 'is kept': "put(2, 'two');\n  assert.equal(texts.get(2), 'two');" };
const writeBox = file('src/box.js', box);
const testsOne = file('tests/box.test.js', testFile(boxImports, listed));
const testsBoth = file('tests/box.test.js', testFile(boxImports, kept));

const wait = calls('wait', { why: 'nothing is left to do now' });
const look = calls('shell', { command: 'cat tests/*.js' }, { seen: { from: 'shell', match: '\\[call (\\d+)\\]' } });
const diff = calls('diff', { part: 1 });
const judged = { claim: 'judge: claim #(\\d+) of ', run: '^- (r-[0-9a-f]{12}) \\(gate M1 for claim' };

/** Wakes of the Adversary in which it passes M1 and DONE. */
const passing = [pass('M1', ['2.1']), pass('DONE', ['2.1', 'DoD.1'])];
const handOff = wake(
  '^- M1: holds[\\s\\S]*^- DONE: unclaimed',
  [calls('hand_off', { sha: '{{ sha }}', summary: 'It holds.' })],
  { sha: '^- M1: holds · claim #\\d+ at ([0-9a-f]{40})' },
);

function pass(gate: string, clauses: string[]): unknown {
  const cites = [{ call: '{{ seen:number }}' }, { run: '{{ run }}' }];
  const checks = clauses.map((clause) => ({ clause, saw: 'both stores are read', cites }));
  const input = { claim: '{{ claim:number }}', verdict: 'PASS', words: 'I have looked at it.', checks };
  return wake(`^Woken: judge: claim #\\d+ of ${gate}`, [look, diff, calls('verdict', input)], judged);
}

/** Returns the Builder's wakes: its first work, its work after a red claim, and the hand-off. */
function building(first: string, mended: string): unknown[] {
  return [
    wake('^- M1: unclaimed', [...committed('sha', first), claimOf('M1', '{{ sha }}'), wait]),
    wake('^Woken: red', [...committed('sha', mended), claimOf('M1', '{{ sha }}'), wait]),
    handOff,
  ];
}

describeBoxed('a claim under a plan that declares hollow', () => {
  test(
    'is red without the Adversary if tests check one of two stores; if they check both, the phase is DONE',
    async () => {
      const ground = await layGround({ files: { ...base, 'src/box.js': stub }, plan: planOf('[hollow]') });
      const script = scriptOf({ builder: building(writeBox + testsOne, testsBoth), adversary: passing });
      const played = await play(ground, script);
      const [first, second, done] = played.of('claim');
      expect(controlsOf(played, first?.id)).toMatchObject({ revert: ['BITES'], placebo: ['BITES'] });
      const survivor = runsOf(played, first?.id).find(({ control }) => control?.result === 'VACUOUS');
      expect(survivor?.control?.why).toMatch(/^With putText \(src\/box\.js:\d+\) emptied every test stays green/);
      const [firstWake] = played.of('session').filter(({ facts }) => facts.for === 'adversary');
      expect(firstWake?.facts).toMatchObject({ reason: { kind: 'judge', claim: second?.id } });
      expect(controlsOf(played, second?.id)).toEqual({
        revert: ['BITES'],
        placebo: ['BITES'],
        hollow: ['BITES', 'BITES', 'BITES'],
      });
      // The claim of DONE causes no runs, because its commit was already accepted.
      expect(runsOf(played, done?.id)).toEqual([]);
      expect(played.end).toMatchObject({ status: 'done', exit: 0 });
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );
});

describeBoxed('if the tests cannot load without the change,', () => {
  test(
    '`hollow` decides: red if emptying a function goes unnoticed, green if the tests notice it for every one',
    async () => {
      const ground = await layGround({ files: base, plan: planOf('[]') });
      const script = scriptOf({ builder: building(writeBox + testsOne, testsBoth) });
      const played = await play(ground, script);
      const [first, second] = played.of('claim');
      expect(controlsOf(played, first?.id)).toMatchObject({ revert: ['INCONCLUSIVE'] });
      expect(controlsOf(played, first?.id).hollow).toContain('VACUOUS');
      expect(controlsOf(played, second?.id)).toEqual({
        revert: ['INCONCLUSIVE'],
        placebo: ['BITES'],
        hollow: ['BITES', 'BITES', 'BITES'],
      });
      const reasons = played.of('session').flatMap(({ facts }) => (facts.event === 'started' ? facts.reason.kind : []));
      expect(reasons.filter((kind) => kind === 'judge' || kind === 'sabotage')).toEqual(['judge', 'judge']);
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );

  test(
    'and no function can be emptied, the tests must notice a patch that the Adversary supplies',
    async () => {
      const ground = await layGround({ files: base, plan: planOf('[]') });
      const data = 'export const index = { one: 1 };\nexport const texts = { one: "un", unused: "rien" };\n';
      const imports = "import { index, texts } from '../src/data.js';";
      const tests = { 'is listed': 'assert.equal(index.one, 1);', 'is kept': "assert.equal(texts.one, 'un');" };
      const work = file('src/data.js', data) + file('tests/data.test.js', testFile(imports, tests));
      const patch = (path: string, find: string, replace: string) =>
        calls('sabotage', {
          claim: '{{ claim:number }}',
          edits: [{ path, find, replace }],
          words: 'One store is lost.',
        });
      const breaking = wake(
        '^Woken: sabotage: the controls of claim #\\d+ of M1',
        [
          calls('shell', { command: 'git rev-parse HEAD' }),
          calls('verdict', { claim: '{{ claim:number }}', verdict: 'UNVERIFIED', words: 'I would rather not.' }),
          patch('tests/data.test.js', "'un'", "'deux'"),
          patch('src/data.js', 'one', 'two'),
          patch('src/data.js', 'rien', 'nothing'),
          patch('src/data.js', '"un"', '""'),
          patch('src/data.js', '"un"', '"trois"'),
        ],
        { claim: 'claim #(\\d+) of M1' },
      );
      const builder = [
        wake('^- M1: unclaimed', [...committed('sha', work), claimOf('M1', '{{ sha }}'), wait]),
        handOff,
      ];
      const played = await play(ground, scriptOf({ builder, adversary: [breaking, ...passing] }));
      const [claim] = played.of('claim');
      expect(played.said('shell').join('')).toContain(`${claim?.facts.shas.main}`);
      expect(played.said('verdict')[0]).toMatch(/cannot be judged: its evidence is held/);
      const [onTests, unclear, survived, noticed, ...more] = played.said('sabotage');
      expect(onTests).toBe('refused: tests/data.test.js is no production file that the claim adds or changes');
      expect(unclear).toBe('refused: src/data.js holds this more than once: "one"');
      expect(survived).toMatch(
        /^#\d+: it shows nothing .* Every test stays green .* Try another way; 2 of 3 are left\.$/,
      );
      expect(noticed).toMatch(/^#\d+: the tests notice it .* fail on an assertion: .*is kept"/);
      expect(more).toEqual([]);
      expect(controlsOf(played, claim?.id)).toEqual({ revert: ['INCONCLUSIVE'], sabotage: ['INCONCLUSIVE', 'BITES'] });
      expect(played.of('verdict').map(({ facts }) => facts.verdict)).toEqual(['PASS', 'PASS']);
      expect(played.end).toMatchObject({ status: 'done', exit: 0 });
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );
});

function runsOf(played: Played, claim: number | undefined): Facts<'run'>[] {
  return played
    .of('run')
    .map(({ facts }) => facts)
    .filter(({ purpose }) => 'claim' in purpose && purpose.claim === claim);
}

/** Returns the results of a claim's controls by name, each in the order in which the runs ended. */
function controlsOf(played: Played, claim: number | undefined): Record<string, string[]> {
  const results: Record<string, string[]> = {};
  for (const { purpose, control } of runsOf(played, claim)) {
    if (purpose.kind !== 'control' || !control) continue;
    results[purpose.control] = [...(results[purpose.control] ?? []), control.result];
  }
  return results;
}
