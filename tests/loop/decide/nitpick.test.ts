// Adversaries that are never satisfied, and Builders that never give in. Each test walks through the model of the loop
// with fixed behaviour on each side. Every walk ends with the operator, after few sessions, and never in DONE.

import { describe, expect, it } from 'vitest';
import { livePhase, type Phase } from '../../../state/entry/phase.ts';
import { GateSpec } from '../../../state/entry/spec.ts';
import { firstState, type ModelState, stepsFrom, type World } from './model.ts';

const sessionsMax = 60;
const stepsMax = 2000;
const M1 = GateSpec.parse({
  recipe: 'app',
  covers: ['2.1'],
  controls: { none: 'the model leaves the control out here' },
});

const world: World = {
  gates: { M1 } as World['gates'],
  claimsMax: 12,
  outcomes: ['PASS'],
  flaky: false,
  controls: ['BITES'],
  kept: ['KEPT'],
  sabotages: 0,
  findings: 1e6,
  reproducers: true,
  vetoes: 1e6,
  blocked: 1e6,
  waivers: [],
  operatorVetoes: 0,
  touches: false,
  lifts: false,
  crashes: 0,
  timers: [],
  backendFails: false,
  actsPerSession: 2,
  limits: { sessionsWithoutClaimMax: 10 },
};

const working = ['builder: claims \\w+ at a new tree', 'builder ends', ' PASS$', ' KEPT$'];

/** How both sides behave: they follow the first pattern in `prefers` that matches a possible step. */
const tempers: { name: string; prefers: string[]; ends: string }[] = [
  {
    name: 'FAILs every claim with a finding that reproduces',
    prefers: ['adversary: FAIL', 'finding with reproducer', 'red$', 'adversary ends', ...working],
    ends: 'budget',
  },
  {
    name: 'FAILs every claim on its word',
    prefers: ['adversary: FAIL', 'finding without', 'adversary ends', ...working],
    ends: 'word',
  },
  {
    name: 'files findings that do not reproduce, and nothing else',
    prefers: ['finding with reproducer', 'green$', 'adversary ends', ...working],
    ends: 'unverified',
  },
  {
    name: 'files findings on its word, and never gives a verdict',
    prefers: ['finding without', 'adversary ends', ...working],
    ends: 'unverified',
  },
  { name: 'never says anything', prefers: ['adversary ends', ...working], ends: 'unverified' },
  { name: 'always answers UNVERIFIED', prefers: ['UNVERIFIED', 'adversary ends', ...working], ends: 'unverified' },
  {
    name: 'passes everything, and vetoes the phase every time',
    prefers: ['adversary: veto', 'adversary: PASS', 'adversary ends', ...working],
    ends: 'budget',
  },
  {
    name: 'FAILs every claim, and the Builder disputes as soon as it may',
    prefers: ['disputes', 'adversary: FAIL', 'finding with reproducer', 'red$', 'adversary ends', ...working],
    ends: 'dispute',
  },
  {
    name: 'is asked for advice again and again',
    prefers: ['advises', 'adversary ends', 'is blocked on M1', 'builder: closes', 'builder ends', ' PASS$', ' KEPT$'],
    ends: 'idle',
  },
];

describe('a phase ends with the operator even if the Adversary', () => {
  it.each(tempers)('$name', ({ prefers, ends }) => {
    const { phase, steps } = walk(prefers.map((pattern) => new RegExp(pattern)));
    expect(phase, steps.slice(-12).join(' · ')).toMatchObject({ status: 'parked', parked: { reason: ends } });
    expect(phase.sessions.length).toBeLessThan(sessionsMax);
  });
});

/** Again and again takes the most preferred of the loop's own steps, until none of them is preferred. */
function walk(liked: RegExp[]): { phase: Phase; steps: string[] } {
  let state: ModelState = firstState(world);
  const steps: string[] = [];
  while (steps.length < stepsMax) {
    const own = stepsFrom(world, state).filter((step) => step.own);
    const next = liked.flatMap((pattern) => own.find(({ label }) => pattern.test(label)) ?? [])[0];
    if (!next) break;
    steps.push(next.label);
    state = next.next;
    expect(state.broken).toBeNull();
  }
  return { phase: livePhase(state.loop.trail) as Phase, steps };
}
