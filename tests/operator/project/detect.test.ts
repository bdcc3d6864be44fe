// Detection of a project from its files alone. Where a proposed test runner is installed, the proposed command really
// runs.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { detect } from '../../../operator/project/detect.ts';
import type { Machine } from '../../../operator/project/project.ts';
import { configText, type Proposal, reportFile } from '../../../operator/project/proposal.ts';
import { programOnPath } from '../../../operator/project/toolchain.ts';
import type { CommandRecipe } from '../../../state/entry/recipe.ts';
import { Config } from '../../../state/plan/config.ts';
import { readYaml } from '../../../state/plan/yaml.ts';
import { tempDir } from '../../support/temp.ts';

const ourModules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

test('a vitest project is installed from its lockfile and its runner is started by name', () => {
  const { recipe, hosts, tools } = only({
    'package.json': pack({ vitest: '5' }, 'vitest'),
    'package-lock.json': '{}',
    'src/a.test.ts': '',
  });
  expect(recipe.setup).toMatchObject({
    run: 'npm ci --ignore-scripts --no-audit --no-fund',
    network: ['registry.npmjs.org'],
  });
  expect(recipe.stages).toMatchObject([
    {
      name: 'test',
      run: `node_modules/.bin/vitest run --reporter=default --reporter=junit --outputFile.junit=${reportFile}`,
      report: reportFile,
    },
  ]);
  expect(recipe.harness).toContain('vitest.config.ts');
  expect(recipe.harness).toContain('package.json#scripts');
  expect(recipe.tests).toEqual(['**/*.test.*']);
  expect(hosts).toEqual(['registry.npmjs.org']);
  expect(tools).toEqual([{ name: 'node', path: '/opt/node' }]);
});

test.each([
  ['vitest run --config vitest.unit.ts --coverage', ' --config vitest.unit.ts --reporter=default'],
  ['vitest --reporter dot --watch --project unit', ' --project unit --reporter=default'],
  ['NODE_ENV=test npx vitest run "src/**/*.spec.ts"', ' "src/**/*.spec.ts" --reporter=default'],
])('the proposed command keeps the relevant arguments of the script "%s"', (script, kept) => {
  const run = runOf(only({ 'package.json': pack({ vitest: '5' }, script) }));
  expect(run).toContain(`node_modules/.bin/vitest run${kept}`);
  expect(run.startsWith('NODE_ENV=test ')).toBe(script.startsWith('NODE_ENV'));
});

test('a script that does more than run the tests is not copied, and a note says so', () => {
  const { notes, recipe } = only({ 'package.json': pack({ vitest: '5' }, 'tsc && vitest run') });
  expect(recipe.stages[0]?.run).toMatch(/^node_modules\/\.bin\/vitest run --reporter/);
  expect(notes.join('\n')).toContain('"tsc && vitest run"');
});

test('without a lockfile npm resolves versions itself, and a note says so', () => {
  const { recipe, notes } = only({ 'package.json': pack({ vitest: '5' }, 'vitest') });
  expect(recipe.setup?.run).toMatch(/^npm install --ignore-scripts /);
  expect(notes.join('\n')).toContain('no package-lock.json is committed');
});

test('a private registry is named without its password, and its host is proposed as a grant', () => {
  const files = {
    'package.json': pack({ vitest: '5' }, 'vitest'),
    'package-lock.json': '"resolved": "https://cdn.example.org/x.tgz"',
  };
  const { recipe, hosts } = only(files, { npmRegistry: () => 'https://ann:secret@npm.example.org:4873/' });
  expect(recipe.setup?.run).toContain('--registry=https://npm.example.org:4873/');
  expect(JSON.stringify(recipe)).not.toContain('secret');
  expect(hosts).toEqual(['npm.example.org:4873', 'cdn.example.org']);
});

test('a node:test project without dependencies needs no setup', () => {
  const { recipe, what } = only({
    'package.json': pack({}, 'node --test --import ./hooks.js'),
    'test/a.js': "import 'node:test'",
  });
  expect(recipe.setup).toBeUndefined();
  expect(recipe.stages[0]?.run).toMatch(/^node --test .*--test-reporter=junit .* --import \.\/hooks\.js$/);
  expect(recipe.tests).toContain('test/**');
  expect(what).toContain('node:test');
});

test('node:test is detected from the imports of the test files', () => {
  expect(only({ 'package.json': '{}', 'tests/a.test.js': "import { test } from 'node:test';" }).what).toContain(
    'node:test',
  );
});

test('jest gets a reporter that writes a report; mocha has one built in', () => {
  const jest = only({ 'package.json': pack({ jest: '30' }, 'jest --coverage'), 'package-lock.json': '{}' });
  expect(jest.recipe.setup?.run).toContain(
    '&& npm install --no-save --ignore-scripts --no-audit --no-fund jest-junit@',
  );
  expect(runOf(jest)).toBe('node_modules/.bin/jest --ci --reporters=default --reporters=jest-junit');
  expect(jest.recipe.env.JEST_JUNIT_OUTPUT_FILE).toBe(reportFile);
  const mocha = only({ 'package.json': pack({ mocha: '11' }, 'mocha -R dot --recursive spec') });
  expect(runOf(mocha)).toBe(
    `node_modules/.bin/mocha --recursive spec --reporter xunit --reporter-option output=${reportFile}`,
  );
});

test('a package manager other than npm is used if boxes have it', () => {
  const files = { 'package.json': pack({ vitest: '5' }, 'vitest'), 'pnpm-lock.yaml': '' };
  expect(only(files, { boxed: (name) => name === 'pnpm' }).recipe.setup?.run).toBe(
    'pnpm install --frozen-lockfile --ignore-scripts',
  );
  expect(only(files).recipe.setup?.run).toMatch(/^npm install /);
});

test('a pytest project without declared dependencies uses the python that has pytest', () => {
  const { recipe, tools, hosts } = only({ 'calc.py': '', 'test_calc.py': '' });
  expect(recipe.setup).toBeUndefined();
  expect(runOf({ recipe })).toBe(`python3 -m pytest --junitxml=${reportFile}`);
  expect(recipe.harness).toContain('pytest.ini');
  expect(tools).toEqual([{ name: 'python', path: '/home/ann/.pyenv/versions/3.12.1' }]);
  expect(hosts).toEqual([]);
});

test('a virtual environment that has pytest is proposed as a grant, along with its interpreter', () => {
  const venv = { name: 'venv', path: '/home/ann/calc/.venv' };
  const { recipe } = only({ 'test_calc.py': '' }, { python: () => ({ ...python, venv }) });
  expect(recipe.tools).toEqual(['venv', 'python']);
});

test('declared dependencies that are not installed here are installed into an environment for the run', () => {
  const { recipe, hosts } = only({
    'tests/test_calc.py': '',
    'requirements.txt': 'requests\n',
    'requirements-dev.txt': 'pytest\n',
  });
  expect(recipe.setup?.run).toMatch(
    /^python3 -m venv \.venv && \.venv\/bin\/python -m pip install .* -r requirements-dev\.txt -r requirements\.txt$/,
  );
  expect(runOf({ recipe })).toBe(`.venv/bin/python -m pytest --junitxml=${reportFile}`);
  expect(hosts).toEqual(['pypi.org', 'files.pythonhosted.org']);
});

test('declared dependencies that are installed here are used, and a note says so', () => {
  const queries: string[][] = [];
  const satisfies = (lines: readonly string[]) => queries.push([...lines]) > 0;
  const { recipe, notes } = only({ 'test_calc.py': '', 'requirements.txt': 'pytest>=8 # runner\n\n' }, { satisfies });
  expect(recipe.setup).toBeUndefined();
  expect(queries).toEqual([['pytest>=8']]);
  expect(notes.join()).toContain('installed here');
});

test('a package is installed editable with its test extra, plus pytest if the package does not declare it', () => {
  const named = '[project]\nname = "calc"\n\n[project.optional-dependencies]\ndocs = []\ntest = ["pytest"]\n';
  expect(only({ 'test_calc.py': '', 'pyproject.toml': named }).recipe.setup?.run).toMatch(/ -e '\.\[test\]'$/);
  const bare = '[project]\nname = "calc"\n\n[tool.pytest.ini_options]\naddopts = "-q"\n';
  expect(only({ 'test_calc.py': '', 'pyproject.toml': bare }).recipe.setup?.run).toMatch(/ -e \. pytest$/);
});

test('folders of local packages that pip is configured to use are proposed as grants', () => {
  const local = [{ folder: '/srv/wheels', flag: '--find-links=/srv/wheels' }];
  const sources = { index: 'https://u:p@pip.example.org/simple', extra: [], local };
  const { recipe, hosts, tools } = only(
    { 'test_calc.py': '', 'requirements.txt': 'pytest\n' },
    { pipSources: () => sources },
  );
  expect(recipe.setup?.run).toContain(
    '--index-url=https://pip.example.org/simple --retries=1 --find-links=/srv/wheels',
  );
  expect(hosts).toEqual(['pip.example.org']);
  expect(tools.map((tool) => tool.path)).toContain('/srv/wheels');
});

test('a repository with both Node and Python tests gets a recipe for each', () => {
  const proposals = propose({ 'package.json': pack({ vitest: '5' }, 'vitest'), 'test_calc.py': '' });
  expect(proposals.map((one) => one.name)).toEqual(['node', 'python']);
  expect(Object.keys(parsed(proposals).recipes)).toEqual(['node', 'python']);
});

test.each([
  ['no project at all', { 'main.rs': '' }],
  ['a package without tests', { 'package.json': '{}' }],
  ['an unknown runner', { 'package.json': pack({ ava: '6' }, 'ava') }],
  ['a broken package.json', { 'package.json': '{' }],
  ['tests but no python', { 'test_calc.py': '' }],
])('for %s nothing is guessed: the written recipe is valid and asks you to complete it', (what, files) => {
  const proposals = propose(files, what.endsWith('python') ? { python: () => null } : {});
  expect(proposals).toEqual([]);
  expect(parsed(proposals).recipes).toMatchObject({ unit: { stages: [{ name: 'test' }] } });
  expect(configText('x', 'main', proposals)).toContain('<-');
});

test('the recipes in the written file are exactly the proposed ones', () => {
  const proposals = propose({
    'package.json': pack({ jest: '30' }, 'jest'),
    'test_calc.py': '',
    'requirements.txt': 'pytest\n',
  });
  expect(Object.values(parsed(proposals).recipes)).toEqual(proposals.map((one) => one.recipe));
});

test('the proposed vitest command runs and writes its report', () => {
  const files = {
    'package.json': pack({ vitest: '5' }, 'vitest'),
    'a.test.js': "import { expect, test } from 'vitest';\ntest('adds', () => expect(1 + 2).toBe(3));\n",
  };
  const dir = written(files);
  symlinkSync(ourModules, join(dir, 'node_modules'));
  expect(reportOf(dir, runOf(only(files)))).toContain('name="adds"');
});

test('the proposed node:test command runs and writes its report', () => {
  const files = {
    'package.json': pack({}, 'node --test'),
    'a.test.js': "require('node:test').test('adds', () => {});\n",
  };
  expect(reportOf(written(files), runOf(only(files)))).toContain('name="adds"');
});

const hasPytest = spawnSync('python3', ['-c', 'import pytest']).status === 0;
test.skipIf(!hasPytest)('the proposed pytest command runs and writes its report', () => {
  const files = { 'test_calc.py': 'def test_adds():\n    assert 1 + 2 == 3\n' };
  expect(reportOf(written(files), runOf(only(files)))).toContain('name="test_adds"');
});

test("a search of PATH skips the entries that npm puts before the user's own", () => {
  const dir = tempDir();
  for (const place of ['node_modules/.bin', 'bin']) {
    mkdirSync(join(dir, place), { recursive: true });
    writeFileSync(join(dir, place, 'tool'), '', { mode: 0o755 });
  }
  expect(programOnPath('tool', { PATH: `${dir}/node_modules/.bin:relative:${dir}/bin` })).toBe(
    join(dir, 'bin', 'tool'),
  );
  expect(programOnPath('nothing', { PATH: dir })).toBeNull();
});

const python = {
  program: '/usr/bin/python3',
  version: '3.12.1',
  tool: { name: 'python', path: '/home/ann/.pyenv/versions/3.12.1' },
  venv: null,
  hasPytest: true,
  makesVenv: true,
};
const machine: Machine = {
  node: () => ({ version: '24.1.0', tool: { name: 'node', path: '/opt/node' }, hasNpm: true }),
  python: () => python,
  npmRegistry: () => 'https://registry.npmjs.org/',
  pipSources: () => ({ index: null, extra: [], local: [] }),
  satisfies: () => false,
  boxed: () => false,
};

function propose(files: Record<string, string>, other: Partial<Machine> = {}): Proposal[] {
  return detect({ files: Object.keys(files).sort(), read: (path) => files[path] ?? null }, { ...machine, ...other });
}

type OfCommands = Proposal & { recipe: CommandRecipe };

function only(files: Record<string, string>, other: Partial<Machine> = {}): OfCommands {
  const proposals = propose(files, other);
  expect(proposals).toHaveLength(1);
  expect(proposals[0]?.name).toBe('unit');
  expect(proposals[0]?.recipe.engine).toBe('process');
  return proposals[0] as OfCommands;
}

function runOf({ recipe }: { recipe: CommandRecipe }): string {
  return recipe.stages[0]?.run ?? '';
}

function parsed(proposals: Proposal[]): Config {
  return readYaml(Config, configText('x', 'main', proposals), 'coldpass.yml');
}

function pack(devDependencies: Record<string, string>, test: string): string {
  return JSON.stringify({ name: 'x', scripts: { test }, devDependencies });
}

function written(files: Record<string, string>): string {
  const dir = tempDir();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, dirname(path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

/** Runs a proposed command as a stage would, and returns the report that the command wrote. */
function reportOf(dir: string, command: string): string {
  // Our own variables are left out, because vitest and node:test use some to tell children that they run inside a test.
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: process.env.HOME };
  const ran = spawnSync('sh', ['-c', command], { cwd: dir, env, encoding: 'utf8' });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  expect(existsSync(join(dir, reportFile))).toBe(true);
  return readFileSync(join(dir, reportFile), 'utf8');
}
