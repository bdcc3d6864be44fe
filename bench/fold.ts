// Measures the fold of a long trail: `node bench/fold.ts`, or `benchFold()` for the figures. The entries are of the
// kinds that are most frequent in a long phase (sessions, runs, notes, claims). They are in memory, so that only the
// fold is measured.

import { pathToFileURL } from 'node:url';
import type { Entry, Intent } from '../state/entry/entry.ts';
import { Digest, EntryId, GateId, PhaseId, RecipeName, RunId, SessionId, Sha } from '../state/entry/ids.ts';
import { emptyTrail, phaseAt } from '../state/entry/phase.ts';
import { PhaseSpec } from '../state/entry/spec.ts';
import { fold } from '../state/fold/fold.ts';
import { gateReport } from '../state/gate/gate.ts';

const entriesDefault = 10_000;
const rounds = 5;
const phase = PhaseId.parse('bench');
const gate = GateId.parse('M1');
const recipe = RecipeName.parse('app');
const digest = Digest.parse('0'.repeat(64));
const at = '2026-01-01T00:00:00Z';

export type FoldFigures = { entries: number; foldMs: number; gateReportMs: number };

/** Median time to fold `count` entries, and to apply the gate rule afterwards. */
export function benchFold(count = entriesDefault): FoldFigures {
  const entries = Array.from({ length: count }, (_, i) => entryOf(i + 1));
  const times: number[] = [];
  const gateTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAtMs = performance.now();
    const state = entries.reduce(fold, emptyTrail);
    times.push(performance.now() - startedAtMs);
    const foldedAtMs = performance.now();
    gateReport(phaseAt(state.phases[phase] as NonNullable<(typeof state.phases)[string]>, Date.parse(at)), gate);
    gateTimes.push(performance.now() - foldedAtMs);
  }
  return { entries: count, foldMs: median(times), gateReportMs: median(gateTimes) };
}

function entryOf(id: number): Entry {
  const intent = id === 1 ? phaseOpened() : ([sessionStarted, runRecorded, note, claim, note] as const)[id % 5]?.(id);
  return { ...(intent as Intent), id: EntryId.parse(id), at } as Entry;
}

function phaseOpened(): Intent {
  const spec = PhaseSpec.parse({
    phase,
    gates: { M1: { recipe, covers: ['2.1'] } },
    title: 'bench',
    clauses: [],
    dod: [],
  });
  const facts = {
    event: 'opened' as const,
    queue: EntryId.parse(1),
    plan: digest,
    base: shaOf(0),
    recipes: { [recipe]: digest },
    holdout: null,
    spec,
  };
  return { kind: 'phase', role: 'supervisor', phase, body: '', facts: { ...facts, sandbox: 'bubblewrap', uid: 'own' } };
}

function sessionStarted(id: number): Intent {
  const facts = {
    event: 'started' as const,
    session: sessionOf(id),
    for: 'builder' as const,
    reason: { kind: 'work' as const },
    backend: 'b',
    model: 'm',
  };
  return {
    kind: 'session',
    role: 'supervisor',
    phase,
    body: '',
    facts: { ...facts, prompt: digest, shown: { upTo: 0, runs: [] }, reservedUsd: 0 },
  };
}

function runRecorded(id: number): Intent {
  const facts = {
    run: runOf(id),
    purpose: { kind: 'gate' as const, claim: EntryId.parse(Math.max(4, id - 3)), gate, k: 1 },
    recipe,
    recipeDigest: digest,
  };
  const shas = { main: shaOf(id - 3) };
  const counts = { pass: 1, fail: 0, skip: 0 };
  return {
    kind: 'run',
    role: 'runner',
    phase,
    body: '',
    facts: {
      ...facts,
      shas,
      trees: shas,
      outcome: 'PASS',
      level: 1,
      counts,
      alike: digest,
      reason: '',
      results: digest,
      unmet: [],
      sandbox: 'bubblewrap',
    },
  };
}

function note(id: number): Intent {
  return {
    kind: 'note',
    role: 'builder',
    phase,
    body: 'Some words.',
    facts: { session: sessionOf(id), title: 'A note' },
  };
}

function claim(id: number): Intent {
  const shas = { main: shaOf(id) };
  const facts = {
    session: sessionOf(id),
    gate,
    shas,
    trees: shas,
    descends: [],
    precedes: [],
    references: { [gate]: shaOf(0) },
    keeps: { [recipe]: [shaOf(0)] },
    expects: { pass: [], looksBad: [] },
    touches: [],
  };
  return { kind: 'claim', role: 'builder', phase, body: '', facts };
}

function shaOf(n: number): Sha {
  return Sha.parse(Math.max(0, n).toString(16).padStart(40, '0'));
}

function runOf(n: number): RunId {
  return RunId.parse(`r-${n.toString(16).padStart(12, '0')}`);
}

function sessionOf(n: number): SessionId {
  return SessionId.parse(`s-${n.toString(16).padStart(12, '0')}`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { entries, foldMs, gateReportMs } = benchFold();
  console.log(
    `fold of ${entries} entries: ${foldMs.toFixed(0)} ms; the gate rule on it: ${gateReportMs.toFixed(1)} ms`,
  );
}
