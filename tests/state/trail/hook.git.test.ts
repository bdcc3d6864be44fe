import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Act } from '../../../state/entry/act.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Entry, Kind } from '../../../state/entry/entry.ts';
import { renderEntry } from '../../../state/entry/framing.ts';
import type { EntryId, PhaseId, Role, Sha } from '../../../state/entry/ids.ts';
import { sealedName } from '../../../state/entry/policy.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { objectStore } from '../../../state/git/objects.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { signAct } from '../../../state/trail/acts.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { checkPush } from '../../../state/trail/hook.ts';
import { startPhase } from '../../../state/trail/hub.ts';
import { blob, rawCommit } from '../../support/bundle.ts';
import { addCommits, type Files, git, gitBytes, makeHub } from '../../support/repo.ts';
import { listing, note, phase, session } from '../../support/trail/trail.ts';

const STATUS = 'machine-docs/STATUS-mailu.md';
const REVIEW = 'machine-docs/REVIEW-mailu.md';
const at = '2026-06-11T21:00:00Z';

let made: Awaited<ReturnType<typeof makeHub>>;
/** The repository that pushes come from; it has everything that the hub has. */
let pusher: string;
let head: Sha;
let nextId: number;
const dir = mkdtempSync(join(tmpdir(), 'coldpass-'));

beforeAll(async () => {
  made = await makeHub(undefined, dir);
  const { hub, stateDir, signers, base } = made;
  const funnel = await openFunnel(listing({ hub: hub.dir, stateDir, signers }));
  await funnel.append([note('one')]);
  await funnel.append([note('two', 'adversary')]);
  const { nextId: next } = funnel;
  await funnel.close();
  nextId = next;
  await startPhase(hub.dir, phase, base);
  pusher = join(dir, 'pusher');
  mkdirSync(pusher);
  git(pusher, ['init', '-q']);
  git(pusher, ['fetch', '-q', hub.dir, '+refs/heads/*:refs/hub/*']);
  head = git(pusher, ['rev-parse', 'refs/hub/trail']) as Sha;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Undoes an accepted push, so that each test starts from the same hub.
afterEach(() => {
  git(made.hub.dir, ['update-ref', 'refs/heads/trail', head]);
  git(made.hub.dir, ['update-ref', 'refs/heads/phase/mailu', made.base]);
});

describe('an honest push is accepted', () => {
  test('of one entry, and of several commits by several roles', async () => {
    const first = await commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'builder');
    expect(push(`${first}:refs/heads/trail`)).toBe('');
    const review = grown(REVIEW, entryOf('note', 'adversary', nextId + 1, { session, title: 'seen' }));
    const second = await commit({ [REVIEW]: review }, 'adversary', [first]);
    const third = await commit({ [STATUS]: grown(STATUS, claimNote(nextId), claimNote(nextId + 2)) }, 'builder', [
      second,
    ]);
    expect(push(`${third}:refs/heads/trail`)).toBe('');
    expect(git(made.hub.dir, ['rev-parse', 'trail'])).toBe(third);
  });

  test('of a new file, its next part, and a finding with the bytes that it names', async () => {
    const items = 'machine-docs/BACKLOG-mailu.md';
    const item = (id: number) => renderEntry(entryOf('item', 'builder', id, { session, title: `item ${id}` }));
    const one = await commit({ [items]: item(nextId), [sealedName(items, 2)]: item(nextId + 1) }, 'builder');
    const script = 'exit 1\n';
    const finding = entryOf('finding', 'adversary', nextId + 2, {
      session,
      gate: 'M1',
      claim: null,
      title: 'breaks',
      fix: ['mend it'],
      reproducer: { path: 'tests/x.sh', file: digestOf(script), command: 'sh tests/x.sh' },
    });
    const files = {
      [sealedName(items, 2)]: item(nextId + 1) + renderEntry(finding),
      [`machine-docs/blobs/${digestOf(script)}`]: script,
    };
    expect(push(`${await commit(files, 'adversary', [one])}:refs/heads/trail`)).toBe('');
  });

  test('of a close into its target’s file, and of an act that the operator signed', async () => {
    const close = entryOf('close', 'builder', nextId, { session, target: 1, as: 'done', answers: [] });
    const closed = await commit({ [STATUS]: grown(STATUS, close) }, 'builder');
    const act = renderEntry(actEntry(made.signers.operator, nextId + 1));
    const acted = await commit({ 'machine-docs/OPERATOR.md': act }, 'supervisor', [closed]);
    expect(push(`${acted}:refs/heads/trail`)).toBe('');
  });

  test('of a phase’s branch', () => {
    const [sha] = addCommits(pusher, 'refs/heads/work', [{ 'b.txt': 'b\n', l: { link: 'b.txt' } }], made.base);
    expect(push(`${sha}:refs/heads/phase/mailu`)).toBe('');
  });
});

describe('a push to the trail is refused, by its rule, if', () => {
  type Case = [string, RegExp, () => Promise<Sha>];
  const cases: Case[] = [
    [
      'an old byte is changed',
      /prefix: .*differs at byte 3/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(nextId)).replace('## N', '## n') }, 'builder'),
    ],
    ['bytes are cut from a file', /prefix: /, () => commit({ [STATUS]: old(STATUS).slice(0, -20) }, 'builder')],
    [
      'an entry is inserted before the others',
      /prefix: /,
      () => commit({ [STATUS]: renderEntry(claimNote(nextId)) + old(STATUS) }, 'builder'),
    ],
    [
      'a file is removed',
      /path: .*REVIEW-mailu.md is removed/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(nextId)), [REVIEW]: null }, 'builder'),
    ],
    [
      'a file is renamed',
      /path: .*is removed or renamed/,
      () => commit({ [STATUS]: null, [sealedName(STATUS, 2)]: grown(STATUS, claimNote(nextId)) }, 'builder'),
    ],
    [
      'a file becomes a link',
      /path: .*mode 120000/,
      () => commit({ [STATUS]: { link: 'REVIEW-mailu.md' } }, 'builder'),
    ],
    [
      'a submodule is added',
      /path: .*mode 160000/,
      () => commit({ 'machine-docs/x.md': { commit: 'e'.repeat(40) } }, 'builder'),
    ],
    [
      'a part is skipped',
      /path: .*STATUS-mailu.3.md is not the next part/,
      () => commit({ [sealedName(STATUS, 3)]: renderEntry(claimNote(nextId)) }, 'builder'),
    ],
    [
      'the Adversary’s key signs the Builder’s file',
      /role: .*adversary may not write .*STATUS/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'adversary'),
    ],
    [
      'the Builder writes a review',
      /role: .*builder may not write .*REVIEW/,
      () =>
        commit(
          { [REVIEW]: grown(REVIEW, entryOf('note', 'adversary', nextId, { session, title: 'fine' })) },
          'builder',
        ),
    ],
    [
      'the Builder writes an entry as the supervisor',
      /role: .*supervisor's, but the builder signed/,
      () => commit({ [STATUS]: grown(STATUS, parked(nextId)) }, 'builder'),
    ],
    [
      'an entry is in the wrong file',
      /role: .*belongs in .*JOURNAL/,
      () =>
        commit({ [STATUS]: grown(STATUS, entryOf('journal', 'builder', nextId, { session, title: 'x' })) }, 'builder'),
    ],
    [
      'a file does not belong to the trail',
      /role: .*builder may not write machine-docs\/EVIL.md/,
      () => commit({ 'machine-docs/EVIL.md': renderEntry(claimNote(nextId)) }, 'builder'),
    ],
    ['a file is outside machine-docs', /role: .*may not write x.md/, () => commit({ 'x.md': 'x' }, 'builder')],
    [
      'allowed_signers is changed',
      /signers: .*no act of this commit rotates a key/,
      () => commit({ 'machine-docs/allowed_signers': `${old('machine-docs/allowed_signers')}x\n` }, 'supervisor'),
    ],
    ['it is not signed', /signature: /, () => commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, null)],
    [
      'a stranger’s key signs it',
      /signature: /,
      () =>
        commit(
          { [STATUS]: grown(STATUS, claimNote(nextId)) },
          generateKey(join(mkdtempSync(join(dir, 'key-')), 'k'), 'builder@coldpass'),
        ),
    ],
    ['its signed text was altered', /signature: /, () => altered()],
    [
      'a number is left out',
      /density: .*number 4, but 3 comes next/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(nextId + 1)) }, 'builder'),
    ],
    [
      'a number is used twice',
      /density: .*number 1, but 3 comes next/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(1)) }, 'builder'),
    ],
    [
      'what is appended is not an entry',
      /framing: /,
      () => commit({ [STATUS]: `${old(STATUS)}## DONE\n\nM1 PASS\n\n` }, 'builder'),
    ],
    [
      'an entry is not formatted as we format it',
      /framing: /,
      () =>
        commit({ [STATUS]: grown(STATUS, claimNote(nextId)).replace(/"v": 1, "id": 3/, '"v":1, "id": 3') }, 'builder'),
    ],
    ['nothing is appended', /framing: .*no entry/, () => commit({}, 'builder')],
    [
      'stored bytes have another digest',
      /stored: .*contains bytes/,
      () =>
        commit(
          { [STATUS]: grown(STATUS, claimNote(nextId)), [`machine-docs/blobs/${'0'.repeat(64)}`]: 'x' },
          'builder',
        ),
    ],
    [
      'stored bytes are named by no entry',
      /stored: .*no entry of its commit names/,
      () =>
        commit({ [STATUS]: grown(STATUS, claimNote(nextId)), [`machine-docs/blobs/${digestOf('x')}`]: 'x' }, 'builder'),
    ],
    [
      'an act was not signed by the operator',
      /act: /,
      () =>
        commit({ 'machine-docs/OPERATOR.md': renderEntry(actEntry(made.signers.supervisor, nextId)) }, 'supervisor'),
    ],
    [
      'the Builder’s key signs an act',
      /act: .*is the builder's, not the operator's: whoever asks may not approve/,
      () => commit({ 'machine-docs/OPERATOR.md': renderEntry(actEntry(made.signers.builder, nextId)) }, 'supervisor'),
    ],
    [
      'the Builder commits an act, whoever signed it',
      /role: .*builder may not write machine-docs\/OPERATOR.md/,
      () => commit({ 'machine-docs/OPERATOR.md': renderEntry(actEntry(made.signers.operator, nextId)) }, 'builder'),
    ],
    [
      'an act’s text was changed after signing',
      /act: /,
      () =>
        commit(
          { 'machine-docs/OPERATOR.md': renderEntry(actEntry(made.signers.operator, nextId, 'another text')) },
          'supervisor',
        ),
    ],
    [
      'a close is in another file than its target',
      /role: .*(belongs in .*REVIEW|nothing to close)/,
      () =>
        commit(
          {
            [STATUS]: grown(
              STATUS,
              entryOf('close', 'builder', nextId, { session, target: 2, as: 'done', answers: [] }),
            ),
          },
          'builder',
        ),
    ],
    [
      'it is a merge',
      /linear: .*merge/,
      () => commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'builder', [head, made.base]),
    ],
    [
      'an inner commit removes what the last one restores',
      /prefix: /,
      async () =>
        commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'builder', [
          await commit({ [STATUS]: 'gone\n' }, 'builder'),
        ]),
    ],
    [
      'it is not a fast-forward',
      /not a fast-forward/,
      () => commit({ [STATUS]: renderEntry(claimNote(1)) }, 'builder', [made.hub.genesis]),
    ],
  ];
  test.each(cases)('%s', async (_, reason, make) => {
    expect(await judged('refs/heads/trail', await make())).toMatch(reason);
  });

  test('it is a real push with such a commit: git prints the reason, and the trail does not move', async () => {
    const bad = await commit({ [STATUS]: 'gone\n' }, 'builder');
    expect(push(`${bad}:refs/heads/trail`)).toMatch(/coldpass refuses: refs\/heads\/trail: prefix: [0-9a-f]{12} #1: /);
    expect(git(made.hub.dir, ['rev-parse', 'trail'])).toBe(head);
  });
});

describe('a push is refused if', () => {
  const refs: [string, string][] = [
    ['it moves main', 'refs/heads/main'],
    ['it creates a branch', 'refs/heads/other'],
    ['it creates a phase', 'refs/heads/phase/new'],
    ['it creates a tag', 'refs/tags/v1'],
    ['it replaces objects', `refs/replace/${'e'.repeat(40)}`],
    ['it creates a ref below a phase', 'refs/heads/phase/mailu/x'],
  ];
  test.each(refs)('%s', async (_, ref) => {
    expect(await judged(ref, work({ b: 'b' }))).toMatch(/only phase\/<id> and trail|no such branch/);
  });

  test.each(['trail', 'phase/mailu', 'main'])('it removes %s', async (branch) => {
    expect(await judged(`refs/heads/${branch}`, '0'.repeat(40))).toMatch(/never removed|only phase/);
  });

  test('it removes the trail in a real push', () => {
    expect(push(':refs/heads/trail')).toMatch(/never removed|deletion/);
    expect(git(made.hub.dir, ['rev-parse', 'trail'])).toBe(head);
  });

  test.each<[string, RegExp, () => string]>([
    ['a phase starts over', /not a fast-forward/, () => git(pusher, ['commit-tree', '-m', 'x', `${made.base}^{tree}`])],
    ['it has a submodule', /"s" is a submodule/, () => work({ s: { commit: 'e'.repeat(40) } })],
    ['it has a link out of the tree', /leaves the tree/, () => work({ l: { link: '../x' } })],
    [
      'it has a .git path',
      /could be mistaken for .git/,
      () => rawCommit(pusher, made.base, [{ mode: '100644', name: '.git', id: blob(pusher, 'x') }]),
    ],
  ])('%s', async (_, reason, make) => {
    expect(await judged('refs/heads/phase/mailu', make())).toMatch(reason);
  });

  test('it adds a .git path in a real push, which git itself refuses', () => {
    const sha = rawCommit(pusher, made.base, [{ mode: '100644', name: '.git', id: blob(pusher, 'x') }]);
    expect(push(`${sha}:refs/heads/phase/mailu`)).toMatch(/hasDotgit/);
    expect(git(made.hub.dir, ['rev-parse', 'phase/mailu'])).toBe(made.base);
  });

  test('one of its branches is refused; then none moves', async () => {
    const good = await commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'builder');
    expect(push(`${good}:refs/heads/trail`, `+${good}:refs/heads/main`)).toMatch(/only phase/);
    expect(git(made.hub.dir, ['rev-parse', 'trail'])).toBe(head);
  });
});

test('the pusher’s environment does not reach the hook', async () => {
  const bad = await commit({ [STATUS]: 'gone\n' }, 'builder');
  const planted = { NODE_OPTIONS: `--import=data:text/javascript,process.exit(0)`, PATH: process.env.PATH };
  const pushing = () =>
    execFileSync('git', ['push', '-q', made.hub.dir, `${bad}:refs/heads/trail`], {
      cwd: pusher,
      env: planted,
      stdio: 'pipe',
    });
  expect(pushing).toThrow(/prefix/);
});

/** Makes a real push; returns git's message if the push was refused, '' if it was accepted. */
function push(...refspecs: string[]): string {
  try {
    git(pusher, ['push', '-q', made.hub.dir, ...refspecs]);
    return '';
  } catch (error) {
    return (error as { stderr: Buffer }).stderr.toString().replaceAll(/^remote: /gm, '');
  }
}

/**
 * Returns the hook's reasons against a push, but makes no push: the hook reads the pusher's objects in place of git's
 * quarantine.
 */
async function judged(ref: string, sha: string): Promise<string> {
  const standing = git(made.hub.dir, ['for-each-ref', '--format=%(objectname)', ref]) || '0'.repeat(40);
  const objects = { directory: join(pusher, '.git/objects'), alternates: join(made.hub.dir, 'objects') };
  const reasons = await checkPush(made.hub.dir, [{ ref, old: standing, new: sha }], { objects });
  return reasons.join('\n');
}

/** Makes a commit on the trail that changes these files, signed by a role's key, by another key, or not at all. */
async function commit(files: Files, by: Role | Signer | null, parents: Sha[] = [head]): Promise<Sha> {
  const parent = parents[0] as Sha;
  addCommits(pusher, 'refs/scratch', [files], parent);
  const tree = git(pusher, ['rev-parse', 'refs/scratch^{tree}']) as Sha;
  const role = typeof by === 'string' ? by : 'builder';
  if (by === null) return git(pusher, ['commit-tree', '-p', parent, '-m', 'unsigned', tree]) as Sha;
  const signer = typeof by === 'string' ? made.signers[by] : by;
  const more = parents
    .slice(1)
    .map((sha) => `\nparent ${sha}`)
    .join('');
  // The other parents' lines follow that of the first parent, so that the signature covers all of them.
  const object = signedCommit(
    { tree, parent: `${parent}${more}` as Sha, role, atMs: Date.parse(at), subject: 'pushed' },
    signer,
  );
  await objectStore(join(pusher, '.git')).write([object]);
  return object.sha;
}

async function altered(): Promise<Sha> {
  const sha = await commit({ [STATUS]: grown(STATUS, claimNote(nextId)) }, 'builder');
  const text = git(pusher, ['cat-file', 'commit', sha]).replace('\n\npushed', '\n\nanother');
  return git(pusher, ['hash-object', '-t', 'commit', '-w', '--stdin'], `${text}\n`) as Sha;
}

function work(files: Files): Sha {
  return addCommits(pusher, 'refs/heads/work', [files], made.base).at(-1) as Sha;
}

function old(path: string): string {
  return gitBytes(pusher, ['cat-file', 'blob', `${head}:${path}`]).toString();
}

function grown(path: string, ...entries: Entry[]): string {
  return old(path) + entries.map(renderEntry).join('');
}

function claimNote(id: number): Entry {
  return entryOf('note', 'builder', id, { session, title: `note ${id}` });
}

function parked(id: number): Entry {
  return entryOf('phase', 'supervisor', id, { event: 'parked', reason: 'idle', why: 'nothing to do', about: null });
}

function actEntry(signer: Signer, id: number, text?: string): Entry {
  const act = {
    v: 1,
    workspace: 'sample',
    root: made.hub.root,
    nonce: '0'.repeat(32),
    at,
    expires: '2026-06-12T21:00:00Z',
    payload: { act: 'note', phase, text: 'well done' },
  } as Act;
  const { signature } = signAct(act, signer);
  const entryAct = text === undefined ? act : { ...act, payload: { ...act.payload, text } };
  return entryOf('act', 'operator', id, { act: entryAct, signature });
}

function entryOf(kind: Kind, role: Role, id: number, facts: object): Entry {
  return { id: id as EntryId, at, kind, role, phase: phase as PhaseId, facts, body: '' } as unknown as Entry;
}
