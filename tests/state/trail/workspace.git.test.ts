import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Refused, TrailError } from '../../../state/entry/errors.ts';
import {
  lockWorkspace,
  makeStateDir,
  openWorkspace,
  stateDirFor,
  statePaths,
  type Workspace,
  writeWorkspace,
} from '../../../state/trail/workspace.ts';
import { tempDir } from '../../support/temp.ts';

const workspace: Workspace = {
  v: 1,
  name: 'mail',
  repo: '/home/ann/mail',
  root: `SHA256:${'A'.repeat(43)}`,
  operator: {
    publicKey: 'ssh-ed25519 AAAAC3Nz',
    key: { in: 'file', path: '/home/ann/.config/coldpass/operator_ed25519' },
  },
  grants: {
    tools: [{ name: 'node', path: '/opt/node' }],
    hosts: ['registry.npmjs.org', 'localhost:4873'],
    docker: null,
  },
  demo: false,
  uids: null,
};

test('the state folder is where the XDG rules put it, or under /var/lib for root', () => {
  expect(stateDirFor('mail', { env: {}, home: '/home/ann', uid: 1000 })).toBe('/home/ann/.local/state/coldpass/mail');
  expect(stateDirFor('mail', { env: { XDG_STATE_HOME: '/x' }, home: '/home/ann', uid: 1000 })).toBe('/x/coldpass/mail');
  expect(stateDirFor('mail', { env: { XDG_STATE_HOME: 'x' }, home: '/home/ann', uid: 1000 })).toBe(
    '/home/ann/.local/state/coldpass/mail',
  );
  expect(stateDirFor('mail', { env: { XDG_STATE_HOME: '/x' }, home: '/root', uid: 0 })).toBe('/var/lib/coldpass/mail');
});

test('only the owner may read the state directory and its folders', () => {
  const paths = makeStateDir(join(tempDir(), 'a', 'mail'));
  for (const dir of [paths.stateDir, paths.keys, paths.clones, paths.inbox])
    expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test('a workspace opens as it was written, and only the owner may read its file', () => {
  const dir = tempDir();
  writeWorkspace(dir, workspace);
  expect(openWorkspace(dir)).toEqual(workspace);
  expect(statSync(statePaths(dir).workspace).mode & 0o777).toBe(0o600);
});

test('opening a missing workspace returns null', () => {
  expect(openWorkspace(join(tempDir(), 'none'))).toBeNull();
});

test('a name belongs to one repository; a second repository with that name is refused with advice', () => {
  const dir = tempDir();
  writeWorkspace(dir, workspace);
  expect(openWorkspace(dir, '/home/ann/mail')).toEqual(workspace);
  expect(() => openWorkspace(dir, '/home/ann/other')).toThrow(Refused);
  expect(() => openWorkspace(dir, '/home/ann/other')).toThrow(
    /"mail" belongs to \/home\/ann\/mail.*another `name:` in coldpass\.yml/,
  );
});

test.each([
  ['not JSON', '{', /workspace\.json: not valid JSON; restore it/],
  ['an unknown key', JSON.stringify({ ...workspace, more: 1 }), /workspace\.json: content: .*more/],
  [
    'a relative tool folder',
    JSON.stringify({ ...workspace, grants: { tools: [{ name: 'node', path: 'x' }], hosts: [] } }),
    /grants\.tools\.0\.path: an absolute path/,
  ],
  ['a host with a path', JSON.stringify({ ...workspace, grants: { tools: [], hosts: ['a/b'] } }), /grants\.hosts\.0: /],
])('a workspace.json with a fault gives one line: %s', (_what, text, line) => {
  const dir = tempDir();
  writeFileSync(statePaths(dir).workspace, text);
  expect(() => openWorkspace(dir)).toThrow(TrailError);
  expect(() => openWorkspace(dir)).toThrow(line);
});

test('only one process holds a workspace; another gets the id of the process that holds it', async () => {
  const dir = tempDir();
  const holder = await startHolder(dir);
  expect(() => lockWorkspace(dir)).toThrow(
    new RegExp(`process ${holder.pid} already runs this workspace; stop it first`),
  );
});

test('the lock is freed by kill -9 of its holder, even if a child of the holder survives', async () => {
  const dir = tempDir();
  const holder = await startHolder(dir);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  process.kill(holder.childPid, 0);
  const lock = lockWorkspace(dir);
  expect(readFileSync(statePaths(dir).lock, 'utf8')).toBe(`${process.pid}\n`);
  lock.release();
});

test('a lock excludes the process that holds it too, and may be released twice', () => {
  const dir = tempDir();
  const lock = lockWorkspace(dir);
  expect(() => lockWorkspace(dir)).toThrow(Refused);
  lock.release();
  lock.release();
  lockWorkspace(dir).release();
});

/** A process that takes the lock, starts a long-lived child in a new session, and waits. */
async function startHolder(dir: string) {
  const module = fileURLToPath(new URL('../../../state/trail/workspace.ts', import.meta.url));
  const program = `
    import { spawn } from 'node:child_process';
    import { lockWorkspace } from ${JSON.stringify(module)};
    lockWorkspace(${JSON.stringify(dir)});
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => {}, 60_000);
  `;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  const [said] = await once(holder.stdout, 'data');
  const childPid = Number(String(said));
  onTestFinished(() => void process.kill(childPid, 'SIGKILL'));
  return Object.assign(holder, { childPid });
}
