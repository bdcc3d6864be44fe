// Carries out a run that the loop wants: makes the cold run, judges it, and appends its entry to the trail. Outcomes
// are values; a promise rejects only if the state folder or the trail cannot be written.

import { randomBytes } from 'node:crypto';
import { coldRun } from '../../runner/run/coldrun.ts';
import { sweep } from '../../runner/run/janitor.ts';
import type { ColdRunRequest } from '../../runner/run/request.ts';
import type { Facts, Intent } from '../../state/entry/entry.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { AgentRole, EntryId, PhaseId, RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import { livePhase, type Phase, phaseAt } from '../../state/entry/phase.ts';
import { type Purpose, type RunRecord, uncounted } from '../../state/entry/record.ts';
import { asksOf, lostFacts, recordBytes, runFacts } from '../../state/fold/facts.ts';
import type { RunNeed } from '../../state/fold/requirement.ts';
import { standingOf } from '../../state/gate/standing.ts';
import { currentClaims } from '../decide/runsWanted.ts';
import type { Command } from '../decide/state.ts';
import { controlRequest, judgeControlRun } from './controls.ts';
import { earlierTests, holdOuts, judgeEarlierTests } from './earlierTests.ts';
import { pinnedRecipe, recipeDigest } from './opening.ts';
import { phaseNow, type Sources, type World } from './world.ts';

type Special = Pick<ColdRunRequest, 'edits' | 'drill' | 'blind' | 'reproducer' | 'question'>;
type RunCommand = Pick<Extract<Command, { kind: 'run' }>, 'phase' | 'need'>;

/** Makes the run and appends its entry. */
export async function carryOutRun(world: World, { phase: id, need }: RunCommand, signal: AbortSignal): Promise<void> {
  const record = await inTurn(world, signal, () => make(world, phaseNow(world, id), need, signal));
  if (record) await append(world, id, record, need);
}

/** Makes a trial run, recorded like any run but never counted. */
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

/**
 * Records as LOST each run that an earlier process began and that the trail lacks; removes what the run left behind.
 */
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

/** True if the run is of this phase: of its base or of one of its claims. False for trials, which nobody waits for. */
function belongsTo(phase: Phase, purpose: Purpose): boolean {
  if (purpose.kind === 'trial') return false;
  return 'claim' in purpose ? phase.claims.some((claim) => claim.id === purpose.claim) : purpose.kind === 'base';
}

/** Waits for one of the machine's places; null if the signal aborts first. */
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
    run,
    purpose: need.purpose,
    pinned,
    harnessFiles: harness,
    hub: world.paths.hub,
    sha: need.sha,
    ...(await purposeOptions(world, phase, need)),
    ...snapshot(world, need),
  };
  world.onProgress({ kind: 'run', run, what, at: 'started' });
  const record = await coldRun(request, {
    engine: world.engine,
    runsDir: world.paths.runs,
    now: () => new Date(world.clock.nowMs()),
    signal,
    onProgress: (step) => {
      if (step.kind === 'started') world.onProgress({ kind: 'run', run, what, at: 'stage', stage: step.stage });
    },
  });
  world.onProgress({ kind: 'run', run, what, at: 'ended', outcome: record.outcome });
  await keepSnapshot(world, need, record);
  return record;
}

/** How a control, a reproducer and the like differ from an ordinary run. */
export async function purposeOptions(world: Sources, phase: Phase, need: RunNeed): Promise<Special> {
  const { purpose } = need;
  switch (purpose.kind) {
    case 'control':
      return controlRequest(world, phase, need, purpose);
    case 'kept':
      return { edits: await earlierTests(world, phase, need, purpose) };
    case 'holdout':
      return { edits: holdOuts(phase), blind: true };
    case 'reproducer': {
      const reproducer = phase.findings.find((finding) => finding.id === purpose.finding)?.reproducer;
      const bytes = reproducer && (await world.trail.blob(reproducer.file));
      if (!reproducer || !bytes)
        throw new TrailError('bad-trail', `the trail has no reproducer for finding #${purpose.finding}`);
      return { reproducer: { path: reproducer.path, bytes, command: reproducer.command } };
    }
    case 'trigger':
      return { question: commandOf(world, purpose.deferral) };
    case 'gate':
    case 'base':
    case 'trial':
      return {};
    default:
      return purpose satisfies never;
  }
}

/** The command of a deferral's trigger. */
function commandOf(world: Sources, id: EntryId): string {
  const trigger = world.trail.state.deferrals.find((deferral) => deferral.id === id)?.trigger;
  if (trigger?.kind !== 'command') throw new TrailError('bad-trail', `#${id} has no trigger command`);
  return trigger.run;
}

/** A claim's first gate run keeps a copy of the tree after setup; runs that edit that tree start from the copy. */
function snapshot(world: World, need: RunNeed): Pick<ColdRunRequest, 'snapshotFrom' | 'keepSnapshot'> {
  const { purpose } = need;
  if (purpose.kind === 'gate') return { keepSnapshot: purpose.k === 1 };
  const from = world.snapshots.get(snapshotKey(need));
  return from && ['control', 'kept', 'holdout'].includes(purpose.kind) ? { snapshotFrom: from } : {};
}

/**
 * If the gate run passed, keeps its copy, to be used by later runs over the same tree; otherwise removes it. One copy
 * per tree is enough.
 */
async function keepSnapshot(world: World, need: RunNeed, record: RunRecord): Promise<void> {
  const { purpose } = need;
  if (purpose.kind !== 'gate' || purpose.k !== 1) return;
  if (record.outcome === 'PASS' && !world.snapshots.has(snapshotKey(need)))
    world.snapshots.set(snapshotKey(need), record.run);
  else await world.engine.forget(record.run);
}

/** Removes snapshots that no current claim needs. */
async function forgetSnapshots(world: World, phase: Phase): Promise<void> {
  const nowMs = world.clock.nowMs();
  const running = currentClaims(phase).filter((claim) => standingOf(phaseAt(phase, nowMs), claim).state === 'running');
  for (const [key, run] of world.snapshots) {
    if (running.some(({ sha }) => key.endsWith(` ${sha}`))) continue;
    world.snapshots.delete(key);
    await world.engine.forget(run);
  }
}

function snapshotKey({ recipe, sha }: RunNeed): string {
  return `${recipe} ${sha}`;
}

async function append(world: World, id: PhaseId, record: RunRecord, need: RunNeed): Promise<void> {
  const phase = phaseNow(world, id);
  const facts = runFacts(record, {
    asks: asksOf(phase, need.purpose),
    ...(await judgementOf(world, phase, need, record)),
  });
  const blobs = facts.results ? [{ path: `runs/${record.run}/results.json`, bytes: recordBytes(record) }] : [];
  const intent: Intent = { kind: 'run', role: 'runner', phase: id, facts, body: '', blobs };
  await world.trail.append([intent]);
  await forgetSnapshots(world, phaseNow(world, id));
}

/** The judgement on a run that counts, if it is made by comparing that run with others. */
async function judgementOf(
  world: World,
  phase: Phase,
  need: RunNeed,
  record: RunRecord,
): Promise<Pick<Facts<'run'>, 'control' | 'kept'>> {
  const { purpose } = need;
  if (uncounted.has(record.outcome)) return {};
  if (purpose.kind === 'control') return { control: await judgeControlRun(world, phase, need, record) };
  if (purpose.kind === 'kept') return { kept: await judgeEarlierTests(world, phase, need, record) };
  return {};
}
