// D: attacks on state files and journal: pushes straight to the hub, text that would forge or hide an entry, invalid
// acts.

import { renderEntry } from '../../../state/entry/framing.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { sealedName } from '../../../state/entry/policy.ts';
import { blob, rawCommit } from '../../support/bundle.ts';
import { git } from '../../support/repo.ts';
import { phaseId } from '../../support/trail/writer.ts';
import {
  actEntry,
  commit,
  entryOf,
  grown,
  type HubArena,
  JOURNAL,
  note,
  pushed,
  REVIEW,
  rewound,
  STATUS,
  work,
} from '../arena/hubArena.ts';
import type { Attack, Family, Rule } from '../case.ts';
import { inboxAttacks, inboxTwins } from './inbox.ts';
import { trailCommits } from './trailCommits.ts';
import { wordAttacks, wordTwins } from './words.ts';

type Make = (arena: HubArena) => Promise<string> | string;

function onRef(
  rows: string,
  title: string,
  ref: string,
  because: RegExp,
  make: Make,
  by: Rule = 'hook: branch',
): Attack {
  return { rows, title, refusedBy: by, because, play: (dir) => pushed(dir, make, ref) };
}

const refs: Attack[] = [
  {
    rows: '40',
    title: 'removes the last entries from the trail',
    refusedBy: 'audit',
    because: /heads\.log/,
    play: (dir) => rewound(dir, 2),
  },
  onRef('37', 'continues from an entry that is not the last', 'refs/heads/trail', /not a fast-forward/, (a) =>
    commit(a, { [STATUS]: grown(a, STATUS, note(a)) }, 'builder', [git(a.pusher, ['rev-parse', `${a.head}~1`]) as Sha]),
  ),
  onRef('36', 'rewrites history by force', 'refs/heads/trail', /not a fast-forward/, (a) =>
    commit(a, { [STATUS]: renderEntry(note(a, 1)) }, 'builder', [a.made.hub.genesis]),
  ),
  onRef('17', 'pushes to main', 'refs/heads/main', /only phase\/<id> and trail/, (a) => work(a, { b: 'b' })),
  onRef('38', 'opens a phase by pushing its branch', 'refs/heads/phase/new', /phases are opened by a plan/, (a) =>
    work(a, { b: 'b' }),
  ),
  onRef('24', 'replaces an object', `refs/replace/${'e'.repeat(40)}`, /only phase\/<id> and trail/, (a) =>
    work(a, { b: 'b' }),
  ),
  onRef('28', 'pushes a tag', 'refs/tags/v1', /only phase\/<id> and trail/, (a) => work(a, { b: 'b' })),
  onRef('36', 'removes the trail', 'refs/heads/trail', /never removed/, () => ''),
  onRef('36', 'restarts the phase’s branch', `refs/heads/phase/${phaseId}`, /not a fast-forward/, (a) =>
    git(a.pusher, ['commit-tree', '-m', 'x', `${a.base}^{tree}`]),
  ),
  onRef('24', 'pushes a submodule', `refs/heads/phase/${phaseId}`, /is a submodule/, (a) =>
    work(a, { s: { commit: 'e'.repeat(40) } }),
  ),
  onRef('24', 'pushes a link that leaves the tree', `refs/heads/phase/${phaseId}`, /leaves the tree/, (a) =>
    work(a, { l: { link: '../x' } }),
  ),
  onRef('24', 'pushes a link to an absolute path', `refs/heads/phase/${phaseId}`, /absolute path/, (a) =>
    work(a, { l: { link: '/etc/passwd' } }),
  ),
  onRef('45', 'pushes a file whose name reverses a line', `refs/heads/phase/${phaseId}`, /control or invisible/, (a) =>
    work(a, { 'a\u202eb': 'x' }),
  ),
  onRef(
    '24',
    'pushes a .git folder',
    `refs/heads/phase/${phaseId}`,
    /hasDotgit/,
    (a) => rawCommit(a.pusher, a.base, [{ mode: '100644', name: '.git', id: blob(a.pusher, 'x') }]),
    'hook: git',
  ),
  onRef(
    '50',
    'pushes a file over the size limit',
    `refs/heads/phase/${phaseId}`,
    /bytes; at most \d+ are accepted/,
    (a) => work(a, { big: 'x'.repeat(33 * 1024 * 1024) }),
  ),
];

const session = (a: HubArena) => ({ session: a.sessions.builder });

export const stateFiles: Family = {
  letter: 'D',
  name: 'state files and journal',
  attacks: [...trailCommits, ...refs, ...wordAttacks, ...inboxAttacks],
  twins: [
    {
      title: 'an entry that its own role appended and signed',
      play: (dir) => pushed(dir, (a) => commit(a, { [STATUS]: grown(a, STATUS, note(a)) }, 'builder')),
    },
    {
      title: 'two roles with one commit each',
      play: (dir) =>
        pushed(dir, async (a) => {
          const first = await commit(a, { [STATUS]: grown(a, STATUS, note(a)) }, 'builder');
          const second = entryOf('note', 'adversary', a.nextId + 1, { session: a.sessions.adversary, title: 'seen' });
          return commit(a, { [REVIEW]: grown(a, REVIEW, second) }, 'adversary', [first]);
        }),
    },
    {
      title: 'the next part of a file, with a new file',
      play: (dir) =>
        pushed(dir, (a) =>
          commit(
            a,
            {
              [sealedName(STATUS, 2)]: renderEntry(note(a)),
              [JOURNAL]: grown(a, JOURNAL, entryOf('journal', 'builder', a.nextId + 1, { ...session(a), title: 'x' })),
            },
            'builder',
          ),
        ),
    },
    {
      title: 'an act that the operator signed',
      play: (dir) =>
        pushed(dir, (a) => {
          const text = grown(a, 'machine-docs/OPERATOR.md', actEntry(a, a.made.signers.operator));
          return commit(a, { 'machine-docs/OPERATOR.md': text }, 'supervisor');
        }),
    },
    {
      title: 'work on the phase’s branch, with a link inside the tree',
      play: (dir) =>
        pushed(dir, (a) => work(a, { 'b.txt': 'b\n', l: { link: 'b.txt' } }), `refs/heads/phase/${phaseId}`),
    },
    ...wordTwins,
    ...inboxTwins,
  ],
};
