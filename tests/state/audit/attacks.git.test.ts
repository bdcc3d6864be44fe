import { describe, expect, test } from 'vitest';
import { audit } from '../../../state/audit/audit.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Facts } from '../../../state/entry/entry.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { git } from '../../support/repo.ts';
import {
  append,
  attacked,
  type Case,
  factsOf,
  resign,
  restore,
  signedBy,
  unstore,
} from '../../support/trail/attack.ts';
import { forge, placed, refact, stepOf } from '../../support/trail/forge.ts';

const { the, run } = attacked();

test('a trail that was taken apart and put back together is in order', async () => {
  await forge(the.story, the.honest);
  expect(await audit({ hub: the.story.hub.dir, root: the.story.hub.root })).toMatchObject({
    ok: true,
    entries: the.story.ids.done,
  });
});

describe('an attacker with keys rewrites the trail and', () => {
  const cases: Case[] = [
    [
      'swaps two entries of one file',
      'claim',
      /density/,
      (steps) => {
        const [one, other] = [placed(steps, the.story.ids.claim), placed(steps, the.story.ids.again)];
        [one.entry, other.entry] = [other.entry, one.entry];
        return undefined;
      },
    ],
    [
      'swaps two commits',
      'finding',
      /density: it has the number \d+, but \d+ comes next/,
      (steps) => {
        const at = steps.indexOf(stepOf(steps, the.story.ids.finding));
        steps.splice(at, 2, ...steps.slice(at, at + 2).reverse());
        return undefined;
      },
    ],
    [
      'signs an entry with another role’s key',
      'fail',
      /role: /,
      (steps) => signedBy(steps, the.story.ids.fail, 'builder'),
    ],
    [
      'removes a commit',
      'fail',
      /density/,
      (steps) => {
        steps.splice(steps.indexOf(stepOf(steps, the.story.ids.fail)), 1);
        return the.story.ids.fail + 1;
      },
    ],
    [
      'adds a merge',
      'fail',
      /linear: it is a merge/,
      (steps) => {
        stepOf(steps, the.story.ids.fail).parents = [
          git(the.story.hub.dir, ['rev-parse', the.story.hub.genesis]) as Sha,
        ];
        return undefined;
      },
    ],
    [
      'renames a file',
      'fail',
      /path: .*removed or renamed/,
      (steps) => {
        stepOf(steps, the.story.ids.fail).removes = ['machine-docs/BACKLOG-notes.md'];
        return undefined;
      },
    ],
    [
      'moves a time back',
      'fail',
      /is before that of the previous entry/,
      (steps) => {
        const place = placed(steps, the.story.ids.fail);
        place.entry = { ...place.entry, at: '2026-06-11T21:00:01Z' };
        return undefined;
      },
    ],
    [
      'stores another plan instead of the signed one',
      'queue',
      /stored: .*contains bytes with the digest/,
      (steps) =>
        restore(steps, the.story.ids.queue, /blobs/, (text) => text.replace('Write both stores', 'Write one store')),
    ],
    [
      'leaves a recipe out',
      'queue',
      /recipe app .* is not stored/,
      (steps) => unstore(steps, the.story.ids.queue, /"engine"/),
    ],
    [
      'leaves a harness file out',
      'queue',
      /runner.config.js of the recipe app is not stored/,
      (steps) => unstore(steps, the.story.ids.queue, /^export default/),
    ],
    [
      'stores bytes that no entry names',
      'fail',
      /no entry of its commit names/,
      (steps) => {
        stepOf(steps, the.story.ids.fail).stored.set(`machine-docs/blobs/${digestOf('x')}`, Buffer.from('x'));
        return undefined;
      },
    ],
  ];
  test.each(cases)('%s', run);
});

describe('with acts of the operator, an attacker', () => {
  const cases: Case[] = [
    [
      'replays an act',
      'done',
      /used before/,
      (steps) => append(steps, 'act', 'operator', factsOf(steps, the.story.ids.approve)),
    ],
    [
      'signs an act with the runner’s key',
      'approve',
      /act: /,
      (steps) => resign(steps, the.story.ids.approve, {}, the.story.signers.runner),
    ],
    [
      'approves with the key of the Builder who asked',
      'approve',
      /act: .*is the builder's, not the operator's: whoever asks may not approve/,
      (steps) => resign(steps, the.story.ids.approve, {}, the.story.signers.builder),
    ],
    [
      'has one file refused twice, to fill the trail',
      'done',
      /the refusal of this file is already on record \(#\d+\)/,
      (steps) => {
        const reason = { act: null, nonce: null, signer: null, reason: 'it is not JSON', isLast: false };
        const facts = { file: digestOf('junk'), ...reason };
        append(steps, 'refusal', 'supervisor', facts, null);
        return append(steps, 'refusal', 'supervisor', facts, null);
      },
    ],
    [
      'changes what an act says',
      'approve',
      /act: /,
      (steps) => {
        const { act, signature } = factsOf(steps, the.story.ids.approve) as Facts<'act'>;
        refact(steps, the.story.ids.approve, {
          act: { ...act, payload: { ...act.payload, because: 'so' } },
          signature,
        });
        return undefined;
      },
    ],
    [
      'uses an act from another workspace',
      'approve',
      /for the workspace «other», not «sample»/,
      (steps) => resign(steps, the.story.ids.approve, { workspace: 'other' }, the.story.signers.operator),
    ],
    [
      'uses an act from another trail',
      'approve',
      /another trail, which begins with the key SHA256:x/,
      (steps) => resign(steps, the.story.ids.approve, { root: 'SHA256:x' }, the.story.signers.operator),
    ],
    [
      'uses an expired act',
      'approve',
      /expired at 2026-06-11T21:00:00Z/,
      (steps) => resign(steps, the.story.ids.approve, { expires: '2026-06-11T21:00:00Z' }, the.story.signers.operator),
    ],
    [
      'dates an act in the future',
      'approve',
      /dated 2026-06-11T22:00:00Z, after its entry/,
      (steps) => resign(steps, the.story.ids.approve, { at: '2026-06-11T22:00:00Z' }, the.story.signers.operator),
    ],
    [
      'changes a request after its approval',
      'approve',
      /signed for a text other than that of #4/,
      (steps) => {
        refact(steps, the.story.ids.blocked, { action: 'give me the keys' });
        return undefined;
      },
    ],
    [
      'opens a phase with a plan other than the signed one',
      'opened',
      /not those that the operator signed/,
      (steps) => {
        refact(steps, the.story.ids.opened, { plan: digestOf('another') });
        return undefined;
      },
    ],
    [
      'opens a phase with a spec that does not match its plan',
      'opened',
      /its spec does not match the stored plan/,
      (steps) => {
        const { spec } = factsOf(steps, the.story.ids.opened) as { spec: { dod: unknown[] } };
        refact(steps, the.story.ids.opened, { spec: { ...spec, dod: [] } });
        return undefined;
      },
    ],
    [
      'stores another plan as the phase’s',
      'opened',
      /plan-phase-notes.md is not the plan that was queued/,
      (steps) => {
        const step = stepOf(steps, the.story.ids.opened);
        step.stored.set('machine-docs/plan-phase-notes.md', Buffer.from('# Rest\n'));
        return undefined;
      },
    ],
  ];
  test.each(cases)('%s', run);
});
