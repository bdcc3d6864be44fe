import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Diagnosis, type DoctorOptions, doctor } from '../../../operator/setup/doctor.ts';
import { init } from '../../../operator/setup/init.ts';
import { sayDoctor } from '../../../operator/setup/say.ts';
import { screen } from '../../../operator/terminal/print.ts';
import { type OpenResult, openSandbox } from '../../../runner/box/open.ts';
import { unavailable } from '../../../runner/box/selftest.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { makeStateDir, type Workspace, writeWorkspace } from '../../../state/trail/workspace.ts';
import { makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const uid = process.getuid?.() ?? 1000;
const missing: OpenResult = {
  sandbox: null,
  selfTest: unavailable('shared', 'bwrap is not there'),
  mend: ['apt-get install bubblewrap'],
};
const held: OpenResult = {
  sandbox: { close: async () => {} } as never,
  selfTest: { ...missing.selfTest, held: true, uid: 'shared' },
};
const boxed = existsSync('/usr/bin/bwrap');

let template = '';
beforeAll(async () => {
  template = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-doctor-')));
  const { dir } = makeRepo(
    [{ 'package.json': JSON.stringify({ scripts: { test: 'node --test' } }), 'test/a.js': '' }],
    join(template, 'repo'),
  );
  const tools = [{ name: 'erlang', path: join(template, 'erlang') }];
  mkdirSync(join(template, 'erlang'));
  await init({ ...placed(template), dir, nodePath: process.execPath, now: new Date(), tools, hosts: ['pypi.org'] });
});
afterAll(() => rmSync(template, { recursive: true }));

test.skipIf(!boxed)('a sound workspace is ready: every check is ok, including that of the real sandbox', async () => {
  const place = workspace();
  const stateDir = place.options.stateDir ?? '';
  const report = await doctor({
    ...place.options,
    env: { ...place.options.env, ANTHROPIC_API_KEY: 'x' },
    sandbox: async (at) => openSandbox({ stateDir, ...(at?.workspace.uids && { uids: at.workspace.uids }) }),
  });
  expect(report.checks.filter((check) => check.state !== 'ok')).toEqual([]);
  expect(report).toMatchObject({ exit: 0, counts: { warn: 0, fail: 0 } });
  const what = report.checks.map((check) => check.what).join('\n');
  for (const part of [
    'Node ',
    'git ',
    'blocked all ',
    ' escapes in ',
    'recipe unit',
    'your key',
    'hub: ',
    'GiB free',
    'tool folder "erlang"',
    'pypi.org',
    'ANTHROPIC_API_KEY is set',
  ]) {
    expect(what).toContain(part);
  }
});

test('a sandbox that doctor opens is closed again', async () => {
  const { options } = workspace();
  let closed = 0;
  const sandbox = { close: async () => void closed++ } as never;
  await doctor({ ...options, sandbox: async () => ({ sandbox, selfTest: held.selfTest }) });
  expect(closed).toBe(1);
});

test('a missing API key for the model is a warning, not a failure', async () => {
  const { options } = workspace();
  const report = await doctor(options);
  expect(report).toMatchObject({ exit: 0, counts: { warn: 1, fail: 0 } });
  expect(report.checks.at(-1)).toMatchObject({
    state: 'warn',
    remedy: expect.stringContaining('before `coldpass run`'),
  });
});

type Place = ReturnType<typeof workspace>;
const troubles: [what: string, spoil: (place: Place) => unknown, told: RegExp, remedy: RegExp][] = [
  [
    'a state that others can enter',
    ({ paths }) => chmodSync(paths.stateDir, 0o755),
    /is open to others \(mode 755\)/,
    /chmod 700 /,
  ],
  ['a state of another user', () => ({ uid: uid + 1 }), /belongs to user|belongs to another user/, /owner/],
  [
    'a role’s key that others can read',
    ({ paths }) => chmodSync(join(paths.keys, 'builder'), 0o644),
    /keys\/builder/,
    /chmod|600/,
  ],
  ['a missing key of a role', ({ paths }) => rmSync(join(paths.keys, 'runner')), /keys\/runner/, /./],
  [
    'a replaced key of the operator',
    replaceOperatorKey,
    /is not the key that this workspace was created with/,
    /fingerprint SHA256:/,
  ],
  ['a folder that is not a hub', ({ paths }) => rmSync(join(paths.hub, 'config')), /hub\.git/, /restore it|init/],
  ['a missing hub', ({ paths }) => rmSync(paths.hub, { recursive: true }), /hub\.git/, /./],
  [
    'a malformed coldpass.yml',
    ({ options }) => appendFileSync(join(options.dir, 'coldpass.yml'), 'bass: x\n'),
    /coldpass\.yml:\d+: bass: no such key/,
    /correct its spelling/,
  ],
  ['a missing workspace', () => ({ stateDir: tempDir() }), /has no state on this machine/, /type: coldpass init/],
  [
    'a missing repository',
    () => ({ dir: tempDir() }),
    /is not in a git repository/,
    /cd into your repository, or create a new one with: git init$/,
  ],
  [
    'a broken workspace.json',
    ({ paths }) => writeFileSync(paths.workspace, '{'),
    /workspace\.json: not valid JSON/,
    /restore it/,
  ],
  [
    'a missing folder of a granted tool',
    ({ tool }) => rmSync(tool, { recursive: true }),
    /"erlang": .*no such folder/,
    /coldpass init --tool erlang=/,
  ],
  [
    'a recipe that needs an ungranted host',
    ({ options }) => needs(options.dir, 'network: [evil.example.org]'),
    /needs the host evil\.example\.org, which is not granted/,
    /coldpass init/,
  ],
  [
    'a host inside this network',
    () => ({ lookup: async () => ['10.0.0.7'] }),
    /pypi\.org resolves to 10\.0\.0\.7/,
    /add 10\.0\.0\.7 next to it/,
  ],
  ['a node that is too old', () => ({ nodeVersion: '20.20.2' }), /^Node 20\.20\.2$/, /Node 22\.22 or later/],
  [
    'a missing bubblewrap',
    () => ({ sandbox: async () => missing }),
    /sandbox: bwrap is not there/,
    /apt-get install bubblewrap/,
  ],
];

test.each(troubles)('%s is reported with its remedy, and the exit code is 4', async (_what, spoil, told, remedy) => {
  const place = workspace();
  const other = spoil(place) as Partial<DoctorOptions> | undefined;
  const report = await doctor({ ...place.options, ...other });
  const failed = report.checks.filter((check) => check.state === 'fail');
  expect(report.exit).toBe(4);
  expect(failed, JSON.stringify(failed)).toHaveLength(1);
  expect(failed[0]?.what).toMatch(told);
  expect(lineOf(failed[0])).toMatch(remedy);
  expect(lineOf(failed[0])).not.toContain('\n');
});

test('node passes at the lowest supported version, and fails below it', async () => {
  const { options } = workspace();
  const states = await Promise.all(
    ['22.22.0', '22.21.9', '23.0.0'].map(
      async (nodeVersion) => (await doctor({ ...options, nodeVersion })).checks[0]?.state,
    ),
  );
  expect(states).toEqual(['ok', 'fail', 'ok']);
});

test('a demo workspace is reported as such', async () => {
  const { options } = workspace({ demo: true });
  expect((await doctor(options)).checks.map((check) => check.what)).toContain('this is a demo workspace');
});

test('the report has one line per check, with the remedy under it', async () => {
  const { options } = workspace();
  const report = await doctor({ ...options, nodeVersion: '18.0.0' });
  const lines: string[] = [];
  sayDoctor(report, screen({ out: { write: (text) => lines.push(text) }, colour: false }));
  expect(lines.join('')).toMatch(/^fail Node 18\.0\.0\n {5}→ Coldpass needs Node .*\nok {3}git /);
  expect(lines.at(-1)).toBe('1 to fix before a gate can hold\n');
});

/** Returns a workspace for one test: a copy of the workspace that was made for the whole file. */
function workspace(more: Partial<Workspace> = {}) {
  const top = realpathSync(tempDir());
  cpSync(template, top, { recursive: true });
  const options = {
    ...placed(top),
    nodeVersion: '24.0.0',
    sandbox: async () => held,
    docker: () => Promise.reject(new Error('no recipe here is of an app')),
    lookup: async () => [],
  } satisfies DoctorOptions;
  const paths = makeStateDir(options.stateDir); // restores the mode that copying loses
  const moved = JSON.parse(readFileSync(paths.workspace, 'utf8').replaceAll(template, top));
  writeWorkspace(paths.stateDir, { ...moved, ...more });
  return { options, paths, tool: join(top, 'erlang'), key: join(top, 'config', 'coldpass', 'operator_ed25519') };
}

function placed(top: string) {
  const env = { PATH: process.env.PATH, XDG_CONFIG_HOME: join(top, 'config') };
  return { dir: join(top, 'repo'), env, home: join(top, 'home'), uid, stateDir: join(top, 'state') };
}

function replaceOperatorKey({ key }: Place): void {
  rmSync(key);
  rmSync(`${key}.pub`);
  generateKey(key, 'eve');
}

function needs(dir: string, line: string): void {
  const file = join(dir, 'coldpass.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('seconds: 600', `seconds: 600\n        ${line}`));
}

function lineOf(finding: Diagnosis | undefined): string {
  return `${finding?.what} ${finding?.remedy ?? ''}`;
}
