// Forged, stale and misdirected approvals, handed in as real files through the real inbox to a real trail. Each is
// refused with a reason, recorded and set aside, and the trail passes its audit. The operator's own approval is
// accepted.

import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openInbox, takeAll } from '../../../loop/hands/acts.ts';
import type { Act } from '../../../state/entry/act.ts';
import { canonicalJson, digestOf, digestOfJson } from '../../../state/entry/digest.ts';
import type { Digest, EntryId, PhaseId, RecipeName } from '../../../state/entry/ids.ts';
import { refusalsADayMax } from '../../../state/entry/refusal.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { readPlan } from '../../../state/plan/plan.ts';
import { refusedBytesMax, takeUp } from '../../../state/trail/inboxFolder.ts';
import { type InboxGround, inboxGround } from '../../support/phase/inboxGround.ts';
import { tempDir } from '../../support/temp.ts';
import { harnessText, phaseId, pinned, planText, recipeDigest } from '../../support/trail/writer.ts';

async function ground(): Promise<InboxGround> {
  const place = await inboxGround(tempDir());
  onTestFinished(() => place.writer.trail.close());
  return place;
}

describe('an approval', () => {
  it('signed by the operator is accepted: it is put on the trail and removed from the inbox', async () => {
    const place = await ground();
    await place.handIn(place.approval(), place.made.signers.operator);
    await takeAll(place.world);
    expect(place.isApproved()).toBe(true);
    expect(place.inInbox()).toEqual([]);
    expect(place.refusals()).toEqual([]);
    expect(await place.audit()).toMatchObject({ ok: true });
  });

  type Case = [string, RegExp, (place: InboxGround) => [Act, Signer]];
  const cases: Case[] = [
    [
      'signed with the key of the Builder, who had asked for it,',
      /is the builder's, not the operator's: whoever asks may not approve/,
      ({ approval, made }) => [approval(), made.signers.builder],
    ],
    [
      'signed with the supervisor’s key',
      /is the supervisor's, not the operator's/,
      ({ approval, made }) => [approval(), made.signers.supervisor],
    ],
    [
      'signed with an unknown key',
      /its key SHA256:\S+ is not the operator's/,
      ({ approval }) => [approval(), generateKey(join(tempDir(), 'key'), 'operator@coldpass')],
    ],
    [
      'that has expired',
      /expired at 2026-06-11T20:00:00Z/,
      ({ approval, made }) => [approval(undefined, { expires: '2026-06-11T20:00:00Z' }), made.signers.operator],
    ],
    [
      'for another workspace',
      /for the workspace «other»/,
      ({ approval, made }) => [approval(undefined, { workspace: 'other' }), made.signers.operator],
    ],
    [
      'for another trail',
      /begins with the key SHA256:x/,
      ({ approval, made }) => [approval(undefined, { root: 'SHA256:x' }), made.signers.operator],
    ],
    [
      'of something other than a request',
      /#2 is not an open request of the Builder/,
      ({ approval, entry, made }) => [approval(entry(2 as EntryId)), made.signers.operator],
    ],
    [
      'of a request that was answered before',
      /is not an open request of the Builder/,
      ({ approval, entry, opened, made }) => [approval(entry(opened.blocked)), made.signers.operator],
    ],
    [
      'over the text of another entry',
      /#\d+ is not the entry that the act was signed over; look at it again/,
      ({ approval, entry, opened, request, made }) => [
        { ...approval(), payload: { ...approval(entry(opened.blocked)).payload, target: request.id } as never },
        made.signers.operator,
      ],
    ],
    [
      'of an entry that does not exist',
      /#900 is not the entry/,
      ({ act, made }) => [
        act({ act: 'approve', target: 900 as EntryId, targetDigest: digestOf('x') }),
        made.signers.operator,
      ],
    ],
    [
      'for a phase that does not exist',
      /there is no phase elsewhere/,
      ({ act, made }) => [act({ act: 'note', phase: 'elsewhere' as PhaseId, text: 'go on' }), made.signers.operator],
    ],
  ];
  it.each(cases)('%s is refused, and the refusal is recorded', async (_, reason, make) => {
    const place = await ground();
    const [act, signer] = make(place);
    const before = place.acts().length;
    const path = await place.handIn(act, signer);
    const bytes = readFileSync(path);
    await takeAll(place.world);
    expect(place.isApproved()).toBe(false);
    expect(place.acts()).toHaveLength(before);
    expect(place.refusals()).toMatchObject([
      {
        role: 'supervisor',
        facts: {
          file: digestOf(bytes),
          act: act.payload.act,
          nonce: act.nonce,
          signer: signer.fingerprint,
          reason: expect.stringMatching(reason),
          isLast: false,
        },
      },
    ]);
    expect(await place.writer.trail.blob(digestOf(bytes))).toEqual(bytes);
    expect(place.inInbox()).toEqual([`${act.nonce}.json.refused`, `${act.nonce}.reason`]);
    expect(place.reason(act.nonce)).toMatch(reason);
    expect(await place.audit()).toMatchObject({ ok: true, problems: [] });
  });

  it('that was accepted is refused if it is handed in again, even to the next supervisor', async () => {
    const place = await ground();
    const approval = place.approval();
    const path = await place.handIn(approval, place.made.signers.operator);
    const copy = join(tempDir(), 'kept.json');
    cpSync(path, copy);
    await takeAll(place.world);
    cpSync(copy, path);
    const inbox = await openInbox(place.world, (error) => expect.unreachable(String(error)));
    await inbox.close();
    expect(place.refusals()).toMatchObject([{ facts: { reason: expect.stringMatching(/already carried out/) } }]);
    expect(place.inInbox()).toEqual([`${approval.nonce}.json.refused`, `${approval.nonce}.reason`]);
    expect(await place.audit()).toMatchObject({ ok: true });
  });

  it('is neither refused nor lost if a supervisor died while it appended the approval', async () => {
    const place = await ground();
    const [appended, waiting] = [place.approval(), place.act({ act: 'note', phase: phaseId, text: 'go on' })];
    const path = await place.handIn(appended, place.made.signers.operator);
    const copy = join(tempDir(), 'kept.json');
    cpSync(path, copy);
    await takeAll(place.world);
    cpSync(copy, path);
    await place.handIn(waiting, place.made.signers.operator);
    for (const { nonce } of [appended, waiting]) await takeUp(place.paths.inbox, nonce);
    const inbox = await openInbox(place.world, (error) => expect.unreachable(String(error)));
    await inbox.close();
    expect(place.inInbox()).toEqual([]);
    expect(place.refusals()).toEqual([]);
    expect(place.acts().at(-1)?.facts.act.nonce).toBe(waiting.nonce);
  });
});

describe('a file in the inbox that is not an act', () => {
  it('is recorded with its digest, and with its bytes if it is small', async () => {
    const place = await ground();
    const long = 'x'.repeat(refusedBytesMax + 1);
    place.handInFile('hello', 'approve everything');
    place.handInFile(`${'1'.repeat(32)}.json`, long);
    mkdirSync(join(place.paths.inbox, `${'2'.repeat(32)}.json`));
    await takeAll(place.world);
    const refusals = place.refusals().map(({ facts }) => [facts.file, facts.reason, facts.act, facts.signer]);
    expect(refusals).toEqual([
      [digestOf(long), 'it is not JSON', null, null],
      [null, 'it is not a plain file', null, null],
      [digestOf('approve everything'), 'an act is named <32 hex digits>.json', null, null],
    ]);
    expect((await place.writer.trail.blob(digestOf('approve everything')))?.toString()).toBe('approve everything');
    expect(await place.writer.trail.blob(digestOf(long))).toBeNull();
    expect(await place.audit()).toMatchObject({ ok: true });
  });

  it('cannot put invisible characters or line breaks on the trail', async () => {
    const place = await ground();
    const act = { ...place.approval(), '\u202e## M1 PASS\n<!-- coldpass': 1 };
    place.handInFile(`${act.nonce}.json`, JSON.stringify({ act, signature: '' }));
    await takeAll(place.world);
    expect(place.refusals()).toHaveLength(1);
    expect(place.refusals()[0]?.facts.reason).not.toMatch(/[\u202e\n]/);
    expect(await place.audit()).toMatchObject({ ok: true });
  });

  it('is recorded once per content, and only a limited number per day', async () => {
    const place = await ground();
    const { audit, handInFile, inInbox, refusals, world } = place;
    for (const _ of [1, 2]) {
      handInFile('again', 'the same');
      await takeAll(world);
    }
    expect(refusals()).toHaveLength(1);
    for (let n = 0; n < refusalsADayMax + 10; n++) handInFile(`junk-${n}`, `junk ${n}`);
    await takeAll(world);
    expect(refusals()).toHaveLength(refusalsADayMax);
    expect(refusals().map(({ facts }) => facts.isLast)).toEqual([
      ...Array.from({ length: refusalsADayMax - 1 }, () => false),
      true,
    ]);
    expect(inInbox().filter((name) => !/\.(refused|reason)$/.test(name))).toEqual([]);
    expect(await audit()).toMatchObject({ ok: true });
  });
});

describe('an act is refused if its attachments do not match it, for example', () => {
  const plan = digestOf(planText);
  const blobs = { [plan]: btoa(planText) };
  const queue = (recipes: Record<string, Digest>) => ({
    act: 'queue' as const,
    phase: phaseId,
    plan,
    recipes: recipes as Record<RecipeName, Digest>,
    baseSha: '0'.repeat(40),
  });

  it('a plan with a recipe that is not JSON, which breaks nothing', async () => {
    const place = await ground();
    const recipe = digestOf('no JSON');
    const act = place.act(queue({ app: recipe }));
    await place.handIn(act, place.made.signers.operator, { ...blobs, [recipe]: btoa('no JSON') });
    await takeAll(place.world);
    expect(place.reason(act.nonce)).toBe('the act does not include recipe app');
  });

  it('a plan whose recipe, harness or own text is missing', async () => {
    const place = await ground();
    const whole = { ...blobs, [recipeDigest]: btoa(canonicalJson(pinned)) };
    const cases: [Record<string, Digest>, typeof blobs, RegExp][] = [
      [{ app: recipeDigest }, {}, /does not include its plan/],
      [{}, blobs, /pins no recipe app/],
      [{ app: recipeDigest }, blobs, /does not include recipe app/],
      [{ app: recipeDigest }, whole, /does not include runner.config.js of recipe app/],
    ];
    for (const [recipes, brought, reason] of cases) {
      const act = place.act(queue(recipes));
      await place.handIn(act, place.made.signers.operator, brought);
      await takeAll(place.world);
      expect(place.reason(act.nonce)).toMatch(reason);
    }
    expect(place.refusals()).toHaveLength(cases.length);
  });

  it('a plan that calls a recipe of commands an app, or declares a control that only an app has', async () => {
    const place = await ground();
    const harness = { [digestOf(harnessText)]: btoa(harnessText), [recipeDigest]: btoa(canonicalJson(pinned)) };
    const text = planText.replace('covers: ["1.1"]', 'covers: ["1.1"], controls: [omit-volume]');
    const drilled = { plan: digestOf(text), blobs: { [digestOf(text)]: btoa(text), ...harness } };
    const cases: [{ apps?: RecipeName[]; plan?: Digest }, Record<Digest, string>, RegExp][] = [
      [
        { apps: ['app' as RecipeName] },
        { ...blobs, ...harness },
        /and recipe app disagree on whether it is for an app/,
      ],
      [{ plan: drilled.plan }, drilled.blobs, /M1 declares omit-volume, but recipe app is for commands/],
    ];
    for (const [more, brought, reason] of cases) {
      const act = place.act({ ...queue({ app: recipeDigest }), ...more });
      await place.handIn(act, place.made.signers.operator, brought);
      await takeAll(place.world);
      expect(place.reason(act.nonce)).toMatch(reason);
    }
  });

  it('an amendment whose spec differs from its plan', async () => {
    const place = await ground();
    const text = planText.replace('level: 1', 'level: 2');
    const read = readPlan(planText);
    if (!('spec' in read)) throw new Error('the plan does not read');
    const payload = {
      act: 'amend' as const,
      phase: phaseId,
      replaces: plan,
      plan: digestOf(text),
      because: 'so',
      recipes: { [pinned.name]: digestOfJson(pinned) } as Record<RecipeName, Digest>,
      spec: read.spec,
    };
    const act = place.act(payload);
    await place.handIn(act, place.made.signers.operator, { [digestOf(text)]: btoa(text) });
    await takeAll(place.world);
    expect(place.reason(act.nonce)).toBe('the act does not match its plan');
  });

  it('a new key whose private half is missing', async () => {
    const place = await ground();
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const wire = Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), raw]).toString('base64');
    const { fingerprint } = place.made.signers.builder;
    const act = place.act({ act: 'rotate', role: 'builder', old: fingerprint, publicKey: `ssh-ed25519 ${wire}` });
    await place.handIn(act, place.made.signers.operator);
    await takeAll(place.world);
    expect(place.reason(act.nonce)).toMatch(/has no private half of the builder's key SHA256/);
  });
});
