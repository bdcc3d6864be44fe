// Node projects: vitest, jest, mocha and node:test. The test script of package.json is read for its arguments, but the
// recipe runs the program itself, because a claim can change the file that has the script.

import { z } from 'zod';
import { CommandRecipe, type Stage } from '../../state/entry/recipe.ts';
import type { Machine, NodeTool, Project } from './project.ts';
import { type Proposal, reportFile, withoutSecrets } from './proposal.ts';
import { hostOfUrl } from './toolchain.ts';

const publicRegistry = 'https://registry.npmjs.org/';
const testFilesReadMax = 50;
const jestReporter = 'jest-junit@16';
// Test ids are unique only if they include the file.
const jestEnv = {
  JEST_JUNIT_OUTPUT_FILE: reportFile,
  JEST_JUNIT_CLASSNAME: '{filepath}',
  JEST_JUNIT_TITLE: '{classname} {title}',
};

const PackageJson = z.looseObject({
  scripts: z.record(z.string(), z.string()).catch({}),
  dependencies: z.record(z.string(), z.string()).catch({}),
  devDependencies: z.record(z.string(), z.string()).catch({}),
});
type PackageJson = z.infer<typeof PackageJson>;

type RunnerName = 'vitest' | 'jest' | 'mocha' | 'node';

/** How to start each runner, which of a script's arguments to drop, and which files configure the runner. */
const runners: Record<RunnerName, { words: string; start(args: string): string; drops: RegExp; harness: string[] }> = {
  vitest: {
    words: 'vitest',
    start: (args) =>
      `node_modules/.bin/vitest run${args} --reporter=default --reporter=junit --outputFile.junit=${reportFile}`,
    drops: /^(run|watch|dev|-w|--(watch|ui|coverage|reporter|outputFile)([=.].*)?)$/,
    harness: names(['vitest.config'], ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']),
  },
  jest: {
    words: 'jest',
    start: (args) => `node_modules/.bin/jest --ci${args} --reporters=default --reporters=jest-junit`,
    drops: /^(--ci|--(watch|watchAll|coverage|reporters)(=.*)?)$/,
    harness: names(['jest.config'], ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json']),
  },
  mocha: {
    words: 'mocha',
    start: (args) => `node_modules/.bin/mocha${args} --reporter xunit --reporter-option output=${reportFile}`,
    drops: /^(-w|--(watch|reporter|reporter-options?)(=.*)?|-R|-O)$/,
    harness: names(['.mocharc'], ['js', 'cjs', 'mjs', 'json', 'jsonc', 'yaml', 'yml']),
  },
  node: {
    words: 'node:test',
    start: (args) =>
      `node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=${reportFile}${args}`,
    drops: /^--(test|watch|test-reporter|test-reporter-destination)(=.*)?$/,
    harness: [],
  },
};

/** A proposal for the package at the top of the repository; null if there is no package, or another test runner. */
export function detectNode(project: Project, machine: Machine): Proposal | null {
  const json = readPackage(project);
  const script = simpleCommand(json?.scripts.test ?? '');
  const runner = json && (script?.runner ?? runnerByFiles(json, project));
  if (!json || !runner) return null;
  const command = runners[runner].start(script?.args ?? '');
  const node = machine.node();
  const tools = [node.tool].filter((tool) => tool !== null);
  const setup = setupStage(json, runner, project, machine);
  const recipe = CommandRecipe.parse({
    ...(setup && { setup: setup.stage }),
    stages: [{ name: 'test', run: `${script?.env ?? ''}${command}`, report: reportFile }],
    tests: testGlobs(project, runner),
    harness: harnessOf(json, runner, project),
    tools: tools.map((tool) => tool.name),
    env: runner === 'jest' ? jestEnv : {},
  });
  return {
    name: 'node',
    what: `a Node project, tested with ${runners[runner].words} (Node ${node.version})`,
    recipe,
    tools,
    hosts: setup?.stage.network ?? [],
    notes: [...(script ? [] : scriptNotes(json)), ...setupNotes(setup?.notes, node)],
  };
}

function setupNotes(notes: string[] | undefined, node: NodeTool): string[] {
  if (notes === undefined) return [];
  return node.hasNpm ? notes : [...notes, 'setup needs npm, which was not found beside node or under /usr'];
}

function readPackage(project: Project): PackageJson | null {
  const text = project.files.includes('package.json') ? project.read('package.json') : null;
  try {
    return text === null ? null : PackageJson.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * The variables and useful arguments of a script that is one plain command of a known runner; null for other scripts.
 */
function simpleCommand(script: string): { runner: RunnerName; env: string; args: string } | null {
  if (/[&|;<>`\n]|\$\(/.test(script)) return null;
  const [, env = '', program = '', tail = ''] =
    /^((?:[A-Z_][A-Z0-9_]*=\S* +)*)(?:npx +)?(\S+)(.*)$/.exec(script.trim()) ?? [];
  const isNodeTest = program === 'node' && / --test( |$)/.test(tail);
  const runner = isNodeTest ? 'node' : (['vitest', 'jest', 'mocha'] as const).find((name) => name === program);
  return runner ? { runner, env, args: keptArgs(tail, runners[runner].drops) } : null;
}

function keptArgs(tail: string, drops: RegExp): string {
  const words = tail.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const kept = words.filter((word, at) => !drops.test(word) && !isValueOf(words[at - 1], word, drops));
  return kept.map((word) => ` ${word}`).join('');
}

// True if a word is the value of the dropped option before it, such as `dot` in `--reporter dot`.
function isValueOf(before: string | undefined, word: string, drops: RegExp): boolean {
  return (
    before !== undefined &&
    !word.startsWith('-') &&
    !before.includes('=') &&
    drops.test(before) &&
    /^(-R|-O|--.*reporter.*|--outputFile.*)$/.test(before)
  );
}

function runnerByFiles(json: PackageJson, project: Project): RunnerName | null {
  const all = { ...json.dependencies, ...json.devDependencies };
  const named = (['vitest', 'jest', 'mocha'] as const).find((name) => Object.hasOwn(all, name));
  if (named) return named;
  const tests = project.files.filter((path) =>
    /(^|\/)(tests?|__tests__)\/.*\.[cm]?[jt]s$|[.-_](test|spec)\.[cm]?[jt]s$/.test(path),
  );
  const usesNodeTest = (path: string) => /['"]node:test['"]/.test(project.read(path) ?? '');
  return tests.slice(0, testFilesReadMax).some(usesNodeTest) ? 'node' : null;
}

function scriptNotes(json: PackageJson): string[] {
  const script = json.scripts.test;
  if (script === undefined || /no test specified/.test(script)) return [];
  return [`the test script in package.json ("${script}") is more than one plain command; add stages for the rest`];
}

function setupStage(
  json: PackageJson,
  runner: RunnerName,
  project: Project,
  machine: Machine,
): { stage: Stage; notes: string[] } | null {
  const all = { ...json.dependencies, ...json.devDependencies };
  if (Object.keys(all).length === 0) return null;
  const registry = machine.npmRegistry();
  const flag = registry === publicRegistry ? '' : ` --registry=${withoutSecrets(registry)}`;
  const { run, notes } = installCommand(project, machine, flag);
  const needsReporter = runner === 'jest' && !Object.hasOwn(all, 'jest-junit');
  const reporter = needsReporter
    ? ` && npm install --no-save --ignore-scripts --no-audit --no-fund${flag} ${jestReporter}`
    : '';
  const hosts = [...new Set([hostOfUrl(registry), ...lockHosts(project, registry)])];
  return {
    stage: { name: 'setup', run: `${run}${reporter}`, seconds: 600, network: hosts },
    notes: [
      ...notes,
      ...(needsReporter
        ? [`jest does not write JUnit reports: setup adds ${jestReporter}; \`npm i -D jest-junit\` pins it`]
        : []),
    ],
  };
}

function installCommand(project: Project, machine: Machine, flag: string): { run: string; notes: string[] } {
  const has = (path: string) => project.files.includes(path);
  const npm = (verb: string) => `npm ${verb} --ignore-scripts --no-audit --no-fund${flag}`;
  if (has('package-lock.json') || has('npm-shrinkwrap.json')) return { run: npm('ci'), notes: [] };
  if (has('pnpm-lock.yaml') && machine.boxed('pnpm'))
    return { run: `pnpm install --frozen-lockfile --ignore-scripts${flag}`, notes: [] };
  if (has('yarn.lock') && machine.boxed('yarn')) {
    const berry = has('.yarnrc.yml')
      ? 'yarn install --immutable --mode=skip-build'
      : 'yarn install --frozen-lockfile --ignore-scripts';
    return { run: berry, notes: [] };
  }
  return {
    run: npm('install'),
    notes: ['no package-lock.json is committed, so each run installs the newest matching versions; commit one'],
  };
}

// Other hosts that a lockfile gets packages from. If the lockfile names the public registry for a package, npm asks the
// configured one instead.
function lockHosts(project: Project, registry: string): string[] {
  const text = project.read('package-lock.json') ?? project.read('npm-shrinkwrap.json') ?? '';
  const hosts = [...text.matchAll(/"resolved": "(https?:\/\/[^"/]+\/)/g)].map(([, url]) => hostOfUrl(url as string));
  return [...new Set(hosts)]
    .filter((host) => host !== hostOfUrl(publicRegistry) && host !== hostOfUrl(registry))
    .slice(0, 10);
}

function testGlobs(project: Project, runner: RunnerName): string[] {
  const globs: [string, RegExp][] = [
    ['**/*.test.*', /\.test\.[^/]+$/],
    ['**/*.spec.*', /\.spec\.[^/]+$/],
    ['**/*-test.*', /-test\.[cm]?[jt]sx?$/],
    ['**/*_test.*', /_test\.[cm]?[jt]sx?$/],
    ['**/__tests__/**', /(^|\/)__tests__\//],
    ['**/__snapshots__/**', /(^|\/)__snapshots__\//],
    ['tests/**', /^tests\//],
    ['test/**', /^test\//],
  ];
  const used = globs.filter(([, sample]) => project.files.some((path) => sample.test(path))).map(([glob]) => glob);
  const usual = runner === 'mocha' ? 'test/**' : '**/*.test.*';
  return used.includes(usual) ? used : [usual, ...used];
}

// Lists missing configuration files too, so that a claim cannot add one.
function harnessOf(json: PackageJson, runner: RunnerName, project: Project): string[] {
  const vite = runner === 'vitest' ? project.files.filter((path) => /^vite\.config\.[cm]?[jt]s$/.test(path)) : [];
  const member = runner !== 'node' && json[runner] !== undefined ? [`package.json#${runner}`] : [];
  return [...runners[runner].harness, ...vite, 'package.json#scripts', ...member];
}

function names(stems: string[], endings: string[]): string[] {
  return stems.flatMap((stem) => endings.map((ending) => `${stem}.${ending}`));
}
