import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PhaseId, Sha } from '../../../state/entry/ids.ts';
import { incomingDir } from '../../../state/git/incoming.ts';
import { git as hardened } from '../../../state/git/process.ts';
import { createHub, deliver, openHub, startPhase, syncMain, tidyHub } from '../../../state/trail/hub.ts';
import { addCommits, git, makeHub, makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const phase = 'mailu' as PhaseId;
const isRoot = process.getuid?.() === 0;
const stranger = { uid: 61_234, gid: 61_234 };

test('a new hub holds the base and the operator’s first commit, which stock git verifies', async () => {
  const { hub, base, repo, signers } = await makeHub([{ 'a.txt': '1\n' }, { 'a.txt': '2\n' }]);
  git(repo.dir, ['tag', 'v1']);
  const branches = git(hub.dir, ['for-each-ref', '--format=%(refname) %(objectname)']).split('\n');
  expect(branches).toEqual([`refs/heads/main ${base}`, `refs/heads/trail ${hub.genesis}`]);
  expect(hub.root).toBe(signers.operator.fingerprint);
  git(hub.dir, ['fsck', '--strict']);
  const clone = join(tempDir(), 'trail');
  git(tempDir(), ['clone', '-q', '-b', 'trail', hub.dir, clone]);
  git(clone, ['config', 'gpg.ssh.allowedSignersFile', 'machine-docs/allowed_signers']);
  expect(git(clone, ['log', '--format=%G? %GS', 'trail'])).toBe('G operator@coldpass');
  expect(readdirSync(join(clone, 'machine-docs')).sort()).toEqual(['README', 'allowed_signers']);
});

test('a second hub is refused, and so is a base that is not a commit; nothing is left behind', async () => {
  const { stateDir, repo, signers } = await makeHub();
  const { supervisor, runner, builder, adversary } = signers;
  const options = {
    stateDir,
    workspaceName: 'sample',
    operatorSigner: signers.operator,
    roleSigners: {
      supervisor: supervisor.publicKey,
      runner: runner.publicKey,
      builder: builder.publicKey,
      adversary: adversary.publicKey,
    },
    repo: repo.dir,
    baseRef: 'main',
    now: new Date(),
  };
  await expect(createHub(options)).rejects.toMatchObject({ name: 'Refused', message: /a hub already exists/ });
  const elsewhere = tempDir();
  const nameless = createHub({ ...options, stateDir: elsewhere, baseRef: 'nonesuch' });
  await expect(nameless).rejects.toMatchObject({ name: 'Refused', message: expect.stringContaining('«nonesuch»') });
  await expect(createHub({ ...options, stateDir: elsewhere, repo: tempDir() })).rejects.toMatchObject({
    name: 'Refused',
  });
  expect(readdirSync(elsewhere)).toEqual([]);
});

test.each<[string, RegExp, (dir: string) => void]>([
  ['it is missing', /`coldpass init` did not make it/, (dir) => execFileSync('rm', ['-r', dir])],
  [
    'it is another bare repository',
    /`coldpass init` did not make it/,
    (dir) => git(dir, ['config', '--unset', 'coldpass.hub']),
  ],
  [
    'it is a plain folder',
    /`coldpass init` did not make it/,
    (dir) => execFileSync('rm', ['-r', join(dir, 'objects')]),
  ],
  ['the trail is gone', /`trail` is missing/, (dir) => git(dir, ['update-ref', '-d', 'refs/heads/trail'])],
  ['main is gone', /`main` is missing/, (dir) => git(dir, ['update-ref', '-d', 'refs/heads/main'])],
  [
    'the trail begins with another commit',
    /allowed_signers is missing/,
    (dir) => git(dir, ['branch', '-qf', 'trail', 'main']),
  ],
  [
    'the first commit is not signed',
    /not signed by the operator/,
    (dir) => git(dir, ['update-ref', 'refs/heads/trail', git(dir, ['commit-tree', '-m', 'x', 'trail^{tree}'])]),
  ],
])('a hub does not open if %s, and one line says so', async (_, reason, spoil) => {
  const { hub } = await makeHub();
  spoil(hub.dir);
  const error = await openHub(hub.dir).catch((caught) => caught);
  expect(error).toMatchObject({ code: 'bad-hub', message: expect.stringMatching(reason) });
  expect(error.message).not.toContain('\n');
});

test('main follows the operator’s repository, even a rewritten one; phases and trail do not move, tags are not copied', async () => {
  const { hub, repo, base } = await makeHub();
  await startPhase(hub.dir, phase, base);
  git(repo.dir, ['tag', 'v1']);
  git(repo.dir, ['config', `url.${tempDir()}.insteadOf`, 'file://']);
  git(repo.dir, ['commit', '-q', '--amend', '-m', 'rewritten']);
  const sha = await syncMain(hub.dir, repo.dir, 'HEAD');
  expect(sha).toBe(git(repo.dir, ['rev-parse', 'HEAD']));
  expect(git(hub.dir, ['for-each-ref', '--format=%(refname) %(objectname)']).split('\n')).toEqual([
    `refs/heads/main ${sha}`,
    `refs/heads/phase/mailu ${base}`,
    `refs/heads/trail ${hub.genesis}`,
  ]);
});

test.runIf(isRoot)(
  'root reads the operator’s repository even if another user owns it, which git otherwise refuses',
  async () => {
    const repo = makeRepo([{ 'a.txt': '1\n' }]);
    const { hub } = await makeHub();
    execFileSync('chown', ['-R', '61234:61234', repo.dir]);
    expect(await syncMain(hub.dir, repo.dir, 'main')).toBe(repo.shas[0]);
    const fetched = await hardened(hub.dir, ['fetch', `file://${repo.dir}`, 'main']);
    expect(fetched.stderr).toContain('dubious ownership');
  },
);

test('a phase’s branch starts at the base; starting the phase again does not move it', async () => {
  const { hub, base } = await makeHub([{ a: '1' }, { a: '2' }]);
  const first = git(hub.dir, ['rev-parse', `${base}~1`]) as Sha;
  await startPhase(hub.dir, phase, first);
  await startPhase(hub.dir, phase, base);
  expect(git(hub.dir, ['rev-parse', 'phase/mailu'])).toBe(first);
  await expect(startPhase(hub.dir, 'b' as PhaseId, 'e'.repeat(40) as Sha)).rejects.toMatchObject({ code: 'bad-hub' });
});

test('delivery only fast-forwards a branch, runs no hooks and leaves the operator’s branch alone', async () => {
  const { hub, repo, base, stateDir } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const mark = join(stateDir, 'ran');
  mkdirSync(join(repo.dir, '.git/hooks'), { recursive: true });
  writeFileSync(join(repo.dir, '.git/hooks/reference-transaction'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  const [sha] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '2\n' }]);
  expect(await deliver(hub.dir, repo.dir, { phase, judged: sha as Sha })).toEqual({ sha });
  const [later] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '3\n' }]);
  expect(await deliver(hub.dir, repo.dir, { phase, judged: later as Sha })).toEqual({ sha: later });
  expect(await deliver(hub.dir, repo.dir, { phase, judged: later as Sha })).toEqual({ sha: later });
  expect(git(repo.dir, ['rev-parse', 'phase/mailu'])).toBe(later);
  expect(git(repo.dir, ['rev-parse', 'main'])).toBe(base);
  expect(existsSync(mark)).toBe(false);
});

test('delivery refuses to overwrite the operator’s work or to move the branch that is checked out', async () => {
  const { hub, repo, base } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const [judged] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '2\n' }]) as [Sha];
  git(repo.dir, ['checkout', '-q', '-b', 'phase/mailu']);
  expect(await deliver(hub.dir, repo.dir, { phase, judged })).toEqual({
    refused: expect.stringContaining('refusing to fetch'),
  });
  git(repo.dir, ['commit', '-q', '--allow-empty', '-m', 'mine']);
  git(repo.dir, ['checkout', '-q', 'main']);
  const mine = git(repo.dir, ['rev-parse', 'phase/mailu']);
  expect(await deliver(hub.dir, repo.dir, { phase, judged })).toEqual({
    refused: expect.stringContaining(`at ${mine}, which is not an ancestor of`),
  });
  expect(git(repo.dir, ['rev-parse', 'phase/mailu'])).toBe(mine);
  const none = { phase: 'none' as PhaseId, judged };
  expect(await deliver(hub.dir, repo.dir, none)).toEqual({ refused: 'there is no phase/none in the hub' });
});

test('a phase whose branch was moved after it was judged is not delivered at all', async () => {
  const { hub, repo, base } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const [judged] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '2\n' }]) as [Sha];
  const [later] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '3\n' }]);
  const refused = `was moved to ${later}, but ${judged} was judged`;
  expect(await deliver(hub.dir, repo.dir, { phase, judged })).toEqual({ refused: expect.stringContaining(refused) });
  expect(git(repo.dir, ['for-each-ref', 'refs/heads/phase'])).toBe('');
});

test.runIf(isRoot)('delivery runs as the owner of the repository, so root owns nothing in it afterwards', async () => {
  const { hub, repo, base, stateDir } = await makeHub();
  await startPhase(hub.dir, phase, base);
  const [sha] = addCommits(hub.dir, 'refs/heads/phase/mailu', [{ 'b.txt': '2\n' }]);
  chmodSync(join(stateDir, '..'), 0o711);
  execFileSync('chown', ['-R', `${stranger.uid}:${stranger.gid}`, repo.dir]);
  expect(await deliver(hub.dir, repo.dir, { phase, judged: sha as Sha }, stranger)).toEqual({ sha });
  expect(execFileSync('find', [repo.dir, '-uid', '0']).toString()).toBe('');
});

test('tidying the hub removes half-received bundles and installs the current hook', async () => {
  const { hub } = await makeHub();
  mkdirSync(join(incomingDir(hub.dir), 'b-left'), { recursive: true });
  writeFileSync(join(hub.dir, 'hooks/pre-receive'), 'old');
  await tidyHub(hub.dir);
  expect(existsSync(incomingDir(hub.dir))).toBe(false);
  expect(statSync(join(hub.dir, 'hooks/pre-receive')).mode & 0o777).toBe(0o755);
  expect(readdirSync(join(hub.dir, 'hooks'))).toEqual(['pre-receive']);
});
