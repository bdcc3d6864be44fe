// Turns what an agent submits through a tool into an intent for the funnel: fills in what is not up to the agent
// (session, trees, ancestry, references, digests) from git and the trail. If a submission is refused, the agent is told
// why and nothing is appended.

import picomatch from 'picomatch';
import type { Submission, ToolReply } from '../../agents/tools/host.ts';
import { type Review, servedFacts } from '../../agents/view/diffReview.ts';
import { digestOf } from '../../state/entry/digest.ts';
import type { Entry, EntryOf, Facts, Intent } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import { DONE, type EntryId, type GateId, type RecipeName, type Sha } from '../../state/entry/ids.ts';
import { type Phase, phaseAt } from '../../state/entry/phase.ts';
import { testGlobsOf } from '../../state/entry/spec.ts';
import { comparisonsOf } from '../../state/gate/admitClaim.ts';
import { lateReproducers } from '../../state/gate/standing.ts';
import { branchHead, isAncestor, knownCommit, treeOf } from '../../state/git/git.ts';
import { functionCounts } from '../../state/work/changed.ts';
import { protectedChanges } from '../../state/work/protectedPaths.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { sabotage } from './sabotage.ts';
import { type Author, phaseNow, type Sources, untilTrail, type World } from './world.ts';

/** Appends the submission; the reply has the number of its entry. */
export async function submit(
  world: World,
  author: Author,
  submission: Submission,
  review: Review | null,
  signal: AbortSignal,
): Promise<ToolReply> {
  try {
    if (submission.kind === 'sabotage') return await sabotage(world, author, submission, signal);
    if (submission.kind === 'verdict') await awaitReproducers(world, author, submission.facts.claim, signal);
    const intent = await intentOf(world, author, submission, review);
    const [entry] = (await world.trail.append([intent])) as [Entry];
    const shown = entry.kind === 'finding' ? await reproducerResult(world, author, entry, signal) : '';
    return { ok: true, text: `#${entry.id}: ${wordsFor(entry)}${shown}` };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, text: `refused: ${error.message}` };
    throw error;
  }
}

async function intentOf(world: World, author: Author, submission: Submission, review: Review | null): Promise<Intent> {
  const { role, session, phase } = author;
  const envelope = { role, phase, body: submission.body };
  switch (submission.kind) {
    case 'claim':
      return {
        ...envelope,
        kind: 'claim',
        facts: await claimFacts(world, author, submission.facts.gate, submission.facts.sha, submission.facts.expects),
      };
    case 'verdict':
      return {
        ...envelope,
        kind: 'verdict',
        facts: {
          session,
          ...submission.facts,
          gate: gateOf(phaseNow(world, phase), submission.facts.claim),
          ...servedFacts(review, submission.facts, submission.seen),
        },
      };
    case 'finding':
      return { ...envelope, ...(await findingIntent(world, author, submission.facts)) };
    default:
      return { ...envelope, kind: submission.kind, facts: { session, ...submission.facts } } as Intent;
  }
}

function gateOf(phase: Phase, claim: EntryId): GateId {
  const known = phase.claims.find((c) => c.id === claim);
  if (!known) throw new Refused(`#${claim} is not a claim of this phase`);
  return known.gate;
}

async function claimFacts(
  world: World,
  { session, phase: id }: Author,
  gate: GateId,
  requested: Sha,
  expects: Facts<'claim'>['expects'],
): Promise<Facts<'claim'>> {
  const { hub } = world.paths;
  const sha = await knownCommit(hub, requested);
  const head = await branchHead(hub, `phase/${id}`);
  if (head === null || !(await isAncestor(hub, sha, head)))
    throw new Refused(`${sha} is not on phase/${id}: publish it first`);
  // The branch is what is delivered, so DONE is judged at the branch's head. From here on the branch is frozen.
  if (gate === DONE && sha !== head)
    throw new Refused(`phase/${id} has moved on to ${head}: hand off that commit once every gate holds there`);
  const phase = phaseNow(world, id);
  const related = await Promise.all(
    phase.claims.map(async (claim) => ({
      id: claim.id,
      before: await isAncestor(hub, claim.sha, sha),
      after: await isAncestor(hub, sha, claim.sha),
    })),
  );
  const descends = related.filter((claim) => claim.before).map((claim) => claim.id);
  const precedes = related.filter((claim) => claim.after && !claim.before).map((claim) => claim.id);
  const claim = { id: world.trail.nextId as EntryId, sha, descends };
  const comparisons = comparisonsOf(phaseAt(phase, world.clock.nowMs()), gate, claim);
  return {
    session,
    gate,
    shas: { main: sha },
    trees: { main: await treeOf(hub, sha) },
    descends,
    precedes,
    ...comparisons,
    expects,
    touches: await protectedChanges(hub, phase.spec, phase.base, sha),
    ...(await functionsOf(world, phase, { sha, references: comparisons.references })),
  };
}

async function functionsOf(
  world: World,
  phase: Phase,
  claim: { sha: Sha; references: Record<string, Sha> },
): Promise<Pick<Facts<'claim'>, 'functions'>> {
  const recipeOf = async (name: RecipeName) =>
    (await pinnedRecipe(world, recipeDigest(phase.recipes, name))).pinned.recipe;
  const functions = await functionCounts(world.paths.hub, phase, claim, recipeOf);
  return Object.keys(functions).length > 0 ? { functions } : {};
}

type FindingFacts = Extract<Submission, { kind: 'finding' }>['facts'];

async function findingIntent(
  world: World,
  { session, phase: id }: Author,
  finding: FindingFacts,
): Promise<Pick<Extract<Intent, { kind: 'finding' }>, 'kind' | 'facts' | 'blobs'>> {
  const { reproducer, ...facts } = finding;
  if (!reproducer) return { kind: 'finding', facts: { session, ...facts } };
  const phase = phaseNow(world, id);
  const gate = finding.gate === DONE ? (Object.keys(phase.spec.gates)[0] as GateId) : finding.gate;
  const spec = phase.spec.gates[gate];
  if (!spec) throw new Refused(`the plan has no gate ${finding.gate}`);
  const globs = await testGlobs(world, phase, spec.recipe);
  if (!picomatch.isMatch(reproducer.path, globs, { dot: true })) {
    throw new Refused(`a reproducer is laid under the recipe's tests (${globs.join(', ')}), not at ${reproducer.path}`);
  }
  const bytes = Buffer.from(reproducer.content, 'utf8');
  const file = digestOf(bytes);
  return {
    kind: 'finding',
    facts: { session, ...facts, reproducer: { path: reproducer.path, file, command: reproducer.command } },
    blobs: [{ path: `blobs/${file}`, bytes }],
  };
}

/** What counts as a test in a phase: the recipe's globs and the plan's. */
export async function testGlobs(world: Sources, phase: Phase, recipe: RecipeName): Promise<string[]> {
  const { pinned } = await pinnedRecipe(world, recipeDigest(phase.recipes, recipe));
  return testGlobsOf(phase.spec, pinned.recipe);
}

/** Waits for reproducers of findings filed after the claim: their results decide whether a verdict may be given. */
async function awaitReproducers(
  world: World,
  { phase: id }: Author,
  claimId: EntryId,
  signal: AbortSignal,
): Promise<void> {
  const isWaiting = () => {
    const phase = phaseNow(world, id);
    const claim = phase.claims.find((c) => c.id === claimId);
    return phase.status === 'open' && claim !== undefined && lateReproducers(phase, claim).length > 0;
  };
  await untilTrail(world, () => !isWaiting(), signal);
}

/** Waits for the reproducer of a finding that was just filed; returns what it showed at the live claim. */
async function reproducerResult(
  world: World,
  author: Author,
  entry: EntryOf<'finding'>,
  signal: AbortSignal,
): Promise<string> {
  if (!entry.facts.reproducer || entry.facts.claim === null) return '';
  await awaitReproducers(world, author, entry.facts.claim, signal);
  const runs = phaseNow(world, author.phase).runs;
  const run = runs.findLast((one) => one.purpose.kind === 'reproducer' && one.purpose.finding === entry.id);
  if (!run) return '';
  const blocks = run.reproducer === 'red' ? 'it blocks' : 'it does not block';
  return ` Its reproducer is ${run.reproducer ?? run.outcome} at the claim (${run.run}): ${blocks}.`;
}

function wordsFor(entry: Entry): string {
  switch (entry.kind) {
    case 'claim':
      return entry.facts.gate === DONE
        ? `DONE is claimed at ${entry.facts.shas.main}. Everything runs once more now, then the Adversary judges it.`
        : `${entry.facts.gate} is claimed at ${entry.facts.shas.main}; its cold runs start now. Continue with other work, or wait.`;
    case 'finding':
      return `the finding is filed.${entry.facts.reproducer ? '' : ' Without a reproducer it rests on your word.'}`;
    case 'verdict':
      return `${entry.facts.verdict} on claim #${entry.facts.claim} of ${entry.facts.gate}.`;
    case 'blocked':
      return "the request waits in the operator's inbox.";
    default:
      return 'it is on the trail.';
  }
}
