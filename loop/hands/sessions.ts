// Carries out one session of a role: prepares its clone and what it is shown, runs it, and appends an entry at its
// start and at its end. Whatever happens to the model is on the trail; a promise rejects only if the machine is broken.

import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeOf } from '../../agents/calibration/calibrate.ts';
import { calibrationSet } from '../../agents/calibration/set.ts';
import type { AgentErrorCode } from '../../agents/model/errors.ts';
import { runSession, type SessionResult } from '../../agents/session/session.ts';
import { openTranscript } from '../../agents/session/transcript.ts';
import { type Fence, fenceOf } from '../../agents/text/fence.ts';
import { redactor } from '../../agents/text/redact.ts';
import { toolsFor } from '../../agents/tools/tools.ts';
import { type Review, reviewOf, reviewOpening } from '../../agents/view/diffReview.ts';
import { openingOf, project } from '../../agents/view/projection.ts';
import { promptFor } from '../../agents/view/prompt.ts';
import { type FailedTest, type ViewSource, viewOf } from '../../agents/view/view.ts';
import type { Facts } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import { type AgentRole, type RunId, type SessionId, type Sha, stampOf } from '../../state/entry/ids.ts';
import { type Phase, phaseAt } from '../../state/entry/phase.ts';
import { claimsLeft } from '../../state/gate/caps.ts';
import { roleClone } from '../../state/git/clones.ts';
import { branchHead } from '../../state/git/git.ts';
import { belowFloor, readCalibrations } from '../../state/trail/calibration.ts';
import type { Command } from '../decide/state.ts';
import { openHost } from './host.ts';
import { failingIn, recordOnTrail } from './log.ts';
import { phaseNow, type World } from './world.ts';

type SessionCommand = Extract<Command, { kind: 'session' }>;

const lockLimits = { memoryMb: 256, processes: 16, diskMb: 16, seconds: 30 };

/** Failures that only a person can fix. */
const hopeless: ReadonlySet<AgentErrorCode> = new Set(['spend', 'fatal', 'price']);

/** Wakes the role; resolves once its session has ended and the end is on the trail. */
export async function carryOutSession(world: World, command: SessionCommand, signal: AbortSignal): Promise<void> {
  const { role, phase: phaseId } = command;
  const session = `s-${randomBytes(6).toString('hex')}` as SessionId;
  const setup = world.agents[role];
  const uncalibrated = whyUncalibrated(world, phaseNow(world, phaseId));
  if (uncalibrated !== null) return park(world, phaseId, uncalibrated);
  const clone = await freshClone(world, command, phaseNow(world, phaseId));
  const fence = fenceOf(randomBytes(6).toString('hex'));
  const review = await reviewFor(world, command);
  const briefing = await brief(world, command, fence, review);
  const tools = toolsFor(role);
  const prompt = promptFor(
    role,
    tools.map((tool) => tool.schema),
  );
  const limits = { ...setup.limits, usd: Math.min(setup.limits.usd, briefing.leftUsd) };
  const started: Facts<'session'> = {
    event: 'started',
    session,
    for: role,
    reason: command.reason,
    backend: setup.backend.name,
    model: setup.backend.model,
    prompt: prompt.digest,
    shown: { upTo: briefing.upTo, runs: briefing.runs },
    reservedUsd: setup.price.output === 0 ? 0 : limits.usd,
  };
  if (!(await recordStart(world, phaseId, started))) return;
  world.onProgress({ kind: 'session', session, role, event: { kind: 'started' } });
  const redact = redactor(setup.secrets);
  const file = join(world.paths.transcripts, `${session}.jsonl`);
  const host = await openHost(world, { role, session, phase: phaseId }, clone, review);
  try {
    const result = await runSession({
      session,
      role,
      prompt,
      opening: briefing.opening,
      tools,
      host,
      backend: setup.backend,
      price: setup.price,
      limits,
      fence,
      transcript: await openTranscript(file, redact, world.clock),
      redact,
      clock: world.clock,
      signal,
      onEvent: (event) => world.onProgress({ kind: 'session', session, role, event }),
    });
    await recordEnd(world, phaseId, session, role, result);
  } finally {
    await host.close();
    world.onProgress({ kind: 'session', session, role, event: { kind: 'ended' } });
  }
}

/**
 * Why the phase's judge does not meet the calibration that the plan demands; null if it does, or if the plan demands
 * none. Asked before money is spent.
 */
function whyUncalibrated(world: World, { spec }: Phase): string | null {
  if (!spec.calibration) return null;
  const judge = judgeOf(world.agents.adversary.backend);
  return belowFloor(spec.calibration, readCalibrations(world.paths.calibrations), judge, calibrationSet().digest);
}

async function park(world: World, phase: SessionCommand['phase'], why: string): Promise<void> {
  const facts: Facts<'phase'> = { event: 'parked', reason: 'calibration', why, about: null };
  try {
    await world.trail.append([{ kind: 'phase', role: 'supervisor', phase, facts, body: '' }]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // it was parked or ended meanwhile
  }
}

/**
 * Appends the session's start; false if the phase moved on meanwhile (was parked, say), so that nobody may be woken.
 */
async function recordStart(world: World, phase: SessionCommand['phase'], facts: Facts<'session'>): Promise<boolean> {
  try {
    await world.trail.append([{ kind: 'session', role: 'supervisor', phase, facts, body: '' }]);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

async function recordEnd(
  world: World,
  phase: SessionCommand['phase'],
  session: SessionId,
  role: AgentRole,
  result: SessionResult,
): Promise<void> {
  const { end, why, turns, tokens, usd, transcript, published, trouble } = result;
  const recordedTrouble = trouble && {
    stop: hopeless.has(trouble.code),
    until: trouble.resetAtMs === null ? null : stampOf(trouble.resetAtMs),
  };
  const facts: Facts<'session'> = {
    event: 'ended',
    session,
    for: role,
    end,
    why,
    turns,
    tokens,
    usd,
    transcript,
    published,
    ...(recordedTrouble && { trouble: recordedTrouble }),
  };
  await world.trail.append([{ kind: 'session', role: 'supervisor', phase, facts, body: '' }]);
}

/** The Builder keeps its clone between sessions; the Adversary gets a new one each time, at the commit it judges. */
async function freshClone(world: World, { role, reason }: SessionCommand, phase: Phase): Promise<string> {
  const into = join(world.paths.clones, role);
  const marker = join(world.paths.clones, `${role}.phase`);
  const isKept = role === 'builder' && (await readMarker(marker)) === phase.id;
  if (isKept) {
    if (phase.sessions.some(({ for: whose, end }) => whose === role && (end === 'lost' || end === 'cancelled')))
      await removeLocks(world, role, into);
    return into;
  }
  await rm(marker, { force: true });
  const isOfClaim = reason.kind === 'judge' || reason.kind === 'sabotage';
  const judgedClaim = isOfClaim ? phase.claims.find((claim) => claim.id === reason.claim) : undefined;
  const owner = world.sandbox.owner(role);
  await roleClone({
    hub: world.paths.hub,
    phase: phase.id,
    role,
    into,
    owner,
    ...(judgedClaim && { at: judgedClaim.sha }),
  });
  await writeMarker(marker, phase.id);
  return into;
}

/** Removes the locks that a killed git left in the clone: every later git would fail because of them. */
async function removeLocks(world: World, role: AgentRole, clone: string): Promise<void> {
  const boxed = await world.sandbox.start(
    {
      role,
      argv: ['find', '.git', '-name', '*.lock', '-type', 'f', '-delete'],
      workdir: '/tree',
      mounts: [{ source: clone, target: '/tree', mode: 'rw' }],
      env: {},
      tools: [],
      hosts: [],
      limits: lockLimits,
    },
    new AbortController().signal,
  );
  boxed.stdin.end();
  boxed.stdout.resume();
  boxed.stderr.resume();
  await boxed.done;
}

/** The phase that a role's clone was made for; null if no marker names it: then the clone is incomplete. */
async function readMarker(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

async function writeMarker(path: string, phase: string): Promise<void> {
  await writeFile(path, phase, { mode: 0o600 });
}

type Briefing = { opening: string; upTo: number; runs: RunId[]; leftUsd: number };

/** What the claim changes, for the session that judges it; null for any other session. */
async function reviewFor(world: World, { reason, phase: id }: SessionCommand): Promise<Review | null> {
  if (reason.kind !== 'judge') return null;
  const phase = phaseNow(world, id);
  const claim = phase.claims.find((one) => one.id === reason.claim);
  return claim ? reviewOf(world.paths.hub, phase, claim) : null;
}

async function brief(
  world: World,
  { role, reason, phase: id }: SessionCommand,
  fence: Fence,
  review: Review | null,
): Promise<Briefing> {
  const phase = phaseNow(world, id);
  const nowMs = world.clock.nowMs();
  const failing = new Map<RunId, FailedTest[]>();
  for (const run of phase.runs.filter((one) => one.outcome === 'FAIL' || one.control)) {
    failing.set(run.run, failingIn(await recordOnTrail(world.trail, run.run)));
  }
  const left = leftOf(phase, nowMs);
  const source: ViewSource = {
    words: (entry) => world.entries.words(entry),
    failing: (run) => failing.get(run) ?? [],
    head: (await branchHead(world.paths.hub, `phase/${id}`)) ?? (phase.base as Sha),
    left,
  };
  const projection = project(viewOf(phaseAt(phase, nowMs), reason, source), role, fence);
  const plan = await world.trail.blob(phase.plan);
  return {
    opening: openingOf(plan?.toString('utf8') ?? '', projection, fence, review && reviewOpening(review)),
    upTo: world.trail.state.lastId,
    runs: projection.shownRuns,
    leftUsd: left.usd,
  };
}

function leftOf(phase: Phase, nowMs: number): ViewSource['left'] {
  const { usd, hours } = phase.spec.budget;
  const spent = phase.sessions.filter((s) => s.id > phase.resumed).reduce((sum, s) => sum + s.usd, 0);
  return {
    usd: Math.max(0, usd - spent),
    hours: Math.max(0, hours - (nowMs - phase.resumedAtMs) / 3_600_000),
    claims: claimsLeft(phase),
  };
}
