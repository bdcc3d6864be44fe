// A run that the loop wants, carried out: from a need to a cold run, its judgement, and its entry on the trail. Outcomes are
// values; this rejects only where the state folder or the trail cannot be written.

import { randomBytes } from 'node:crypto';
import { type ColdRunRequest, coldRun } from '../runner/coldrun.ts';
import { sweep } from '../runner/janitor.ts';
import type { Facts, Intent } from '../state/entry.ts';
import { TrailError } from '../state/errors.ts';
import { lostFacts, recordBytes, runFacts } from '../state/facts.ts';
import { changedPaths } from '../state/git.ts';
import type { AgentRole, PhaseId, RecipeName, RunId, Sha } from '../state/ids.ts';
import { livePhase, type Phase, type Run } from '../state/phase.ts';
import { type Purpose, type RunRecord, uncounted } from '../state/record.ts';
import { changedTests, judgeRevert, revertEdits } from '../state/revert.ts';
import { controlsOf } from '../state/spec.ts';
import { isReference, type RunNeed, slotOf } from '../state/standing.ts';
import type { Command } from './decide.ts';
import { recordOf } from './log.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { testGlobs } from './submit.ts';
import { phaseNow, type World } from './world.ts';

type RunCommand = Extract<Command, { kind: 'run' }>;
type Control = NonNullable<Facts<'run'>['control']>;

/** Makes the run and appends its entry. */
export async function carryOutRun(world: World, { phase: id, need }: RunCommand, signal: AbortSignal): Promise<void> {
  const record = await inTurn(world, signal, () => make(world, phaseNow(world, id), need, signal));
  if (record) await append(world, id, record, need);
}

/** A trial: made like any run, recorded, never counted. */
export async function trialRun(
  world: World,
  phase: Phase,
  what: { sha: Sha; recipe: RecipeName; by: AgentRole },
  signal: AbortSignal,
): Promise<RunRecord> {
  const need: RunNeed = { slot: 'trial', purpose: { kind: 'trial', by: what.by }, recipe: what.recipe, sha: what.sha };
  const record = await inTurn(world, signal, () => make(world, phase, need, signal));
  if (!record) throw new Error('a trial was cancelled before it began');
  await append(world, phase.id, record, need);
  return record;
}

/** Runs that an earlier process began and that are not on the trail are recorded as LOST; what they left goes. */
export async function recordLostRuns(world: World): Promise<void> {
  const known = new Set(world.entries.entries.flatMap((entry) => (entry.kind === 'run' ? [entry.facts.run] : [])));
  await world.engine.sweep(() => false);
  const { lost, stuck } = await sweep(world.paths.runs, { isLive: (run) => known.has(run) });
  for (const what of stuck) world.log.warn({ what }, 'a dead run left something that cannot be removed');
  const phase = livePhase(world.trail.state);
  for (const intent of lost) {
    const facts = lostFacts(intent, world.sandbox.level);
    if (phase && belongsTo(phase, intent.purpose))
      await world.trail.append([{ kind: 'run', role: 'runner', phase: phase.id, facts, body: '' }]);
  }
}

/** False for trials, which nobody waits for, and for runs of phases that are over. */
function belongsTo(phase: Phase, purpose: Purpose): boolean {
  if (purpose.kind === 'trial') return false;
  return purpose.kind === 'base' || phase.claims.some((claim) => claim.id === purpose.claim);
}

/** Waits for one of the machine's places; null where the signal aborts first. */
async function inTurn<T>(world: World, signal: AbortSignal, work: () => Promise<T>): Promise<T | null> {
  if (!(await world.places.take(signal))) return null;
  try {
    return signal.aborted ? null : await work();
  } finally {
    world.places.give();
  }
}

async function make(world: World, phase: Phase, need: RunNeed, signal: AbortSignal): Promise<RunRecord> {
  const { pinned, harness } = await pinnedRecipe(world, recipeDigest(phase.recipes, need.recipe));
  const run = `r-${randomBytes(6).toString('hex')}` as RunId;
  const what = need.slot;
  const request: ColdRunRequest = {
    ...{ run, purpose: need.purpose, pinned, harnessFiles: harness, hub: world.paths.hub, sha: need.sha },
    ...(await special(world, phase, need)),
  };
  world.onProgress({ kind: 'run', run, what, at: 'started' });
  const record = await coldRun(request, {
    ...{ engine: world.engine, runsDir: world.paths.runs, now: () => new Date(world.clock.nowMs()), signal },
    onProgress: (step) => {
      if (step.kind === 'started') world.onProgress({ kind: 'run', run, what, at: 'stage', stage: step.stage });
    },
  });
  world.onProgress({ kind: 'run', run, what, at: 'ended', outcome: record.outcome });
  await snapshots(world, phase, need, record);
  return record;
}

/** What sets a control or a reproducer apart from an ordinary run. */
async function special(world: World, phase: Phase, need: RunNeed): Promise<Partial<ColdRunRequest>> {
  const { purpose } = need;
  switch (purpose.kind) {
    case 'control': {
      const changed = await changedPaths(world.paths.hub, purpose.reference, need.sha);
      const globs = await testGlobs(world, phase, need.recipe);
      const { pinned } = await pinnedRecipe(world, recipeDigest(phase.recipes, need.recipe));
      const snapshotFrom = world.snapshots.get(snapshotKey(need));
      const edits = revertEdits(changed, globs, pinned.recipe.harness);
      return { edits, ...(snapshotFrom && { snapshotFrom }) };
    }
    case 'reproducer': {
      const reproducer = phase.findings.find((finding) => finding.id === purpose.finding)?.reproducer;
      const bytes = reproducer && (await world.trail.blob(reproducer.file));
      if (!reproducer || !bytes)
        throw new TrailError('bad-trail', `the trail holds no reproducer of finding #${purpose.finding}`);
      return { reproducer: { path: reproducer.path, bytes, command: reproducer.command } };
    }
    case 'gate': {
      const spec = phase.spec.gates[purpose.gate];
      return { keepSnapshot: purpose.k === 1 && spec !== undefined && controlsOf(spec).length > 0 };
    }
    case 'base':
    case 'trial':
      return {};
    default:
      return purpose satisfies never;
  }
}

/** A gate run's setup is shared with its control; once that is over, or will not come, the copy goes. */
async function snapshots(world: World, { spec }: Phase, need: RunNeed, record: RunRecord): Promise<void> {
  const { purpose } = need;
  if (purpose.kind === 'gate' && purpose.k === 1 && spec.gates[purpose.gate]) {
    if (record.outcome === 'PASS' && !world.snapshots.has(snapshotKey(need)))
      world.snapshots.set(snapshotKey(need), record.run);
    else await world.engine.forget(record.run);
  }
  if (purpose.kind === 'control') {
    const kept = world.snapshots.get(snapshotKey(need));
    world.snapshots.delete(snapshotKey(need));
    if (kept) await world.engine.forget(kept);
  }
}

function snapshotKey({ recipe, sha }: RunNeed): string {
  return `${recipe} ${sha}`;
}

async function append(world: World, id: PhaseId, record: RunRecord, need: RunNeed): Promise<void> {
  const phase = phaseNow(world, id);
  const { purpose } = need;
  const expect = purpose.kind === 'gate' ? phase.spec.gates[purpose.gate]?.expect : undefined;
  const control =
    purpose.kind === 'control' && !uncounted.has(record.outcome) ? await judge(world, phase, need, record) : undefined;
  const facts = runFacts(record, { ...(expect && { expect }), ...(control && { control }) });
  const blobs = facts.results ? [{ path: `runs/${record.run}/results.json`, bytes: recordBytes(record) }] : [];
  const intent: Intent = { kind: 'run', role: 'runner', phase: id, facts, body: '', blobs };
  await world.trail.append([intent]);
}

/** The control against the claim's own run and the reference's, all three as they are on the trail. */
async function judge(world: World, phase: Phase, need: RunNeed, control: RunRecord): Promise<Control> {
  const { purpose } = need;
  if (purpose.kind !== 'control') throw new Error(`${slotOf(purpose)} is no control`);
  const counted = (fits: (run: Run) => boolean) =>
    phase.runs.findLast((run) => !uncounted.has(run.outcome) && run.recipe === need.recipe && fits(run));
  const claimRun = counted(
    (run) => run.sha === need.sha && run.purpose.kind === 'gate' && run.purpose.gate === purpose.gate,
  );
  const referenceRun = counted((run) => run.sha === purpose.reference && isReference(run));
  const claim = claimRun && (await recordOf(world.trail, claimRun.run));
  const reference = referenceRun && (await recordOf(world.trail, referenceRun.run));
  if (!claim || !reference) return { result: 'INCONCLUSIVE', why: 'The runs to compare with are not on the trail.' };
  const changed = await changedPaths(world.paths.hub, purpose.reference, need.sha);
  return judgeRevert({
    reference,
    claim,
    control,
    changedTestFiles: changedTests(changed, await testGlobs(world, phase, need.recipe)),
  });
}
