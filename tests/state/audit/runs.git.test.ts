import { describe, test } from 'vitest';
import { digestOf } from '../../../state/entry/digest.ts';
import type { EntryOf } from '../../../state/entry/entry.ts';
import type { RunId, Sha } from '../../../state/entry/ids.ts';
import { recordBytes } from '../../../state/fold/facts.ts';
import { attacked, type Case, recordOf, rerun, resultsPath, unstore } from '../../support/trail/attack.ts';
import { addStep, placed, refact, stepOf } from '../../support/trail/forge.ts';
import { M1 } from '../../support/trail/phase.ts';

const { the, run } = attacked();

describe('with the runner’s key, an attacker', () => {
  const cases: Case[] = [
    [
      'swaps the results of two runs',
      'gateRun',
      /has the digest .*; the entry names/,
      (steps) => {
        const [one, other] = [stepOf(steps, the.story.ids.gateRun), stepOf(steps, the.story.ids.control)];
        const [mine, its] = [one, other].map((step) => [...step.stored.values()][0] as Buffer);
        one.stored.set(resultsPath(the.story.runs.gate), its as Buffer);
        other.stored.set([...other.stored.keys()][0] as string, mine as Buffer);
        return undefined;
      },
    ],
    [
      'calls a red run PASS',
      'control',
      /gives outcome "FAIL", but the entry says "PASS"/,
      (steps) => {
        refact(steps, the.story.ids.control, { outcome: 'PASS' });
        return undefined;
      },
    ],
    [
      'does not store the results',
      'gateRun',
      /results.json is not stored/,
      (steps) => unstore(steps, the.story.ids.gateRun, /./),
    ],
    [
      'stores something that is not a record',
      'gateRun',
      /is not a valid record of a run/,
      (steps) => {
        const bytes = Buffer.from('{"v":1}\n');
        stepOf(steps, the.story.ids.gateRun).stored.set(resultsPath(the.story.runs.gate), bytes);
        refact(steps, the.story.ids.gateRun, { results: digestOf(bytes) });
        return undefined;
      },
    ],
    [
      'counts a run without results',
      'gateRun',
      /a run without results gives outcome "LOST", but the entry says "PASS"/,
      (steps) => {
        refact(steps, the.story.ids.gateRun, { results: null });
        stepOf(steps, the.story.ids.gateRun).stored.clear();
        return undefined;
      },
    ],
    [
      'hides an unmet expectation',
      'gateRun',
      /gives unmet \["level 1 is asked for, it reached 0"\]/,
      (steps) => rerun(steps, the.story.ids.gateRun, { level: 0 }, { unmet: [] }),
    ],
    [
      'dates a run before its claim',
      'gateRun',
      /began before claim #8/,
      (steps) => rerun(steps, the.story.ids.gateRun, { startedAtMs: 1 }),
    ],
    [
      'dates the end of a run after its entry',
      'gateRun',
      /ended after this entry/,
      (steps) => rerun(steps, the.story.ids.gateRun, { endedAtMs: 4e12 }),
    ],
    [
      'passes a truncated record',
      'gateRun',
      /is truncated, and such a run is never PASS/,
      (steps) => rerun(steps, the.story.ids.gateRun, { testsCut: true }),
    ],
    [
      'records a run of another commit',
      'gateRun',
      /not of the SHA that #8 claims/,
      (steps) => rerun(steps, the.story.ids.gateRun, { shas: { main: the.story.shas.second } }),
    ],
    [
      'records a run of another tree',
      'gateRun',
      /its tree is not that of claim #8/,
      (steps) => rerun(steps, the.story.ids.gateRun, { trees: { main: 'e'.repeat(40) as Sha } }),
    ],
    [
      'records a control with another reference',
      'control',
      /it compares with/,
      (steps) => {
        const purpose = {
          kind: 'control' as const,
          claim: the.story.ids.claim,
          gate: M1,
          control: 'revert' as const,
          reference: the.story.shas.first,
        };
        return rerun(steps, the.story.ids.control, { purpose });
      },
    ],
    [
      'records a reproducer of a finding that does not exist',
      'fail',
      /#8 is not a finding with a reproducer/,
      (steps) => {
        rerun(steps, the.story.ids.fail - 1, {
          purpose: { kind: 'reproducer', claim: the.story.ids.claim, finding: the.story.ids.claim },
        });
        return the.story.ids.fail - 1;
      },
    ],
    [
      'makes up the judgement of a control',
      'control',
      /by its records the control is BITES/,
      (steps) => {
        refact(steps, the.story.ids.control, { control: { result: 'VACUOUS', why: 'I say so' } });
        return undefined;
      },
    ],
    [
      'leaves out the judgement of a control',
      'control',
      /control run without a judgement/,
      (steps) => {
        refact(steps, the.story.ids.control, { control: undefined });
        return undefined;
      },
    ],
    [
      'adds the judgement of a control to another run',
      'gateRun',
      /is not a counted control run/,
      (steps) => {
        refact(steps, the.story.ids.gateRun, { control: { result: 'BITES', why: 'x' } });
        return undefined;
      },
    ],
    [
      'reruns until the result is green',
      'done',
      /second counted run of what #11/,
      (steps) => {
        const { entry } = placed<EntryOf<'run'>>(steps, the.story.ids.gateRun);
        const bytes = recordBytes({ ...recordOf(steps, the.story.ids.gateRun), run: 'r-00000000ffff' as RunId });
        const facts = { ...entry.facts, run: 'r-00000000ffff' as RunId, results: digestOf(bytes) };
        steps.splice(-1, 1);
        addStep(steps, { ...entry, id: the.story.ids.done, at: '2026-06-11T21:30:00Z', facts });
        steps.at(-1)?.stored.set(resultsPath(facts.run), Buffer.from(bytes));
        return undefined;
      },
    ],
  ];
  test.each(cases)('%s', run);
});
