// Key rotation: for stock git, earlier signatures stay valid and later ones need the new key. `allowed_signers` changes
// only together with an act of the operator, and exactly as the act says.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { audit } from '../../../state/audit/audit.ts';
import type { Act } from '../../../state/entry/act.ts';
import type { Entry, Intent } from '../../../state/entry/entry.ts';
import { renderEntry } from '../../../state/entry/framing.ts';
import type { EntryId, Role, Sha } from '../../../state/entry/ids.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { objectStore } from '../../../state/git/objects.ts';
import { generateKey, keyBeside, roleSigner } from '../../../state/keys/keys.ts';
import {
  allowedSignersFile,
  clockFoldMs,
  formatAllowedSigners,
  parseAllowedSigners,
  type Rotation,
  rotationFault,
  signersAfter,
} from '../../../state/keys/signers.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { signAct } from '../../../state/trail/acts.ts';
import { type Funnel, openFunnel } from '../../../state/trail/funnel.ts';
import { createHub } from '../../../state/trail/hub.ts';
import { addCommits, type Files, git, gitBytes, makeHub, makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import { type Appended, listing, note, phase, session, sessionEnd } from '../../support/trail/trail.ts';

const noon = Date.parse('2026-07-01T12:00:00Z');
const hour = 3_600_000;
const notes = 'machine-docs/STATUS-mailu.md';

type Ground = Awaited<ReturnType<typeof ground>>;

/** A hub with a trail, a funnel with a manual clock, and functions that rotate a key as the supervisor does. */
async function ground(from = noon) {
  const made = await makeHub(undefined, tempDir());
  const keys = join(made.stateDir, 'keys');
  let nowMs = from;
  let nonces = 0;
  let operator = made.signers.operator;
  const { operator: _operator, ...signers } = made.signers;
  const newSigner = (role: Role, key: string) => roleSigner(keys, role, key);
  const rules = { ...listing({ hub: made.hub.dir, stateDir: made.stateDir, signers: made.signers }), signers };
  const trail: Funnel<Appended> = await openFunnel({ ...rules, newSigner, now: () => new Date(nowMs) });
  onTestFinished(() => trail.close());

  function rotation(role: Role, old: Signer, change: Partial<Rotation> = {}): Rotation {
    const { signer } = keyBeside(join(keys, role), `${role}@coldpass`);
    return { act: 'rotate', role, old: old.fingerprint, publicKey: signer.publicKey, ...change };
  }
  function intent(payload: Rotation, by = operator): Intent {
    const at = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
    const nonce = (++nonces).toString(16).padStart(32, '0');
    const expires = `${new Date(nowMs + hour).toISOString().slice(0, 19)}Z`;
    const act: Act = { v: 1, workspace: 'sample', root: made.hub.root, nonce, at, expires, payload };
    const facts = { act, signature: signAct(act, by).signature };
    return { kind: 'act', role: 'operator', phase: null, facts, body: '' };
  }
  async function rotate(role: Role, old = made.signers[role]): Promise<Signer> {
    const payload = rotation(role, old);
    await trail.append([intent(payload)]);
    const next = newSigner(role, payload.publicKey);
    if (role === 'operator') operator = next;
    return next;
  }
  function wait(ms: number): void {
    nowMs += ms;
  }
  return { made, keys, trail, rotation, intent, rotate, wait };
}

/**
 * Returns what stock git reports for each commit, oldest first, if it uses the `allowed_signers` of the head; for
 * example `G builder@coldpass`.
 */
function verdicts({ made }: Ground, zone: string): string[] {
  const dir = made.hub.dir;
  const list = join(tempDir(), 'allowed_signers');
  writeFileSync(list, gitBytes(dir, ['cat-file', 'blob', `trail:${allowedSignersFile}`]));
  const config = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${list}`];
  const args = [...config, 'log', '--reverse', '--format=%G? %GS', 'trail'];
  const text = execFileSync('git', args, { cwd: dir, encoding: 'utf8', env: { PATH: process.env.PATH, TZ: zone } });
  return text.trim().split('\n');
}

describe('a rotation', () => {
  it.each(['UTC', 'America/New_York', 'Europe/Dublin', 'Asia/Kolkata'])(
    'leaves every earlier and later signature valid for stock git, in %s',
    async (zone) => {
      for (const from of [noon, Date.parse('2026-12-24T12:00:00Z')]) {
        const place = await ground(from);
        const { trail, rotate, wait } = place;
        await trail.append([note('one')]);
        wait(1000);
        await rotate('builder');
        await trail.append([note('two')]);
        wait(1000);
        await rotate('supervisor');
        await trail.append([sessionEnd('over')]);
        wait(1000);
        await rotate('operator');
        await rotate('runner');
        const role = [
          'operator',
          'builder',
          'supervisor',
          'builder',
          'supervisor',
          'supervisor',
          'supervisor',
          'supervisor',
        ];
        expect(verdicts(place, zone)).toEqual(role.map((name) => `G ${name}@coldpass`));
      }
    },
  );

  it('limits the time of both keys for stock git, with a tolerance of an hour on each side', async () => {
    const place = await ground();
    const { made, rotate, trail } = place;
    const next = await rotate('builder');
    const late = { tree: git(made.hub.dir, ['rev-parse', 'trail^{tree}']) as Sha, parent: trail.head, role: 'builder' };
    const old = signedCommit({ ...late, atMs: noon + clockFoldMs + 1000, subject: 'late' }, made.signers.builder);
    const early = signedCommit({ ...late, atMs: noon - clockFoldMs - 1000, subject: 'early' }, next);
    const store = objectStore(made.hub.dir);
    await store.write([old, early]);
    store.close();
    for (const { sha } of [old, early]) {
      git(made.hub.dir, ['update-ref', 'refs/heads/trail', sha]);
      expect(verdicts(place, 'UTC').at(-1)).toMatch(/^U/);
    }
    git(made.hub.dir, ['update-ref', 'refs/heads/trail', trail.head]);
    expect(verdicts(place, 'UTC').every((line) => line.startsWith('G'))).toBe(true);
  });

  it('is known to the next funnel, which accepts the new key and refuses the old', async () => {
    const { made, keys, rotate, trail } = await ground();
    await trail.append([note('one')]);
    const next = await rotate('builder');
    await trail.close();
    const rules = listing({ hub: made.hub.dir, stateDir: made.stateDir, signers: made.signers });
    await expect(openFunnel(rules)).rejects.toMatchObject({ code: 'bad-key' });
    const signers = { ...made.signers, builder: roleSigner(keys, 'builder', next.publicKey) };
    const again = await openFunnel({ ...rules, signers });
    await again.append([note('two')]);
    await again.close();
  });

  it('is refused if the old key, the new key or the role does not fit; then nothing changes', async () => {
    const { made, intent, rotation, trail } = await ground();
    const { builder, adversary, operator } = made.signers;
    const stranger = generateKey(join(tempDir(), 'key'), 'x');
    const cases: [Rotation, RegExp][] = [
      [rotation('builder', builder, { publicKey: adversary.publicKey }), /that key is or was the adversary's/],
      [rotation('builder', builder, { publicKey: operator.publicKey }), /that key is or was the operator's/],
      [rotation('operator', operator, { publicKey: builder.publicKey }), /that key is or was the builder's/],
      [rotation('builder', builder, { publicKey: builder.publicKey }), /that key is or was the builder's/],
      [rotation('builder', adversary), /is not the builder's current key/],
      [rotation('builder', stranger), /is not the builder's current key/],
    ];
    for (const [payload, reason] of cases) {
      await expect(trail.append([intent(payload)])).rejects.toThrow(reason);
    }
    const back = rotation('builder', builder);
    await trail.append([intent(back)]);
    const again = { ...back, old: roleSigner(join(made.stateDir, 'keys'), 'builder', back.publicKey).fingerprint };
    await expect(trail.append([intent({ ...again, publicKey: builder.publicKey })])).rejects.toThrow(
      /that key is or was the builder's/,
    );
    expect(trail.nextId).toBe(2);
  });

  it('may share a batch with other entries: each commit is signed with the key valid at that point', async () => {
    const place = await ground();
    const { made, intent, rotation, trail } = place;
    await Promise.all([
      trail.append([note('one')]),
      trail.append([intent(rotation('builder', made.signers.builder))]),
      trail.append([note('two')]),
      trail.append([intent(rotation('builder', made.signers.builder))]).catch((error: Error) => error.message),
    ]);
    expect(verdicts(place, 'UTC').map((line) => line.slice(0, 1))).toEqual(['G', 'G', 'G', 'G']);
    expect(trail.nextId).toBe(4);
  });
});

describe('a push after a rotation is refused, and an audit reports it,', () => {
  type Case = [string, RegExp, (place: Ground, next: Signer) => Promise<Sha>];
  const cases: Case[] = [
    [
      'if the old key signs',
      /signature: /,
      ({ made, trail }) =>
        pushed(made, trail.head, { [notes]: grown(made, notes, noteEntry(trail)) }, made.signers.builder),
    ],
    [
      'if an act is signed with the operator’s old key',
      /act: .*was rotated out/,
      async (place, next) => {
        const { made, trail, rotate, rotation, intent } = place;
        await rotate('operator');
        const act = intent(rotation('builder', next), made.signers.operator);
        const entry = { ...act, id: trail.nextId as EntryId, at: '2026-07-01T12:00:00Z' } as Entry;
        return pushed(made, trail.head, { [operatorFile]: grown(made, operatorFile, entry) }, made.signers.supervisor);
      },
    ],
    [
      'if allowed_signers changes without an act',
      /signers: .*no act of this commit rotates a key/,
      ({ made, trail }) =>
        pushed(
          made,
          trail.head,
          {
            [allowedSignersFile]: list(made).replace(/,valid-before="\d+Z"/, ''),
            [sessions]: grown(made, sessions, sessionEntry(trail)),
          },
          made.signers.supervisor,
        ),
    ],
    [
      'if an act rotates one key, and allowed_signers another',
      /signers: .*does not match this rotation/,
      ({ made, trail, rotation, intent }) => {
        const act = intent(rotation('runner', made.signers.runner));
        const entry = { ...act, id: trail.nextId as EntryId, at: '2026-07-01T12:00:00Z' } as Entry;
        const other = signersAfter(parseAllowedSigners(list(made)), [
          { ...entry, ...intent(rotation('adversary', made.signers.adversary)) } as Entry,
        ]);
        const files = {
          [operatorFile]: grown(made, operatorFile, entry),
          [allowedSignersFile]: formatAllowedSigners(other),
        };
        return pushed(made, trail.head, files, made.signers.supervisor);
      },
    ],
    [
      'if an act rotates a key, and allowed_signers does not change',
      /signers: .*does not match this rotation/,
      ({ made, trail, rotation, intent }) => {
        const entry = {
          ...intent(rotation('runner', made.signers.runner)),
          id: trail.nextId,
          at: '2026-07-01T12:00:00Z',
        };
        return pushed(
          made,
          trail.head,
          { [operatorFile]: grown(made, operatorFile, entry as Entry) },
          made.signers.supervisor,
        );
      },
    ],
    [
      'if the Builder rotates the Adversary’s key',
      /act: .*is the builder's, not the operator's/,
      ({ made, trail, rotation, intent }, next) => {
        const act = intent(rotation('adversary', made.signers.adversary), next);
        const entry = { ...act, id: trail.nextId as EntryId, at: '2026-07-01T12:00:00Z' } as Entry;
        const after = signersAfter(parseAllowedSigners(list(made)), [entry]);
        const files = {
          [operatorFile]: grown(made, operatorFile, entry),
          [allowedSignersFile]: formatAllowedSigners(after),
        };
        return pushed(made, trail.head, files, made.signers.supervisor);
      },
    ],
  ];
  it.each(cases)('%s', async (_, rule, make) => {
    const place = await ground();
    await place.trail.append([note('one')]);
    await place.trail.append([sessionEnd('over')]);
    const next = await place.rotate('builder');
    const sha = await make(place, next);
    const { dir } = place.made.hub;
    expect(refused(dir, sha)).toMatch(rule);
    git(dir, ['fetch', '-q', '--no-write-fetch-head', pusherOf(dir), '+refs/scratch/*:refs/scratch/*']);
    git(dir, ['update-ref', 'refs/heads/trail', sha]);
    const report = await audit({ hub: dir });
    expect(report.problems.map(({ what }) => what).join('\n')).toMatch(rule);
  });

  it('unless the new key signs and the act is honest', async () => {
    const place = await ground();
    const { made, trail, rotate } = place;
    await trail.append([note('one')]);
    const next = await rotate('builder');
    const sha = await pushed(made, trail.head, { [notes]: grown(made, notes, noteEntry(trail)) }, next);
    expect(refused(made.hub.dir, sha)).toBe('');
    expect(git(made.hub.dir, ['rev-parse', 'trail'])).toBe(sha);
  });
});

describe('keys of two roles', () => {
  it('must differ: otherwise no hub is created', async () => {
    const dir = tempDir();
    const repo = makeRepo([{ 'a.txt': 'a\n' }], join(dir, 'repo'));
    const [operator, other] = [generateKey(join(dir, 'one'), 'x'), generateKey(join(dir, 'two'), 'x')];
    const roles = {
      supervisor: other.publicKey,
      runner: other.publicKey,
      builder: operator.publicKey,
      adversary: other.publicKey,
    };
    const founding = { stateDir: dir, workspaceName: 'sample', operatorSigner: operator, roleSigners: roles };
    await expect(createHub({ ...founding, repo: repo.dir, baseRef: 'main', now: new Date(noon) })).rejects.toThrow(
      /operator and builder share a key, SHA256:\S+, but whoever asks for something may not approve it/,
    );
  });

  it('are read back with their times, and each role’s valid key is found among the role’s earlier keys', async () => {
    const { keys, made, rotation } = await ground();
    const payload = rotation('builder', made.signers.builder);
    const list = parseAllowedSigners(
      gitBytes(made.hub.dir, ['cat-file', 'blob', `trail:${allowedSignersFile}`]).toString(),
    );
    expect(rotationFault(list, payload)).toBeNull();
    const timed = list.map((one, index) => ({
      ...one,
      ...(index > 0 && { validAfterMs: noon }),
      ...(index > 1 && { validBeforeMs: noon }),
    }));
    expect(parseAllowedSigners(formatAllowedSigners(timed))).toEqual(timed);
    expect(roleSigner(keys, 'builder', payload.publicKey).publicKey).toBe(payload.publicKey);
    expect(() => roleSigner(keys, 'builder', made.signers.operator.publicKey)).toThrow(
      /restore it from a backup, or run/,
    );
  });
});

const operatorFile = 'machine-docs/OPERATOR.md';
const sessions = 'machine-docs/SESSIONS-mailu.md';

function list({ hub }: Ground['made']): string {
  return gitBytes(hub.dir, ['cat-file', 'blob', `trail:${allowedSignersFile}`]).toString();
}

function grown({ hub }: Ground['made'], path: string, entry: Entry): string {
  return gitBytes(hub.dir, ['cat-file', 'blob', `trail:${path}`]).toString() + renderEntry(entry);
}

function noteEntry({ nextId }: Funnel<Appended>): Entry {
  const envelope = { id: nextId as EntryId, at: '2026-07-01T12:00:00Z', phase, body: '' };
  return { ...envelope, kind: 'note', role: 'builder', facts: { session, title: 'more' } };
}

function sessionEntry({ nextId }: Funnel<Appended>): Entry {
  return { ...sessionEnd('again'), id: nextId as EntryId, at: '2026-07-01T12:00:00Z' } as Entry;
}

function pusherOf(hub: string): string {
  return join(hub, '..', 'pusher');
}

/** Makes a commit on the trail in a repository beside the hub, signed with this key. */
async function pushed({ hub }: Ground['made'], parent: Sha, files: Files, signer: Signer): Promise<Sha> {
  const pusher = pusherOf(hub.dir);
  execFileSync('git', ['init', '-q', pusher]);
  git(pusher, ['fetch', '-q', hub.dir, '+refs/heads/*:refs/hub/*']);
  addCommits(pusher, 'refs/scratch/tree', [files], parent);
  const tree = git(pusher, ['rev-parse', 'refs/scratch/tree^{tree}']) as Sha;
  const object = signedCommit({ tree, parent, role: 'builder', atMs: noon, subject: 'pushed' }, signer);
  const store = objectStore(join(pusher, '.git'));
  await store.write([object]);
  store.close();
  git(pusher, ['update-ref', 'refs/scratch/pushed', object.sha]);
  return object.sha;
}

/** Returns the hub's reasons against a push of this commit; empty if it accepts the push. */
function refused(hub: string, sha: Sha): string {
  try {
    git(pusherOf(hub), ['push', '-q', hub, `${sha}:refs/heads/trail`]);
    return '';
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr);
  }
}
