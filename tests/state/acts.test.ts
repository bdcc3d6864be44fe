// Acts: what the operator signs is carried out once, here and in time, or turned down in words; and the inbox is read as a
// stranger's folder.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Act, SignedAct } from '../../state/act.ts';
import type { ActRules } from '../../state/acts.ts';
import {
  actBytesMax,
  dropAct,
  inboxFilesMax,
  readActs,
  refuseAct,
  removeAct,
  signAct,
  verifyAct,
} from '../../state/acts.ts';
import { canonicalJson, digestOf } from '../../state/digest.ts';
import type { PhaseId } from '../../state/ids.ts';
import { formatAllowedSigners, generateKey } from '../../state/keys.ts';
import type { Signer } from '../../state/sshsig.ts';
import { tempDir } from '../support/temp.ts';

describe('an act', () => {
  test('that was signed verifies, and its signature is one that stock ssh-keygen accepts', () => {
    const { signer, rules } = workspace();
    const act = note();
    const signed = signAct(act, signer);
    expect(verifyAct(signed, rules)).toEqual({ act });
    const dir = tempDir();
    writeFileSync(join(dir, 'allowed'), formatAllowedSigners(rules.operators));
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

  test('survives JSON with its members in another order', () => {
    const { signer, rules } = workspace();
    const { act, signature, blobs } = signAct(note(), signer);
    const shuffled = JSON.parse(
      JSON.stringify({ blobs, signature, act: Object.fromEntries(Object.entries(act).toReversed()) }),
    );
    expect(verifyAct(shuffled, rules)).toHaveProperty('act');
  });

  const turnedDown: [string, (signed: SignedAct, rules: ActRules) => [SignedAct, Partial<ActRules>], RegExp][] = [
    ['with other words than were signed', (signed) => [withText(signed, 'drop it all'), {}], /signature does not fit/],
    ['of another workspace', (signed) => [signed, { workspace: 'other' }], /for the workspace «here», not «other»/],
    ['of another root', (signed) => [signed, { root: 'SHA256:other' }], /begins with the key/],
    [
      'after it expired',
      (signed) => [signed, { now: new Date('2026-06-11T22:00:00Z') }],
      /expired at 2026-06-11T22:00:00Z/,
    ],
    ['dated in the future', (signed) => [signed, { now: new Date('2026-06-11T20:00:00Z') }], /yet to come/],
    ['carried out before', (signed) => [signed, { seenNonces: new Set([signed.act.nonce]) }], /carried out before/],
    [
      'with bytes of another digest',
      (signed) => [{ ...signed, blobs: { [digestOf('a')]: btoa('b') } }, {}],
      /another digest/,
    ],
    [
      'by a key for commits alone',
      (signed, { operators }) => [signed, { operators: operators.map((one) => ({ ...one, namespaces: ['git'] })) }],
      /not the operator's/,
    ],
    ['by a key that nobody knows', (signed) => [signed, { operators: [] }], /not the operator's/],
    ['unsigned', (signed) => [{ ...signed, signature: '' }, {}], /signature does not fit/],
  ];
  test.for(turnedDown)('%s is turned down in words', ([, change, reason]) => {
    const { signer, rules } = workspace();
    const [signed, changes] = change(signAct(note(), signer), rules);
    const judged = verifyAct(signed, { ...rules, ...changes });
    expect('refused' in judged ? judged.refused : 'accepted').toMatch(reason);
  });

  test('signed in the namespace of commits is turned down', () => {
    const { signer, rules } = workspace();
    const act = note();
    const signature = signer.sign('git', Buffer.from(canonicalJson(act)));
    expect(verifyAct({ act, signature, blobs: {} }, rules)).toHaveProperty('refused');
  });

  test('with the bytes that it names verifies', () => {
    const { signer, rules } = workspace();
    expect(verifyAct(signAct(note(), signer, { [digestOf('a plan')]: btoa('a plan') }), rules)).toHaveProperty('act');
  });
});

describe('the inbox', () => {
  test('gives back what was dropped, until it is removed', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const signed = [signAct(note(), signer), signAct(note(), signer)];
    for (const one of signed) await dropAct(inbox, one);
    const read = await readActs(inbox);
    expect(read.refused).toEqual([]);
    expect(new Set(read.acts.map((one) => one.act.nonce))).toEqual(new Set(signed.map((one) => one.act.nonce)));
    await removeAct(inbox, read.acts[0]?.act.nonce as string);
    await removeAct(inbox, read.acts[0]?.act.nonce as string);
    expect((await readActs(inbox)).acts).toEqual([read.acts[1]]);
    expect(readdirSync(inbox)).toHaveLength(1);
  });

  test('never shows half an act: what is being written has no name in it', async () => {
    const inbox = tempDir();
    writeFileSync(join(inbox, `.${'0'.repeat(32)}.half`), '{"act":');
    expect(await readActs(inbox)).toEqual({ acts: [], refused: [] });
  });

  test('puts aside what is no act, says why, and does not report it twice', async () => {
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
    const first = await readActs(inbox);
    expect(first.acts).toEqual([good]);
    const reasons = Object.fromEntries(
      first.refused.map(({ file, reason }) => [file.slice(inbox.length + 1, inbox.length + 2), reason]),
    );
    expect(reasons).toEqual({
      1: 'it is not JSON',
      2: expect.stringMatching(/^it is not an act: act\.v/),
      3: 'its name is not its nonce',
      4: expect.stringMatching(/over \d+ bytes/),
      5: 'it is not a plain file',
      6: 'it is not a plain file',
      7: 'it is not a plain file',
      8: 'it is not a plain file',
      R: 'an act is named <32 hex digits>.json',
    });
    expect(await readActs(inbox)).toEqual({ acts: [good], refused: [] });
    expect(readdirSync(inbox).filter((name) => name.endsWith('.refused'))).toHaveLength(9);
    expect(readFileSync(outside, 'utf8')).toBe(JSON.stringify(good));
  });

  test('is read in portions', async () => {
    const inbox = tempDir();
    for (let n = 0; n < inboxFilesMax + 3; n++) {
      const signed = { act: note(), signature: 'unsigned', blobs: {} };
      writeFileSync(join(inbox, `${signed.act.nonce}.json`), JSON.stringify(signed));
    }
    const { acts } = await readActs(inbox);
    expect(acts).toHaveLength(inboxFilesMax);
    for (const { act } of acts) await removeAct(inbox, act.nonce);
    expect((await readActs(inbox)).acts).toHaveLength(3);
  });

  test('keeps an act that was turned down, out of the way', async () => {
    const { signer } = workspace();
    const inbox = tempDir();
    const signed = signAct(note(), signer);
    await dropAct(inbox, signed);
    const aside = await refuseAct(inbox, signed.act.nonce);
    expect(existsSync(aside)).toBe(true);
    expect((await readActs(inbox)).acts).toEqual([]);
  });

  test('that is not there is an error which names it', async () => {
    const { signer } = workspace();
    const missing = join(tempDir(), 'missing');
    await expect(readActs(missing)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining(missing) });
    await expect(dropAct(missing, signAct(note(), signer))).rejects.toMatchObject({ code: 'io' });
  });
});

const root = 'SHA256:root';

function workspace(): { signer: Signer; rules: ActRules } {
  const signer = generateKey(join(tempDir(), 'operator'), 'operator@coldpass');
  const operators = [
    { principal: 'operator@coldpass', namespaces: ['git', 'coldpass-act'], publicKey: signer.publicKey },
  ];
  const now = new Date('2026-06-11T21:00:00Z');
  return { signer, rules: { workspace: 'here', root, operators, now, seenNonces: new Set() } };
}

/** Each call gives another nonce unless one is asked for. */
function note(nonce = randomBytes(16).toString('hex')): Act {
  const payload = { act: 'note' as const, phase: 'mailu' as PhaseId, text: 'go on' };
  return { v: 1, workspace: 'here', root, nonce, at: '2026-06-11T21:00:00Z', expires: '2026-06-11T22:00:00Z', payload };
}

function withText(signed: SignedAct, text: string): SignedAct {
  return { ...signed, act: { ...signed.act, payload: { act: 'note', phase: 'mailu' as PhaseId, text } } };
}
