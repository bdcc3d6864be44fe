// C: false evidence that somebody at the machine, who has every key of the loop, puts on the trail. An entry that the
// supervisor would never write is refused whoever writes it: by the funnel, as here, or by the audit if it was written
// without the funnel.

import type { Facts, Intent } from '../../../state/entry/entry.ts';
import type { GateId, RunId, Sha } from '../../../state/entry/ids.ts';
import type { RunRecord } from '../../../state/entry/record.ts';
import { M1, phaseId, pinned } from '../../support/trail/writer.ts';
import { judge, phaseOf, type Scene, type Tale, told, verdict } from '../arena/scene.ts';
import type { Attack, Twin } from '../case.ts';

const another = 'e'.repeat(40) as Sha;

function refused(rows: string, title: string, because: RegExp, tale: Tale): Attack {
  return { rows, title, refusedBy: 'funnel', because, play: (dir) => told(dir, tale) };
}

export const machineAttacks: Attack[] = [
  refused('32', 'a verdict while the evidence is not green', /is running, not green/, async (scene) =>
    verdict(scene, await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim })),
  ),
  refused('35', 'a verdict by a session that began before the claim turned green', /began before/, async (scene) => {
    const session = await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim });
    await scene.green();
    return verdict(scene, session);
  }),
  refused('35', 'a verdict by a session that was not shown the runs', /was not shown r-/, async (scene) => {
    await scene.green();
    return verdict(scene, await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim }));
  }),
  refused('38', 'a verdict in the Builder’s session', /not known to the trail/, async (scene) => {
    await scene.green();
    return verdict(scene, scene.builder);
  }),
  refused('27', 'a check that cites a run that does not exist', /which is no run on the trail/, async (scene) => {
    await scene.green();
    const cites = [{ run: 'r-0123456789ab' as RunId }];
    return verdict(scene, await judge(scene), { checks: [{ clause: '1.1', saw: 'it', cites }] });
  }),
  refused('48', 'a PASS that does not say which diff was served', /which diff was served/, async (scene) => {
    await scene.green();
    const checks = [{ clause: '1.1', saw: 'it', cites: [{ run: scene.runs[0] as RunId }] }];
    return verdict(scene, await judge(scene), { verdict: 'PASS', checks });
  }),
  refused('19', 'DONE while it does not hold', /DONE does not hold/, async ({ claim, sha, green }) => {
    await green();
    return { kind: 'phase', role: 'supervisor', phase: phaseId, facts: { event: 'done', claim, sha }, body: '' };
  }),
  refused('28', 'a run of a commit other than the claimed one', /is not of the SHA that/, async (scene) => {
    await scene.green();
    return rerun(scene, () => ({ run: 'r-0123456789ab' as RunId, shas: { main: another } }));
  }),
  refused(
    '15',
    'a run of a recipe other than the pinned one',
    /not of a recipe that the phase pinned/,
    async (scene) => {
      await scene.green();
      const recipeDigest = 'e'.repeat(64) as Facts<'run'>['recipeDigest'];
      return rerun(scene, () => ({ run: 'r-0123456789ab' as RunId, recipeDigest }));
    },
  ),
  refused('25', 'one run counted twice', /is on the trail already/, async (scene) => {
    await scene.green();
    return rerun(scene, () => ({}));
  }),
  refused('6', 'a claim that names another commit to compare with', /references are not those/, async (scene) => {
    await withdrawn(scene);
    return claimAgain(scene, { references: { [M1]: scene.sha } as Record<GateId, Sha> });
  }),
  refused('1', 'a claim that leaves out the earlier tests', /whose tests must hold/, async (scene) => {
    await withdrawn(scene);
    return claimAgain(scene, { keeps: { [pinned.name]: [] } });
  }),
  refused('38', 'a note in a session that has ended', /has ended/, async (scene) => {
    await scene.writer.end(scene.builder, 'builder');
    return {
      kind: 'note',
      role: 'builder',
      phase: phaseId,
      body: '',
      facts: { session: scene.builder, title: 'x' },
    };
  }),
  {
    rows: '17',
    title: 'a run outside the sandbox',
    refusedBy: 'gate: runs',
    because: /ran outside the sandbox/,
    play: (dir) =>
      told(
        dir,
        async (scene) => {
          await scene.green({ sandbox: { level: 'none', uid: 'shared', selfTest: null } as RunRecord['sandbox'] });
          return noted(scene);
        },
        'gate',
      ),
  },
];

export const machineTwins: Twin[] = [
  {
    title: 'a verdict by a session that was shown everything',
    play: (dir) =>
      told(
        dir,
        async (scene) => {
          await scene.green();
          return verdict(scene, await judge(scene));
        },
        'gate',
      ),
  },
  {
    title: 'a claim repeated with the same references',
    play: (dir) =>
      told(dir, async (scene) => {
        await withdrawn(scene);
        return claimAgain(scene, {});
      }),
  },
];

function noted({ builder }: Scene): Intent {
  return { kind: 'note', role: 'builder', phase: phaseId, facts: { session: builder, title: 'x' }, body: '' };
}

/** The entry of the claim's gate run once more, with some facts changed. */
function rerun({ writer, claim }: Scene, change: (facts: Facts<'run'>) => Partial<Facts<'run'>>): Intent {
  const run = phaseOf(writer).runs.find(({ purpose }) => purpose.kind === 'gate' && purpose.claim === claim);
  if (!run) throw new Error('the claim has no run');
  const { id: _, atMs: __, sha, tree, ...rest } = run;
  const facts = { ...rest, shas: { main: sha }, trees: tree ? { main: tree } : {}, results: null } as Facts<'run'>;
  return { kind: 'run', role: 'runner', phase: phaseId, facts: { ...facts, ...change(facts) }, body: '' };
}

async function claimAgain({ writer, builder, sha }: Scene, change: Partial<Facts<'claim'>>): Promise<Intent> {
  const [first] = phaseOf(writer).claims;
  if (!first) throw new Error('there is no claim');
  const facts = {
    session: builder,
    gate: M1,
    shas: { main: sha },
    trees: { main: first.tree },
    descends: [first.id],
    precedes: [],
    references: first.references,
    keeps: first.keeps,
    expects: first.expects,
    touches: [],
    functions: {},
    ...change,
  };
  return { kind: 'claim', role: 'builder', phase: phaseId, facts, body: 'Again.' } as unknown as Intent;
}

const withdrawn = ({ writer, builder, claim }: Scene) =>
  writer.append({
    kind: 'close',
    role: 'builder',
    phase: phaseId,
    body: 'Not yet.',
    facts: { session: builder, target: claim, as: 'withdrawn', answers: [] },
  });
