// When does a deployment stand? Pure judgement over what the engine shows of services and tasks, one look after the other.
// Swarm's own words are not enough: `completed` may crash-loop, a rollback shows N/N of the old version, a loop flickers at N/N.

export type Look = {
  services: {
    id: string;
    name: string;
    replicas: number;
    /** Of the last update; null where there was none. */
    update: { state: string; message: string } | null;
  }[];
  tasks: Task[];
};
export type Task = {
  id: string;
  service: string;
  slot: number;
  state: string;
  desired: string;
  error: string;
  exit: number | null;
};

export type Judgement = { kind: 'stands' } | { kind: 'waits'; why: string } | { kind: 'failed'; why: string; service: string };

/** Tasks of one slot that ended, seen over all looks, before it is a crash loop. */
const endedMax = 3;
const placedMs = 8000;
/** The same tasks, all running, for so long. */
export const stableMs = 2000;

export type Watch = { startedAtMs: number; known: ReadonlySet<string>; ended: Map<string, Set<string>>; runningSince: Map<string, number> };

/** `known`: tasks from before this deployment, which say nothing about it. */
export function newWatch(startedAtMs: number, known: Iterable<string> = []): Watch {
  return { startedAtMs, known: new Set(known), ended: new Map(), runningSince: new Map() };
}

/** Takes a look into the watch, and says what all of them come to. */
export function judge(watch: Watch, look: Look, nowMs: number): Judgement {
  for (const service of look.services) {
    const failed = failureOf(watch, service, look.tasks, nowMs);
    if (failed) return { kind: 'failed', why: failed, service: service.name };
  }
  const waits = look.services.flatMap((service) => waitingFor(watch, service, look.tasks, nowMs) ?? []);
  return waits[0] === undefined ? { kind: 'stands' } : { kind: 'waits', why: waits[0] };
}

/** Tasks that were started again on the way. */
export function restartsOf({ ended }: Watch): number {
  return [...ended.values()].reduce((sum, ids) => sum + ids.size, 0);
}

type Service = Look['services'][number];

function failureOf(watch: Watch, { name, update, id }: Service, tasks: Task[], nowMs: number): string | null {
  if (update && /^(rollback|paused)/.test(update.state))
    return `service ${name}: its update went to ${update.state} (${update.message})`;
  for (const task of tasks.filter(({ service }) => service === id)) {
    if (watch.known.has(task.id)) continue;
    if (task.state === 'rejected') return `service ${name}: ${task.error}`;
    if (task.state === 'pending' && task.error !== '' && nowMs - watch.startedAtMs > placedMs)
      return `service ${name} finds no place: ${task.error}`;
    if (!['failed', 'complete', 'orphaned'].includes(task.state)) continue;
    const slot = `${id} ${task.slot}`;
    const ended = watch.ended.get(slot) ?? new Set();
    watch.ended.set(slot, ended.add(task.id));
    if (ended.size >= endedMax)
      return `service ${name} ends again and again: ${task.error || 'it ended by itself'} (exit ${task.exit ?? 'unknown'})`;
  }
  return null;
}

function waitingFor(watch: Watch, { name, id, replicas, update }: Service, tasks: Task[], nowMs: number): string | null {
  const own = tasks.filter(({ service }) => service === id);
  const running = own.filter(({ state, desired }) => state === 'running' && desired === 'running');
  for (const task of running) if (!watch.runningSince.has(task.id)) watch.runningSince.set(task.id, nowMs);
  const last = own.find(({ desired, state }) => desired === 'running' && state !== 'running');
  const stuck = last ? ` (a task is ${last.state}${last.error === '' ? '' : `: ${last.error}`})` : '';
  if (running.length !== replicas) return `service ${name}: ${running.length} of ${replicas} run${stuck}`;
  if (update && update.state === 'updating') return `service ${name}: its update is under way`;
  const stopping = own.find(({ state, desired }) => desired === 'shutdown' && ['running', 'starting', 'preparing'].includes(state));
  if (stopping) return `service ${name}: a task of before is still there`;
  const young = running.find((task) => nowMs - (watch.runningSince.get(task.id) ?? nowMs) < stableMs);
  return young ? `service ${name}: runs, not yet for ${stableMs / 1000} s` : null;
}
