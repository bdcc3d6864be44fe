// The supervisor of one workspace: opens the trail, hub and sandbox, records what a dead process lost, then lets the
// shell drive until nothing is left to do without the operator. It keeps no state: kill it, restart it, and it
// continues.

import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { type Clock, pause } from '../agents/model/clock.ts';
import { openSandbox } from '../runner/box/open.ts';
import type { Sandbox } from '../runner/box/sandbox.ts';
import { unboxed } from '../runner/box/unboxed.ts';
import { openEngine } from '../runner/engines.ts';
import type { Entry } from '../state/entry/entry.ts';
import { Refused, TrailError } from '../state/entry/errors.ts';
import { type AgentRole, type Digest, type Role, Sha } from '../state/entry/ids.ts';
import { emptyTrail, livePhase, type TrailState } from '../state/entry/phase.ts';
import { fold } from '../state/fold/fold.ts';
import { admit } from '../state/gate/admit.ts';
import { branchHead } from '../state/git/git.ts';
import { roleSigner } from '../state/keys/keys.ts';
import { currentKey } from '../state/keys/signers.ts';
import { openFunnel } from '../state/trail/funnel.ts';
import { openHub, signersAt, startPhase, tidyHub } from '../state/trail/hub.ts';
import { lockWorkspace, type StatePaths, type Workspace } from '../state/trail/workspace.ts';
import type { LoopLimits } from './decide/state.ts';
import { openInbox } from './hands/acts.ts';
import { entryLog } from './hands/log.ts';
import { lookAt } from './hands/look.ts';
import { openQueued } from './hands/opening.ts';
import { placesFor } from './hands/places.ts';
import { carryOutRun, recordLostRuns } from './hands/runs.ts';
import { carryOutSession } from './hands/sessions.ts';
import type { AgentSetup, LoopProgress, World } from './hands/world.ts';
import { type Hands, startShell } from './shell.ts';

/** The most cold runs at the same time: more would only slow each other down. */
export const runsAtOnceMax = Math.max(2, availableParallelism());

export type SupervisorOptions = {
  workspace: Workspace;
  paths: StatePaths;
  agents: Record<AgentRole, AgentSetup>;
  clock: Clock;
  log: Logger;
  /** Aborting stops gracefully: whatever runs is cancelled and recorded, then `supervise` resolves. */
  signal: AbortSignal;
  limits?: LoopLimits;
  onProgress?(progress: LoopProgress): void;
};

/** The state of the trail once the loop has come to rest. */
export type SupervisorEnd = { trail: TrailState; head: string; stopped: boolean };

/**
 * Drives the workspace's phases until each is done, abandoned or parked, or the signal aborts. Rejects with Refused if
 * another supervisor runs, or with TrailError or RunnerError; the message of each is one clear line. Cleans up after
 * itself in any case.
 */
export async function supervise(options: SupervisorOptions): Promise<SupervisorEnd> {
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const lock = lockWorkspace(options.paths.stateDir);
    closers.push(() => lock.release());
    const world = await openWorld(options, closers);
    return await drive(world, options, closers);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function openWorld(options: SupervisorOptions, closers: (() => Promise<void> | void)[]): Promise<World> {
  const { paths, workspace, clock } = options;
  const hub = await openHub(paths.hub);
  if (hub.root !== workspace.root)
    throw new TrailError('bad-hub', `${paths.hub} was not created by this workspace's operator`);
  await tidyHub(paths.hub);
  const { sandbox, selfTest } = await sandboxFor(options);
  closers.push(() => sandbox.close());
  const allowed = await signersAt(hub.dir, Sha.parse(await branchHead(hub.dir, 'trail')));
  const newSigner = (role: Role, publicKey: string) => roleSigner(paths.keys, role, publicKey);
  const roles = ['supervisor', 'runner', 'builder', 'adversary'] as const;
  const signers = Object.fromEntries(roles.map((role) => [role, newSigner(role, currentKey(allowed, role) ?? 'none')]));
  const entries = entryLog();
  let isOpening = true;
  const trail = await openFunnel<TrailState>({
    hub: paths.hub,
    stateDir: paths.stateDir,
    signers,
    newSigner,
    empty: emptyTrail,
    admit,
    apply: (state, entry) => {
      if (isOpening) entries.add([entry]);
      return fold(state, entry);
    },
    // Even if the clock was set back, an entry is not dated before the one that it follows.
    now: () => new Date(Math.max(clock.nowMs(), Date.parse(entries.entries.at(-1)?.at ?? '1970-01-01T00:00:00Z'))),
  });
  isOpening = false;
  closers.push(() => trail.close());
  const onProgress = options.onProgress ?? (() => undefined);
  trail.onAppended((added: Entry[]) => {
    entries.add(added);
    for (const entry of added) onProgress({ kind: 'entry', entry });
  });
  const engine = openEngine({ sandbox, selfTest, runsDir: paths.runs, ...workspace.grants });
  const places = placesFor(runsAtOnceMax);
  return {
    workspace,
    paths,
    trail,
    entries,
    sandbox,
    engine,
    places,
    snapshots: new Map(),
    clock,
    log: options.log,
    agents: options.agents,
    onProgress,
  };
}

/** The sandbox for the workspace. Throws if there is none, except for a workspace that is marked as a demo. */
async function sandboxFor({
  workspace,
  paths,
  log,
}: SupervisorOptions): Promise<{ sandbox: Sandbox; selfTest: Digest | null }> {
  const opened = await openSandbox({ stateDir: paths.stateDir, ...(workspace.uids && { uids: workspace.uids }) });
  if (opened.sandbox) return { sandbox: opened.sandbox, selfTest: opened.selfTest.digest };
  if (!workspace.demo)
    throw new Refused(`the sandbox failed its checks, so nothing runs here: ${opened.mend.join('; ')}`);
  log.warn({ mend: opened.mend }, 'this demo runs without a sandbox');
  return { sandbox: unboxed({ stateDir: paths.stateDir }), selfTest: null };
}

async function drive(
  world: World,
  options: SupervisorOptions,
  closers: (() => Promise<void> | void)[],
): Promise<SupervisorEnd> {
  const broken = Promise.withResolvers<never>();
  await recover(world);
  const inbox = await openInbox(world, (error) => broken.reject(error));
  closers.push(() => inbox.close());
  const shell = startShell({
    trail: world.trail,
    hands: handsOf(world),
    nowMs: () => world.clock.nowMs(),
    ...(options.limits && { limits: options.limits }),
    onStep: (step) => world.log.debug(step, 'step'),
  });
  const stop = () => shell.stop();
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  const state = await Promise.race([shell.quiet, broken.promise]);
  return { trail: state.trail, head: world.trail.head, stopped: state.stopping };
}

/**
 * Completes what a dead process left: a phase's branch, and lost runs, which are found by their folders. `decide` ends
 * the sessions.
 */
async function recover(world: World): Promise<void> {
  const phase = livePhase(world.trail.state);
  if (phase) await startPhase(world.paths.hub, phase.id, phase.base);
  await recordLostRuns(world);
}

function handsOf(world: World): Hands {
  const refusals = new Map<string, number>();
  return {
    open: (queue) => openQueued(world, queue),
    append: async (intent) => {
      try {
        await world.trail.append([intent]);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // Another entry came between decision and append, so `decide` looks again. A second refusal of the same append
        // after the same entry is a bug.
        const key = `${world.trail.state.lastId} ${JSON.stringify(intent.facts)}`;
        if (refusals.has(key))
          throw new Error(`the supervisor's own append is refused: ${error.message}`, { cause: error });
        refusals.set(key, 1);
      }
    },
    run: (command, signal) => carryOutRun(world, command, signal),
    session: (command, signal) => carryOutSession(world, command, signal),
    look: (deferral, signal) => lookAt(world, deferral, signal),
    timer: (atMs, signal) => pause(world.clock, Math.min(2 ** 31 - 1, Math.max(0, atMs - world.clock.nowMs())), signal),
  };
}
