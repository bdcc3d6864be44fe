// Judges from a series of looks whether a deployment has converged ("stands"). Pure: `observe.ts` looks, `settle.ts`
// waits.
//
//   a look ──▶ waiting (which service lacks what) ──▶ the same tasks for `stableMs` ──▶ stands
//                 └─▶ failed: rolled back · paused · a task ended `endsMax` times · trouble beyond `troubleGraceMs`
//
// Swarm's own status is not enough: a crash loop flickers between N/N and less, a `completed` service may loop, a
// rollback reads as completed too early. A task that is still starting (its health check is not yet green) has not
// failed; a task fails only by ending.

export const stableMs = 2_000;
/**
 * How long trouble may last that can pass by itself: a port still held by the previous task, a network not yet there.
 */
export const troubleGraceMs = 12_000;
/**
 * How many ended tasks in one slot make a loop. Swarm keeps only five tasks per slot, so ends are counted as they are
 * seen.
 */
export const endsMax = 3;

export type ServiceObservation = {
  name: string;
  /** Swarm's UpdateStatus: null before any update, and again after a change that replaces no task. */
  update: string | null;
  updateSays: string | null;
  /** A digest of the task spec; tasks of the current version have the same digest. */
  spec: string;
};
export type TaskObservation = {
  id: string;
  service: string;
  slot: number;
  state: string;
  desired: string;
  error: string | null;
  exit: number | null;
  spec: string;
};
export type StackObservation = { atMs: number; services: ServiceObservation[]; tasks: TaskObservation[] };

/** What is kept between looks. `before`: ids of tasks older than the deployment, which are ignored. */
export type Watch = {
  before: ReadonlySet<string>;
  ended: ReadonlyMap<string, TaskObservation>;
  troubleSinceMs: ReadonlyMap<string, number>;
  steady: { tasks: string; sinceMs: number } | null;
};
export type Convergence =
  | { kind: 'stands' }
  | { kind: 'waiting'; lacks: { service: string; what: string }[] }
  | { kind: 'failed'; service: string; why: string };

export function watchFrom(before: ReadonlySet<string>): Watch {
  return { before, ended: new Map(), troubleSinceMs: new Map(), steady: null };
}

/** `wanted`: the number of replicas of each service. */
export function judge(
  watch: Watch,
  seen: StackObservation,
  wanted: Record<string, number>,
): { watch: Watch; verdict: Convergence } {
  const ended = new Map(watch.ended);
  for (const task of seen.tasks)
    if (hasEnded(task) && !watch.before.has(task.id) && task.desired !== 'remove') ended.set(task.id, task);
  const views = Object.entries(wanted).map(([name, replicas]) => viewOf(name, replicas, seen, [...ended.values()]));
  const troubleSinceMs = new Map(
    views
      .filter((view) => view.trouble !== null)
      .map((view) => [view.name, watch.troubleSinceMs.get(view.name) ?? seen.atMs] as const),
  );
  const steady = steadyFrom(watch.steady, views, seen.atMs);
  const next = { before: watch.before, ended, troubleSinceMs, steady };
  return { watch: next, verdict: verdictOf(views, next, seen.atMs) };
}

/** How many tasks have ended since the deployment. Above 0, a green service needed more than one try. */
export function restartsIn({ ended }: Watch): number {
  return ended.size;
}

type View = { name: string; failed: string | null; trouble: string | null; lacks: string | null; running: string[] };

function viewOf(name: string, replicas: number, seen: StackObservation, allEnded: TaskObservation[]): View {
  const service = seen.services.find((each) => each.name === name);
  if (service === undefined) return { name, failed: null, trouble: null, lacks: 'it does not exist', running: [] };
  const tasks = seen.tasks.filter((task) => task.service === name);
  const ended = allEnded.filter((task) => task.service === name);
  const running = tasks.filter((task) => isUp(task) && task.spec === service.spec);
  const old = tasks.filter((task) => task.state === 'running' && !running.includes(task));
  return {
    name,
    failed: updateFailure(service, ended) ?? loopIn(service, ended),
    trouble: running.length < replicas ? troubleIn(tasks, ended) : null,
    lacks: lackIn({ service, replicas, running, old, tasks, ended }),
    running: running.map((task) => task.id).sort(),
  };
}

function verdictOf(views: View[], watch: Watch, atMs: number): Convergence {
  for (const { name, failed } of views) if (failed !== null) return { kind: 'failed', service: name, why: failed };
  for (const { name, trouble } of views) {
    const since = watch.troubleSinceMs.get(name);
    if (trouble !== null && since !== undefined && atMs - since >= troubleGraceMs)
      return { kind: 'failed', service: name, why: trouble };
  }
  const lacks = views.flatMap(({ name, lacks: what }) => (what === null ? [] : [{ service: name, what }]));
  if (lacks.length > 0) return { kind: 'waiting', lacks };
  if (watch.steady !== null && atMs - watch.steady.sinceMs >= stableMs) return { kind: 'stands' };
  const what = `its tasks have not yet run for ${stableMs / 1000} s`;
  return { kind: 'waiting', lacks: views.map(({ name }) => ({ service: name, what })) };
}

function steadyFrom(before: Watch['steady'], views: View[], atMs: number): Watch['steady'] {
  if (views.some((view) => view.lacks !== null)) return null;
  const tasks = views.map((view) => view.running.join()).join(';');
  return before?.tasks === tasks ? before : { tasks, sinceMs: atMs };
}

function updateFailure({ update, updateSays }: ServiceObservation, ended: TaskObservation[]): string | null {
  const last = endingOf(ended.at(-1)) ?? updateSays ?? 'Swarm gives no reason';
  if (update?.startsWith('rollback') === true) return `its update failed and Swarm rolled it back (${last})`;
  return update === 'paused' ? `its update failed and Swarm paused it (${last})` : null;
}

function loopIn({ spec }: ServiceObservation, ended: TaskObservation[]): string | null {
  const slots = Map.groupBy(
    ended.filter((task) => task.spec === spec),
    (task) => task.slot,
  );
  for (const tasks of slots.values())
    if (tasks.length >= endsMax) return `its tasks keep ending, ${tasks.length} so far (${endingOf(tasks.at(-1))})`;
  return null;
}

function troubleIn(tasks: TaskObservation[], ended: TaskObservation[]): string | null {
  const unplaced = tasks.find((task) => task.state === 'pending' && task.error !== null);
  if (unplaced !== undefined) return `no node can run its task (${unplaced.error})`;
  const last = ended.at(-1);
  if (last?.state === 'rejected') return `its task was rejected (${last.error ?? 'no reason given'})`;
  const isAnyLeft = tasks.some((task) => !hasEnded(task) && !isLeaving(task));
  return last !== undefined && !isAnyLeft ? `its task ended and none replaced it (${endingOf(last)})` : null;
}

type Stand = {
  service: ServiceObservation;
  replicas: number;
  running: TaskObservation[];
  old: TaskObservation[];
  tasks: TaskObservation[];
  ended: TaskObservation[];
};

function lackIn({ service, replicas, running, old, tasks, ended }: Stand): string | null {
  if (running.length !== replicas) {
    const coming = tasks.filter((task) => !hasEnded(task) && !isLeaving(task) && !isUp(task));
    const states = [...new Set(coming.map((task) => (task.error ? `${task.state}: ${task.error}` : task.state)))];
    const last = endingOf(ended.at(-1));
    const notes = [
      ...(states.length > 0 ? [`task ${states.join(', ')}`] : []),
      ...(last ? [`last ended: ${last}`] : []),
    ];
    return `${running.length}/${replicas} running${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
  }
  if (service.update === 'updating') return 'it is still being updated';
  return old.length > 0 ? 'a task of the previous version is still running' : null;
}

function endingOf(task: TaskObservation | undefined): string | null {
  if (task === undefined) return null;
  if (task.error !== null) return task.error;
  return task.exit === null ? task.state : `${task.state}, exit ${task.exit}`;
}

const endStates = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

function isUp(task: TaskObservation): boolean {
  return task.state === 'running' && task.desired === 'running';
}

/** True if the task ended by itself. State `shutdown` does not count, because Swarm caused it. */
function hasEnded(task: TaskObservation): boolean {
  return task.state !== 'shutdown' && endStates.has(task.state);
}

function isLeaving(task: TaskObservation): boolean {
  return task.state === 'shutdown' || task.desired === 'shutdown' || task.desired === 'remove';
}
