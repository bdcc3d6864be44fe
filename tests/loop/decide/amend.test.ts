// An amendment while the loop keeps running: a session that judges by the old plan is stopped, the runs that the new
// plan requires start, and the new budget applies from then on.

import { describe, expect, it } from 'vitest';
import { decide } from '../../../loop/decide/decide.ts';
import { parkReasonOf } from '../../../loop/decide/park.ts';
import { begin, type Cancel, type Command, type LoopState } from '../../../loop/decide/state.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Entry } from '../../../state/entry/entry.ts';
import type { GateId } from '../../../state/entry/ids.ts';
import { phaseAt } from '../../../state/entry/phase.ts';
import type { PhaseSpec } from '../../../state/entry/spec.ts';
import { tell } from '../../support/phase/life.ts';

type Story = ReturnType<typeof tell>;

const M1 = 'M1' as GateId;
const hour = 3_600_000;

/** Appends an amendment to the story's trail, and returns its entry. */
function amend(story: Story, change: Partial<PhaseSpec>): Entry {
  const { id, plan, recipes, spec } = story.phase();
  const about = { phase: id, replaces: plan, plan: digestOf(JSON.stringify(change)), because: 'so' };
  const act = story.act({ act: 'amend', ...about, recipes: recipes as never, spec: { ...spec, ...change } });
  const at = `${new Date(story.now()).toISOString().slice(0, 19)}Z`;
  return { ...act, id: story.submit(act), at } as Entry;
}

function harder(story: Story): Partial<PhaseSpec> {
  const { gates } = story.phase().spec;
  return { gates: { ...gates, [M1]: { ...gates[M1], times: 2 } } as PhaseSpec['gates'] };
}

function keys(commands: (Command | Cancel)[]): string[] {
  return commands.map((command) => (command.kind === 'cancel' ? `cancel ${command.target}` : command.key));
}

describe('an amendment', () => {
  it("if it changes a gate's spec, stops the session that judges the gate, and reruns the gate's runs", () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    story.sleep('builder');
    const { state, commands } = decide(begin(story.trail(), story.now()), { kind: 'started', atMs: story.now() });
    expect(keys(commands)).toContain('session:adversary');
    const entry = amend(story, harder(story));
    const next = decide(state, { kind: 'appended', entry, atMs: story.now() });
    expect(keys(next.commands)).toContain('cancel session:adversary');
    expect(keys(next.commands)).toContain(`run:gate:${claim}:M1:1`);
  });

  it('does not stop a session that judges an unchanged gate', () => {
    const story = tell({ M1: {}, M2: {} });
    const claim = story.submit(story.claimed('M2', 1));
    story.passes(claim, 'M2');
    story.sleep('builder');
    const { state } = decide(begin(story.trail(), story.now()), { kind: 'started', atMs: story.now() });
    const entry = amend(story, { title: 'other' });
    expect(keys(decide(state, { kind: 'appended', entry, atMs: story.now() }).commands)).toEqual([]);
  });

  it('cancels the runs of a claim that it voids', () => {
    const story = tell();
    const claim = story.submit(story.claimed('M1', 1));
    const { state, commands } = decide(begin(story.trail(), story.now()), { kind: 'started', atMs: story.now() });
    expect(keys(commands)).toContain(`run:gate:${claim}:M1:1`);
    const entry = amend(story, { protected: ['src/**'] });
    const next = decide(state, { kind: 'appended', entry, atMs: story.now() });
    expect(keys(next.commands)).toContain(`cancel run:gate:${claim}:M1:1`);
  });

  it('gives the phase its new budget of hours and claims', () => {
    const story = tell();
    const parks = (state: LoopState) => parkReasonOf(state, phaseAt(story.phase(), state.nowMs))?.reason ?? null;
    const late = () => begin(story.trail(), story.now());
    story.wait(9 * hour);
    expect(parks(late())).toBe('budget');
    amend(story, { budget: { usd: 20, hours: 10, claims: 1 } });
    expect(parks(late())).toBeNull();
    story.accept('M1', 1);
    expect(story.refusal(story.claimed('M1', 2))).toMatch(/the plan allows 1 claims/);
  });
});
