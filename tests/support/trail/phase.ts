// Writes a small honest phase to a real hub, from `queue` to `done`, through the real funnel with the real admission.
// Does not use vitest if it is given a folder, since benchmarks use it too.

import { reviewOf, servedFacts } from '../../../agents/view/diffReview.ts';
import { judgeKept } from '../../../state/controls/earlierTests.ts';
import { changedTests, judgeRevert } from '../../../state/controls/revert.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Facts } from '../../../state/entry/entry.ts';
import { DONE, type EntryId, type GateId, type RunId, type SessionId, type Sha } from '../../../state/entry/ids.ts';
import type { Claim, Phase } from '../../../state/entry/phase.ts';
import type { Purpose, RunRecord, TestResult } from '../../../state/entry/record.ts';
import { lostFacts } from '../../../state/fold/facts.ts';
import { changedPaths } from '../../../state/git/git.ts';
import { addCommits, makeHub } from '../repo.ts';
import { failed, passed, record } from './records.ts';
import {
  harnessText,
  M1,
  type Made,
  openPhase,
  openWriter,
  phaseId,
  pinned,
  recipeDigest,
  type Writer,
} from './writer.ts';

export { M1, type Made, openPhase, openWriter, phaseId, type Writer } from './writer.ts';

const script = 'test -f kept || exit 1\n';

/** The finished story: the hub, the ids of all entries that attacks change, and the commits. */
export type Story = Made & {
  headsLog: string;
  ids: Record<Chapter, EntryId>;
  shas: { base: Sha; first: Sha; second: Sha };
  runs: Record<'gate' | 'again', RunId>;
};
export type Chapter =
  | 'queue'
  | 'opened'
  | 'blocked'
  | 'approve'
  | 'claim'
  | 'gateRun'
  | 'control'
  | 'finding'
  | 'fail'
  | 'again'
  | 'pass'
  | 'handOff'
  | 'last'
  | 'done';

const files = {
  base: { 'src/keep.js': 'export {};\n', 'tests/old.test.js': '// old\n', 'runner.config.js': harnessText },
  first: { 'src/keep.js': 'export const one = 1;\n', 'tests/new.test.js': '// new\n' },
  second: { 'src/keep.js': 'export const both = 2;\n' },
};

/** A phase from `queue` to `done`: claimed, refuted by a reproducer, claimed again, passed, handed off. */
export async function honestPhase(dir?: string): Promise<Story> {
  const made = await makeHub([files.base], dir);
  const writer = await openWriter(made);
  const { trail } = writer;
  try {
    const opening = await openPhase(writer);
    const tale = await tellStory(writer);
    const headsLog = `${made.stateDir}/heads.log`;
    return { ...made, headsLog, ...tale, ids: { ...opening, ...tale.ids } };
  } finally {
    await trail.close();
  }
}

async function tellStory(writer: Writer) {
  const { made, trail, append, wake, end, claim, run } = writer;
  const { base } = made;
  const [first, second] = addCommits(
    made.hub.dir,
    `refs/heads/phase/${phaseId}`,
    [files.first, files.second],
    base,
  ) as [Sha, Sha];
  const last = () => (trail.nextId - 1) as EntryId;
  const old = passed('tests/old.test.js > stays');

  const builder = await wake('builder', { kind: 'work' });
  const claimed = await claim(builder, M1, first);
  const reference = await run({ kind: 'base', recipe: pinned.name, k: 1 }, base, { tests: [old] });
  await lose(writer, { kind: 'gate', claim: claimed, gate: M1, k: 1 }, first);
  const own = await run({ kind: 'gate', claim: claimed, gate: M1, k: 1 }, first, { tests: [old, fresh()] });
  const gateRun = last();
  const bites = await revert(writer, reference, own, claimed, first);
  const control = last();
  const held = await earlier(writer, reference, own, claimed, first);

  const critic = await wake('adversary', { kind: 'judge', claim: claimed }, [own.run, bites.run, held.run]);
  const file = digestOf(script);
  const reproducer = { path: 'tests/again.sh', file, command: 'sh tests/again.sh' };
  const findingFacts = {
    session: critic,
    gate: M1,
    claim: claimed,
    title: 'one store is lost',
    fix: ['both are kept'],
    reproducer,
  };
  const blobs = [{ path: `blobs/${file}`, bytes: Buffer.from(script) }];
  const finding = await append({
    kind: 'finding',
    role: 'adversary',
    phase: phaseId,
    facts: findingFacts,
    body: 'See for yourself.',
    blobs,
  });
  await run({ kind: 'reproducer', claim: claimed, finding: finding.id }, first, {
    tests: [old, fresh()],
    reproducer: 'red',
  });
  const fail = await verdict(writer, critic, claimed, M1, 'FAIL', { findings: [finding.id] });
  await end(critic, 'adversary');
  await end(builder, 'builder', second);

  const mender = await wake('builder', { kind: 'failed', claim: claimed });
  const again = await claim(mender, M1, second, { descends: [claimed] });
  const ownAgain = await run({ kind: 'gate', claim: again, gate: M1, k: 1 }, second, { tests: [old, fresh()] });
  const bitesAgain = await revert(writer, reference, ownAgain, again, second);
  const heldAgain = await earlier(writer, reference, ownAgain, again, second);
  const mended = await run({ kind: 'reproducer', claim: again, finding: finding.id }, second, {
    tests: [old, fresh()],
    reproducer: 'green',
  });
  const runs = [ownAgain.run, bitesAgain.run, heldAgain.run, mended.run];
  const judge = await wake('adversary', { kind: 'judge', claim: again }, runs);
  const closes = [{ finding: finding.id, answers: ['both are kept now'] }];
  const checks = [{ clause: '1.1', saw: 'both are written', cites: [{ run: ownAgain.run }] }];
  const pass = await verdict(writer, judge, again, M1, 'PASS', { closes, checks, runs });
  await end(judge, 'adversary');

  const handOff = await claim(mender, DONE, second, { descends: [claimed, again] });
  await end(mender, 'builder');
  const final = await wake('adversary', { kind: 'judge', claim: handOff }, runs);
  const whole = ['1.1', 'DoD.1'].map((clause) => ({ clause, saw: 'it holds', cites: [{ run: ownAgain.run }] }));
  const verdictOfAll = await verdict(writer, final, handOff, DONE, 'PASS', { checks: whole, runs });
  await end(final, 'adversary');
  const done = await append({
    kind: 'phase',
    role: 'supervisor',
    phase: phaseId,
    facts: { event: 'done', claim: handOff, sha: second },
    body: '',
  });
  const ids = {
    claim: claimed,
    gateRun,
    control,
    finding: finding.id,
    fail,
    again,
    pass,
    handOff,
    last: verdictOfAll,
    done: done.id,
  };
  return { ids, shas: { base, first, second }, runs: { gate: own.run, again: ownAgain.run } };
}

function fresh(): TestResult {
  return passed('tests/new.test.js > both are kept');
}

/** Records a run that does not count, since it was lost when the supervisor crashed. */
async function lose({ append }: Writer, purpose: Purpose, sha: Sha): Promise<void> {
  const lost = {
    run: 'r-ffffffffffff' as RunId,
    purpose,
    recipe: { name: pinned.name, digest: recipeDigest },
    shas: { main: sha },
  };
  await append({ kind: 'run', role: 'runner', phase: phaseId, facts: lostFacts(lost, 'bubblewrap'), body: '' });
}

async function revert(
  { made, run, trail }: Writer,
  reference: RunRecord,
  claim: RunRecord,
  id: EntryId,
  sha: Sha,
): Promise<RunRecord> {
  const purpose = { kind: 'control' as const, claim: id, gate: M1, control: 'revert' as const, reference: made.base };
  const tests = [passed('tests/old.test.js > stays'), failed(fresh().id)];
  const changed = await changedPaths(made.hub.dir, made.base, sha);
  const globs = trail.state.phases[phaseId] ? pinned.recipe.tests : [];
  const asRun = record({ purpose, outcome: 'FAIL', tests });
  const control = judgeRevert({ reference, claim, control: asRun, changedTestFiles: changedTests(changed, globs) });
  return run(purpose, sha, { outcome: 'FAIL', tests, control });
}

async function earlier(
  { made, run }: Writer,
  reference: RunRecord,
  claim: RunRecord,
  id: EntryId,
  sha: Sha,
): Promise<RunRecord> {
  const purpose = { kind: 'kept' as const, claim: id, recipe: pinned.name, from: made.base };
  const tests = [passed('tests/old.test.js > stays')];
  const asRun = record({ purpose, tests });
  const kept = judgeKept({ earlier: [reference], claim, kept: asRun, supersedes: [] });
  return run(purpose, sha, { tests, kept });
}

async function verdict(
  { append, made, trail }: Writer,
  session: SessionId,
  claim: EntryId,
  gate: GateId,
  word: Facts<'verdict'>['verdict'],
  rest: Partial<Facts<'verdict'>>,
): Promise<EntryId> {
  const phase = trail.state.phases[phaseId] as Phase;
  const judged = phase.claims.find(({ id }) => id === claim) as Claim;
  const review = await reviewOf(made.hub.dir, phase, judged);
  const facts = {
    session,
    gate,
    claim,
    verdict: word,
    runs: [],
    findings: [],
    checks: [],
    closes: [],
    ...rest,
    ...servedFacts(review, { verdict: word, claim }, []),
  };
  return (await append({ kind: 'verdict', role: 'adversary', phase: phaseId, facts, body: 'As I saw it.' })).id;
}
