// C: attacks between hand-off and delivery to the operator: the evidence has become too old, or the branch moves after
// it was judged.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Intent } from '../../../state/entry/entry.ts';
import { DONE } from '../../../state/entry/ids.ts';
import { deliver } from '../../../state/trail/hub.ts';
import { calls, committed, wake } from '../../support/phase/live.ts';
import { addCommits, git } from '../../support/repo.ts';
import { phaseId } from '../../support/trail/writer.ts';
import { against, claim, wait } from '../arena/arena.ts';
import { push, rulesIn } from '../arena/hubArena.ts';
import { auditOf, judge, passing, type Scene, type Seen, staged, told } from '../arena/scene.ts';
import { sound } from '../arena/work.ts';
import type { Attack, Outcome, Refusal, Twin } from '../case.ts';

const hour = 3_600_000;
const branch = `refs/heads/phase/${phaseId}`;

export const handOffAttacks: Attack[] = [
  against('28', 'publishes more while its hand-off waits', 'tool: publish', /may not move while its DONE/, {
    builder: [
      wake('^- M1: unclaimed', [...committed('sha', sound), claim('{{ sha }}'), wait]),
      wake('^- M1: holds[\\s\\S]*^- DONE: unclaimed', [
        // Changes a protected path, so that DONE waits for the operator while the Builder is woken again.
        ...committed('sha', `echo 'steps: []' > .ci/pipeline.yml`),
        calls('hand_off', { sha: '{{ sha }}', summary: 'It adds.' }),
      ]),
      wake('^- DONE: held', [...committed('sha', 'echo later > LATER'), wait]),
    ],
  }),
  {
    rows: '35',
    title: 'hands off on runs from the day before',
    refusedBy: 'funnel',
    because: /its evidence is running, not green/,
    play: (dir) => told(dir, async (scene) => passesDone(await handedOff(await accepted(scene), 25 * hour))),
  },
  {
    rows: '35',
    title: 'delays DONE until its evidence is too old',
    refusedBy: 'funnel',
    because: /DONE does not hold: .*runs not there yet/,
    play: (dir) => told(dir, async (scene) => done(await judgedDone(scene), 25 * hour)),
  },
  {
    rows: '28',
    title: 'pushes to the branch while its DONE is judged',
    refusedBy: 'hook: branch',
    because: /may not move/,
    play: (dir) => pushed(dir, async (scene) => handedOff(await accepted(scene))),
  },
  {
    rows: '28',
    title: 'moves the branch after it was judged, bypassing the hook',
    refusedBy: 'command',
    because: /was moved to \w+, but \w+ was judged/,
    play: (dir) => staged(dir, async (scene) => delivered(await isDone(scene), true)),
  },
];

export const handOffTwins: Twin[] = [
  {
    title: 'DONE on runs of the same day',
    play: (dir) => told(dir, async (scene) => done(await judgedDone(scene, 22 * hour), hour)),
  },
  {
    title: 'a push to the branch before anything is handed off',
    play: (dir) => pushed(dir, accepted),
  },
  {
    title: 'the judged commit, delivered to the operator',
    play: (dir) => staged(dir, async (scene) => delivered(await isDone(scene), false)),
  },
];

/** Passes M1 in a session that was shown everything. */
async function accepted(scene: Scene): Promise<Scene> {
  await scene.green();
  const session = await judge(scene);
  await scene.writer.append(await passing(scene, session));
  await scene.writer.end(session, 'adversary');
  return scene;
}

/** Claims DONE at the same commit, `ms` later, on the runs of M1. */
async function handedOff(scene: Scene, ms = 0): Promise<Scene> {
  const { writer, builder, sha, claim: descends } = scene;
  writer.wait(ms);
  const claim = await writer.claim(builder, DONE, sha, { descends: [descends] });
  return { ...scene, claim };
}

async function passesDone(scene: Scene): Promise<Intent> {
  return passing(scene, await judge(scene), ['1.1', 'DoD.1']);
}

async function judgedDone(scene: Scene, ms = 0): Promise<Scene> {
  const handed = await handedOff(await accepted(scene), ms);
  await handed.writer.append(await passesDone(handed));
  return handed;
}

function done({ writer, claim, sha }: Scene, ms = 0): Intent {
  writer.wait(ms);
  return { kind: 'phase', role: 'supervisor', phase: phaseId, facts: { event: 'done', claim, sha }, body: '' };
}

async function isDone(scene: Scene): Promise<Scene> {
  const judged = await judgedDone(scene);
  await judged.writer.append(done(judged));
  return judged;
}

/** Plays up to `until`, then pushes a commit to the branch, as somebody who can reach the hub could. */
function pushed(dir: string, until: (scene: Scene) => Promise<Scene>): Promise<Outcome> {
  return staged(dir, async (scene) => {
    const { writer, sha } = await until(scene);
    const pusher = mkdtempSync(join(dir, 'pusher-'));
    git(pusher, ['init', '-q']);
    git(pusher, ['fetch', '-q', writer.made.hub.dir, branch]);
    const later = addCommits(pusher, 'refs/heads/work', [{ 'b.txt': 'b\n' }], sha).at(-1);
    const message = push({ pusher, made: writer.made }, `${later}:${branch}`);
    return { accepted: message === null, refusals: message === null ? [] : rulesIn(message) };
  });
}

/**
 * Delivers to the operator. `isMoved`: an attacker with access to the hub's disk first adds a commit, which is undone
 * later.
 */
async function delivered({ writer, sha }: Scene, isMoved: boolean): Promise<Seen> {
  const { hub, repo } = writer.made;
  if (isMoved) addCommits(hub.dir, branch, [{ 'b.txt': 'b\n' }], sha);
  const answer = await deliver(hub.dir, repo.dir, { phase: phaseId, judged: sha });
  const { problems } = await auditOf(writer);
  git(hub.dir, ['update-ref', branch, sha]);
  const refusals: Refusal[] = problems.map(({ what }) => ({ by: 'audit', why: what }));
  return 'sha' in answer
    ? { accepted: true, refusals }
    : { accepted: false, refusals: [{ by: 'command', why: answer.refused }, ...refusals] };
}
