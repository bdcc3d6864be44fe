// F: a Builder that disputes a finding to get rid of it. A disputed finding still blocks its gate until the operator
// lifts it.

import type { Entry, EntryOf, Intent } from '../../../state/entry/entry.ts';
import { targetDigestOf } from '../../../state/trail/acts.ts';
import { M1, phaseId } from '../../support/trail/writer.ts';
import { judge, reclaimed, type Scene, told, verdict } from '../arena/scene.ts';
import type { Attack, Twin } from '../case.ts';

type Disputed = { scene: Scene; finding: Entry };

export const disputeAttacks: Attack[] = [
  {
    rows: '47',
    title: 'a Builder that disputes a finding without trying to fix it',
    refusedBy: 'funnel',
    because: /may be disputed after 2 new claims of its gate; since #\d+ there have been 0/,
    play: (dir) => told(dir, async (scene) => dispute(await failed(scene))),
  },
  {
    rows: '47',
    title: 'a Builder that disputes a finding to get rid of it',
    refusedBy: 'gate: findings',
    because: /is open and disputed \(#\d+\)/,
    play: (dir) => told(dir, async (scene) => dispute(await tried(await failed(scene))), 'gate'),
  },
  {
    rows: '47',
    title: 'a Builder that disputes again after the operator refused',
    refusedBy: 'funnel',
    because: /may be disputed after 2 new claims of its gate; since #\d+ there have been 0/,
    play: (dir) =>
      told(dir, async (scene) => {
        const on = await tried(await failed(scene));
        const request = await scene.writer.append<EntryOf<'blocked'>>(dispute(on));
        const because = 'It stands.';
        await scene.writer.act({ act: 'refuse', target: request.id, targetDigest: targetDigestOf(request), because });
        return dispute(on);
      }),
  },
];

export const disputeTwins: Twin[] = [
  {
    title: 'a finding disputed after two claims, which the operator lifts',
    play: (dir) =>
      told(
        dir,
        async (scene) => {
          const on = await tried(await failed(scene));
          await scene.writer.append(dispute(on));
          const { finding } = on;
          const because = 'It is as the plan wants it.';
          await scene.writer.act({ act: 'lift', target: finding.id, targetDigest: targetDigestOf(finding), because });
          return noted(scene);
        },
        'gate',
      ),
  },
];

/** Fails the claim with a finding that has no reproducer. */
async function failed(scene: Scene): Promise<Disputed> {
  const { writer, claim } = scene;
  await scene.green();
  const session = await judge(scene);
  const said = { session, gate: M1, claim, title: 'It may be wrong', fix: ['it is right'] };
  const finding = await writer.append({ kind: 'finding', role: 'adversary', phase: phaseId, facts: said, body: 'So.' });
  await writer.append(verdict(scene, session, { verdict: 'FAIL', findings: [finding.id] }));
  await writer.end(session, 'adversary');
  return { scene, finding };
}

/** Makes two more claims, the second of them with green evidence. */
async function tried({ scene, finding }: Disputed): Promise<Disputed> {
  const first = await reclaimed(scene, { 'src/keep.js': 'export const two = 2;\n' });
  const second = await reclaimed(first, { 'src/keep.js': 'export const three = 3;\n' });
  await second.green();
  return { scene: second, finding };
}

function dispute({ scene: { builder }, finding }: Disputed): Intent {
  const facts = {
    session: builder,
    action: 'Decide',
    verify: 'It is lifted',
    blocks: [M1],
    options: [],
    disputes: finding.id,
  };
  return { kind: 'blocked', role: 'builder', phase: phaseId, facts, body: 'It is right as it is.' };
}

function noted({ builder }: Scene): Intent {
  return { kind: 'note', role: 'builder', phase: phaseId, facts: { session: builder, title: 'x' }, body: '' };
}
