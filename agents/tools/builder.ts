// The Builder's own tools: publish work, try it, claim a gate, ask the operator, keep a backlog and a journal.

import { z } from 'zod';
import { DONE, EntryId, GateId, RecipeName, Sha } from '../../state/entry/ids.ts';
import { ClaimExpects } from '../../state/entry/spec.ts';
import { Title, Words } from './shared.ts';
import { type Tool, tool } from './tool.ts';

const FullSha = Sha.describe('The full 40-digit commit id that publish returned.');
const OneLine = z.string().min(1).max(1000);
const Part = z.string().min(1).max(8000);

const publish = tool({
  name: 'publish',
  description:
    "Publishes your clone's HEAD to the branch of this phase and returns the full commit id. Commit first; the branch can only move by fast-forward. Only a published commit can be tried or claimed.",
  input: z.strictObject({}),
  run: (_, { host, signal }) => host.publish(signal),
});

const attempt = tool({
  name: 'try',
  description:
    'A trial: a cold run of a published commit, as a claim would be run. Recorded, and never counted for or against you. Without `sha` it takes the newest published commit, without `recipe` the first recipe of the plan.',
  input: z.strictObject({ sha: FullSha.optional(), recipe: RecipeName.optional() }),
  run: ({ sha, recipe }, { host, signal }) => host.trial({ sha: sha ?? null, recipe: recipe ?? null }, signal),
});

const claim = tool({
  name: 'claim',
  description:
    'Claims that a gate holds at one published commit. The runner then judges that commit cold, and the Adversary tries to break it; what you publish afterwards does not affect the claim. Say what a stranger needs in order to check it; leave out how you got there.',
  input: z.strictObject({
    gate: GateId.refine((gate) => gate !== DONE, 'DONE is claimed with hand_off'),
    sha: FullSha,
    what: Part.describe('Which clauses hold now, and which findings the claim answers.'),
    how: Part.describe('The commands that show it, from a fresh clone.'),
    expected: Part.describe('What they show, in words.'),
    expects: ClaimExpects.prefault({}).describe(
      'What the cold runs of this claim must show, compared by code: the level, the names of tests that must pass, and how many tests must pass at least. Also lines of output that look bad but are not.',
    ),
  }),
  run({ gate, sha, what, how, expected, expects }, { host, signal }) {
    const parts = [`**WHAT** ${what}`, `**WHERE** \`${sha}\``, `**HOW** ${how}`, `**EXPECTED** ${expected}`];
    return host.submit({ kind: 'claim', facts: { gate, sha, expects }, body: parts.join('\n\n') }, signal);
  },
});

const withdraw = tool({
  name: 'withdraw',
  description: 'Takes back a claim of yours that is still being judged.',
  input: z.strictObject({ claim: EntryId, why: Words }),
  run: ({ claim: target, why }, { host, signal }) =>
    host.submit({ kind: 'close', facts: { target, as: 'withdrawn', answers: [] }, body: why }, signal),
});

const blocked = tool({
  name: 'blocked',
  description:
    'Asks the operator for what you may not do yourself or grant to yourself: access, a decision, a lower bar. Name the exact action, how it is verified afterwards, and which gates wait for it. Go on with whatever it does not block.',
  input: z.strictObject({
    action: OneLine.describe('What the operator should do.'),
    verify: OneLine.describe('How one sees that it was done.'),
    blocks: z.array(GateId).min(1),
    options: z.array(OneLine).max(10).default([]).describe('Choices, where there are some.'),
    words: Words.describe('Why there is no other way, and what you tried.'),
  }),
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'blocked', facts, body: words }, signal),
});

const dispute = tool({
  name: 'dispute',
  description:
    "Asks the operator to decide on a finding that you hold to be wrong. You may ask only after two new claims of the finding's gate since the finding was filed or last disputed. The phase is parked until the operator has lifted the finding or refused the dispute.",
  input: z.strictObject({ finding: EntryId, gate: GateId, words: Words.describe('Your case, with evidence.') }),
  run({ finding, gate, words }, { host, signal }) {
    const facts = {
      action: `Decide whether finding #${finding} stands`,
      verify: `Finding #${finding} is lifted, or this request is refused`,
      blocks: [gate],
      options: [`lift finding #${finding}`, 'refuse: the finding stands'],
      disputes: finding,
    };
    return host.submit({ kind: 'blocked', facts, body: words }, signal);
  },
});

const item = tool({
  name: 'item',
  description:
    'Puts a piece of work on your backlog, to be found again by your next session; close it when it is done.',
  input: z.strictObject({ title: Title, words: Words }),
  run: ({ title, words }, { host, signal }) => host.submit({ kind: 'item', facts: { title }, body: words }, signal),
});

const journal = tool({
  name: 'journal',
  description:
    'Notes for your own next session: what you tried, what came of it, why, what is next. The Adversary never sees the journal of this phase.',
  input: z.strictObject({ title: Title, words: Words }),
  run: ({ title, words }, { host, signal }) => host.submit({ kind: 'journal', facts: { title }, body: words }, signal),
});

const close = tool({
  name: 'close',
  description:
    'Closes an item, note, decision, deferral or request of your own. A finding is closed by the Adversary alone.',
  input: z.strictObject({
    target: EntryId,
    as: z.enum(['done', 'withdrawn', 'retracted', 'superseded']),
    words: Words,
  }),
  run: ({ target, as, words }, { host, signal }) =>
    host.submit({ kind: 'close', facts: { target, as, answers: [] }, body: words }, signal),
});

const handOff = tool({
  name: 'hand_off',
  description:
    'Claims DONE for one published commit, once every gate holds at that commit or at an ancestor of it: everything is run and judged once more, and the branch is frozen meanwhile. The summary is for the operator. Ends the session.',
  input: z.strictObject({ sha: FullSha, summary: Words.describe('What was built, what to know, what is deferred.') }),
  ends: 'finished',
  run: ({ sha, summary }, { host, signal }) =>
    host.submit({ kind: 'claim', facts: { gate: DONE, sha, expects: ClaimExpects.parse({}) }, body: summary }, signal),
});

export const builderTools: readonly Tool[] = [
  publish,
  attempt,
  claim,
  withdraw,
  blocked,
  dispute,
  item,
  journal,
  close,
  handOff,
];
