// The world around `decide` for the model checker. From a state, it computes everything that agents, runs, clocks,
// crashes and the operator could do next, using the real admission, fold and reducer. It reimplements no rule of the
// loop.

import { decide } from '../../../loop/decide/decide.ts';
import {
  begin,
  type Command,
  type LoopEvent,
  type LoopLimits,
  type LoopState,
  type Pending,
} from '../../../loop/decide/state.ts';
import type { ActPayload, Waivable } from '../../../state/entry/act.ts';
import type { Entry, Facts, Intent } from '../../../state/entry/entry.ts';
import {
  type Digest,
  DONE,
  type EntryId,
  type GateId,
  type PhaseId,
  type RecipeName,
  type RunId,
  type SessionId,
  type Sha,
} from '../../../state/entry/ids.ts';
import { emptyTrail, livePhase, type Phase, phaseAt } from '../../../state/entry/phase.ts';
import type { ControlResult, KeptResult, Outcome } from '../../../state/entry/record.ts';
import { coveredBy, gatesAndDone, type PhaseSpec } from '../../../state/entry/spec.ts';
import { admit } from '../../../state/gate/admit.ts';
import { comparisonsOf } from '../../../state/gate/admitClaim.ts';
import { wantedSabotage } from '../../../state/gate/admitSabotage.ts';
import { currentClaim, isBlocking } from '../../../state/gate/gate.ts';
import { openFindings } from '../../../state/gate/standing.ts';

/** What can happen in the model of a phase. The checker explores all of it. */
export type World = {
  gates: PhaseSpec['gates'];
  claimsMax: number;
  outcomes: Outcome[];
  /** Whether two green runs of one tree may disagree. */
  flaky: boolean;
  controls: ControlResult[];
  /** How many patches the Adversary may submit when a control is inconclusive. */
  sabotages: number;
  /** Possible results of running earlier tests on a claim's code. */
  kept: KeptResult[];
  findings: number;
  reproducers: boolean;
  vetoes: number;
  blocked: number;
  waivers: Waivable[];
  operatorVetoes: number;
  /** Whether a claim may change a protected path. */
  touches: boolean;
  /** Whether the operator may lift findings, vetoes and flakes. Resume, drop and approve are always possible. */
  lifts: boolean;
  crashes: number;
  /** Which timers may fire besides back-off. Each moves the clock. */
  timers: ('aged' | 'waiver' | 'hours')[];
  backendFails: boolean;
  actsPerSession: number;
  limits: Partial<LoopLimits>;
};

export type ModelState = {
  loop: LoopState;
  /** How many intents an awake session may still submit; this stands in for its turn limit. */
  left: { builder: number; adversary: number };
  used: {
    shas: number;
    crashes: number;
    waivers: number;
    operatorVetoes: number;
    vetoes: number;
    findings: number;
    blocked: number;
  };
  /** Whether clocks move in this world. */
  timed: boolean;
  /** Which rule the last step broke, for the checker to report; null if none. */
  broken: string | null;
};
/** `own` steps are taken by the loop, its agents or its runs. A cycle of such steps would never end. */
export type Step = { label: string; own: boolean; next: ModelState };

const phaseId = 'model' as PhaseId;
const zero = '0'.repeat(64) as Digest;
const pinned: Record<RecipeName, Digest> = { ['app' as RecipeName]: zero };
const startMs = Date.parse('2026-01-01T00:00:00Z');

export function firstState(world: World): ModelState {
  const spec: PhaseSpec = {
    phase: phaseId,
    base: 'main',
    gates: world.gates,
    tests: [],
    protected: [],
    supersedes: [],
    harness_from_claim: [],
    holdout: null,
    budget: { usd: 1, hours: 1000, claims: world.claimsMax },
    title: 'model',
    clauses: [{ id: '2.1', text: 'x' }],
    dod: [],
  };
  const loop = begin(emptyTrail, startMs, {
    sessionsWithoutClaimMax: 2,
    uncountedRunsMax: 2,
    failedSessionsMax: 2,
    backoffMs: 1000,
    lookEveryMs: 1e9,
    ...world.limits,
  });
  const used = { shas: 0, crashes: 0, waivers: 0, operatorVetoes: 0, vetoes: 0, findings: 0, blocked: 0 };
  const state: ModelState = {
    loop,
    left: { builder: 0, adversary: 0 },
    used,
    timed: world.timers.length > 0,
    broken: null,
  };
  const queued = submit(
    world,
    state,
    act({ act: 'queue', phase: phaseId, plan: zero, recipes: pinned, baseSha: shaOf(0) }, null),
  );
  if (!queued) throw new Error('the model cannot queue its phase');
  specs.set(world, spec);
  return settle(world, queued);
}

/** Returns every step that could happen next. */
export function stepsFrom(world: World, state: ModelState): Step[] {
  if (state.broken) return [];
  const phase = livePhase(state.loop.trail);
  if (!phase) return [];
  const pending = Object.values(state.loop.pending);
  const certain = pending.find((command) => world.kept.length === 1 && isKeptRun(command));
  if (certain) return pendingSteps(world, state, phase, certain);
  return [
    ...pending.flatMap((command) => pendingSteps(world, state, phase, command)),
    ...operatorSteps(world, state, phase),
    ...crashSteps(world, state),
  ];
}

/** Whether this is a run of earlier tests. If it has one possible result, its order among other steps is irrelevant. */
function isKeptRun(command: Pending): boolean {
  return command.kind === 'run' && command.need.purpose.kind === 'kept';
}

const specs = new WeakMap<World, PhaseSpec>();

function shaOf(n: number): Sha {
  return n.toString(16).padStart(40, '0') as Sha;
}

function event(state: ModelState, happened: LoopEvent): ModelState {
  return { ...state, loop: decide(state.loop, happened).state };
}

/** Appends the intent as the funnel would; returns null if the real rule does not admit it. */
function submit(_world: World, state: ModelState, intent: Intent): ModelState | null {
  const { trail, nowMs } = state.loop;
  const entry = { ...intent, id: trail.lastId + 1, at: `${new Date(nowMs).toISOString().slice(0, 19)}Z` } as Entry;
  if (admit(trail, entry) !== null) return null;
  return event(state, { kind: 'appended', entry, atMs: nowMs });
}

/**
 * Carries out what needs no choice: makes the supervisor's own appends, opens phases, starts sessions, and ends
 * cancelled commands.
 */
function settle(world: World, from: ModelState): ModelState {
  let state = event(from, { kind: 'started', atMs: from.loop.nowMs });
  for (let i = 0; i < 50; i++) {
    const next = settleOne(world, state);
    if (!next) return state;
    state = next;
    if (state.broken) return state;
  }
  return { ...state, broken: 'the supervisor keeps appending without end' };
}

function settleOne(world: World, state: ModelState): ModelState | null {
  for (const command of Object.values(state.loop.pending)) {
    if (command.kind === 'append') return carryOut(world, state, command, command.intent);
    if (command.kind === 'open') return carryOut(world, state, command, opened(world, command.queue));
    if (command.cancelled) return endCancelled(world, state, command);
    if (command.kind === 'session' && !isAwake(state, command)) return startSession(world, state, command);
  }
  return null;
}

function carryOut(world: World, state: ModelState, command: Command, intent: Intent): ModelState {
  const next = submit(world, state, intent);
  if (!next) return { ...state, broken: `the supervisor's own append ${command.key} is refused` };
  return answer(next, command.key);
}

function answer(state: ModelState, key: string): ModelState {
  return event(state, { kind: 'answered', key, atMs: state.loop.nowMs });
}

function opened(world: World, queue: EntryId): Intent {
  const spec = specs.get(world) as PhaseSpec;
  const facts = {
    event: 'opened' as const,
    queue,
    plan: zero,
    base: shaOf(0),
    recipes: pinned,
    holdout: null,
    spec,
    sandbox: 'bubblewrap' as const,
    uid: 'own' as const,
  };
  return { kind: 'phase', role: 'supervisor', phase: phaseId, facts, body: '' };
}

function isAwake(state: ModelState, command: Extract<Pending, { kind: 'session' }>): boolean {
  return livePhase(state.loop.trail)?.sessions.some((s) => s.for === command.role && s.end === null) ?? false;
}

function startSession(world: World, state: ModelState, command: Extract<Pending, { kind: 'session' }>): ModelState {
  const id = `s-${(state.loop.trail.lastId + 1).toString(16).padStart(12, '0')}` as SessionId;
  const facts: Facts<'session'> = {
    event: 'started',
    session: id,
    for: command.role,
    reason: command.reason,
    backend: 'model',
    model: 'model',
    prompt: zero,
    shown: { upTo: state.loop.trail.lastId, runs: command.runs },
    reservedUsd: 0,
  };
  const next = submit(world, state, { kind: 'session', role: 'supervisor', phase: phaseId, facts, body: '' });
  if (!next) return { ...state, broken: `a session of the ${command.role} cannot start` };
  return { ...next, left: { ...next.left, [command.role]: world.actsPerSession } };
}

function endSession(
  world: World,
  state: ModelState,
  role: 'builder' | 'adversary',
  end: Facts<'session'> extends infer F ? (F extends { end: infer E } ? E : never) : never,
  published: Sha | null = null,
): ModelState | null {
  const session = livePhase(state.loop.trail)?.sessions.find((s) => s.for === role && s.end === null);
  if (!session) return answer(state, `session:${role}`);
  const facts: Facts<'session'> = {
    event: 'ended',
    session: session.session,
    for: role,
    end,
    why: '',
    turns: 1,
    tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    usd: 0,
    transcript: null,
    published,
  };
  const next = submit(world, state, { kind: 'session', role: 'supervisor', phase: phaseId, facts, body: '' });
  return next && answer(next, `session:${role}`);
}

function endCancelled(world: World, state: ModelState, command: Pending): ModelState {
  if (command.kind === 'session')
    return (
      endSession(world, state, command.role, 'cancelled') ?? { ...state, broken: 'a cancelled session cannot end' }
    );
  return answer(state, command.key);
}

function pendingSteps(world: World, state: ModelState, phase: Phase, command: Pending): Step[] {
  if (command.kind === 'run') return runSteps(world, state, command);
  if (command.kind === 'timer')
    return ['backoff', ...world.timers].includes(command.key.split(':')[1] as string)
      ? [timerStep(world, state, command)]
      : [];
  if (command.kind === 'session')
    return command.role === 'builder'
      ? builderSteps(world, state, phase)
      : adversarySteps(world, state, phase, command);
  return [];
}

function timerStep(world: World, state: ModelState, command: Extract<Pending, { kind: 'timer' }>): Step {
  const atMs = Math.max(state.loop.nowMs, command.atMs);
  const next = event(state, { kind: 'answered', key: command.key, atMs });
  return { label: command.key.replace(/:\d+$/, ''), own: true, next: settle(world, next) };
}

function runSteps(world: World, state: ModelState, command: Extract<Pending, { kind: 'run' }>): Step[] {
  const { purpose } = command.need;
  const results: [string, Partial<Facts<'run'>>][] = [];
  if (world.outcomes.includes('INFRA') && purpose.kind !== 'kept') results.push(['INFRA', { outcome: 'INFRA' }]);
  switch (purpose.kind) {
    case 'gate':
      results.push(
        ...world.outcomes
          .filter((outcome) => outcome !== 'INFRA')
          .map((outcome): [string, Partial<Facts<'run'>>] => [outcome, { outcome }]),
      );
      if (world.flaky) results.push(['PASS otherwise', { outcome: 'PASS', alike: 'f'.repeat(64) as Digest }]);
      break;
    case 'control':
      results.push(
        ...world.controls.map((result): [string, Partial<Facts<'run'>>] => [
          result,
          { outcome: 'FAIL', control: { result, why: '' } },
        ]),
      );
      break;
    case 'kept':
      results.push(
        ...world.kept.map((result): [string, Partial<Facts<'run'>>] => [
          result,
          { outcome: result === 'KEPT' ? 'PASS' : 'FAIL', kept: { result, why: '' } },
        ]),
      );
      break;
    case 'reproducer':
      results.push(
        ...(['red', 'green'] as const).map((reproducer): [string, Partial<Facts<'run'>>] => [
          reproducer,
          { outcome: 'PASS', reproducer },
        ]),
      );
      break;
    default:
      results.push(['PASS', { outcome: 'PASS' }]);
  }
  return results.flatMap(([name, change]) => {
    const ran = submit(world, state, runEntry(state, command, change));
    return ran
      ? [{ label: `${command.need.slot} ${name}`, own: true, next: settle(world, answer(ran, command.key)) }]
      : [];
  });
}

function runEntry(
  state: ModelState,
  command: Extract<Pending, { kind: 'run' }>,
  change: Partial<Facts<'run'>>,
): Intent {
  const run = `r-${(state.loop.trail.lastId + 1).toString(16).padStart(12, '0')}` as RunId;
  const { need } = command;
  const facts: Facts<'run'> = {
    run,
    purpose: need.purpose,
    recipe: need.recipe,
    recipeDigest: zero,
    shas: { main: need.sha },
    trees: { main: need.sha },
    outcome: 'PASS',
    level: 1,
    counts: { pass: 1, fail: 0, skip: 0 },
    alike: zero,
    reason: '',
    results: null,
    unmet: [],
    sandbox: 'bubblewrap',
    ...change,
  };
  return { kind: 'run', role: 'runner', phase: phaseId, facts, body: '' };
}

/** Returns the intents of an awake session as steps. Leaves out refused intents, since they change nothing. */
function intents(
  world: World,
  state: ModelState,
  role: 'builder' | 'adversary',
  list: { label: string; intent: Intent; used?: Partial<ModelState['used']> }[],
): Step[] {
  if (state.left[role] === 0) return [];
  return list.flatMap(({ label, intent, used }) => {
    const next = submit(world, state, intent);
    if (!next) return [];
    const spent: ModelState = {
      ...next,
      left: { ...next.left, [role]: next.left[role] - 1 },
      used: { ...next.used, ...used },
    };
    return [{ label: `${role}: ${label}`, own: true, next: settle(world, spent) }];
  });
}

function ends(world: World, state: ModelState, role: 'builder' | 'adversary'): Step[] {
  const natural = endSession(world, state, role, 'finished');
  const failed =
    world.backendFails && state.left[role] === world.actsPerSession ? endSession(world, state, role, 'failed') : null;
  return [
    ...(natural ? [{ label: `${role} ends`, own: true, next: settle(world, natural) }] : []),
    ...(failed ? [{ label: `${role} fails`, own: true, next: settle(world, failed) }] : []),
  ];
}

function builderSteps(world: World, state: ModelState, phase: Phase): Step[] {
  const session = phase.sessions.find((s) => s.for === 'builder' && s.end === null)?.session;
  if (!session) return [];
  const gates = gatesAndDone(world);
  const trees = [true, false].flatMap((fresh) =>
    (world.touches ? [true, false] : [false]).map((touches) => ({ fresh, touches })),
  );
  const claims = gates.flatMap((gate) => trees.map((tree) => claimIntent(state, phase, session, gate, tree)));
  const withdrawals = phase.claims.map((claim) => close(session, 'builder', claim.id, 'withdrawn'));
  const asks = state.used.blocked < world.blocked ? gates.map((gate) => ask(state, session, gate)) : [];
  const takenBack = phase.blocked.map((blocked) => close(session, 'builder', blocked.id, 'withdrawn'));
  const disputes =
    state.used.blocked < world.blocked
      ? phase.findings.map((finding) => ask(state, session, finding.gate, finding.id))
      : [];
  return [
    ...intents(world, state, 'builder', [...claims, ...withdrawals, ...asks, ...takenBack, ...disputes]),
    ...ends(world, state, 'builder'),
  ];
}

function claimIntent(
  state: ModelState,
  phase: Phase,
  session: SessionId,
  gate: GateId,
  { fresh, touches }: { fresh: boolean; touches: boolean },
) {
  const n = fresh || state.used.shas === 0 ? state.used.shas + 1 : state.used.shas;
  const sha = shaOf(n);
  const id = (state.loop.trail.lastId + 1) as EntryId;
  const descends = phase.claims.map((claim) => claim.id);
  const facts = {
    session,
    gate,
    shas: { main: sha },
    trees: { main: sha },
    descends,
    precedes: [],
    ...comparisonsOf(phaseAt(phase, state.loop.nowMs), gate, { id, sha, descends }),
    expects: { pass: [], looksBad: [] },
    touches: touches ? ['protected'] : [],
  };
  return {
    label: `claims ${gate} at ${fresh ? 'a new' : 'the same'} tree${touches ? ', touching what is protected' : ''}`,
    intent: { kind: 'claim', role: 'builder', phase: phaseId, facts, body: '' } satisfies Intent,
    used: { shas: n },
  };
}

function ask(state: ModelState, session: SessionId, gate: GateId, disputes?: EntryId) {
  const facts = { session, action: 'a', verify: 'v', blocks: [gate], options: [], ...(disputes && { disputes }) };
  return {
    label: disputes ? `disputes #${disputes}` : `is blocked on ${gate}`,
    intent: { kind: 'blocked', role: 'builder', phase: phaseId, facts, body: '' } satisfies Intent,
    used: { blocked: state.used.blocked + 1 },
  };
}

function close(
  session: SessionId,
  role: 'builder' | 'adversary',
  target: EntryId,
  as: Facts<'close'>['as'],
  answers: string[] = [],
) {
  const intent: Intent = { kind: 'close', role, phase: phaseId, facts: { session, target, as, answers }, body: '' };
  return { label: `closes #${target} as ${as}`, intent };
}

function adversarySteps(
  world: World,
  state: ModelState,
  phase: Phase,
  command: Extract<Pending, { kind: 'session' }>,
): Step[] {
  const session = phase.sessions.find((s) => s.for === 'adversary' && s.end === null)?.session;
  if (!session) return [];
  const judged =
    command.reason.kind === 'judge'
      ? phase.claims.find((claim) => claim.id === (command.reason as { claim: EntryId }).claim)
      : undefined;
  const list = [
    ...(judged ? judging(world, state, phase, session, judged.gate, judged.id) : []),
    ...(command.reason.kind === 'sabotage' && phase.sabotages.length < world.sabotages
      ? patching(state, phase, session, command.reason.claim)
      : []),
    ...(state.used.vetoes < world.vetoes ? [vetoIntent(state, session)] : []),
    ...phase.vetoes.map((veto) => close(session, 'adversary', veto.id, 'lifted')),
    ...phase.findings.map((finding) => close(session, 'adversary', finding.id, 'retracted')),
    ...phase.blocked.map((blocked) => ({
      label: `advises on #${blocked.id}`,
      intent: {
        kind: 'advice',
        role: 'adversary',
        phase: phaseId,
        facts: { session, blocked: blocked.id },
        body: '',
      } satisfies Intent,
    })),
  ];
  return [...intents(world, state, 'adversary', list), ...ends(world, state, 'adversary')];
}

function patching(state: ModelState, phase: Phase, session: SessionId, id: EntryId) {
  const claim = phase.claims.find((one) => one.id === id);
  const gate = claim && wantedSabotage(phaseAt(phase, state.loop.nowMs), claim);
  if (!gate) return [];
  const facts = { session, claim: id, gate, edits: [{ path: 'a.js', find: 'x', replace: 'y' }] };
  return [
    {
      label: `sabotages #${id}`,
      intent: { kind: 'sabotage', role: 'adversary', phase: phaseId, facts, body: '' } satisfies Intent,
    },
  ];
}

function judging(world: World, state: ModelState, phase: Phase, session: SessionId, gate: GateId, claim: EntryId) {
  const open = openFindings(phase, gate);
  const checks = coveredBy(phase.spec, gate).map((clause) => ({
    clause,
    saw: 'x',
    cites: [{ call: 1, digest: zero }],
  }));
  const base = { session, gate, claim, runs: [], checks };
  const verdict = (facts: Facts<'verdict'>) => ({
    label: `${facts.verdict} on ${gate}`,
    intent: { kind: 'verdict', role: 'adversary', phase: phaseId, facts, body: '' } satisfies Intent,
  });
  const blocking = open.filter((finding) => isBlocking(phase, currentClaim(phase, gate), finding));
  return [
    verdict({
      ...base,
      served: { diff: zero, parts: 1 },
      verdict: 'PASS',
      findings: [],
      closes: open.map((finding) => ({ finding: finding.id, answers: finding.fix.map(() => 'x') })),
    }),
    verdict({ ...base, verdict: 'UNVERIFIED', findings: [], closes: [] }),
    ...blocking.slice(0, 1).map((finding) => verdict({ ...base, verdict: 'FAIL', findings: [finding.id], closes: [] })),
    ...(state.used.findings < world.findings
      ? [false, ...(world.reproducers ? [true] : [])].map((repro) => findingIntent(state, session, gate, claim, repro))
      : []),
  ];
}

function findingIntent(state: ModelState, session: SessionId, gate: GateId, claim: EntryId, reproducer: boolean) {
  const repro = { path: 'tests/r', file: zero, command: 'x' };
  const facts = { session, gate, claim, title: 't', fix: ['f'], ...(reproducer && { reproducer: repro }) };
  return {
    label: `finding ${reproducer ? 'with' : 'without'} reproducer`,
    intent: { kind: 'finding', role: 'adversary', phase: phaseId, facts, body: '' } satisfies Intent,
    used: { findings: state.used.findings + 1 },
  };
}

function vetoIntent(state: ModelState, session: SessionId) {
  return {
    label: 'veto',
    intent: {
      kind: 'veto',
      role: 'adversary',
      phase: phaseId,
      facts: { session, title: 't', until: ['u'] },
      body: '',
    } satisfies Intent,
    used: { vetoes: state.used.vetoes + 1 },
  };
}

function act(payload: ActPayload, phase: PhaseId | null, nonce = 1): Intent {
  const signed = {
    v: 1 as const,
    workspace: 'w',
    root: 'r',
    nonce: nonce.toString(16).padStart(32, '0'),
    at: '2026-01-01T00:00:00Z',
    expires: '2099-01-01T00:00:00Z',
    payload,
  };
  return { kind: 'act', role: 'operator', phase, facts: { act: signed, signature: 's' }, body: '' };
}

function operatorSteps(world: World, state: ModelState, phase: Phase): Step[] {
  const targets = [...phase.vetoes.filter((v) => v.lifted === null), ...openFindings(phase, DONE)].map(
    (item) => item.id,
  );
  const flakes = phase.runs.filter((run) => run.purpose.kind === 'gate' && run.alike !== zero).map((run) => run.id);
  const until = `${new Date(state.loop.nowMs + 3_600_000).toISOString().slice(0, 19)}Z`;
  const gates = gatesAndDone(world);
  const waives =
    state.used.waivers < 1
      ? gates.flatMap((gate) =>
          world.waivers.map(
            (condition): ActPayload => ({ act: 'waive', phase: phaseId, gate, condition, until, because: 'b' }),
          ),
        )
      : [];
  const payloads: ActPayload[] = [
    { act: 'resume', phase: phaseId },
    { act: 'drop', phase: phaseId, because: 'b' },
    ...(world.lifts ? [...targets, ...flakes] : []).map(
      (target): ActPayload => ({ act: 'lift', target, targetDigest: zero, because: 'b' }),
    ),
    ...phase.blocked
      .filter((b) => b.closed === null)
      .map(
        (b): ActPayload =>
          b.disputes === null
            ? { act: 'approve', target: b.id, targetDigest: zero }
            : { act: 'refuse', target: b.id, targetDigest: zero, because: 'b' },
      ),
    ...waives,
    ...(state.used.operatorVetoes < world.operatorVetoes
      ? [{ act: 'veto', phase: phaseId, because: 'b', until: ['u'] } satisfies ActPayload]
      : []),
  ];
  return payloads.flatMap((payload) => {
    const next = submit(world, state, act(payload, phaseId, state.loop.trail.lastId + 1));
    if (!next) return [];
    const used = { ...next.used };
    if (payload.act === 'waive') used.waivers += 1;
    if (payload.act === 'veto') used.operatorVetoes += 1;
    return [{ label: `operator: ${payload.act}`, own: false, next: settle(world, { ...next, used }) }];
  });
}

/** The process dies: nothing is pending any more, and lost runs are recorded as the shell does on restart. */
function crashSteps(world: World, state: ModelState): Step[] {
  if (state.used.crashes >= world.crashes) return [];
  const dead = {
    ...state,
    loop: begin(state.loop.trail, state.loop.nowMs, state.loop.limits),
    used: { ...state.used, crashes: state.used.crashes + 1 },
  };
  const lost = Object.values(state.loop.pending).flatMap((command) => (command.kind === 'run' ? [command] : []));
  let next: ModelState | null = dead;
  for (const command of lost) next = next && submit(world, next, runEntry(next, command, { outcome: 'LOST' }));
  return next ? [{ label: 'crash', own: false, next: settle(world, next) }] : [];
}
