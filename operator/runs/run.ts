// `coldpass run PLAN`: runs one phase in the foreground, from its plan to DONE. Checks everything first, signs the
// `queue` act unless the phase is already on the trail, then supervises in this process until the phase is done or
// needs you. A rerun continues where the last one stopped: everything done so far is on the trail.
//
// Exit: 0 done and delivered · 1 abandoned or refused · 3 needs you · 4 stopped early (rerun to resume)

import type { Clock } from '../../agents/model/clock.ts';
import type { LoopProgress } from '../../loop/hands/world.ts';
import { supervise } from '../../loop/supervisor.ts';
import { Refused } from '../../state/entry/errors.ts';
import { DONE, type PhaseId, type Sha } from '../../state/entry/ids.ts';
import { livePhase, type Phase, type TrailState } from '../../state/entry/phase.ts';
import { currentClaim } from '../../state/gate/gate.ts';
import { type InboxItem, inboxOf } from '../../state/gate/inbox.ts';
import { deliver, openHub } from '../../state/trail/hub.ts';
import { readInbox, readTaken } from '../../state/trail/inboxFolder.ts';
import { withTrail } from '../../state/trail/read.ts';
import { queueAct, type ReadyPlan, readyPlan } from '../acts/queue.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { openLog } from '../terminal/log.ts';
import { type Agents, agentsFrom } from '../workspace/agents.ts';
import { here } from '../workspace/here.ts';
import type { CommandContext, Here } from '../workspace/place.ts';
import { supervisorOf } from '../workspace/running.ts';
import { answerTo, drop } from '../workspace/sign.ts';

export type RunOptions = {
  asked: CommandContext;
  /** Without a plan, continues the open or queued phase. */
  plan?: string;
  clock: Clock;
  signal: AbortSignal;
  onProgress?(progress: LoopProgress): void;
  /** Prints a line before the work starts. */
  onNote?(line: string): void;
  /** Replaces the agents from the configuration and environment. */
  agents?: Agents;
};

export type RunEnd = {
  exit: Exit;
  /** The newest phase if none was open or queued (`status` is then `idle`: only deferral triggers were checked). */
  phase: PhaseId;
  status: Phase['status'] | 'queued' | 'stopped' | 'idle';
  /** The commit at which DONE holds; null if it does not. */
  sha: Sha | null;
  /** The branch in your repository; null if it was not delivered. `undelivered` then has the reason. */
  branch: string | null;
  undelivered: string | null;
  inbox: InboxItem[];
  /** The trail's last commit. */
  head: string;
};

/** Throws UsageError, Refused, TrailError or RunnerError: one line with what to do. */
export async function run(options: RunOptions): Promise<RunEnd> {
  const place = await here(options.asked);
  const plan = options.plan === undefined ? null : readyPlan(options.asked.dir, options.plan, place);
  await openHub(place.paths.hub);
  const before = await withTrail(place.paths.hub, (trail) => trail.state);
  const phase = plan?.spec.phase ?? unfinished(before);
  if (phase === null || !isOver(before.phases[phase])) {
    const agents = options.agents ?? agentsFrom(place.config, options.asked.env, options.clock);
    refuseSecond(place);
    const nonce = plan && (await queued(plan, before, place, options));
    const { stopped } = await drive(place, agents, options);
    if (nonce) refuseUnqueued(place, nonce);
    return endOf(place, phase, stopped, options.clock, before);
  }
  return endOf(place, phase, false, options.clock, before);
}

/** Signs the act and drops it in the inbox, and returns its nonce; null if the phase is already known. */
async function queued(plan: ReadyPlan, before: TrailState, place: Here, options: RunOptions): Promise<string | null> {
  const { phase: id } = plan.spec;
  const known = before.phases[id] ?? before.queue.find((item) => item.phase === id);
  if (known && known.plan !== plan.digest) throw new UsageError(otherPlan(plan));
  if (known) {
    options.onNote?.(`phase ${id} is already on the trail; resuming it`);
    return null;
  }
  refuseBehindParked(before, id);
  for (const problem of plan.warnings) options.onNote?.(`note: ${plan.file}: ${problem.what}; ${problem.fix}`);
  const waiting = await waitingQueue(place, plan, options.clock);
  if (waiting) return waiting;
  const now = new Date(options.clock.nowMs());
  return drop(place, await queueAct(plan, place, { env: options.asked.env, now }));
}

/**
 * The nonce of the `queue` act that an earlier process put in the inbox for this plan, if nobody has accepted it yet;
 * null if there is none.
 */
async function waitingQueue({ paths }: Here, plan: ReadyPlan, clock: Clock): Promise<string | null> {
  const acts = [...(await readInbox(paths.inbox)).acts, ...(await readTaken(paths.inbox))];
  const match = acts.find(({ signed: { act } }) => {
    const { payload, expires } = act;
    const isSame = payload.act === 'queue' && payload.phase === plan.spec.phase && payload.plan === plan.digest;
    return isSame && Date.parse(expires) > clock.nowMs();
  });
  return match?.signed.act.nonce ?? null;
}

async function drive(place: Here, agents: Agents, options: RunOptions): Promise<{ stopped: boolean }> {
  const { workspace, paths } = place;
  const log = openLog(paths.stateDir);
  try {
    return await supervise({
      workspace,
      paths,
      agents,
      clock: options.clock,
      log,
      signal: options.signal,
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
  } finally {
    log.flush();
  }
}

/** The end of the named phase or, without a name, of the phase that an act in the inbox started. */
async function endOf(
  place: Here,
  named: PhaseId | null,
  stopped: boolean,
  clock: Clock,
  before: TrailState,
): Promise<RunEnd> {
  const { state, head } = await withTrail(place.paths.hub, (trail) => trail);
  const newest = Object.values(state.phases).at(-1)?.id as PhaseId;
  const id = named ?? newest;
  const phase = state.phases[id];
  const inbox = inboxOf(state, clock.nowMs());
  const nothing = { phase: id, sha: null, branch: null, undelivered: null, inbox, head };
  if (named === null && before.phases[newest]) return { ...nothing, ...idle(inbox, stopped) };
  if (phase?.status === 'done') return { ...nothing, ...(await delivered(place, phase)) };
  if (phase?.status === 'abandoned') return { ...nothing, exit: exits.no, status: 'abandoned' };
  if (stopped) return { ...nothing, exit: exits.machine, status: 'stopped' };
  return { ...nothing, exit: exits.operator, status: phase?.status ?? 'queued' };
}

function idle(inbox: InboxItem[], stopped: boolean): Pick<RunEnd, 'exit' | 'status'> {
  if (stopped) return { exit: exits.machine, status: 'stopped' };
  const asks = inbox.some((item) => item.kind === 'reentry');
  return { exit: asks ? exits.operator : exits.yes, status: 'idle' };
}

async function delivered(
  { repository, paths }: Here,
  phase: Phase,
): Promise<Pick<RunEnd, 'exit' | 'status' | 'sha' | 'branch' | 'undelivered'>> {
  const judged = currentClaim(phase, DONE)?.sha;
  if (judged === undefined) throw new Error(`phase ${phase.id} is done, but nothing was handed off`);
  const answer = await deliver(paths.hub, repository.top, { phase: phase.id, judged }, repository.owner);
  if ('sha' in answer)
    return { exit: exits.yes, status: 'done', sha: answer.sha, branch: `phase/${phase.id}`, undelivered: null };
  return { exit: exits.operator, status: 'done', sha: null, branch: null, undelivered: answer.refused };
}

/**
 * The phase to continue; null if there is none, but there are deferral triggers to check. Throws UsageError if there is
 * neither.
 */
function unfinished(state: TrailState): PhaseId | null {
  const id = livePhase(state)?.id ?? state.queue[0]?.phase;
  if (id) return id;
  if (state.deferrals.some((deferral) => deferral.closed === null)) return null;
  throw new UsageError('no phase is open or queued; type: coldpass run PLAN');
}

function isOver(phase: Phase | undefined): boolean {
  return phase?.status === 'done' || phase?.status === 'abandoned';
}

function refuseSecond({ paths }: Here): void {
  const pid = supervisorOf(paths);
  if (pid !== null)
    throw new Refused(
      `process ${pid} is already running this workspace; watch it with: coldpass watch, or stop it first`,
    );
}

function refuseBehindParked(state: TrailState, id: PhaseId): void {
  const live = livePhase(state);
  if (live?.status !== 'parked' || live.id === id) return;
  const what = `phase ${live.id} is parked, and only one phase runs at a time`;
  throw new UsageError(`${what}; settle it first: coldpass inbox`, { exit: exits.operator });
}

function refuseUnqueued({ paths }: Here, nonce: string): void {
  const answer = answerTo(paths.inbox, nonce);
  if (answer.kind === 'refused') throw new Refused(`the plan was not queued: ${answer.why}`);
}

function otherPlan({ file, spec }: ReadyPlan): string {
  const amend = `coldpass amend ${spec.phase} --plan ${file} --because "…"`;
  const fault = `${file} is not the plan that phase ${spec.phase} was queued with`;
  return `${fault}; to change the plan, type: ${amend}; or restore the file, or give the new plan another id`;
}
