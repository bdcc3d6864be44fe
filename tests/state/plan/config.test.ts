import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { TrailError } from '../../../state/entry/errors.ts';
import { agentSettings, readConfig, recipeNamed } from '../../../state/plan/config.ts';
import { tempDir } from '../../support/temp.ts';

const minimal =
  'name: mail\nrecipes:\n  unit:\n    stages:\n      - name: test\n        run: ls\n    tests: ["tests/**"]\n';
const recipe = 'stages:\n  - name: test\n    run: ls\ntests: ["tests/**"]\n';

test('a small configuration gets its defaults', () => {
  const config = readConfig(checkout({ 'coldpass.yml': minimal }));
  expect(config).toMatchObject({ name: 'mail', base: 'main' });
  expect(config.recipes).toMatchObject({
    unit: { engine: 'process', harness: [], tools: [], limits: { processes: 512 } },
  });
  expect(recipeNamed(config, 'unit')).toMatchObject({
    stages: [{ name: 'test', run: 'ls', seconds: 600, network: [] }],
  });
});

test('an app recipe gets its defaults', () => {
  const config = readConfig(checkout({ 'coldpass.yml': app('') }));
  expect(recipeNamed(config, 'mail')).toMatchObject({
    engine: 'swarm',
    app: '.',
    compose: ['compose.yml'],
    main: 'app',
    suite: 'tests',
    upgradeFrom: 'previous',
    ready: [],
    needs: {},
    notApplicable: {},
    seconds: { deploy: 300, tests: 300 },
  });
});

test.each([
  [
    'an unknown engine',
    'engine: swarm',
    'engine: docker',
    '4: recipes.mail.engine: needs "process" or "swarm"; correct it',
  ],
  [
    'a key of the other engine',
    '',
    '    stages: []\n',
    '7: recipes.mail.stages: no such key; remove it or correct its spelling',
  ],
  ['no suite', 'suite: tests', 'main: app', '3: recipes.mail.suite: is missing; add it'],
  [
    'a path that leaves the tree',
    'suite: tests',
    'suite: ../tests',
    '5: recipes.mail.suite: must be a relative path without "." or ".." parts; correct it',
  ],
  [
    'an invalid release',
    '',
    '    upgradeFrom: v1\n',
    '7: recipes.mail.upgradeFrom: a release is named like 1.2.0+7.4; correct it',
  ],
  [
    'an exemption for a rung that always applies',
    '',
    '    notApplicable: { lint: "it has none" }\n',
    '7: recipes.mail.notApplicable.lint: no such key; remove it or correct its spelling',
  ],
  [
    'a probe of an unknown kind',
    '',
    '    ready: [{ service: app, udp: 1 }]\n',
    '7: recipes.mail.ready.0: needs `service`, one of `http`, `tcp` and `exec`, and no unknown keys; correct it',
  ],
  [
    'an unknown key in a probe',
    '',
    '    ready: [{ service: app, http: /, prot: 1 }]\n',
    '7: recipes.mail.ready.0.prot: no such key; remove it or correct its spelling',
  ],
  [
    'a bad path in a probe',
    '',
    '    ready: [{ service: app, http: x }]\n',
    '7: recipes.mail.ready.0.http: must be a path that begins with /; correct it',
  ],
  [
    'a need with a bad name',
    '',
    '    needs: { An-Idp: { app: idp } }\n',
    '7: recipes.mail.needs.An-Idp: this name is not valid here: lower-case letters and digits, at most 12; rename it',
  ],
  [
    'an unknown key in a need',
    '',
    '    needs:\n      idp: { app: idp, suite: tests }\n',
    '8: recipes.mail.needs.idp.suite: no such key; remove it or correct its spelling',
  ],
])('an app recipe with %s gives one line with file, line, problem and fix', (_, from, to, line) => {
  const text = from === '' ? app(to) : app('').replace(from, to);
  expect(() => readConfig(checkout({ 'coldpass.yml': text }))).toThrow(
    expect.objectContaining({ code: 'bad-file', message: `coldpass.yml:${line}` }),
  );
});

function app(more: string): string {
  return `name: mail\nrecipes:\n  mail:\n    engine: swarm\n    suite: tests\n    tests: ["tests/**"]\n${more}`;
}

test('a recipe may have a folder with its own file', () => {
  const dir = checkout({
    'coldpass.yml': 'name: mail\n',
    'recipes/slow/recipe.yml': recipe,
    'recipes/notes.md': 'x',
    'recipes/empty/x': '',
  });
  expect(Object.keys(readConfig(dir).recipes)).toEqual(['slow']);
});

test('an unknown recipe is refused with a list of the known ones', () => {
  const config = readConfig(checkout({ 'coldpass.yml': minimal }));
  expect(() => recipeNamed(config, 'unti')).toThrow(/there is no recipe "unti"; use one of unit/);
  expect(() => recipeNamed(config, 'constructor')).toThrow(/there is no recipe "constructor"/);
});

test('a role’s settings override the shared ones', () => {
  const agents = 'agents:\n  model: a\n  limits: { turns: 5, usd: 2 }\n  adversary: { model: b, limits: { usd: 1 } }\n';
  const config = readConfig(checkout({ 'coldpass.yml': minimal + agents }));
  expect(agentSettings(config, 'builder')).toEqual({ model: 'a', limits: { turns: 5, usd: 2 } });
  expect(agentSettings(config, 'adversary')).toEqual({ model: 'b', limits: { turns: 5, usd: 1 } });
});

test('a price without cache rates gets the most expensive known factors', () => {
  const agents = 'agents:\n  prices: { own-model: { input: 2, output: 8 } }\n';
  const prices = readConfig(checkout({ 'coldpass.yml': minimal + agents })).agents.prices;
  expect(prices).toEqual({ 'own-model': { input: 2, output: 8, cacheRead: 2, cacheWrite5m: 2.5, cacheWrite1h: 4 } });
});

const bad: [what: string, files: Record<string, string>, line: RegExp][] = [
  ['no file', {}, /^coldpass\.yml: not found here; run `coldpass init`/],
  ['an empty file', { 'coldpass.yml': '' }, /^coldpass\.yml:1: this is not a list/],
  ['a list', { 'coldpass.yml': '- a\n' }, /^coldpass\.yml:1: this is not a list/],
  [
    'an unknown key',
    { 'coldpass.yml': `${minimal}bass: main\n` },
    /^coldpass\.yml:8: bass: no such key; remove it or correct/,
  ],
  [
    'an unknown nested key',
    { 'coldpass.yml': minimal.replace('run: ls', 'run: ls\n        secs: 3') },
    /^coldpass\.yml:7: recipes\.unit\.stages\.0\.secs: no such key/,
  ],
  [
    'a missing key',
    { 'coldpass.yml': minimal.replace('        run: ls\n', '') },
    /^coldpass\.yml:5: recipes\.unit\.stages\.0\.run: is missing; add it/,
  ],
  ['a wrong type', { 'coldpass.yml': `${minimal}base: 3\n` }, /^coldpass\.yml:8: base: text is needed here/],
  [
    'a bad value',
    { 'coldpass.yml': minimal.replace('run: ls', 'run: ls\n        seconds: 99999') },
    /^coldpass\.yml:7: recipes\.unit\.stages\.0\.seconds: /,
  ],
  [
    'a bad recipe name',
    { 'coldpass.yml': minimal.replace('unit:', 'Unit:') },
    /^coldpass\.yml:3: recipes\.Unit: this name is not valid here: /,
  ],
  ['a duplicate key', { 'coldpass.yml': `${minimal}name: x\n` }, /^coldpass\.yml:8: not valid YAML: .*unique/],
  ['a tab', { 'coldpass.yml': 'name: x\n\tbase: y\n' }, /^coldpass\.yml:2: not valid YAML: /],
  ['two documents', { 'coldpass.yml': `${minimal}---\nname: y\n` }, /^coldpass\.yml:\d: a second document begins here/],
  [
    'a YAML bomb',
    { 'coldpass.yml': `a: &a [x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]\n` },
    /^coldpass\.yml: has too many aliases/,
  ],
  [
    'a file that is too large',
    { 'coldpass.yml': `# ${'x'.repeat(300_000)}\n` },
    /^coldpass\.yml: is larger than 256 KiB/,
  ],
  ['no recipe', { 'coldpass.yml': 'name: mail\n' }, /^coldpass\.yml: there are no recipes; add one/],
  [
    'a bad address',
    { 'coldpass.yml': `${minimal}agents: { baseUrl: "ftp://x" }\n` },
    /^coldpass\.yml:8: agents\.baseUrl: an http or https address/,
  ],
  [
    'a recipe in both places',
    { 'coldpass.yml': minimal, 'recipes/unit/recipe.yml': recipe },
    /^recipes\/unit\/recipe\.yml: recipe "unit" is also in coldpass\.yml; keep one/,
  ],
  [
    'a bad recipe file',
    { 'coldpass.yml': minimal, 'recipes/slow/recipe.yml': `${recipe}nets: 1\n` },
    /^recipes\/slow\/recipe\.yml:5: nets: no such key/,
  ],
  [
    'a bad recipe folder',
    { 'coldpass.yml': minimal, 'recipes/My Tests/recipe.yml': recipe },
    /^recipes\/My Tests\/recipe\.yml: "My Tests" is not a valid recipe name/,
  ],
];

test.each(bad)('%s gives one line with file, line and fix', (_what, files, line) => {
  const dir = checkout(files);
  const error = thrown(() => readConfig(dir));
  expect(error).toBeInstanceOf(TrailError);
  expect((error as TrailError).code).toBe('bad-file');
  expect((error as Error).message).toMatch(line);
  expect((error as Error).message).toMatch(/; \S/);
  expect((error as Error).message).not.toContain('\n');
});

test('a configuration file that cannot be read throws an error that says so', () => {
  const dir = checkout({ 'coldpass.yml/x': '' });
  expect(() => readConfig(dir)).toThrow(/^coldpass\.yml: cannot be read \(EISDIR\); /);
});

function checkout(files: Record<string, string>): string {
  const dir = tempDir();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, dirname(path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
