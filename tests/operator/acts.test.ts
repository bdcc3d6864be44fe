import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { momentOf } from '../../operator/act.ts';
import { digestOf } from '../../state/digest.ts';
import { renderEntry } from '../../state/framing.ts';
import { readTrail } from '../../state/readTrail.ts';
import { describeBoxed } from '../support/box.ts';
import { type Ground, scripted, workspace } from '../support/cli.ts';
import { planText } from '../support/cliPlan.ts';

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

const acts = (place: Ground) => readdirSync(join(place.state, 'inbox')).filter((name) => name.endsWith('.json'));

describe('the time until which a waiver counts', () => {
  const now = new Date('2026-06-11T20:58:03Z');

  it.each([
    ['2026-06-12', '2026-06-12T23:59:59Z'],
    ['2026-07-01T08:00:00Z', '2026-07-01T08:00:00Z'],
    ['12h', '2026-06-12T08:58:03Z'],
    ['3d', '2026-06-14T20:58:03Z'],
  ])('reads %s', (text, moment) => {
    expect(momentOf(text, now)).toBe(Date.parse(moment));
  });

  it.each(['2026-06-10', 'tomorrow', '5', '', '3x'])('refuses %j', (text) => {
    expect(() => momentOf(text, now)).toThrow(/is no date|has passed already/);
  });
});

describeBoxed("the operator's acts", () => {
  it('are checked, signed, kept until a supervisor comes, and then move the phase', async () => {
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
      [['refuse', '2'], /refuse: say why with --because/],
      [['waive', 'M1', 'claim', '--until', '3d', '--because', 'x'], /"claim" is no condition that can be waived/],
      [['waive', 'M9', 'runs', '--until', '3d', '--because', 'x'], /has no gate M9; those there are: M1, DONE/],
      [['waive', 'M1', 'runs', '--because', 'x'], /required option '--until <date>'/],
    ];
    for (const [args, pattern] of slips) {
      const said = await type(args);
      expect(said.err).toMatch(pattern);
      expect(said).toMatchObject({ exit: 2, out: '' });
    }
    expect(acts(place)).toEqual([]);

    const note = await type(['note', 'The answer is in the plan.']);
    expect(note.out).toMatch(/signed {2}notes: The answer .*; it waits in the inbox, and no supervisor runs/);
    expect(note.exit).toBe(0);
    expect(acts(place)).toHaveLength(1);
    expect((await type(['inbox'])).out).toMatch(/signed +notes: The answer is in the plan\. .*not yet taken up/);
    expect((await type(['drop', '--because', 'enough'])).exit).toBe(0);

    const ended = await type(['run', 'plan.md'], env);
    expect(ended.out).toMatch(/operator: drops answer: enough/);
    expect(ended.out).toMatch(/ABANDONED {2}phase answer was dropped/);
    expect(ended.exit).toBe(1);
    expect(acts(place)).toEqual([]);
    expect((await type(['audit'])).exit).toBe(0);
  }, 90_000);

  it('are taken up at once by a supervisor that runs, which a second one cannot join and Ctrl-C stops', async () => {
    const place = await planned();
    const { type } = place;
    const env = await scripted(asking);
    const running = place.start(['run', 'plan.md'], env);
    await running.until(/BLOCKED M1 Say which answer/);

    const second = await type(['run', 'plan.md'], env);
    expect(second.err).toMatch(/process \d+ runs this workspace already/);
    expect(second.exit).toBe(1);
    expect(JSON.parse((await type(['status', '--json'])).out).supervisor).toBe(running.child.pid);

    const asked = JSON.parse((await type(['trail', '--kind', 'blocked', '--json'])).out).entries[0];
    const said = await type(['approve', String(asked.id), '--because', 'it is 42']);
    expect(said.out).toBe(`signed  approves #${asked.id}; it is on the trail\n`);
    expect(said.exit).toBe(0);

    running.child.kill('SIGINT');
    const end = await running.done;
    expect(end.err).toMatch(/stopping; once more ends it at once/);
    expect(end.out).toMatch(/STOPPED {2}phase answer is not at its end; .*: coldpass run\n$/);
    expect(end.exit).toBe(4);

    const trail = await readTrail(join(place.state, 'hub.git'));
    trail.close();
    const act = trail.entries.findLast((entry) => entry.kind === 'act');
    const target = trail.entries[asked.id - 1];
    expect(act?.facts.act.payload).toMatchObject({
      act: 'approve',
      targetDigest: digestOf(renderEntry(target as never)),
    });
    expect(readFileSync(join(place.state, 'log.jsonl'), 'utf8')).not.toBe('');
  }, 90_000);
});
