import { describe, test } from 'vitest';
import type { PhaseId, SessionId, Sha } from '../../../state/entry/ids.ts';
import { addCommits, git } from '../../support/repo.ts';
import { append, attacked, type Case, factsOf, reclaim, unstore } from '../../support/trail/attack.ts';
import { addStep, placed, refact } from '../../support/trail/forge.ts';

const { the, run } = attacked();

describe('with claims and verdicts, an attacker', () => {
  const cases: Case[] = [
    [
      'claims a missing commit',
      'claim',
      /is not a commit in the hub/,
      (steps) => reclaim(steps, the.story.ids.claim, 'e'.repeat(40)),
    ],
    [
      'claims another tree',
      'claim',
      /the tree of .* is .*, not eeee/,
      (steps) => reclaim(steps, the.story.ids.claim, the.story.shas.first, 'e'.repeat(40)),
    ],
    [
      'claims a commit that is not on the branch',
      'claim',
      /is not on phase\/notes/,
      (steps) => {
        const [sha] = addCommits(
          the.story.hub.dir,
          'refs/heads/aside',
          [{ 'src/keep.js': 'aside\n' }],
          the.story.shas.base,
        );
        return reclaim(steps, the.story.ids.claim, sha as Sha, git(the.story.hub.dir, ['rev-parse', 'aside^{tree}']));
      },
    ],
    [
      'hides that a claim descends from an earlier one',
      'again',
      /in git it descends from #8, but the entry names no claim/,
      (steps) => {
        refact(steps, the.story.ids.again, { descends: [] });
        return undefined;
      },
    ],
    [
      'records a claim as preceding an earlier one',
      'again',
      /in git it precedes no claim, but the entry names #8/,
      (steps) => {
        refact(steps, the.story.ids.again, { precedes: [the.story.ids.claim] });
        return undefined;
      },
    ],
    [
      'hides that a claim touches the operator’s files',
      'claim',
      /changes the protected path coldpass.yml, but does not list it/,
      (steps) => {
        const [sha] = addCommits(
          the.story.hub.dir,
          'refs/heads/aside',
          [{ 'coldpass.yml': 'x\n' }],
          the.story.shas.base,
        );
        return reclaim(steps, the.story.ids.claim, sha as Sha, git(the.story.hub.dir, ['rev-parse', 'aside^{tree}']));
      },
    ],
    [
      'names a protected path that a claim does not touch',
      'claim',
      /lists protected paths that it does not change/,
      (steps) => {
        refact(steps, the.story.ids.claim, { touches: ['coldpass.yml'] });
        return undefined;
      },
    ],
    [
      'does not store a reproducer',
      'finding',
      /its reproducer .* is not stored/,
      (steps) => unstore(steps, the.story.ids.finding, /./),
    ],
    [
      'appends a second verdict',
      'done',
      /is done: nothing can be added|has ended/,
      (steps) => append(steps, 'verdict', 'adversary', factsOf(steps, the.story.ids.last)),
    ],
    [
      'passes a claim whose reproducer is red',
      'fail',
      /has a check|needs a check|is open|is red/,
      (steps) => {
        refact(steps, the.story.ids.fail, { verdict: 'PASS', findings: [] });
        return undefined;
      },
    ],
    [
      'shows a session runs that do not exist yet',
      'finding',
      /shown r-.*, which is not yet a run of this phase/,
      (steps) => {
        refact(steps, the.story.ids.finding - 1, { shown: { upTo: 12, runs: [the.story.runs.again] } });
        return the.story.ids.finding - 1;
      },
    ],
    [
      'shows a session entries that do not exist yet',
      'finding',
      /shown entries up to #99/,
      (steps) => {
        const { shown } = factsOf(steps, the.story.ids.finding - 1) as { shown: object };
        refact(steps, the.story.ids.finding - 1, { shown: { ...shown, upTo: 99 } });
        return the.story.ids.finding - 1;
      },
    ],
    [
      'wakes a session for a claim that does not exist',
      'finding',
      /#99 is not a claim entry of this phase/,
      (steps) => {
        refact(steps, the.story.ids.finding - 1, { reason: { kind: 'judge', claim: 99 } });
        return the.story.ids.finding - 1;
      },
    ],
    [
      'records the phase as done without a verdict',
      'last',
      /DONE does not hold: the Adversary has not passed it/,
      (steps) => {
        const { entry } = placed(steps, the.story.ids.done);
        steps.splice(the.story.ids.last - 1);
        addStep(steps, { ...entry, id: the.story.ids.last });
        return undefined;
      },
    ],
    [
      'records the phase as done at another commit',
      'done',
      /DONE does not hold/,
      (steps) => {
        refact(steps, the.story.ids.done, { sha: the.story.shas.first });
        return undefined;
      },
    ],
    [
      'writes for an unknown phase',
      'done',
      /there is no phase other/,
      (steps) => {
        const facts = { session: 's-00000000ffff' as SessionId, title: 'x' };
        append(steps, 'note', 'builder', facts, 'other' as PhaseId);
        return the.story.ids.done + 1;
      },
    ],
  ];
  test.each(cases)('%s', run);
});
