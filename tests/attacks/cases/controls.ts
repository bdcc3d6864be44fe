// A: controls that depend on what somebody writes: a patch by the Adversary, which should turn the claim's tests red,
// and functions that the plan exempts. The Adversary is in the plot, so a patch does not count if it turns red for
// another reason than that the claim's tests check the work.

import { calls, wake } from '../../support/phase/live.ts';
import { M1, phaseId } from '../../support/trail/writer.ts';
import { type Arena, against, honestly, phase, stamps, wait } from '../arena/arena.ts';
import { told } from '../arena/scene.ts';
import { shared } from '../arena/shared.ts';
import { lay, nodeSound } from '../arena/work.ts';
import type { Attack, Twin } from '../case.ts';

const sabotaged = '^Woken: sabotage: the controls of claim #\\d+ of M1';
const patch = (path: string, find: string, replace: string) =>
  calls('sabotage', { claim: '{{ claim:number }}', edits: [{ path, find, replace }], words: 'Nothing is added.' });

/**
 * Work with a test that cannot load without it and no function for hollow to empty, so the Adversary is asked for a
 * patch.
 */
function patchedBy(work: string, patches: unknown[]): Arena {
  const test = `echo '. ./lib.sh; [ "$(add 2 3)" = 5 ]' > tests/add.test.sh`;
  const adversary = [wake(sabotaged, [...patches, wait], { claim: 'claim #(\\d+) of M1' }), ...stamps];
  return { work: `${work}\n${test}`, adversary };
}

const inThePlot = patchedBy(`echo 'echo 0' > add.sh; echo 'add() { echo 5; }' > lib.sh; echo '# times' >> mul.sh`, [
  patch('lib.sh', 'echo 5', 'echo 5'),
  patch('tests/add.test.sh', '= 5', '= 6'),
  patch('add.sh', '0', '1'),
  patch('lib.sh', '}', ''),
  patch('mul.sh', '# times', 'echo 1'),
]);

/**
 * An attack by one of the patches. One phase plays them all: the first two are refused, the others run and are
 * inconclusive.
 */
function patching(title: string, refusedBy: Attack['refusedBy'], because: RegExp): Attack {
  const play = (dir: string) => shared(dir, 'patches', () => phase(dir, inThePlot));
  return { rows: '47', title, refusedBy, because, play };
}

const aside = lay('less.js', 'export function sub(a, b) {\n  return b - a;\n}');
const exempted = lay(
  'sub.js',
  'export function sub(a, b) {\n  return a - b;\n}\n\nexport function subAll(all) {\n  return all.reduce(sub, 0);\n}',
);

export const controlAttacks: Attack[] = [
  patching('a patch by the Adversary that changes nothing', 'tool: sabotage', /nothing would change in lib\.sh/),
  patching('a patch by the Adversary to the tests', 'tool: sabotage', /is no production file/),
  patching(
    'a patch by the Adversary that no test notices',
    'gate: controls',
    /control revert is INCONCLUSIVE.* Sabotage #\d+: Every test stays green/,
  ),
  patching(
    'a patch by the Adversary that stops the tests from loading',
    'gate: controls',
    /no test that the claim adds or changes fails on an assertion\. What went red: .*add\.test\.sh/,
  ),
  patching(
    'a patch by the Adversary that breaks only what another test checks',
    'gate: controls',
    /no test that the claim adds or changes fails on an assertion\. What went red: .*mul\.test\.sh/,
  ),
  {
    rows: '47',
    title: 'a patch by a session that was not woken for one',
    refusedBy: 'funnel',
    because: /was not woken for a sabotage/,
    play: (dir) =>
      told(dir, async ({ writer, claim }) => {
        const session = await writer.wake('adversary', { kind: 'judge', claim });
        const edits = [{ path: 'src/keep.js', find: '1', replace: '2' }];
        const facts = { session, claim, gate: M1, edits };
        return { kind: 'sabotage', role: 'adversary', phase: phaseId, facts, body: 'One is two.' };
      }),
  },
  against(
    '6',
    'leaves functions untested that are next to, or named like, an exempt one',
    'gate: controls',
    /control hollow is VACUOUS: With (subAll \(sub|sub \(less)\.js/,
    {
      sample: 'node',
      gate: { controls: ['hollow'], exempt: ['sub.js:sub'] },
      work: `${nodeSound}\n${exempted}\n${aside}`,
    },
  ),
];

export const controlTwins: Twin[] = [
  honestly('a patch by the Adversary that the claim’s test notices', {
    ...patchedBy(`echo 'add() { echo $(($1 + $2)); }' > lib.sh; echo '. ./lib.sh; add "$@"' > add.sh`, [
      patch('lib.sh', '$1 + $2', '$1 - $2'),
    ]),
  }),
  honestly('sound work under every control, except for an exempt function', {
    sample: 'node',
    gate: { controls: ['revert', 'placebo', 'hollow', 'published'], exempt: ['log.js:log'] },
    work: `${nodeSound}\n${lay('log.js', 'export function log(words) {\n  console.error(words);\n}')}`,
  }),
];
