// When the loop checks the command of a trigger, what it proposes once the trigger has fired, and how it parks for a
// dispute and resumes on the operator's answer. Only the reducer runs, on entries.

import { describe, expect, it } from 'vitest';
import { decide } from '../../../loop/decide/decide.ts';
import { begin, type Command, type LoopState, loopLimits } from '../../../loop/decide/state.ts';
import type { Facts, Trigger } from '../../../state/entry/entry.ts';
import type { EntryId } from '../../../state/entry/ids.ts';
import { tell, zero } from '../../support/phase/life.ts';

const command: Trigger = { kind: 'command', run: 'sh ready.sh' };
const hourMs = 3_600_000;

type Story = ReturnType<typeof tell>;

function putOff(story: Story, trigger: Trigger, name = 'docs'): EntryId {
  const facts = { session: story.awake('builder'), name, title: 't', trigger, clauses: [] };
  return story.submit(story.say('builder', { kind: 'deferral', facts }));
}

/** Returns the first commands of a process that starts now. */
function firstCommands(story: Story, since = begin(story.trail(), story.now())): Command[] {
  return commandsOf({ ...since, trail: story.trail(), nowMs: story.now() });
}

function commandsOf(state: LoopState): Command[] {
  return decide(state, { kind: 'started', atMs: state.nowMs }).commands.filter((one) => one.kind !== 'cancel');
}

function keysOf(commands: Command[], pattern: RegExp): string[] {
  return commands.map(({ key }) => key).filter((key) => pattern.test(key));
}

const looks = (commands: Command[]) => keysOf(commands, /^look:/);
const appends = (commands: Command[]) => commands.flatMap((one) => (one.kind === 'append' ? [one.intent.facts] : []));

describe('a command that triggers a deferral', () => {
  it('is checked when the work is deferred, and then at intervals while work continues', () => {
    const story = tell();
    const process = begin(story.trail(), story.now());
    expect(looks(firstCommands(story, process))).toEqual([]);
    const id = putOff(story, command);
    expect(looks(firstCommands(story, process))).toEqual([`look:${id}`]);
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'FAIL' });
    const at = story.now() + loopLimits.lookEveryMs;
    expect(looks(firstCommands(story, process))).toEqual([]);
    expect(keysOf(firstCommands(story, process), /^timer:look/)).toEqual([`timer:look:${id}:${at}`]);
    story.wait(loopLimits.lookEveryMs);
    expect(looks(firstCommands(story, process))).toEqual([`look:${id}`]);
  });

  it('is checked once by each process, when the process starts', () => {
    const story = tell();
    const id = putOff(story, command);
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'FAIL' });
    const process = begin(story.trail(), story.now());
    expect(looks(firstCommands(story, process))).toEqual([`look:${id}`]);
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'INFRA' });
    expect(looks(firstCommands(story, process))).toEqual([]);
  });

  it('is checked when its phase is over, but no timer keeps the process alive without a phase', () => {
    const story = tell();
    const id = putOff(story, command);
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'FAIL' });
    const process = begin(story.trail(), story.now());
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'FAIL' });
    story.sleep('builder');
    const act = story.submit(story.act({ act: 'drop', phase: story.phaseId, because: 'enough' }));
    story.submit(story.say('supervisor', { kind: 'phase', facts: { event: 'abandoned', act } }));
    expect(firstCommands(story, process).map(({ key }) => key)).toEqual([`look:${id}`]);
    story.ran({ kind: 'trigger', deferral: id }, { outcome: 'FAIL' });
    expect(firstCommands(story, process)).toEqual([]);
  });

  it('is proposed once it is green, then not checked again until the operator has answered', () => {
    const story = tell();
    const id = putOff(story, command);
    const run = story.ran({ kind: 'trigger', deferral: id }, { outcome: 'PASS' });
    story.sleep('builder');
    const facts: Facts<'reentry'> = {
      deferral: id,
      edge: 1,
      why: 'its command has turned green',
      run: story.phase().runs.find((one) => one.id === run)?.run ?? null,
    };
    expect(appends(firstCommands(story))).toEqual([facts]);
    const target = story.submit(story.say('supervisor', { kind: 'reentry', facts }));
    story.wait(hourMs);
    expect([...appends(firstCommands(story)), ...looks(firstCommands(story))]).toEqual([]);
    story.submit(story.act({ act: 'refuse', target, targetDigest: zero, because: 'not now' }));
    expect(looks(firstCommands(story))).toEqual([`look:${id}`]);
  });
});

describe('a date that triggers a deferral', () => {
  it('sets a timer, and leads to a proposal once the date has passed, even if that was before a start', () => {
    const story = tell();
    const at = `${new Date(story.now() + hourMs).toISOString().slice(0, 19)}Z`;
    const id = putOff(story, { kind: 'date', at });
    story.sleep('builder');
    expect(keysOf(firstCommands(story), /^timer:date|^reentry/)).toEqual([`timer:date:${id}:${Date.parse(at)}`]);
    story.wait(hourMs);
    expect(keysOf(firstCommands(story), /^timer:date|^reentry/)).toEqual([`reentry:${id}:1`]);
  });
});

describe('a disputed finding', () => {
  it('parks the phase with what both sides say, and only an answer about this finding resumes the phase', () => {
    const story = tell();
    const filed = { ...story.finding('M1', null), body: 'Two and two make five there.' };
    const finding = story.submit(filed);
    story.submit(story.claimed('M1', 1));
    const claim = story.submit(story.claimed('M1', 2));
    const blocks = { action: 'a', verify: 'v', blocks: ['M1'], options: [], disputes: finding };
    const facts = { session: story.awake('builder'), ...blocks };
    const dispute = story.submit(story.say('builder', { kind: 'blocked', facts, body: 'They make four.' }));
    story.sleep('builder');
    story.sleep('adversary');
    const [parked] = appends(firstCommands(story)) as Facts<'phase'>[];
    expect(parked).toMatchObject({ event: 'parked', reason: 'dispute', about: dispute });
    expect(parked).toMatchObject({ why: expect.stringMatching(/Two and two make five there\..*They make four\./) });
    story.submit(story.say('supervisor', { kind: 'phase', facts: parked as Facts<'phase'> }));
    expect(firstCommands(story)).toEqual([]);
    const because = 'he is right';
    const lift = story.submit(story.act({ act: 'lift', target: finding, targetDigest: zero, because }));
    expect(appends(firstCommands(story))).toEqual([{ event: 'resumed', act: lift }]);
    story.submit(story.say('supervisor', { kind: 'phase', facts: { event: 'resumed', act: lift } }));
    expect(keysOf(firstCommands(story), /^run:gate/)).toEqual([`run:gate:${claim}:M1:1`]);
  });
});
