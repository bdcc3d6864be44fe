import { describe, expect, it } from 'vitest';
import {
  type Convergence,
  endsMax,
  judge,
  restartsIn,
  type ServiceObservation,
  type StackObservation,
  stableMs,
  type TaskObservation,
  troubleGraceMs,
  type Watch,
  watchFrom,
} from '../../../../runner/swarm/stack/converge.ts';
import { seenFrom, specDigest } from '../../../../runner/swarm/stack/observe.ts';

const app: ServiceObservation = { name: 'app', update: null, updateSays: null, spec: 'new' };
const task: TaskObservation = {
  id: 't1',
  service: 'app',
  slot: 1,
  state: 'running',
  desired: 'running',
  error: null,
  exit: null,
  spec: 'new',
};
const failed = (id: string, more: Partial<TaskObservation> = {}): TaskObservation => ({
  ...task,
  id,
  state: 'failed',
  desired: 'shutdown',
  error: 'task: non-zero exit (1)',
  exit: 1,
  ...more,
});
const starting = (id: string): TaskObservation => ({ ...task, id, state: 'starting' });

type Look = { at?: number; services?: ServiceObservation[]; tasks: TaskObservation[] };

/** Takes these looks in order, one second apart unless they have a time, and returns the verdict after them. */
function judged(looks: Look[], options: { before?: string[]; wanted?: Record<string, number> } = {}) {
  let watch: Watch = watchFrom(new Set(options.before));
  let verdict: Convergence = { kind: 'waiting', lacks: [] };
  for (const [index, { at, services = [app], tasks }] of looks.entries()) {
    const seen: StackObservation = { atMs: at ?? index * 1000, services, tasks };
    ({ watch, verdict } = judge(watch, seen, options.wanted ?? { app: 1 }));
  }
  return { verdict, restarts: restartsIn(watch) };
}

const stands = { kind: 'stands' };

describe('a deployment', () => {
  it('stands once the same tasks have run throughout the window, and not a moment before', () => {
    const tasks = [task];
    expect(
      judged([
        { at: 0, tasks },
        { at: stableMs - 1, tasks },
      ]).verdict.kind,
    ).toBe('waiting');
    expect(
      judged([
        { at: 0, tasks },
        { at: stableMs, tasks },
      ]).verdict,
    ).toEqual(stands);
  });

  it('does not stand if different tasks each ran for a moment', () => {
    const look = (at: number, id: string): Look => ({ at, tasks: [{ ...task, id }] });
    expect(judged([look(0, 'a'), look(1900, 'b'), look(3800, 'c')]).verdict.kind).toBe('waiting');
  });

  it('restarts the window when a task is missing for a moment', () => {
    const steady = { tasks: [task] };
    const flickering = [
      { at: 0, ...steady },
      { at: 1000, tasks: [starting('t2')] },
      { at: 2000, ...steady },
    ];
    expect(judged([...flickering, { at: 3900, ...steady }]).verdict.kind).toBe('waiting');
    expect(judged([...flickering, { at: 4000, ...steady }]).verdict).toEqual(stands);
  });

  it.each<[string, Look, string]>([
    ['a missing service', { services: [], tasks: [] }, 'it does not exist'],
    ['too few tasks', { tasks: [] }, '0/1 running'],
    ['a health check that has not passed yet', { tasks: [starting('t1')] }, '0/1 running (task starting)'],
    ['an update in flight', { services: [{ ...app, update: 'updating' }], tasks: [task] }, 'it is still being updated'],
    ['tasks of the old version only', { tasks: [{ ...task, spec: 'old' }] }, '0/1 running'],
    [
      'a task of the old version beside the new one',
      { tasks: [task, { ...task, id: 't0', spec: 'old', desired: 'shutdown' }] },
      'a task of the previous version is still running',
    ],
    ['a task on its way out', { tasks: [{ ...task, desired: 'shutdown' }] }, '0/1 running'],
    [
      'a task that ended, with its successor starting',
      { tasks: [failed('t0'), starting('t1')] },
      'last ended: task: non-zero exit (1)',
    ],
  ])('keeps waiting for ever with %s', (_, look, lacks) => {
    const looks = Array.from({ length: 100 }, (_each, index) => ({ ...look, at: index * 1000 }));
    const { verdict } = judged(looks);
    expect(verdict).toMatchObject({
      kind: 'waiting',
      lacks: [{ service: 'app', what: expect.stringContaining(lacks) }],
    });
  });

  it('stands if an update is completed, if there was none, and if a service wants no task', () => {
    for (const update of ['completed', null])
      expect(
        judged([0, stableMs].map((at) => ({ at, services: [{ ...app, update }], tasks: [task] }))).verdict,
      ).toEqual(stands);
    expect(
      judged(
        [0, stableMs].map((at) => ({ at, tasks: [] })),
        { wanted: { app: 0 } },
      ).verdict,
    ).toEqual(stands);
  });

  it('stands only with all replicas, each in its slot', () => {
    const second = { ...task, id: 't2', slot: 2 };
    expect(
      judged(
        [0, stableMs].map((at) => ({ at, tasks: [task] })),
        { wanted: { app: 2 } },
      ).verdict.kind,
    ).toBe('waiting');
    expect(
      judged(
        [0, stableMs].map((at) => ({ at, tasks: [task, second] })),
        { wanted: { app: 2 } },
      ).verdict,
    ).toEqual(stands);
  });

  it.each(['rollback_started', 'rollback_paused', 'rollback_completed', 'paused'])(
    'fails at once when its update goes to %s, even if all tasks of the old version run',
    (update) => {
      const services = [{ ...app, update, updateSays: 'update rolled back' }];
      expect(judged([{ services, tasks: [failed('t2'), task] }]).verdict).toMatchObject({
        kind: 'failed',
        service: 'app',
        why: expect.stringMatching(/rolled it back|paused it/),
      });
    },
  );

  it("fails if a slot's tasks ended too often, even if Swarm keeps only the last and reports success", () => {
    const services = [{ ...app, update: 'completed' }];
    const looks = Array.from({ length: endsMax }, (_, index) => ({
      services,
      tasks: [
        failed(`t${index}`, index % 2 ? { state: 'complete', error: null, exit: 0 } : {}),
        { ...task, id: `n${index}` },
      ],
    }));
    expect(judged(looks.slice(1))).toMatchObject({ verdict: { kind: 'waiting' }, restarts: endsMax - 1 });
    const all = judged(looks);
    expect(all).toMatchObject({ verdict: { kind: 'failed', service: 'app' }, restarts: endsMax });
    expect((all.verdict as { why: string }).why).toBe('its tasks keep ending, 3 so far (task: non-zero exit (1))');
  });

  it('does not fail if each of three slots started twice', () => {
    const tasks = [1, 2, 3].map((slot) => failed(`f${slot}`, { slot }));
    const running = [1, 2, 3].map((slot) => ({ ...task, id: `r${slot}`, slot }));
    const looks = [0, stableMs].map((at) => ({ at, tasks: [...tasks, ...running] }));
    expect(judged(looks, { wanted: { app: 3 } })).toEqual({ verdict: stands, restarts: 3 });
  });

  it('ignores tasks that ended before it began, and tasks that Swarm itself stopped', () => {
    const old = ['a', 'b', 'c'].map((id) => failed(id));
    const stopped = ['d', 'e', 'f'].map((id) => ({ ...task, id, state: 'shutdown', desired: 'shutdown' }));
    const leaving = ['g', 'h', 'i'].map((id) => failed(id, { desired: 'remove' }));
    const looks = [0, stableMs].map((at) => ({ at, tasks: [...old, ...stopped, ...leaving, task] }));
    expect(judged(looks, { before: ['a', 'b', 'c'] })).toEqual({ verdict: stands, restarts: 0 });
  });

  it.each<[string, TaskObservation[], RegExp]>([
    [
      'a task that no node can run',
      [{ ...task, state: 'pending', error: 'no suitable node (scheduling constraints not satisfied on 1 node)' }],
      /no node can run its task \(no suitable node/,
    ],
    [
      'a rejected task',
      [failed('t0', { state: 'rejected', error: 'No such image: x:1' }), starting('t1')],
      /No such image: x:1/,
    ],
    ['a task that ended and does not restart', [failed('t0')], /ended and none replaced it \(task: non-zero exit/],
  ])('tolerates %s for the grace period, then fails', (_, tasks, why) => {
    expect(
      judged([
        { at: 0, tasks },
        { at: troubleGraceMs - 1, tasks },
      ]).verdict.kind,
    ).toBe('waiting');
    const { verdict } = judged([
      { at: 0, tasks },
      { at: troubleGraceMs, tasks },
    ]);
    expect(verdict).toMatchObject({ kind: 'failed', service: 'app', why: expect.stringMatching(why) });
  });

  it('grants the grace period again if the trouble had passed in between', () => {
    const pending = [
      { ...task, state: 'pending', error: 'no suitable node (host-mode port already in use on 1 node)' },
    ];
    const looks = [
      { at: 0, tasks: pending },
      { at: 1000, tasks: [task] },
      { at: troubleGraceMs, tasks: pending },
    ];
    expect(judged(looks).verdict.kind).toBe('waiting');
  });

  it('lists what each service lacks', () => {
    const db = { ...app, name: 'db' };
    const { verdict } = judged([{ services: [app, db], tasks: [task] }], { wanted: { app: 1, db: 1, cache: 1 } });
    expect(verdict).toEqual({
      kind: 'waiting',
      lacks: [
        { service: 'db', what: '0/1 running' },
        { service: 'cache', what: 'it does not exist' },
      ],
    });
  });
});

describe('a look', () => {
  const TaskTemplate = {
    ContainerSpec: { Image: 'a:1', Env: ['A=1'] },
    ForceUpdate: 0,
    Runtime: 'container',
    Placement: {},
  };
  const raw = {
    ID: 'x1',
    CreatedAt: '2026-01-01T00:00:02Z',
    ServiceID: 's1',
    Slot: 1,
    DesiredState: 'running',
    Spec: { ContainerSpec: { Image: 'a:1', Env: ['A=1'] }, ForceUpdate: 0 },
    Status: { State: 'running' },
  };
  const service = { ID: 's1', Version: { Index: 1 }, Spec: { Name: 'cp1_app', TaskTemplate } };

  it("matches a task's spec to its service's, although only the service's has runtime and placement", () => {
    const seen = seenFrom('cp1', [service], [raw], 5);
    expect(seen.services).toEqual([{ name: 'app', update: null, updateSays: null, spec: seen.tasks[0]?.spec }]);
  });

  it('distinguishes versions by everything that defines a task', () => {
    expect(specDigest({ ...raw.Spec, ContainerSpec: { Image: 'a:2' } })).not.toBe(specDigest(raw.Spec));
  });

  it('sorts tasks by creation time and leaves out tasks of other services', () => {
    const older = { ...raw, ID: 'x0', CreatedAt: '2026-01-01T00:00:01Z', Status: { State: 'failed', Err: 'why' } };
    const strange = { ...raw, ID: 'x2', ServiceID: 's2' };
    const { tasks } = seenFrom('cp1', [service], [raw, strange, older], 5);
    expect(tasks.map(({ id, error }) => [id, error])).toEqual([
      ['x0', 'why'],
      ['x1', null],
    ]);
  });
});
