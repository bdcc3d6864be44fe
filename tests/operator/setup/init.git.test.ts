// `coldpass init` with real repositories, keys and hubs. detect.test.ts covers how a project is detected.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type InitOptions, init } from '../../../operator/setup/init.ts';
import { sayInit } from '../../../operator/setup/say.ts';
import { screen } from '../../../operator/terminal/print.ts';
import { here } from '../../../operator/workspace/here.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { readConfig } from '../../../state/plan/config.ts';
import { openHub } from '../../../state/trail/hub.ts';
import { openWorkspace, statePaths } from '../../../state/trail/workspace.ts';
import { git, makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const vitestProject = {
  'package.json': JSON.stringify({ name: 'x', scripts: { test: 'vitest' }, devDependencies: { vitest: '5' } }),
  'package-lock.json': '{}',
  'a.test.js': '',
};
const nodeProject = { 'package.json': JSON.stringify({ scripts: { test: 'node --test' } }), 'test/a.js': '' };
const uid = process.getuid?.() ?? 1000;

test('a fresh vitest project gets a working configuration, private state, keys and a signed hub', async () => {
  const options = ask(vitestProject, { name: 'mail' });
  const report = await init(options);
  expect(report).toMatchObject({ exit: 0, madeState: true, madeKey: true, changed: true, notes: [] });
  expect(report.proposed).toMatchObject([{ name: 'unit' }]);
  expect(readConfig(options.dir)).toMatchObject({
    name: 'mail',
    base: 'main',
    recipes: { unit: { setup: { name: 'setup' } } },
  });
  const paths = statePaths(options.stateDir);
  expect(statSync(paths.stateDir).mode & 0o777).toBe(0o700);
  for (const role of ['supervisor', 'runner', 'builder', 'adversary']) {
    expect(statSync(join(paths.keys, role)).mode & 0o777).toBe(0o600);
  }
  const hub = await openHub(paths.hub);
  expect(hub.root).toBe(report.workspace.root);
  expect(git(paths.hub, ['rev-parse', 'main'])).toBe(git(options.dir, ['rev-parse', 'HEAD']));
  expect(openWorkspace(options.stateDir)).toEqual(report.workspace);
});

test('your key is written to your own configuration folder, and your private key is not in the state', async () => {
  const options = ask(nodeProject);
  const { workspace, stateDir } = await init(options);
  const key = join(options.env.XDG_CONFIG_HOME ?? '', 'coldpass', 'operator_ed25519');
  expect(workspace.operator.key).toEqual({ in: 'file', path: key });
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(readFileSync(`${key}.pub`, 'utf8')).toContain(workspace.operator.publicKey);
  expect(existsSync(join(stateDir, 'keys', 'operator'))).toBe(false);
});

test('every grant is reported, and nothing else is granted', async () => {
  const options = ask(vitestProject);
  const report = await init(options);
  expect(report.workspace.grants.hosts).toHaveLength(1);
  expect(report.granted).toEqual(report.workspace.grants);
  const text = spoken(report);
  expect(text).toContain(`granted network host ${report.workspace.grants.hosts[0]}`);
  for (const { path } of report.granted.tools) expect(text).toContain(path);
  expect(text).toContain('next: coldpass try');
});

test('a registry whose name resolves to an internal address is granted together with that address', async () => {
  const options = ask(vitestProject, { lookup: async (host) => (host === 'registry.npmjs.org' ? ['10.0.0.7'] : []) });
  const report = await init({
    ...options,
    env: { ...options.env, npm_config_registry: 'https://registry.npmjs.org/' },
  });
  expect(report.workspace.grants.hosts).toEqual(['registry.npmjs.org', '10.0.0.7']);
  expect(readConfig(options.dir).recipes).toMatchObject({
    unit: { setup: { network: ['registry.npmjs.org', '10.0.0.7'] } },
  });
  expect(report).toMatchObject({ exit: 0, notes: [expect.stringContaining('resolves to 10.0.0.7')] });
});

test('a registry with a public address is granted by its name alone', async () => {
  const options = ask(vitestProject, { lookup: async () => ['10.0.0.7', '104.16.1.34'] });
  expect((await init(options)).workspace.grants.hosts).toHaveLength(1);
});

test('a second init changes nothing and says so', async () => {
  const options = ask(vitestProject);
  const first = await init(options);
  const before = everything(options);
  const second = await init({ ...options, now: new Date('2030-01-01T00:00:00Z') });
  expect(second).toMatchObject({ exit: 0, changed: false, madeState: false, madeKey: false, proposed: null });
  expect(second.granted).toEqual({ tools: [], hosts: [], docker: null });
  expect(everything(options)).toEqual(before);
  expect(spoken(second)).toContain(`nothing changed: ${first.workspace.name} is already set up`);
});

test('an interrupted init is completed by the next one', async () => {
  const options = ask(nodeProject);
  const { workspace } = await init(options);
  rmSync(statePaths(options.stateDir).workspace);
  rmSync(statePaths(options.stateDir).hub, { recursive: true });
  const again = await init(options);
  expect(again).toMatchObject({ exit: 0, madeKey: false });
  expect(again.workspace.root).toBe(workspace.root);
});

test('a second init grants what a recipe has asked for since the first, and reports it', async () => {
  const options = ask(nodeProject);
  await init(options);
  const file = join(options.dir, 'coldpass.yml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('seconds: 600', 'seconds: 600\n        network: ["pypi.org"]'),
  );
  const report = await init(options);
  expect(report.granted.hosts).toEqual(['pypi.org']);
  expect(openWorkspace(options.stateDir)?.grants.hosts).toEqual(['pypi.org']);
});

test('an allowed tool folder is granted by name, with links in its path resolved', async () => {
  const options = ask(nodeProject);
  const path = realpathSync(tempDir());
  const report = await init({ ...options, tools: [{ name: 'erlang', path }] });
  expect(report.exit).toBe(0);
  expect(report.workspace.grants.tools).toContainEqual({ name: 'erlang', path });
});

test('a tool folder that contains home, the state or keys is not granted, and the reason is given', async () => {
  const options = ask(nodeProject);
  for (const path of [options.home, options.stateDir, join(options.env.XDG_CONFIG_HOME ?? '', 'coldpass'), '/etc']) {
    const report = await init({ ...options, tools: [{ name: 'evil', path }] });
    expect(
      report.workspace.grants.tools.map((tool) => tool.name),
      path,
    ).not.toContain('evil');
    expect(report.notes.join('\n')).toContain('the tool folder "evil" is not granted: ');
    expect(report.exit).toBe(3);
  }
});

test('if a recipe names an unknown tool, init says how to grant it', async () => {
  const options = ask({
    'coldpass.yml':
      'name: x\nrecipes:\n  unit:\n    stages: [{ name: test, run: ls }]\n    tests: ["t/**"]\n    tools: [erlang]\n',
  });
  const report = await init(options);
  expect(report).toMatchObject({ exit: 3, proposed: null });
  expect(report.notes).toEqual([expect.stringContaining('coldpass init --tool erlang=/its/folder')]);
});

test('an unrecognised project gets a recipe to complete and exit code 3; everything else is done', async () => {
  const options = ask({ 'main.rs': '' });
  const report = await init(options);
  expect(report).toMatchObject({ exit: 3, proposed: [] });
  expect(readConfig(options.dir).recipes).toHaveProperty('unit');
  expect(openWorkspace(options.stateDir)).not.toBeNull();
  expect(spoken(report)).toMatch(
    /could not find out how this project is tested; complete the lines marked <-[\s\S]*next: complete coldpass\.yml/,
  );
});

test('an existing key that you name is used, and none is created', async () => {
  const options = ask(nodeProject);
  const path = join(tempDir(), 'mine');
  const { fingerprint } = generateKey(path, 'ann');
  const report = await init({ ...options, key: path });
  expect(report.workspace).toMatchObject({ root: fingerprint, operator: { key: { in: 'file', path } } });
  expect(report.madeKey).toBe(false);
  expect(existsSync(join(options.env.XDG_CONFIG_HOME ?? '', 'coldpass'))).toBe(false);
});

const hasAgent = spawnSync('ssh-add', ['-h']).error === undefined;
test.skipIf(!hasAgent)(
  'a key in an ssh-agent can found the workspace, and its private half is never read',
  async () => {
    const options = ask(nodeProject);
    const path = join(tempDir(), 'mine');
    generateKey(path, 'ann');
    const agent = sshAgent(path);
    rmSync(path);
    const report = await init({ ...options, key: `${path}.pub`, env: { ...options.env, SSH_AUTH_SOCK: agent.socket } });
    expect(report.workspace.operator.key).toEqual({ in: 'agent', path: `${path}.pub` });
    expect((await openHub(statePaths(options.stateDir).hub)).root).toBe(report.workspace.root);
  },
);

test('a key other than the founding one is refused for an existing workspace', async () => {
  const options = ask(nodeProject);
  await init(options);
  const path = join(tempDir(), 'other');
  generateKey(path, 'eve');
  await expect(init({ ...options, key: path })).rejects.toThrow(
    /was founded with the key SHA256:.*pass the right one with --key/,
  );
});

test('a workspace name that belongs to another repository is refused before anything is written', async () => {
  const first = ask(nodeProject, { name: 'mail' });
  await init(first);
  const second = { ...ask(nodeProject, { name: 'mail' }), stateDir: first.stateDir };
  await expect(init(second)).rejects.toThrow(/the name "mail" belongs to .* another `name:`/);
  expect(existsSync(join(second.dir, 'coldpass.yml'))).toBe(false);
});

test('any folder name yields a valid name for the workspace', async () => {
  const dir = join(tempDir(), 'My.Project_2');
  makeRepo([nodeProject], dir);
  const report = await init({ ...ask(nodeProject), dir });
  expect(report.workspace.name).toBe('my-project-2');
});

test('init works from a folder inside the repository', async () => {
  const options = ask(nodeProject);
  const report = await init({ ...options, dir: join(options.dir, 'test') });
  expect(report.workspace.repo).toBe(options.dir);
  expect(existsSync(join(options.dir, 'coldpass.yml'))).toBe(true);
});

test('a repository without main uses the branch that is checked out as its base', async () => {
  const options = ask(nodeProject);
  git(options.dir, ['branch', '-m', 'trunk']);
  await init(options);
  expect(readConfig(options.dir).base).toBe('trunk');
});

test('outside a repository, in a bare one, or without a commit, one line says what to type', async () => {
  const bare = join(tempDir(), 'bare');
  const empty = join(tempDir(), 'empty');
  for (const dir of [bare, empty]) mkdirSync(dir);
  git(bare, ['init', '--quiet', '--bare']);
  git(empty, ['init', '--quiet']);
  const options = ask(nodeProject);
  await expect(init({ ...options, dir: tempDir() })).rejects.toThrow(
    /is not in a git repository; cd into your repository, or create a new one with: git init$/,
  );
  await expect(init({ ...options, dir: empty })).rejects.toThrow(
    /has no commit yet; type: git add -A && git commit --allow-empty/,
  );
  await expect(init({ ...options, dir: bare })).rejects.toThrow(/is a bare repository; cd into a checkout/);
  expect(existsSync(options.stateDir)).toBe(false);
});

test.each([
  ['a malformed coldpass.yml', { 'coldpass.yml': 'name: x\nbass: y\n' }, {}, /^coldpass\.yml:2: bass: no such key; /],
  [
    'a base that is not a branch',
    { 'coldpass.yml': 'name: x\nbase: nope\nrecipes: { unit: { stages: [{ name: test, run: ls }], tests: [t] } }\n' },
    {},
    /«nope» is not a commit/,
  ],
  [
    'an invalid name',
    nodeProject,
    { name: 'My Name' },
    /"My Name" cannot name a workspace: .*type: coldpass init --name NAME/,
  ],
  ['a missing key file', nodeProject, { key: 'nope' }, /there is no key file .*nope; name an ed25519 private key/],
])('%s is reported in one line', async (_what, files, more, line) => {
  await expect(init({ ...ask(files), ...more })).rejects.toThrow(line);
});

test.runIf(uid === 0)(
  'a supervisor that is root gets three users for its boxes, and shares them with no other workspace',
  async () => {
    const one = ask(nodeProject, { name: 'one' });
    const two = { ...ask(nodeProject, { name: 'two' }), stateDir: join(one.stateDir, '..', 'two') };
    const uids = [(await init(one)).workspace.uids, (await init(two)).workspace.uids].flatMap((each) =>
      Object.values(each ?? {}),
    );
    expect(new Set(uids).size).toBe(6);
  },
);

test('every other command finds the workspace, or says what to type', async () => {
  const options = ask(nodeProject);
  await expect(here(options)).rejects.toThrow(/coldpass\.yml: not found here; run `coldpass init`/);
  const { workspace } = await init(options);
  expect(await here({ ...options, dir: join(options.dir, 'test') })).toMatchObject({
    workspace,
    repository: { top: options.dir },
  });
  await expect(here({ ...options, stateDir: tempDir() })).rejects.toThrow(
    /has no state on this machine .*type: coldpass init/,
  );
});

function ask(files: Record<string, string>, more: Partial<InitOptions> = {}): InitOptions & { stateDir: string } {
  const { dir } = makeRepo([files]);
  const top = realpathSync(tempDir());
  const home = join(top, 'home');
  const env = { PATH: process.env.PATH, XDG_CONFIG_HOME: join(top, 'config') };
  return {
    dir,
    env,
    home,
    uid,
    nodePath: process.execPath,
    now: new Date('2026-06-11T20:58:03Z'),
    stateDir: join(top, 'state', basename(dir)),
    lookup: async () => [],
    ...more,
  };
}

function spoken(report: Awaited<ReturnType<typeof init>>): string {
  const lines: string[] = [];
  sayInit(report, screen({ out: { write: (text) => lines.push(text) }, colour: false }));
  return lines.join('');
}

/** Returns the heads of trail and main in the hub, and the texts of four files that init writes. */
function everything({ dir, stateDir }: { dir: string; stateDir: string }): string[] {
  const paths = statePaths(stateDir);
  const files = [
    join(dir, 'coldpass.yml'),
    paths.workspace,
    join(paths.keys, 'builder'),
    join(paths.keys, 'supervisor'),
  ];
  return [git(paths.hub, ['rev-parse', 'trail', 'main']), ...files.map((file) => readFileSync(file, 'utf8'))];
}

/** Starts a real ssh-agent that has the key at `path`. */
function sshAgent(path: string): { socket: string; pid: number } {
  const output = execFileSync('ssh-agent', ['-s', '-a', join(tempDir(), 'agent')], { encoding: 'utf8' });
  const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(output)?.[1] ?? '';
  execFileSync('ssh-add', ['-q', path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(output)?.[1]);
  onTestFinished(() => void process.kill(pid));
  return { socket, pid };
}
