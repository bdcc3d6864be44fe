import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PhaseId, Sha } from '../../../state/entry/ids.ts';
import { coldClone, roleClone } from '../../../state/git/clones.ts';
import { incomingDir, linkProblem } from '../../../state/git/incoming.ts';
import { type Publication, receiveBundle } from '../../../state/git/publish.ts';
import { startPhase, tidyHub } from '../../../state/trail/hub.ts';
import { blob, boxedBundle, bundleFile, craftedBundle, rawCommit } from '../../support/bundle.ts';
import { addCommits, type Files, git, makeHub } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const phase = 'mailu' as PhaseId;

/** Opens a phase with a Builder's clone; returns functions that commit there and publish. */
async function openPhase(base?: Files[], dir?: string) {
  const made = await makeHub(base, dir);
  const hub = made.hub.dir;
  await startPhase(hub, phase, made.base);
  const clone = join(made.stateDir, 'builder');
  await roleClone({ hub, phase, role: 'builder', into: clone, owner: null });
  const branch = 'refs/heads/phase/mailu';
  return {
    ...made,
    hub,
    clone,
    head: () => git(hub, ['rev-parse', branch]) as Sha,
    /** Makes these commits on the base, one after another, as the clone's branch; returns the last one. */
    commit: (...commits: Files[]) => addCommits(clone, branch, commits, made.base).at(-1) as Sha,
    receive: (bundlePath: string, more: Partial<Publication> = {}) =>
      receiveBundle({ hub, bundlePath, phase, expectedOld: made.base, ...more }),
  };
}

test('an honest commit is published: the branch moves, the hub is sound, and nothing is left over', async () => {
  const { hub, clone, base, commit, receive, head } = await openPhase();
  const sha = commit({ 'src/b.txt': 'two\n', 'src/link': { link: '../a.txt' } });
  expect(await receive(boxedBundle(clone, base))).toEqual({ sha });
  expect(head()).toBe(sha);
  git(hub, ['fsck', '--strict', '--no-dangling']);
  expect(readdirSync(incomingDir(hub))).toEqual([]);
});

test('a merge with newer commits of the base is published, and so is a revert to older content', async () => {
  const { hub, clone, repo, base, receive } = await openPhase([
    { a: '1\n', d: 'old\n' },
    { a: '2\n', d: null },
  ]);
  git(clone, ['checkout', '-q', '-B', 'work', base]);
  addCommits(repo.dir, 'refs/heads/main', [{ 'c.txt': 'theirs\n' }]);
  git(clone, ['fetch', '-q', repo.dir, 'main']);
  writeFileSync(join(clone, 'a'), '1\n');
  git(clone, ['commit', '-qam', 'back']);
  git(clone, ['merge', '-q', '--no-edit', 'FETCH_HEAD']);
  expect(await receive(boxedBundle(clone, base))).toEqual({ sha: git(clone, ['rev-parse', 'HEAD']) });
  git(hub, ['fsck', '--strict', '--no-dangling']);
});

describe('what is planted in the clone', () => {
  test('(hooks, filters, settings) does not run when the clone’s bundle is received and then cloned', async () => {
    const { hub, stateDir, clone, base, commit, receive } = await openPhase();
    const marker = join(stateDir, 'ran');
    const evil = join(stateDir, 'evil.sh');
    writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> ${marker}\n`, { mode: 0o755 });
    const hooks = join(clone, '.git', 'hooks');
    mkdirSync(hooks, { recursive: true });
    for (const hook of hookNames) symlinkSync(evil, join(hooks, hook));
    const sha = commit({ '.gitattributes': '* filter=evil diff=evil merge=evil\n', 'c.txt': 'c\n' });
    const settings = {
      'core.fsmonitor': evil,
      'core.sshCommand': evil,
      'core.pager': evil,
      'core.alternateRefsCommand': evil,
      'uploadpack.packObjectsHook': evil,
      'filter.evil.clean': evil,
      'filter.evil.smudge': evil,
      'filter.evil.process': evil,
      'filter.evil.required': 'true',
      'diff.evil.textconv': evil,
      'diff.external': evil,
      'url.ext::sh -c evil.insteadOf': 'file://',
      'credential.helper': evil,
      'protocol.ext.allow': 'always',
    };
    for (const [key, value] of Object.entries(settings)) git(clone, ['config', key, value]);
    const bundle = boxedBundle(clone, base);
    rmSync(marker, { force: true });
    expect(await receive(bundle)).toEqual({ sha });
    await coldClone({ hub, sha, into: join(stateDir, 'cold'), git: { tags: ['v1'] } });
    expect(existsSync(marker)).toBe(false);
    // The same traps do run if git runs in the clone itself, so this test can fail.
    git(clone, ['status']);
    expect(existsSync(marker)).toBe(true);
  });

  test('cannot borrow objects from another store through alternates: they are missing', async () => {
    const { clone, repo, base, receive, head } = await openPhase();
    const secret = blob(repo.dir, 'the operator’s secret\n');
    mkdirSync(join(clone, '.git/objects/info'), { recursive: true });
    writeFileSync(join(clone, '.git/objects/info/alternates'), `${join(repo.dir, '.git/objects')}\n`);
    const commit = rawCommit(clone, base, [{ mode: '100644', name: 'secret', id: secret }]);
    const tree = git(clone, ['rev-parse', `${commit}^{tree}`]);
    expect(await receive(craftedBundle(clone, [commit, tree], [`${commit} HEAD`], [base]))).toEqual(
      refused(/expected object/),
    );
    expect(head()).toBe(base);
  });

  test('cannot read the trail by naming the id of one of the trail’s objects', async () => {
    const { hub, clone, base, receive } = await openPhase();
    const hidden = git(hub, ['rev-parse', 'trail:machine-docs/README']);
    const commit = rawCommit(clone, base, [{ mode: '100644', name: 'hidden', id: hidden }]);
    const tree = git(clone, ['rev-parse', `${commit}^{tree}`]);
    expect(await receive(craftedBundle(clone, [commit, tree], [`${commit} HEAD`], [base]))).toEqual(refused(/missing/));
  });
});

describe('a bundle is refused with a reason, and nothing moves, if', () => {
  let made: Made;
  const dir = mkdtempSync(join(tmpdir(), 'coldpass-'));
  beforeAll(async () => {
    made = await openPhase(undefined, dir);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  async function expectRefused(bundle: string, reason: RegExp) {
    expect(await made.receive(bundle)).toEqual(refused(reason));
    expect(made.head()).toBe(made.base);
    expect(existsSync(incomingDir(made.hub)) ? readdirSync(incomingDir(made.hub)) : []).toEqual([]);
  }

  test.each<[string, RegExp, Files[]]>([
    ['it has a submodule', /"sub" is a submodule/, [{ sub: { commit: 'e'.repeat(40) } }]],
    ['a link leaves the tree', /"d\/l" is a link that leaves the tree/, [{ 'd/l': { link: '../../x' } }]],
    ['a link is absolute', /absolute/, [{ l: { link: '/etc/passwd' } }]],
    ['a link climbs through another', /".." after/, [{ 'a/b/c': { link: '../..' }, x: { link: 'a/b/c/../secret' } }]],
    ['a link points into .git', /into \.git/, [{ l: { link: '.git/config' } }]],
    ['a link is far too long', /at most 1024 are accepted/, [{ l: { link: 'x/'.repeat(600) } }]],
    ['only an inner commit had the link', /leaves the tree/, [{ l: { link: '../x' } }, { l: null, ok: 'ok' }]],
    ['only an inner commit had the submodule', /submodule/, [{ s: { commit: 'e'.repeat(40) } }, { s: null, ok: 'ok' }]],
    ['a name contains an invisible character', /invisible/, [{ 'a\u202eb': 'x' }]],
  ])('%s', async (_, reason, commits) => {
    made.commit(...commits);
    await expectRefused(boxedBundle(made.clone, made.base), reason);
  });

  test.each([
    ['it has a .git folder', /hasDotgit/, '40000', '.git'],
    ['it has a .GIT folder', /hasDotgit/, '40000', '.GIT'],
    ['it has a .. folder', /hasDotdot/, '40000', '..'],
    ['a name has a slash', /fullPathname/, '100644', 'a/b'],
    ['a name could be .git on another machine', /hasDotgit/, '100644', 'git~1'],
    ['a mode is not a file mode', /badFilemode/, '100666', 'odd'],
  ])('%s', async (_, reason, mode, name) => {
    const { clone, base } = made;
    const id = mode === '40000' ? git(clone, ['rev-parse', `${base}^{tree}`]) : blob(clone, 'x');
    git(clone, ['update-ref', 'refs/heads/phase/mailu', rawCommit(clone, base, [{ mode, name, id }])]);
    await expectRefused(boxedBundle(clone, base), reason);
  });

  test.each<[string, RegExp, (of: { clone: string; base: Sha; sha: Sha; tree: string }) => string]>([
    [
      'a blob is missing',
      /expected object/,
      ({ clone, sha, tree, base }) => craftedBundle(clone, [sha, tree], [`${sha} HEAD`], [base]),
    ],
    [
      'it builds on an unknown commit',
      /builds on e{40}, which the hub does not have/,
      ({ clone, base }) => craftedBundle(clone, [base], [`${base} HEAD`], ['e'.repeat(40)]),
    ],
    ['it has nothing new', /nothing new/, ({ clone, base }) => craftedBundle(clone, [base], [`${base} HEAD`])],
    [
      'it has a replace ref',
      /contains HEAD, refs\/replace/,
      ({ clone, base }) => craftedBundle(clone, [base], [`${base} HEAD`, `${base} refs/replace/${base}`]),
    ],
    [
      'its ref is not HEAD',
      /exactly HEAD/,
      ({ clone, base }) => craftedBundle(clone, [base], [`${base} refs/heads/main`]),
    ],
    [
      'HEAD is a blob',
      /not a commit/,
      ({ clone }) => ((id) => craftedBundle(clone, [id], [`${id} HEAD`]))(blob(clone, 'x')),
    ],
    [
      'its pack is truncated',
      /git refuses/,
      ({ clone, base }) => bundleFile(readFileSync(boxedBundle(clone, base)).subarray(0, -30)),
    ],
    ['it is text', /not a git bundle/, () => bundleFile(Buffer.from('hello\n\nworld'))],
    ['it is empty', /not a git bundle/, () => bundleFile(Buffer.alloc(0))],
    ['it is a link', /not a regular file/, ({ clone }) => linkTo(join(clone, 'a.txt'))],
    ['it is a fifo', /not a regular file/, () => fifo()],
    ['it is a folder', /not a regular file/, () => tempDir()],
    ['it is missing', /the bundle is missing/, () => join(tempDir(), 'none')],
  ])('%s', async (_, reason, craft) => {
    const { clone, base } = made;
    const sha = made.commit({ n: 'new\n' });
    await expectRefused(craft({ clone, base, sha, tree: git(clone, ['rev-parse', `${sha}^{tree}`]) }), reason);
  });

  test('a link is added only by the merge commit itself', async () => {
    const { clone, base } = made;
    const side = made.commit({ side: 's' });
    const tree = git(clone, ['rev-parse', `${made.commit({ side: 's', l: { link: '../x' } })}^{tree}`]);
    const merge = git(clone, ['commit-tree', '-p', base, '-p', side, '-m', 'evil merge', tree]);
    git(clone, ['update-ref', 'refs/heads/phase/mailu', merge]);
    await expectRefused(boxedBundle(clone, base), /leaves the tree/);
  });

  test('it is not a fast-forward', async () => {
    const { clone, base } = made;
    const tree = git(clone, ['rev-parse', `${base}^{tree}`]);
    const sha = git(clone, ['commit-tree', '-m', 'another root', tree]);
    const bundle = craftedBundle(clone, [sha, tree, git(clone, ['rev-parse', `${base}:a.txt`])], [`${sha} HEAD`]);
    await expectRefused(bundle, new RegExp(`not a fast-forward of phase/mailu at ${base}: rebase`));
  });

  test('it is too large, has too many commits, or the branch is frozen, elsewhere or missing', async () => {
    const { clone, base, commit, receive, head } = await openPhase();
    const sha = commit({ n: '1' }, { n: '2' });
    const bundle = boxedBundle(clone, base);
    expect(await receive(bundle, { limits: { bundleBytesMax: 100 } })).toEqual(refused(/at most 100 are accepted/));
    expect(await receive(bundle, { limits: { commitsMax: 1 } })).toEqual(refused(/over 1 new commits/));
    expect(await receive(bundle, { limits: { filesMax: 1 } })).toEqual(refused(/over 1 changed files/));
    expect(await receive(bundle, { limits: { fileBytesMax: 0 } })).toEqual(
      refused(/"n" has 1 bytes; at most 0 are accepted/),
    );
    expect(await receive(bundle, { limits: { bytesMax: 1 } })).toEqual(refused(/2 bytes in new files/));
    expect(await receive(bundle, { frozen: true })).toEqual(refused(/may not move/));
    expect(await receive(bundle, { expectedOld: sha })).toEqual(refused(/moved to/));
    expect(await receive(bundle, { phase: 'other' as PhaseId })).toEqual(refused(/no phase\/other/));
    expect(head()).toBe(base);
    expect(await receive(bundle)).toEqual({ sha });
  });
});

test('objects that the new head does not need stay out of the hub', async () => {
  const { hub, clone, base, commit, receive } = await openPhase();
  const sha = commit({ n: '1' });
  const junk = blob(clone, 'junk\n');
  const ids = [sha, git(clone, ['rev-parse', `${sha}^{tree}`]), git(clone, ['rev-parse', `${sha}:n`]), junk];
  expect(await receive(craftedBundle(clone, ids, [`${sha} HEAD`], [base]))).toEqual({ sha });
  expect(() => git(hub, ['cat-file', '-e', junk])).toThrow();
});

test('if two bundles arrive at once for one head, one is accepted and the other must try again', async () => {
  const { clone, base, commit, receive, head } = await openPhase();
  const bundles = ['left', 'right'].map((side) => {
    commit({ side });
    return boxedBundle(clone, base);
  });
  const answers = await Promise.all(bundles.map((bundle) => receive(bundle)));
  expect(answers.filter((answer) => 'sha' in answer)).toEqual([{ sha: head() }]);
  expect(answers.filter((answer) => 'refused' in answer)).toEqual([refused(/moved/)]);
});

test('a supervisor killed while receiving leaves the branch as it was, and can receive again', async () => {
  const { hub, clone, base, commit, receive, head } = await openPhase();
  const sha = commit({ big: Buffer.from(Array.from({ length: 400_000 }, (_, n) => String(n * 7919)).join('\n')) });
  const bundle = boxedBundle(clone, base);
  mkdirSync(incomingDir(hub));
  const began = new Promise((resolve) => {
    const watcher = watch(incomingDir(hub), resolve);
    onTestFinished(() => watcher.close());
  });
  const code = `import { receiveBundle } from ${JSON.stringify(join(import.meta.dirname, '../../../state/git/publish.ts'))};
    await receiveBundle(${JSON.stringify({ hub, bundlePath: bundle, phase, expectedOld: base })});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  await began;
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect([base, sha]).toContain(head());
  expect(head()).toBe(base);
  expect(readdirSync(incomingDir(hub))).toHaveLength(1);
  await tidyHub(hub);
  expect(existsSync(incomingDir(hub))).toBe(false);
  expect(await receive(bundle)).toEqual({ sha });
  git(hub, ['fsck', '--strict', '--no-dangling']);
});

test.each([
  ['l', 'a', null],
  ['a/b/l', '../../c', null],
  ['a/l', './x/./y', null],
  ['a/l', '..', null],
  ['l', '..', 'leaves'],
  ['l', 'a/..', 'after a name'],
  ['l', '', 'absolute'],
  ['a/l', '../.GIT/config', 'into .git'],
])('a link at %s to «%s»: %s', (path, target, problem) => {
  if (problem === null) expect(linkProblem(path, target)).toBeNull();
  else expect(linkProblem(path, target)).toContain(problem);
});

type Made = Awaited<ReturnType<typeof openPhase>>;

const hookNames = [
  'post-checkout',
  'pre-push',
  'post-index-change',
  'reference-transaction',
  'post-merge',
  'fsmonitor-watchman',
  'pre-auto-gc',
  'update',
  'pre-receive',
  'post-receive',
  'post-update',
];

function refused(reason: RegExp) {
  return { refused: expect.stringMatching(reason) };
}

function linkTo(target: string): string {
  const path = join(tempDir(), 'bundle');
  symlinkSync(target, path);
  return path;
}

function fifo(): string {
  const path = join(tempDir(), 'bundle');
  execFileSync('mkfifo', [path]);
  return path;
}
