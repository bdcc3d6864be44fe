import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ActDecision, decideAct, momentOf } from '../../../operator/acts/act.ts';
import { here } from '../../../operator/workspace/here.ts';
import type { Act } from '../../../state/entry/act.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Entry } from '../../../state/entry/entry.ts';
import { renderEntry } from '../../../state/entry/framing.ts';
import { loadSigner } from '../../../state/keys/keys.ts';
import { signAct, targetDigestOf } from '../../../state/trail/acts.ts';
import { openHub } from '../../../state/trail/hub.ts';
import { dropAct } from '../../../state/trail/inboxFolder.ts';
import { readTrail, withTrail } from '../../../state/trail/read.ts';
import { describeBoxed } from '../../support/box.ts';
import { type Ground, scripted, workspace } from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';

const idle = `
roles:
  builder: [{ name: idle, turns: [{ say: I have no idea. }] }]
  adversary: [{ name: idle, turns: [{ say: Nor have I. }] }]
`;
const asking = `
roles:
  builder:
    - name: asks, then stalls
      turns:
        - call: [{ tool: blocked, input: { action: Say which answer, verify: It is written in the plan., blocks: [M1], words: The plan is silent. } }]
        - { say: never heard, fault: stall }
  adversary: [{ name: idle, turns: [{ say: It is untestable. }] }]
`;

async function planned(): Promise<Ground> {
  const place = await workspace();
  writeFileSync(join(place.repo, 'plan.md'), planText);
  return place;
}

/** Approves as an agent could if it got hold of its role's key and could write to the inbox. */
async function approveAsBuilder(place: Ground, id: number): Promise<void> {
  const hub = join(place.state, 'hub.git');
  const { root } = await openHub(hub);
  const entry = await withTrail(hub, ({ entries }) => entries[id - 1] as Entry);
  const payload = { act: 'approve' as const, target: entry.id, targetDigest: targetDigestOf(entry) };
  const [at, expires] = [Date.now(), Date.now() + 60_000].map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`);
  const act = { v: 1, workspace: 'sample', root, nonce: 'a'.repeat(32), at, expires, payload } as Act;
  await dropAct(join(place.state, 'inbox'), signAct(act, loadSigner(join(place.state, 'keys', 'builder'))));
}

const acts = (place: Ground) => readdirSync(join(place.state, 'inbox')).filter((name) => name.endsWith('.json'));

describe('the date on which a waiver expires', () => {
  const now = new Date('2026-06-11T20:58:03Z');

  it.each([
    ['2026-06-12', '2026-06-12T23:59:59Z'],
    ['2026-07-01T08:00:00Z', '2026-07-01T08:00:00Z'],
    ['12h', '2026-06-12T08:58:03Z'],
    ['3d', '2026-06-14T20:58:03Z'],
  ])('may be given as %s', (text, moment) => {
    expect(momentOf(text, now)).toBe(Date.parse(moment));
  });

  it.each(['2026-06-10', 'tomorrow', '5', '', '3x'])('is refused if given as %j', (text) => {
    expect(() => momentOf(text, now)).toThrow(/is not a date|is in the past/);
  });
});

describeBoxed("the operator's acts", () => {
  it('are checked, signed and kept until a supervisor starts, which then acts on them', async () => {
    const place = await planned();
    const { type } = place;
    const nothing = await type(['resume']);
    expect(nothing).toMatchObject({ exit: 2, out: '' });
    expect(nothing.err).toMatch(/no phase is open or parked/);

    const env = await scripted(idle);
    expect((await type(['run', 'plan.md'], env)).exit).toBe(3);

    const slips: [string[], RegExp][] = [
      [['approve', '1'], /there is no entry #1 in phase answer/],
      [['approve', '2'], /approve: #2 is not an open request of the Builder/],
      [['refuse', '2'], /refuse: give a reason with --because/],
      [['waive', 'M1', 'claim', '--until', '3d', '--because', 'x'], /"claim" is not a condition that you can waive/],
      [['waive', 'M9', 'runs', '--until', '3d', '--because', 'x'], /has no gate M9; its gates are: M1, DONE/],
      [['waive', 'M1', 'runs', '--because', 'x'], /required option '--until <date>'/],
    ];
    for (const [args, pattern] of slips) {
      const result = await type(args);
      expect(result.err).toMatch(pattern);
      expect(result).toMatchObject({ exit: 2, out: '' });
    }
    expect(acts(place)).toEqual([]);

    const note = await type(['note', 'The answer is in the plan.']);
    expect(note.out).toMatch(
      /signed {2}note: The answer .*; waits in the inbox for the next `coldpass run`, as no supervisor is running/,
    );
    expect(note.exit).toBe(0);
    expect(acts(place)).toHaveLength(1);
    expect((await type(['inbox'])).out).toMatch(/signed +note: The answer is in the plan\. .*not accepted yet/);
    expect((await type(['drop', '--because', 'enough'])).exit).toBe(0);

    const ended = await type(['run', 'plan.md'], env);
    expect(ended.out).toMatch(/you: drop answer: enough/);
    expect(ended.out).toMatch(/ABANDONED {2}phase answer was dropped/);
    expect(ended.exit).toBe(1);
    expect(acts(place)).toEqual([]);
    expect((await type(['audit'])).exit).toBe(0);
  }, 300_000);

  it("amend a phase's plan, and replace the keys of roles and of the operator", async () => {
    const place = await planned();
    const { type } = place;
    const write = (name: string, text: string) => writeFileSync(join(place.repo, name), text);
    write('other.md', planText.replace('phase: answer', 'phase: other'));
    write('elsewhere.md', planText.replace('base: main', 'base: elsewhere'));
    write('broken.md', planText.replace('["2.1"]', '["9.9"]'));
    write('twice.md', planText.replace('["2.1"] }', '["2.1"], times: 2 }').replace('claims: 4', 'claims: 9'));
    const env = await scripted(idle);
    expect((await type(['run', 'plan.md'], env)).exit).toBe(3);

    expect((await type(['amend', 'answer', '--because', 'so'])).err).toMatch(/required option '--plan <file>'/);
    const where = { dir: place.repo, env: place.env, home: place.dir, uid: process.getuid?.() ?? -1 };
    const options = { ...where, place: await here({ ...where, stateDir: place.state }), now: new Date() };
    const amend = (plan: string, phase = 'answer') => ({ act: 'amend' as const, phase, plan, because: 'so' });
    const slips: [ActDecision, RegExp][] = [
      [{ act: 'amend', phase: 'answer', plan: 'twice.md' }, /amend: give a reason with --because/],
      [amend('twice.md', 'nothing'), /there is no phase nothing/],
      [amend('other.md'), /amend: the plan is that of phase other/],
      [amend('elsewhere.md'), /amend: the base of answer is main and stays so/],
      [amend('broken.md'), /broken.md:\d+: gates.M1.covers names 9.9/],
      [amend('plan.md'), /amend: it changes nothing/],
      [{ act: 'rotate', role: 'nobody' }, /there is no role nobody; the roles are: supervisor/],
      [{ act: 'rotate', role: 'builder', key: 'x' }, /--key is only for your own key .*, not for the builder's/],
      [{ act: 'rotate', role: 'operator', key: 'nowhere' }, /there is no key file .*nowhere/],
      [
        { act: 'rotate', role: 'operator', key: join(place.state, 'keys', 'builder') },
        /that key is or was the builder's/,
      ],
    ];
    for (const [decision, pattern] of slips) await expect(decideAct(decision, options)).rejects.toThrow(pattern);
    expect(acts(place)).toEqual([]);

    const amended = await type(['amend', 'answer', '--plan', 'twice.md', '--because', 'so']);
    expect(amended.out).toMatch(
      /^signed {2}amend the plan of answer \([0-9a-f]{12}\): so; judged again: M1 and DONE; waits/,
    );
    for (const role of ['builder', 'supervisor', 'operator']) {
      const report = JSON.parse((await type(['rotate', role, '--json'])).out);
      expect(report).toMatchObject({ exit: 0, words: expect.stringMatching(`^rotate the ${role}'s key; SHA256:`) });
    }
    expect((await type(['rotate', 'operator'])).err).toMatch(/another new key of yours already waits for a supervisor/);
    await type(['drop', '--because', 'enough']);

    const early = await type(['run', 'twice.md'], env);
    expect(early).toMatchObject({ exit: 2, err: expect.stringMatching(/coldpass amend answer --plan twice.md/) });
    const ended = await type(['run', 'plan.md'], env);
    expect(ended.out).toMatch(/ABANDONED {2}phase answer was dropped/);
    expect(readdirSync(join(place.state, 'inbox'))).toEqual([]);
    expect((await type(['audit'])).exit).toBe(0);
    expect((await type(['init'])).exit).toBe(0);
    const workspace = JSON.parse(readFileSync(join(place.state, 'workspace.json'), 'utf8'));
    expect(workspace.operator).toEqual({
      publicKey: expect.any(String),
      key: { in: 'file', path: expect.stringMatching(/operator_ed25519\.[0-9a-f]{8}$/) },
    });
  }, 300_000);

  it('are accepted at once by a running supervisor; Ctrl-C stops it, and a second supervisor is refused', async () => {
    const place = await planned();
    const { type } = place;
    const env = await scripted(asking);
    const running = place.start(['run', 'plan.md'], env);
    await running.until(/BLOCKED M1 Say which answer/);

    const second = await type(['run', 'plan.md'], env);
    expect(second.err).toMatch(/process \d+ is already running this workspace/);
    expect(second.exit).toBe(1);
    expect(JSON.parse((await type(['status', '--json'])).out).supervisor).toBe(running.child.pid);

    const request = JSON.parse((await type(['trail', '--kind', 'blocked', '--json'])).out).entries[0];
    await approveAsBuilder(place, request.id);
    await running.until(/REFUSED approve: its key SHA256:\S+ is the builder's, not the operator's/);
    const result = await type(['approve', String(request.id), '--because', 'it is 42']);
    expect(result.out).toBe(`signed  approve #${request.id}; now on the trail\n`);
    expect(result.exit).toBe(0);

    running.child.kill('SIGINT');
    const end = await running.done;
    expect(end.err).toMatch(/stopping; press Ctrl-C again to quit now/);
    expect(end.out).toMatch(/STOPPED {2}phase answer is not finished; .*: coldpass run\n$/);
    expect(end.exit).toBe(4);

    const trail = await readTrail(join(place.state, 'hub.git'));
    trail.close();
    const act = trail.entries.findLast((entry) => entry.kind === 'act');
    const target = trail.entries[request.id - 1];
    expect(act?.facts.act.payload).toMatchObject({
      act: 'approve',
      targetDigest: digestOf(renderEntry(target as never)),
    });
    expect(readFileSync(join(place.state, 'log.jsonl'), 'utf8')).not.toBe('');
  }, 300_000);
});
