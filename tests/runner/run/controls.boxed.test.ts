// The controls `hollow` and `placebo` in real cold runs of small projects. The tests of some projects check what the
// code does; the tests of others do not.

import { expect, it } from 'vitest';
import { changedFunctions, emptyFunction, judgeHollow } from '../../../state/controls/hollow.ts';
import type { Judgement } from '../../../state/controls/judgement.ts';
import { judgePlacebo, neutral } from '../../../state/controls/placebo.ts';
import type { TreeEdit } from '../../../state/controls/revert.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Recipe } from '../../../state/entry/recipe.ts';
import { FrontMatter, type PhaseSpec } from '../../../state/entry/spec.ts';
import { changedWork } from '../../../state/work/changed.ts';
import { describeBoxed } from '../../support/box.ts';
import { openRuns, type Runs, recipeOf, repoOf, sharedSandbox, testsOf } from '../../support/recipes.ts';
import type { Files } from '../../support/repo.ts';

const sandbox = sharedSandbox();
const plan = { phase: 'store', gates: { M1: { recipe: 'app', covers: ['2.1'] } } };
const spec: PhaseSpec = { ...FrontMatter.parse(plan), title: 'Store', clauses: [], dod: [] };

/** Runs and judges every control of the change as the loop does: the placebo, and one run per changed function. */
async function controls(runs: Runs, base: Files, change: Files, recipe: Recipe) {
  const repo = repoOf(base, change);
  const [reference, sha] = repo.shas;
  if (!reference || !sha) throw new Error('two commits were made');
  const work = await changedWork({ hub: repo.hub, reference, sha, spec, recipe });
  const claim = await runs.cold({ repo, recipe });
  const over = (edits: TreeEdit[]) => runs.cold({ repo, recipe, edits });
  const placebo = await over(
    (work.sources ?? []).flatMap(({ path, mode, after }) => {
      const text = neutral({ path, after });
      return text === null ? [] : { path, mode, bytes: Buffer.from(text) };
    }),
  );
  const hollow: Record<string, Judgement> = {};
  for (const tried of changedFunctions(work, [])) {
    const { path, mode } = tried.source;
    const control = await over([{ path, mode, bytes: Buffer.from(emptyFunction(tried) ?? '') }]);
    hollow[tried.found.name] = judgeHollow({ claim, control }, tried);
  }
  return { claim, placebo: judgePlacebo({ claim, control: placebo }, work), hollow };
}

const resultsOf = (hollow: Record<string, Judgement>) =>
  Object.fromEntries(Object.entries(hollow).map(([name, { result }]) => [name, result]));

const js = recipeOf();
const base: Files = { 'package.json': '{"type":"module"}', 'test/none.test.js': testsOf({ stands: '' }) };
const store = `export const index = new Map();
export const texts = new Map();

export function put(id, text) {
  putIndex(id);
  putText(id, text);
}

function putIndex(id) {
  index.set(id, true);
}

function putText(id, text) {
  texts.set(id, text);
}
`;
const importing = "import { index, put, texts } from '../lib/store.js';";
const looksAtOne = { lists: "put(1, 'a'); assert.deepEqual([...index.keys()], [1]);" };
const looksAtBoth = { ...looksAtOne, keeps: "put(2, 'b'); assert.equal(texts.get(2), 'b');" };

describeBoxed('in JavaScript', () => {
  it('hollow names only the function that fills a store which no test checks', async () => {
    const runs = openRuns(sandbox());
    const change = (tests: Record<string, string>) => ({
      'lib/store.js': store,
      'test/store.test.js': testsOf(tests, importing),
    });
    const [lax, strict] = await Promise.all([
      controls(runs, base, change(looksAtOne), js),
      controls(runs, base, change(looksAtBoth), js),
    ]);
    expect(resultsOf(lax.hollow)).toEqual({ put: 'BITES', putIndex: 'BITES', putText: 'VACUOUS' });
    expect(lax.hollow.putText?.why).toMatch(/^With putText \(lib\/store\.js:13\) emptied every test stays green/);
    expect(resultsOf(strict.hollow)).toEqual({ put: 'BITES', putIndex: 'BITES', putText: 'BITES' });
    expect([lax.placebo.result, strict.placebo.result]).toEqual(['BITES', 'BITES']);
  });

  it('placebo catches a test that hashes its source; hollow catches one that greps it', async () => {
    const runs = openRuns(sandbox());
    const imports = "import { createHash } from 'node:crypto'; import { readFileSync } from 'node:fs';";
    const source = "readFileSync('lib/store.js', 'utf8')";
    const greps = `assert.match(${source}, /texts\\.set\\(id, text\\)/);`;
    const hashes = `assert.equal(createHash('sha256').update(${source}).digest('hex'), '${digestOf(store)}');`;
    const change = (body: string) => ({
      'lib/store.js': store,
      'test/store.test.js': testsOf({ ...looksAtOne, keeps: body }, `${importing}${imports}`),
    });
    const [grepping, hashing] = await Promise.all([
      controls(runs, base, change(greps), js),
      controls(runs, base, change(hashes), js),
    ]);
    expect(grepping.placebo.result).toBe('BITES');
    expect(grepping.hollow.putText?.result).toBe('VACUOUS');
    expect(hashing.hollow.putText?.result).toBe('BITES');
    expect(hashing.placebo).toMatchObject({ result: 'VACUOUS', why: expect.stringContaining('keeps') });
  });

  it('if the tests need a function in order to load, emptying it is inconclusive', async () => {
    const change = {
      'lib/table.js':
        'export const table = make();\n\nfunction make() {\n  return { one: [1] };\n}\n\nexport const [one] = table.one;\n',
      'test/table.test.js': testsOf({ reads: 'assert.equal(one, 1);' }, "import { one } from '../lib/table.js';"),
    };
    const { hollow, placebo } = await controls(openRuns(sandbox()), base, change, js);
    expect(hollow.make).toMatchObject({ result: 'INCONCLUSIVE', why: expect.stringContaining('did not run') });
    expect(placebo.result).toBe('BITES');
  });

  it('a TypeScript project still loads after a function is emptied, whatever its types say', async () => {
    const change = {
      'lib/sum.ts': 'export function sum(a: number, b: number): number {\n  return a + b;\n}\n',
      'test/sum.test.js': testsOf({ adds: 'assert.equal(sum(1, 2), 3);' }, "import { sum } from '../lib/sum.ts';"),
    };
    const { hollow, placebo } = await controls(openRuns(sandbox()), base, change, js);
    expect([hollow.sum?.result, placebo.result]).toEqual(['BITES', 'BITES']);
  });
});

// unittest writes no JUnit report, so this program runs one file of tests and writes the report.
const runner = `import sys, unittest
from xml.sax.saxutils import quoteattr
rows = []
class Result(unittest.TestResult):
    def addSuccess(self, test): rows.append((test.id(), None))
    def addFailure(self, test, err): rows.append((test.id(), ('failure', 'AssertionError', str(err[1]))))
    def addError(self, test, err): rows.append((test.id(), ('error', err[0].__name__, str(err[1]))))
suite = unittest.defaultTestLoader.discover('test', pattern='test_*.py', top_level_dir='.')
result = Result()
suite.run(result)
with open('report.xml', 'w') as out:
    out.write('<testsuite tests="%d">' % len(rows))
    for name, bad in rows:
        out.write('<testcase classname="test" name=%s>' % quoteattr(name))
        if bad: out.write('<%s type=%s message=%s/>' % (bad[0], quoteattr(bad[1]), quoteattr(bad[2])))
        out.write('</testcase>')
    out.write('</testsuite>')
sys.exit(0 if result.wasSuccessful() else 1)
`;
const python = recipeOf({
  stages: [{ name: 'test', run: 'python3 -B test/run.py', report: 'report.xml', seconds: 20 }],
  tools: [],
});
const pythonBase: Files = { 'test/__init__.py': '', 'test/run.py': `import sys; sys.path.insert(0, '.')\n${runner}` };
const pythonStore = `index = {}
texts = {}


def put(id, text):
    """Keeps a text under its id."""
    index[id] = True
    put_text(id, text)


def put_text(id, text):
    texts[id] = text
`;

function pythonTests(...checks: string[]): string {
  const cases = checks.map((check, at) => `    def test_${at + 1}(self):\n        put(${at}, 'a')\n        ${check}\n`);
  return `import unittest\nfrom store import index, put, texts\n\nclass Store(unittest.TestCase):\n${cases.join('\n')}`;
}

describeBoxed('in Python', () => {
  it('hollow names only the function that fills a store which no test checks', async () => {
    const runs = openRuns(sandbox());
    const one = 'self.assertIn(0, index)';
    const change = (...checks: string[]) => ({ 'store.py': pythonStore, 'test/test_store.py': pythonTests(...checks) });
    const [lax, strict] = await Promise.all([
      controls(runs, pythonBase, change(one), python),
      controls(runs, pythonBase, change(one, "self.assertEqual(texts[1], 'a')"), python),
    ]);
    expect(lax.claim.outcome).toBe('PASS');
    expect(resultsOf(lax.hollow)).toEqual({ put: 'BITES', put_text: 'VACUOUS' });
    expect(lax.hollow.put_text?.why).toMatch(/^With put_text \(store\.py:11\) emptied/);
    expect(resultsOf(strict.hollow)).toEqual({ put: 'BITES', put_text: 'BITES' });
    expect([lax.placebo.result, strict.placebo.result]).toEqual(['BITES', 'BITES']);
  });
});
