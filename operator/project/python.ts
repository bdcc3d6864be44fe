// Python projects, tested with pytest (which also runs unittest's tests). If declared dependencies are not installed
// here, each run gets its own virtual environment; otherwise tests run in the environment that has them, which is then
// granted as a tool folder.

import { CommandRecipe } from '../../state/entry/recipe.ts';
import type { ToolGrant } from '../../state/trail/workspace.ts';
import type { Machine, PipSources, Project, PythonTool } from './project.ts';
import { type Proposal, reportFile, withoutSecrets } from './proposal.ts';
import { hostOfUrl, packageTools } from './toolchain.ts';

const publicHosts = ['pypi.org', 'files.pythonhosted.org'];
const testPattern = /(^|\/)(test_[^/]*|[^/]*_test)\.py$/;
const requirementLists =
  /^(requirements([-_.](dev|test|tests|testing))?|(dev|test|tests)[-_]requirements|requirements\/(base|dev|test|tests))\.(txt|in)$/;
const extrasWanted = ['test', 'tests', 'testing', 'dev'];

/** A proposal for a project with Python tests at its top; null without such tests, or without a python. */
export function detectPython(project: Project, machine: Machine): Proposal | null {
  const python = hasPytestTests(project) ? machine.python() : null;
  if (python === null) return null;
  const wanted = dependencies(project);
  const install = needsInstall(python, wanted, machine) ? installation(wanted, machine.pipSources()) : null;
  const tools = [...environment(python, install !== null), ...(install?.tools ?? [])];
  const program = install ? '.venv/bin/python' : 'python3';
  const recipe = CommandRecipe.parse({
    ...(install && { setup: { name: 'setup', run: install.run, seconds: 600, network: install.hosts } }),
    stages: [{ name: 'test', run: `${program} -m pytest --junitxml=${reportFile}`, report: reportFile }],
    tests: testGlobs(project),
    harness: harnessOf(project),
    tools: tools.map((tool) => tool.name),
  });
  return {
    name: 'python',
    what: `a Python project, tested with pytest (Python ${python.version}${install ? '' : ', as it is installed here'})`,
    recipe,
    tools,
    hosts: install?.hosts ?? [],
    notes: notesOn(python, wanted, install !== null),
  };
}

type Wanted = {
  /** Arguments of `pip install`. */
  args: string[];
  /** Requirements, if plain lists declare them all; null if pip must read the project. */
  lines: string[] | null;
  usesGroups: boolean;
  namesPytest: boolean;
  notes: string[];
};

function hasPytestTests(project: Project): boolean {
  const configured = /^\s*\[(pytest|tool:pytest|tool\.pytest[^\]]*)\]/m;
  const names = ['pytest.ini', '.pytest.ini', 'pytest.toml', 'conftest.py'];
  const settings = ['pyproject.toml', 'tox.ini', 'setup.cfg'];
  return (
    project.files.some((path) => testPattern.test(path) || names.includes(path)) ||
    settings.some((path) => project.files.includes(path) && configured.test(project.read(path) ?? ''))
  );
}

/** What pip must install, read from the project's files. */
function dependencies(project: Project): Wanted {
  const lists = project.files.filter((path) => requirementLists.test(path));
  const texts = lists.map((path) => project.read(path) ?? '');
  const pyproject = project.files.includes('pyproject.toml') ? (project.read('pyproject.toml') ?? '') : '';
  const isPackage = /^\s*\[(project|build-system)\]/m.test(pyproject) || project.files.includes('setup.py');
  const extra = extrasWanted.find((name) => tableHas(pyproject, 'project.optional-dependencies', name));
  const group = extrasWanted.find((name) => tableHas(pyproject, 'dependency-groups', name));
  // Editable: an installed copy would survive a control that removes the code.
  const self = isPackage ? [extra ? `-e '.[${extra}]'` : '-e .'] : [];
  const settings = pyproject.replace(/^\s*\[.*\]\s*$/gm, '');
  const poetry = /^\s*\[tool\.poetry\.group\./m.test(pyproject);
  return {
    args: [...lists.map((path) => `-r ${path}`), ...self, ...(group ? [`--group ${group}`] : [])],
    lines: isPackage || group ? null : plainLines(texts),
    usesGroups: group !== undefined,
    namesPytest: [settings, ...texts].some((text) => /["'\s]pytest\b|^pytest\b/m.test(text)),
    notes: poetry ? ["pip does not read poetry's groups; add what the tests need to `setup`"] : [],
  };
}

// The lines of requirement lists; null if a list contains more than names: options, links, other lists.
function plainLines(texts: string[]): string[] | null {
  const lines = texts.flatMap((text) => text.split('\n').map((line) => line.replace(/(^|\s)#.*/, '').trim()));
  const named = lines.filter((line) => line !== '');
  return named.every((line) => /^[A-Za-z0-9]/.test(line) && !/:\/\/|\\$|\s--/.test(line)) ? named : null;
}

function needsInstall(python: PythonTool, wanted: Wanted, machine: Machine): boolean {
  if (!python.hasPytest) return true;
  const installed = wanted.lines !== null && (wanted.lines.length === 0 || machine.satisfies(wanted.lines));
  return !installed && python.makesVenv;
}

type Installation = { run: string; hosts: string[]; tools: ToolGrant[] };

function installation(wanted: Wanted, sources: PipSources): Installation {
  const { index, extra, local } = sources;
  const flags = [
    '--disable-pip-version-check --no-input',
    ...(index ? [`--index-url=${withoutSecrets(index)}`] : []),
    ...extra.map((url) => `--extra-index-url=${withoutSecrets(url)}`),
    // With local packages, do not wait for an index that is out of reach.
    ...(local.length > 0 ? ['--retries=1'] : []),
    ...new Set(local.map(({ flag }) => flag)),
  ];
  const pip = `.venv/bin/python -m pip install ${flags.join(' ')}`;
  const what = [...wanted.args, ...(wanted.namesPytest ? [] : ['pytest'])].join(' ');
  // Groups need pip 25.1.
  const upgrade = wanted.usesGroups ? ` && ${pip} --upgrade pip` : '';
  return {
    run: `python3 -m venv .venv${upgrade} && ${pip} ${what}`,
    hosts: [...new Set([...(index ? [hostOfUrl(index)] : publicHosts), ...extra.map(hostOfUrl)])],
    tools: packageTools(sources),
  };
}

// If setup installs nothing, tests run in the environment that has pytest; otherwise only the interpreter is needed.
function environment(python: PythonTool, installs: boolean): ToolGrant[] {
  return [installs ? null : python.venv, python.tool].filter((tool) => tool !== null);
}

function notesOn(python: PythonTool, wanted: Wanted, installs: boolean): string[] {
  const cannot = 'this python cannot create virtual environments (Debian: apt-get install python3-venv)';
  if (installs) return [...wanted.notes, ...(python.makesVenv ? [] : [`${cannot}, but setup needs one`])];
  if (wanted.args.length === 0) return [];
  return [
    python.makesVenv
      ? 'the requirements are already installed here, so runs use them as they are'
      : `${cannot}, so runs use what is installed here`,
  ];
}

function testGlobs(project: Project): string[] {
  const folders = ['tests', 'test'].filter((dir) => project.files.some((path) => path.startsWith(`${dir}/`)));
  return [...folders.map((dir) => `${dir}/**`), '**/test_*.py', '**/*_test.py', '**/conftest.py'];
}

// pytest prefers its own files, even empty ones, to a section in another file, so its own files are listed even if
// missing.
function harnessOf(project: Project): string[] {
  const shared = [
    { path: 'tox.ini', section: /^\[pytest\]/m },
    { path: 'setup.cfg', section: /^\[tool:pytest\]/m },
  ];
  const used = shared.filter(
    ({ path, section }) => project.files.includes(path) && section.test(project.read(path) ?? ''),
  );
  return ['pytest.toml', '.pytest.toml', 'pytest.ini', '.pytest.ini', ...used.map(({ path }) => path)];
}

// Enough of TOML to see whether a table has a key.
function tableHas(toml: string, table: string, key: string): boolean {
  const lines = toml.split('\n');
  const start = lines.findIndex((line) => line.trim() === `[${table}]`);
  const body = start < 0 ? [] : lines.slice(start + 1);
  const end = body.findIndex((line) => /^\s*\[[^\]]*\]\s*$/.test(line));
  return body.slice(0, end < 0 ? undefined : end).some((line) => new RegExp(`^\\s*"?${key}"?\\s*=`).test(line));
}
