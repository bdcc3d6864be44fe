// The engine for apps: each run deploys an app from its compose files as its own stacks on a Docker Swarm, takes it up
// the rungs, and removes everything again. Recipes of commands are passed on to the `commands` engine, which also
// provides trees, clones and boxes; this file adds stacks and their teardown.
//
//   setup: lock → tree → compose files admitted → witnesses → (rung)* → examine → destroy
//   destroy: stacks, volumes, secrets and networks removed → witnesses counted → lock released

import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';
import type { DestroyResult, Engine, ExamineResult, Order, RunStep, SetupResult, StepEnd } from '../../run/engine.ts';
import { sweepApps } from '../stack/sweep.ts';
import { openChecks } from './checks.ts';
import { isRed, keepEvidence } from './evidence.ts';
import { examineSite } from './examine.ts';
import { climbRung } from './rungs.ts';
import { type AppSite, openSite, type SiteOptions, takeDown, type Undoing } from './site.ts';

export type SwarmEngineOptions = Omit<SiteOptions, 'trees'> & { commands: Engine };

type Site = {
  order: Order;
  app: AppSite | null;
  undoing: Undoing;
  steps: Map<string, RunningRung>;
  /** Aborts when any step is aborted, and at teardown. */
  end: AbortController;
};
type RunningRung = { done: Promise<StepEnd>; listeners: ((line: string) => void)[] };

export function swarmEngine(options: SwarmEngineOptions): Engine {
  const { commands } = options;
  const sites = new Map<RunId, Site>();

  async function setup(order: Order, signal: AbortSignal): Promise<SetupResult> {
    const prepared = await commands.setup(order, signal);
    // A trigger's command needs only the tree.
    const needsNoApp = order.purpose.kind === 'trigger' || order.pinned.recipe.engine !== 'swarm';
    if (needsNoApp || 'refused' in prepared) return prepared;
    const site: Site = { order, app: null, undoing: [], steps: new Map(), end: new AbortController() };
    sites.set(order.run, site);
    const app = await openSite({ ...options, trees: commands }, order, {
      undoing: site.undoing,
      signal: site.end.signal,
    });
    if ('refused' in app) return app;
    site.app = app;
    return prepared;
  }

  /** Starts a rung; or a command (a reproducer), in the same kind of box as the suite's tests. */
  async function start(run: RunId, step: RunStep, signal: AbortSignal): Promise<void> {
    const site = sites.get(run);
    if (!site?.app) return commands.start(run, step, signal);
    if (site.steps.has(step.name))
      throw new RunnerError('engine', `step "${step.name}" of ${run} has already been started`);
    const abort = () => site.end.abort();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const listeners: RunningRung['listeners'] = [];
    const done = carryOut(site.app, step, (line) => {
      for (const listener of listeners) listener(line);
    }).finally(() => signal.removeEventListener('abort', abort));
    done.catch(() => {}); // `wait` reports the error.
    site.steps.set(step.name, { done, listeners });
  }

  async function destroy(run: RunId): Promise<DestroyResult> {
    const site = sites.get(run);
    sites.delete(run);
    if (!site) return commands.destroy(run);
    site.end.abort();
    await Promise.allSettled([...site.steps.values()].map(({ done }) => done));
    const leaks = await takeDown(site.app, site.undoing);
    const tree = await commands.destroy(run);
    return { leaks: [...leaks, ...tree.leaks], ...(site.app && { app: site.app.facts }) };
  }

  return {
    ...commands,
    name: 'swarm',
    setup,
    start,
    tail(run, step, onLine) {
      const rung = sites.get(run)?.steps.get(step);
      if (rung) rung.listeners.push(onLine);
      else commands.tail(run, step, onLine);
    },
    wait(run, step) {
      const rung = sites.get(run)?.steps.get(step);
      return rung ? rung.done : commands.wait(run, step);
    },
    async examine(run, texts, signal): Promise<ExamineResult> {
      const app = sites.get(run)?.app;
      return app ? examineSite(app, texts, signal) : commands.examine(run, texts, signal);
    },
    // An app's tree is not kept for controls: what a control changes is deployed from a new clone.
    keep: async (run, signal) => (sites.has(run) ? false : commands.keep(run, signal)),
    destroy,
    sweep: async (isLive) => [...(await commands.sweep(isLive)), ...(await sweepApps(options.socket, isLive))],
  };
}

async function carryOut(app: AppSite, step: RunStep, onLine: (line: string) => void): Promise<StepEnd> {
  const startedAtMs = performance.now();
  if (!step.rung) return app.suite.boxes.command(step.run, step.seconds, app.signal);
  const log = openChecks(step.rung, onLine);
  const rung = await orAborted(climbRung(app, step.rung, log.checks), app.signal);
  if (rung && isRed(rung)) await keepEvidence(app.evidenceDir, app.stack, app.secrets);
  const ms = Math.round(performance.now() - startedAtMs);
  const aborted = rung === null;
  return {
    started: true,
    exit: aborted ? null : 0,
    signal: null,
    timedOut: false,
    outOfMemory: false,
    ms,
    troubles: [],
    output: log.output(),
    rung: rung ?? log.checks.end({ failed: 'it was aborted' }),
  };
}

/** The result of `work`; null if it rejected because the signal aborted. Any other error is a fault of the machine. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
