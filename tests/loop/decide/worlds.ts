// The worlds in which the life cycle of a phase is explored. Exploring a large world completely takes minutes, so only
// `npm run long` does it. `less` reduces a world for the suite; null leaves the world out. The unit tests explore the
// worlds with `isQuick`, always completely.

import { GateSpec } from '../../../state/entry/spec.ts';
import type { World } from './model.ts';

export const statesMax = 150_000;
const unchecked = { none: 'the model leaves the control out here' };

function gate(more: Record<string, unknown> = {}): World['gates'][keyof World['gates']] {
  return GateSpec.parse({ recipe: 'app', covers: ['2.1'], controls: unchecked, ...more });
}

function gates(list: Record<string, Record<string, unknown>>): World['gates'] {
  return Object.fromEntries(Object.entries(list).map(([name, more]) => [name, gate(more)])) as World['gates'];
}

export const plain: World = {
  gates: gates({ M1: {} }),
  claimsMax: 3,
  outcomes: ['PASS', 'FAIL'],
  flaky: false,
  controls: ['BITES'],
  kept: ['KEPT'],
  sabotages: 0,
  findings: 0,
  reproducers: false,
  vetoes: 0,
  blocked: 0,
  waivers: [],
  operatorVetoes: 0,
  touches: false,
  lifts: true,
  crashes: 0,
  timers: [],
  backendFails: false,
  actsPerSession: 1,
  limits: {},
};

const twoGates = gates({ M1: {}, M2: { requires: ['M1'] } });

/** All of `ends` must be reached, in addition to `abandoned`. A world that misses one does not test what it is for. */
export type Case = {
  name: string;
  world: World;
  ends: string[];
  less?: Partial<World> | null;
  isQuick?: true;
};

export const worlds: Case[] = [
  {
    name: 'one gate and DONE, red and green, two acts per session',
    world: { ...plain, actsPerSession: 2 },
    ends: ['done', 'parked: idle', 'parked: unverified', 'parked: failing'],
  },
  {
    name: 'two gates, one requiring the other, and DONE',
    world: { ...plain, gates: gates({ M1: {}, M2: { requires: ['M1'] } }), claimsMax: 4 },
    less: { claimsMax: 3 },
    ends: ['done', 'parked: idle'],
  },
  {
    name: 'two gates and DONE, with findings with and without a reproducer',
    world: {
      ...plain,
      gates: twoGates,
      claimsMax: 3,
      findings: 1,
      reproducers: true,
      lifts: false,
      outcomes: ['PASS'],
    },
    less: null,
    ends: ['done', 'parked: word', 'parked: unverified'],
  },
  {
    name: 'two gates and DONE, with a veto',
    world: { ...plain, gates: twoGates, claimsMax: 3, vetoes: 1, lifts: false, outcomes: ['PASS'] },
    less: null,
    ends: ['done', 'parked: idle'],
  },
  {
    name: 'two gates and DONE, with a request by the Builder',
    world: { ...plain, gates: twoGates, claimsMax: 3, blocked: 1, outcomes: ['PASS'] },
    less: null,
    ends: ['done', 'parked: blocked'],
  },
  {
    name: 'findings with and without a reproducer',
    world: { ...plain, findings: 1, reproducers: true },
    less: { claimsMax: 2 },
    ends: ['done', 'parked: unverified'],
  },
  {
    name: 'FAILs that rest on word alone',
    world: {
      ...plain,
      findings: 1,
      lifts: false,
      outcomes: ['PASS'],
      claimsMax: 3,
      actsPerSession: 2,
      reproducers: false,
    },
    less: null,
    ends: ['done', 'parked: word'],
  },
  {
    name: 'disputed findings',
    world: { ...plain, claimsMax: 3, findings: 1, blocked: 1, lifts: false, outcomes: ['PASS'] },
    less: null,
    ends: ['done', 'parked: dispute'],
  },
  {
    name: 'controls that bite, are vacuous or inconclusive; a machine that fails',
    world: {
      ...plain,
      gates: gates({ M1: { controls: [] } }),
      controls: ['BITES', 'VACUOUS', 'INCONCLUSIVE'],
      outcomes: ['PASS', 'FAIL', 'INFRA'],
    },
    less: { claimsMax: 2 },
    ends: ['done', 'parked: infra'],
  },
  {
    name: 'an inconclusive control, and a patch by the Adversary',
    isQuick: true,
    world: {
      ...plain,
      gates: gates({ M1: { controls: [] } }),
      controls: ['BITES', 'INCONCLUSIVE'],
      sabotages: 2,
      outcomes: ['PASS'],
      claimsMax: 2,
    },
    ends: ['done', 'parked: idle'],
  },
  {
    name: 'earlier tests that pass, break or are inconclusive',
    world: {
      ...plain,
      kept: ['KEPT', 'BROKEN', 'INCONCLUSIVE'],
      outcomes: ['PASS'],
      waivers: ['tests'],
      claimsMax: 2,
    },
    ends: ['done'],
  },
  {
    name: 'flaky runs, two per claim',
    isQuick: true,
    world: { ...plain, gates: gates({ M1: { times: 2 } }), claimsMax: 2, outcomes: ['PASS'], flaky: true },
    ends: ['done'],
  },
  {
    name: 'vetoes by the Adversary and the operator',
    world: { ...plain, claimsMax: 2, vetoes: 1, operatorVetoes: 1, actsPerSession: 2, outcomes: ['PASS'] },
    ends: ['done', 'parked: idle'],
  },
  {
    name: 'requests by the Builder',
    world: { ...plain, claimsMax: 2, blocked: 2, outcomes: ['PASS'] },
    ends: ['done', 'parked: blocked'],
  },
  {
    name: 'waivers',
    world: {
      ...plain,
      gates: gates({ M1: { controls: [] } }),
      claimsMax: 2,
      controls: ['BITES', 'VACUOUS', 'INCONCLUSIVE'],
      waivers: ['all', 'control:revert', 'verdict', 'runs', 'findings', 'requires'],
    },
    less: { waivers: ['all', 'runs'] },
    ends: ['done'],
  },
  {
    name: 'claims that change protected paths',
    world: { ...plain, claimsMax: 2, outcomes: ['PASS'], touches: true, waivers: ['protected', 'all'] },
    ends: ['done', 'parked: idle'],
  },
  {
    name: 'waivers that expire',
    world: { ...plain, claimsMax: 2, waivers: ['runs', 'verdict'], timers: ['waiver'] },
    ends: ['done'],
  },
  {
    name: 'evidence that ages while DONE waits',
    isQuick: true,
    world: { ...plain, claimsMax: 2, outcomes: ['PASS'], timers: ['aged'] },
    ends: ['done', 'parked: aged'],
  },
  {
    name: 'hours that run out',
    isQuick: true,
    world: { ...plain, claimsMax: 1, timers: ['hours'] },
    ends: ['parked: budget'],
  },
  {
    name: 'crashes at any point',
    world: { ...plain, claimsMax: 2, crashes: 2, outcomes: ['PASS', 'INFRA'] },
    ends: ['done', 'parked: infra'],
  },
  {
    name: 'a back end that fails',
    isQuick: true,
    world: { ...plain, claimsMax: 2, outcomes: ['PASS'], backendFails: true },
    ends: ['done', 'parked: backend'],
  },
];
