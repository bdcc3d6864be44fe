// An act that the operator signed is either carried out once, in the workspace that it names and before it expires, or
// refused with a reason. The inbox is treated as a folder that strangers can write to.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Act, SignedAct } from '../../../state/entry/act.ts';
import { canonicalJson, digestOf } from '../../../state/entry/digest.ts';
import type { PhaseId } from '../../../state/entry/ids.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { formatAllowedSigners } from '../../../state/keys/signers.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { type ActRules, signAct, verifyAct } from '../../../state/trail/acts.ts';
import {
  actBytesMax,
  dropAct,
  inboxFilesMax,
  putAside,
  readInbox,
  refusedBytesMax,
  removeAct,
  settleTaken,
  takeUp,
} from '../../../state/trail/inboxFolder.ts';
import { tempDir } from '../../support/temp.ts';

describe('an act', () => {
  test('verifies once signed, and stock ssh-keygen accepts its signature', () => {
    const { signer, rules } = workspace();
    const act = note();
    const signed = signAct(act, signer);
    expect(verifyAct(signed, rules)).toEqual({ refused: null, signer: signer.fingerprint });
    const dir = tempDir();
    writeFileSync(join(dir, 'allowed'), formatAllowedSigners(rules.signers));
    writeFileSync(join(dir, 'sig'), signed.signature);
    const args = [
      '-Y',
      'verify',
      '-f',
      join(dir, 'allowed'),
      '-I',
      'operator@coldpass',
      '-n',
      'coldpass-act',
      '-s',
      join(dir, 'sig'),
    ];
    expect(execFileSync('ssh-keygen', args, { input: canonicalJson(signed.act), encoding: 'utf8' })).toContain('Good');
  });

  test('verifies after JSON has reordered its members', () => {
    const { signer, rules } = workspace();
    const { act, signature, blobs } = signAct(note(), signer);
    const shuffled = JSON.parse(
      JSON.stringify({ blobs, signature, act: Object.fromEntries(Object.entries(act).toReversed()) }),
    );
    expect(verifyAct(shuffled, rules).refused).toBeNull();
  });

  const turnedDown: [string, (signed: SignedAct, rules: ActRules) => [SignedAct, Partial<ActRules>], RegExp][] = [
    [
      'with text that was not signed',
      (signed) => [withText(signed, 'drop it all'), {}],
      /signature does not match its content/,
    ],
    ['of another workspace', (signed) => [signed, { workspace: 'other' }], /for the workspace «here», not «other»/],
    ['of another root', (signed) => [signed, { root: 'SHA256:other' }], /begins with the key/],
    [
      'after it expired',
      (signed) => [signed, { now: new Date('2026-06-11T22:00:00Z') }],
      /expired at 2026-06-11T22:00:00Z/,
    ],
    ['dated in the future', (signed) => [signed, { now: new Date('2026-06-11T20:00:00Z') }], /which is in the future/],
    ['carried out before', (signed) => [signed, { seenNonces: new Set([signed.act.nonce]) }], /already carried out/],
    [
      'with bytes of another digest',
      (signed) => [{ ...signed, blobs: { [digestOf('a')]: btoa('b') } }, {}],
      /do not match that digest/,
    ],
    [
      'by a key for commits only',
      (signed, { signers }) => [signed, { signers: signers.map((one) => ({ ...one, namespaces: ['git'] })) }],
      /not the operator's/,
    ],
    ['by an unknown key', (signed) => [signed, { signers: [] }], /not the operator's/],
    [
      'by a key that was rotated out',
      (signed, { signers }) => [signed, { signers: signers.map((one) => ({ ...one, validBeforeMs: 0 })) }],
      /was rotated out/,
    ],
    [
      'by a key that is also the Builder’s',
      (signed, { signers }) => [
        signed,
        { signers: [...signers, ...signers.map((one) => ({ ...one, principal: 'builder@coldpass' }))] },
      ],
      /is the builder's, not the operator's: whoever asks may not approve/,
    ],
    ['unsigned', (signed) => [{ ...signed, signature: '' }, {}], /signature does not match its content/],
  ];
  test.for(turnedDown)('%s is refused with a reason', ([, change, reason]) => {
    const { signer, rules } = workspace();
    const [signed, changes] = change(signAct(note(), signer), rules);
    const result = verifyAct(signed, { ...rules, ...changes });
    expect(result.refused).toMatch(reason);
  });

  test('signed in the namespace of commits is refused', () => {
    const { signer, rules } = workspace();
    const act = note();
    const signature = signer.sign('git', Buffer.from(canonicalJson(act)));
    expect(verifyAct({ act, signature, blobs: {} }, rules)).toMatchObject({
      signer: null,
      refused: expect.stringMatching(/does not match its content/),
    });
  });

  test('verifies if it comes with the bytes that it names', () => {
    const { signer, rules } = workspace();
    expect(verifyAct(signAct(note(), signer, { [digestOf('a plan')]: btoa('a plan') }), rules).refused).toBeNull();
  });
});

describe('the inbox', () => {
  test('returns what was dropped into it, until that is taken up and removed', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const signed = [signAct(note(), signer), signAct(note(), signer)];
    for (const one of signed) await dropAct(inbox, one);
    const [first, second] = (await readInbox(inbox)).acts.map((one) => one.signed.act.nonce) as [string, string];
    expect(new Set([first, second])).toEqual(new Set(signed.map((one) => one.act.nonce)));
    await takeUp(inbox, first);
    expect((await readInbox(inbox)).acts.map((one) => one.signed.act.nonce)).toEqual([second]);
    await removeAct(inbox, first);
    await removeAct(inbox, first);
    expect(readdirSync(inbox)).toEqual([`${second}.json`]);
  });

  test('gets back the acts that a dead process took up, except those that the process had appended', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const [appended, lost] = [signAct(note(), signer), signAct(note(), signer)];
    for (const one of [appended, lost]) {
      await dropAct(inbox, one);
      await takeUp(inbox, one.act.nonce);
    }
    await settleTaken(inbox, (nonce) => nonce === appended.act.nonce);
    expect(readdirSync(inbox)).toEqual([`${lost.act.nonce}.json`]);
  });

  test('never returns half an act: a file that is being written is not yet named like an act', async () => {
    const inbox = tempDir();
    writeFileSync(join(inbox, `.${'0'.repeat(32)}.half`), '{"act":');
    expect(await readInbox(inbox)).toEqual({ acts: [], unreadable: [] });
  });

  test('reports each file that is not an act, with the reason, digest and small content', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const good = signAct(note(), signer);
    await dropAct(inbox, good);
    const at = (digit: string) => join(inbox, `${digit.repeat(32)}.json`);
    writeFileSync(at('1'), 'not JSON');
    writeFileSync(at('2'), '{"act":{}}');
    writeFileSync(at('3'), JSON.stringify(good));
    writeFileSync(join(inbox, 'README'), 'hello');
    writeFileSync(at('4'), Buffer.alloc(actBytesMax + 1));
    mkdirSync(at('5'));
    execFileSync('mkfifo', [at('6')]);
    const outside = join(tempDir(), 'secret');
    writeFileSync(outside, JSON.stringify(good));
    symlinkSync(outside, at('7'));
    symlinkSync('/dev/zero', at('8'));
    const long = 'x'.repeat(refusedBytesMax + 1);
    writeFileSync(at('9'), long);
    const before = readdirSync(inbox);
    const { acts, unreadable } = await readInbox(inbox);
    expect(acts).toMatchObject([{ signed: good }]);
    expect(Object.fromEntries(unreadable.map(({ name, reason }) => [name.slice(0, 1), reason]))).toEqual({
      1: 'it is not JSON',
      2: expect.stringMatching(/^it is not an act: act\.v/),
      3: 'its name is not its nonce',
      4: expect.stringMatching(/over \d+ bytes/),
      5: 'it is not a plain file',
      6: 'it is not a plain file',
      7: 'it is not a plain file',
      8: 'it is not a plain file',
      9: 'it is not JSON',
      R: 'an act is named <32 hex digits>.json',
    });
    const files = Object.fromEntries(unreadable.map(({ name, file }) => [name.slice(0, 1), file]));
    expect(files['1']).toEqual({ digest: digestOf('not JSON'), bytes: Buffer.from('not JSON') });
    expect(files['9']).toEqual({ digest: digestOf(long), bytes: null });
    expect([files['4'], files['5'], files['7']]).toEqual([null, null, null]);
    expect(readdirSync(inbox)).toEqual(before);
  });

  test('is read a limited number of files at a time', async () => {
    const inbox = tempDir();
    for (let n = 0; n < inboxFilesMax + 3; n++) {
      const signed = { act: note(), signature: 'unsigned', blobs: {} };
      writeFileSync(join(inbox, `${signed.act.nonce}.json`), JSON.stringify(signed));
    }
    const { acts } = await readInbox(inbox);
    expect(acts).toHaveLength(inboxFilesMax);
    for (const { signed } of acts) {
      await takeUp(inbox, signed.act.nonce);
      await removeAct(inbox, signed.act.nonce);
    }
    expect((await readInbox(inbox)).acts).toHaveLength(3);
  });

  test('moves refused files aside with the reason, whatever their name and whatever is in the way', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const { act } = signAct(note(), signer);
    await dropAct(inbox, { act, signature: '', blobs: {} });
    const aside = await putAside(inbox, `${act.nonce}.json`, 'not his');
    expect(existsSync(aside)).toBe(true);
    expect(readFileSync(join(inbox, `${act.nonce}.reason`), 'utf8')).toBe('not his\n');

    const secret = join(tempDir(), 'secret');
    writeFileSync(secret, 'mine');
    const name = 'n'.repeat(255);
    writeFileSync(join(inbox, name), '');
    writeFileSync(join(inbox, 'note'), '');
    symlinkSync(secret, join(inbox, 'note.reason'));
    mkdirSync(join(inbox, 'note.refused'));
    for (const one of [name, 'note']) await putAside(inbox, one, 'no act');
    expect(await readInbox(inbox)).toEqual({ acts: [], unreadable: [] });
    expect(readFileSync(secret, 'utf8')).toBe('mine');
  });

  test('throws an error with its path if it is missing', async () => {
    const { signer } = workspace();
    const missing = join(tempDir(), 'missing');
    await expect(readInbox(missing)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining(missing) });
    await expect(dropAct(missing, signAct(note(), signer))).rejects.toMatchObject({ code: 'io' });
  });
});

const root = 'SHA256:root';

function workspace(): { signer: Signer; rules: ActRules } {
  const signer = generateKey(join(tempDir(), 'operator'), 'operator@coldpass');
  const signers = [
    { principal: 'operator@coldpass', namespaces: ['git', 'coldpass-act'], publicKey: signer.publicKey },
  ];
  const now = new Date('2026-06-11T21:00:00Z');
  return { signer, rules: { workspace: 'here', root, signers, now, seenNonces: new Set() } };
}

/** Each call uses a new nonce unless one is passed. */
function note(nonce = randomBytes(16).toString('hex')): Act {
  const payload = { act: 'note' as const, phase: 'mailu' as PhaseId, text: 'go on' };
  return { v: 1, workspace: 'here', root, nonce, at: '2026-06-11T21:00:00Z', expires: '2026-06-11T22:00:00Z', payload };
}

function withText(signed: SignedAct, text: string): SignedAct {
  return { ...signed, act: { ...signed.act, payload: { act: 'note', phase: 'mailu' as PhaseId, text } } };
}
