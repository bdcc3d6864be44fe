// The files to export for a phase: one envelope for each run that counts, one for each claimed gate. A gate's envelope
// names other envelopes by digest: those of the runs that the gate's conditions name, those of the earlier runs that
// these were compared with, and those of the gates that the gate requires.

import { join } from 'node:path';
import {
  gateStatement,
  type Input,
  isCounted,
  requiredBy,
  runStatement,
  runsUnder,
  type StatementSource,
} from '../../state/audit/statement.ts';
import { digestOf } from '../../state/entry/digest.ts';
import type { EntryOf } from '../../state/entry/entry.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { EntryId, GateId, PhaseId, RunId } from '../../state/entry/ids.ts';
import { emptyTrail, type Phase, phaseAt } from '../../state/entry/phase.ts';
import { RunRecord } from '../../state/entry/record.ts';
import { gatesAndDone } from '../../state/entry/spec.ts';
import { fold } from '../../state/fold/fold.ts';
import { type GateReport, gateReport } from '../../state/gate/gate.ts';
import { type EnvelopeKey, sealStatement } from '../../state/keys/dsse.ts';
import type { Trail } from '../../state/trail/read.ts';

export type ExportKeys = Record<'runner' | 'supervisor', EnvelopeKey>;
/** Each file's bytes, by its path in the exported folder. */
export type ExportFiles = Map<string, Buffer>;
export type ExportedGate = { gate: GateId; result: 'PASSED' | 'FAILED'; file: string };
/** `unclaimed`: gates without a commit that a statement could be about. */
export type ExportedPhase = { phase: PhaseId; runs: number; gates: ExportedGate[]; unclaimed: GateId[] };

type Into = { source: StatementSource; keys: ExportKeys; files: ExportFiles };

/** Adds the phase's envelopes to `files`. Throws TrailError if a record is not the one that its entry names. */
export async function exportPhase(trail: Trail, phase: Phase, into: Into): Promise<ExportedPhase> {
  const runs = await exportRuns(trail, phase, into);
  const at = verifiedAt(trail, phase);
  const reports = new Map(
    gatesAndDone(phase.spec).map((gate) => [gate, gateReport(phaseAt(phase, Date.parse(at)), gate)]),
  );
  const summaries = new Map<GateId, Input | null>();
  const gates: ExportedGate[] = [];
  // The gates that a gate requires come first, because the gate's envelope has the digests of their envelopes.
  function summary(gate: GateId): Input | null {
    const known = summaries.get(gate);
    if (known !== undefined) return known;
    const report = reports.get(gate) as GateReport;
    const required = requiredBy(phase, gate).flatMap((other) => summary(other) ?? []);
    const inputs = [...runsUnder(phase, report).flatMap(({ run }) => runs.get(run) ?? []), ...required];
    const waived = waivedUnder(phase, reports, gate);
    const statement = gateStatement({ phase, report, at, source: into.source, inputs, waived });
    const file = `${gate}.vsa.json`;
    const digest = statement && store(into.files, phase.id, file, sealStatement(statement, into.keys.supervisor));
    if (digest) gates.push({ gate, result: report.holds ? 'PASSED' : 'FAILED', file: join(phase.id, file) });
    const input = digest && ({ file, digest, predicate: 'vsa', name: `${phase.id}/${gate}` } as const);
    summaries.set(gate, input);
    return input;
  }
  const unclaimed = gatesAndDone(phase.spec).filter((gate) => summary(gate) === null);
  return { phase: phase.id, runs: runs.size, gates, unclaimed };
}

async function exportRuns(trail: Trail, phase: Phase, { keys, files }: Into): Promise<Map<RunId, Input>> {
  const inputs = new Map<RunId, Input>();
  let state = emptyTrail;
  for (const entry of trail.entries) {
    state = fold(state, entry);
    if (entry.kind !== 'run' || entry.phase !== phase.id || !isCounted(entry)) continue;
    const { run } = entry.facts;
    const file = `${run}.test-result.json`;
    const plan = state.phases[phase.id]?.plan ?? phase.plan;
    const statement = runStatement(entry, await recordOf(trail, entry), plan);
    const digest = store(files, phase.id, file, sealStatement(statement, keys.runner));
    inputs.set(run, { file, digest, predicate: 'test-result', name: run });
  }
  return inputs;
}

async function recordOf(trail: Trail, { facts }: EntryOf<'run'>): Promise<RunRecord> {
  const path = `runs/${facts.run}/results.json`;
  const bytes = await trail.file(path);
  if (bytes === null || digestOf(bytes) !== facts.results)
    throw new TrailError('bad-trail', `${path} is not what its entry names; see: coldpass audit`);
  return RunRecord.parse(JSON.parse(bytes.toString('utf8')));
}

/**
 * The time for which gates are judged, because evidence ages: in a finished phase, when the phase was done; in any
 * other phase, the time of the trail's last entry.
 */
function verifiedAt({ entries }: Trail, phase: Phase): string {
  const done = entries.findLast(
    (entry) => entry.kind === 'phase' && entry.phase === phase.id && entry.facts.event === 'done',
  );
  return (phase.status === 'done' ? done?.at : entries.at(-1)?.at) ?? '';
}

/** The operator's waivers that the gate rests on, directly or through a gate that it requires. */
function waivedUnder(
  phase: Phase,
  reports: Map<GateId, GateReport>,
  gate: GateId,
  seen = new Set<GateId>(),
): EntryId[] {
  if (seen.has(gate)) return [];
  seen.add(gate);
  const { conditions, holds } = reports.get(gate) as GateReport;
  const isWhole = holds && conditions.some(({ met }) => !met);
  const whole = isWhole ? phase.waivers.filter((waiver) => waiver.gate === gate).map(({ id }) => id) : [];
  const required = requiredBy(phase, gate).flatMap((other) => waivedUnder(phase, reports, other, seen));
  const all = new Set([...conditions.flatMap(({ waived }) => waived), ...whole, ...required]);
  return [...all].sort((a, b) => a - b);
}

function store(files: ExportFiles, phase: PhaseId, file: string, bytes: Buffer): Input['digest'] {
  files.set(join(phase, file), bytes);
  return digestOf(bytes);
}
