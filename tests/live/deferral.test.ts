// Work that is deferred and comes back, in the real loop. One item has a command as its trigger, one a date: the
// operator approves the first, with a plan, and refuses the second. The phase that this plan queues is not DONE until
// an entry closes the deferral.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../agents/model/clock.ts';
import type { Entry, EntryOf } from '../../state/entry/entry.ts';
import { describeBoxed } from '../support/box.ts';
import {
  adder,
  auditOf,
  calls,
  claimOf,
  committed,
  decided,
  layGround,
  type Played,
  play,
  scriptOf,
  wake,
} from '../support/phase/live.ts';

const hourMs = 3_600_000;
const oneGate = readFileSync(join(adder, 'plan-one.md'), 'utf8');
const planOfDocs = oneGate.replace('phase: adder', 'phase: docs');
const testsOfAdd = `echo '[ "$(sh add.sh 2 3)" = 5 ]' > tests/add.test.sh`;
const sound = `${testsOfAdd}\necho '[ $# -eq 2 ] || exit 2; echo $(($1 + $2))' > add.sh`;
const more = `echo '[ "$(sh add.sh 4 3)" = 7 ]' > tests/more.test.sh; echo 'echo $(($1 + $2)); [ $# -eq 2 ]' > add.sh`;
const wait = calls('wait', { why: 'nothing is left to do now' });
const seen = { seen: { from: 'shell', match: '\\[call (\\d+)\\]' } };
const judged = { claim: 'judge: claim #(\\d+) of ', run: '^- (r-[0-9a-f]{12}) \\(gate M1 for claim' };
const holding = { sha: '^- M1: holds · claim #\\d+ at ([0-9a-f]{40})' };

describeBoxed('deferred work', () => {
  test('comes back when its trigger fires and you approve it, and is closed before DONE', async () => {
    const ground = await layGround({ plan: oneGate });
    const later = `${new Date(Date.now() + hourMs).toISOString().slice(0, 19)}Z`;
    const first = await play(ground, putOffStory(later));
    expect(first.end).toMatchObject({ status: 'done', exit: 0 });
    expect(first.said('defer')).toEqual([
      expect.stringMatching(/^refused: M1 covers 2\.1, and what a gate covers cannot be put off/),
      expect.stringMatching(/^#\d+: it is on the trail/),
      expect.stringMatching(/^refused: #\d+ is an open deferral of that name/),
      expect.stringMatching(/^#\d+: it is on the trail/),
    ]);
    const looks = first.of('run').filter(({ facts }) => facts.purpose.kind === 'trigger');
    expect(looks.map(({ facts }) => facts.outcome)).toEqual(['FAIL', 'PASS']);
    expect(looks[1]?.facts.shas.main).toBe(first.end.sha);
    const [docs] = first.of('reentry');
    expect(docs?.facts).toMatchObject({ edge: 1, run: looks[1]?.facts.run, why: 'its command has turned green' });
    expect(first.end.inbox.map(({ kind, id }) => [kind, id])).toEqual([
      ['reentry', docs?.id],
      ['deferral', first.of('deferral')[1]?.id],
    ]);

    writeFileSync(join(ground.dir, 'docs.md'), planOfDocs);
    const id = String(docs?.id);
    await expect(decided(ground, { act: 'approve', id })).rejects.toThrow(/name the plan that does it/);
    expect(await decided(ground, { act: 'approve', id, plan: 'docs.md' })).toMatchObject({ exit: 0 });
    const second = await play(ground, takenUpStory(docs?.facts.deferral), {}, { plan: null, clock: ahead(2 * hourMs) });
    expect(second.end).toMatchObject({ status: 'done', exit: 0, phase: 'docs' });
    expect(second.said('hand_off').at(-2)).toMatch(/^refused: "docs" is to be closed before DONE holds/);
    const parked = ['queue', 'deferral', 'deferral', 'M1', 'DONE', 'done', 'reentry'];
    const takenUp = ['queue', 'reentry', 'M1', 'close', 'DONE', 'done'];
    expect(orderOf(second)).toEqual([...parked, ...takenUp]);

    const dated = second.of('reentry')[1] as EntryOf<'reentry'>;
    expect(dated.facts).toMatchObject({ deferral: second.of('deferral')[1]?.id, edge: 1, run: null });
    expect(second.end.inbox).toMatchObject([{ kind: 'reentry', id: dated.id }]);
    await decided(ground, { act: 'refuse', id: String(dated.id), because: 'nobody asks for it' });
    const third = await play(ground, scriptOf({}), {}, { plan: null, clock: ahead(3 * hourMs) });
    expect(third.end).toMatchObject({ status: 'idle', exit: 0, inbox: [{ kind: 'deferral' }] });
    expect(third.of('reentry')).toHaveLength(2);
    expect(await auditOf(ground.paths)).toMatchObject({ ok: true, problems: [] });
  }, 300_000);
});

/** A script that defers two items, tries to defer work that a gate covers, and brings the phase to DONE. */
function putOffStory(later: string) {
  const words = 'Nobody needs it yet.';
  const docs = {
    name: 'docs',
    title: 'Describe it',
    words,
    trigger: { kind: 'command', run: 'sh add.sh 2 3 | grep -q 5' },
  };
  const dated = { name: 'speed', title: 'Make it fast', words, trigger: { kind: 'date', at: later } };
  const puttingOff = [
    calls('defer', { ...docs, clauses: ['2.1'] }),
    calls('defer', docs),
    calls('defer', docs),
    calls('defer', dated),
  ];
  return scriptOf({
    builder: [
      wake('^- M1: unclaimed', [...puttingOff, ...committed('sha', sound), claimOf('M1', '{{ sha }}'), wait]),
      wake('^- M1: holds', [calls('hand_off', { sha: '{{ sha }}', summary: 'It adds.' })], holding),
    ],
    adversary: judging(),
  });
}

/** A script that does the work of the phase, and hands it off before and after closing the deferral. */
function takenUpStory(deferral?: number) {
  const handOff = calls('hand_off', { sha: '{{ sha }}', summary: 'It is described.' });
  const close = calls('close', { target: deferral, as: 'done', words: 'It is described now.' });
  return scriptOf({
    builder: [
      wake('^- M1: unclaimed', [...committed('sha', more), claimOf('M1', '{{ sha }}'), wait]),
      wake('^- M1: holds', [handOff, close, handOff], holding),
    ],
    adversary: judging(),
  });
}

function judging(): unknown[] {
  const see = calls('shell', { command: 'git rev-parse HEAD; sh add.sh 2 3' }, seen);
  const passing = (...clauses: string[]) => {
    const cites = [{ call: '{{ seen:number }}' }, { run: '{{ run }}' }];
    const checks = clauses.map((clause) => ({ clause, saw: 'it printed 5', cites }));
    return calls('verdict', { claim: '{{ claim:number }}', verdict: 'PASS', words: 'I have looked at it.', checks });
  };
  return [
    wake('^Woken: judge: claim #\\d+ of M1', [see, passing('2.1')], judged),
    wake('^Woken: judge: claim #\\d+ of DONE', [see, passing('2.1', 'DoD.1')], judged),
  ];
}

/** Returns the system's clock, set `ms` ahead. */
function ahead(ms: number): Clock {
  const clock = systemClock();
  return { ...clock, nowMs: () => clock.nowMs() + ms, after: (wait, fire) => clock.after(wait, fire) };
}

/** Returns the events of deferrals and phases, in order. */
function orderOf({ entries }: Played): string[] {
  return entries.flatMap((entry) => milestoneOf(entry) ?? []);
}

function milestoneOf(entry: Entry): string | null {
  switch (entry.kind) {
    case 'deferral':
    case 'reentry':
    case 'close':
      return entry.kind;
    case 'act':
      return entry.facts.act.payload.act;
    case 'claim':
      return entry.facts.gate;
    case 'phase':
      return entry.facts.event === 'done' ? 'done' : null;
    default:
      return null;
  }
}
