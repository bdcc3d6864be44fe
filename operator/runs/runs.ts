// `coldpass runs`: lists the runs on the trail and your own trials, or shows one of them in full. For a run on the
// trail, the trail's record counts; the record of a trial is only in the state.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPaths } from '../../runner/run/paths.ts';
import { TrailError } from '../../state/entry/errors.ts';
import { type EntryId, RunId, stampOf } from '../../state/entry/ids.ts';
import { RunRecord } from '../../state/entry/record.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { badge } from '../terminal/badge.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { countWords, purposeWords, short } from '../terminal/lines.ts';
import { type Screen, styled } from '../terminal/print.ts';
import { recordCounts, sayRecord } from '../terminal/sayRecord.ts';
import type { Here } from '../workspace/place.ts';

const listedMax = 40;

export type RunRow = {
  run: RunId;
  /** Its entry; null for a trial, which is not on the trail. */
  entry: EntryId | null;
  at: string;
  outcome: string;
  what: string;
  recipe: string;
  sha: string;
  tests: string;
};
export type RunsReport = { exit: Exit; runs: RunRow[]; more: number; unreadable: string[] };
export type RunReport = {
  exit: Exit;
  record: RunRecord;
  entry: EntryId | null;
  logs: string | null;
  evidence: string | null;
};

/** The state's folder for your own trials. */
export function trialsDir(stateDir: string): string {
  return join(stateDir, 'trials');
}

/** Lists the newest last. Names the records that cannot be read, and lists the rest. */
export async function listRuns({ paths }: Here): Promise<RunsReport> {
  const onTrail = await withTrail(paths.hub, rowsOf);
  const dir = trialsDir(paths.stateDir);
  const records = trialsIn(dir).map((run) => tryRead(runPaths(dir, run).results));
  const trials = records.flatMap((record) => (record instanceof Error || record === null ? [] : [trialRow(record)]));
  const unreadable = records.flatMap((record) => (record instanceof Error ? [record.message] : []));
  const runs = [...onTrail, ...trials].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { exit: exits.yes, runs: runs.slice(-listedMax), more: Math.max(0, runs.length - listedMax), unreadable };
}

/** One run. Throws UsageError if there is no such run, TrailError if its record is invalid. */
export async function showRun({ paths }: Here, name: string): Promise<RunReport> {
  const run = runIdOf(name);
  const trial = runPaths(trialsDir(paths.stateDir), run);
  const own = runPaths(paths.runs, run);
  const { entry, bytes } = await withTrail(paths.hub, async (trail) => {
    const entry = trail.entries.find((one) => one.kind === 'run' && one.facts.run === run)?.id ?? null;
    return { entry, bytes: await trail.file(`runs/${run}/results.json`) };
  });
  const place = existsSync(trial.results) ? trial : own;
  const record = bytes ? parsed(bytes, `runs/${run}/results.json on the trail`) : read(place.results);
  if (record === null) throw new UsageError(`there is no record of ${run}; see: coldpass runs`);
  const ifThere = (path: string) => (existsSync(path) ? path : null);
  return { exit: exits.yes, record, entry, logs: ifThere(place.logs), evidence: ifThere(place.evidence) };
}

export function sayRuns({ runs, more, unreadable }: RunsReport, out: Screen): void {
  const { paint } = out;
  if (more > 0) out.line(`${more} older ${more === 1 ? 'run is' : 'runs are'} not shown`);
  for (const { run, at, outcome, what, tests, sha } of runs)
    out.line(styled`${paint.dim(at)}  ${run}  ${paint.outcome(outcome)}  ${what}, ${tests}  ${paint.dim(short(sha))}`);
  for (const why of unreadable) out.line(styled`${paint.warn('note')}  ${why}`);
  if (runs.length === 0) out.line('no runs yet; make one with: coldpass try');
}

export function sayOneRun({ record, entry, logs, evidence }: RunReport, out: Screen): void {
  const { run, purpose, stages, level, sandbox } = record;
  const where = entry === null ? 'not on the trail' : `entry #${entry}`;
  out.line(
    styled`${out.paint.bold(run)}  ${purposeWords(purpose)}; ${where}; sandbox ${sandbox.level}; level ${level} of ${stages.length}`,
  );
  sayRecord(record, out, logs);
  if (evidence) out.line(styled`  ${out.paint.dim('→')} evidence: ${evidence}`);
}

/** Only the SVG, to redirect into a file. */
export function sayBadge({ record }: RunReport, out: Screen): void {
  out.line(badge(record).trimEnd());
}

function rowsOf({ entries }: Trail): RunRow[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'run') return [];
    const { run, outcome, control, kept, reproducer, purpose, recipe, shas, counts } = entry.facts;
    const word = control?.result ?? kept?.result ?? reproducer ?? outcome;
    const what = purposeWords(purpose);
    return [
      {
        run,
        entry: entry.id,
        at: entry.at,
        outcome: word,
        what,
        recipe,
        sha: shas.main ?? '',
        tests: countWords(counts),
      },
    ];
  });
}

function trialRow(record: RunRecord): RunRow {
  const { run, outcome, purpose, recipe, shas, startedAtMs } = record;
  const at = stampOf(startedAtMs);
  const tests = countWords(recordCounts(record));
  return {
    run,
    entry: null,
    at,
    outcome,
    what: purposeWords(purpose),
    recipe: recipe.name,
    sha: shas.main ?? '',
    tests,
  };
}

function trialsIn(dir: string): RunId[] {
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.filter((name): name is RunId => RunId.safeParse(name).success);
}

/** Throws UsageError if `name` is not the name of a run. */
export function runIdOf(name: string): RunId {
  const run = RunId.safeParse(name);
  if (run.success) return run.data;
  throw new UsageError(`"${name}" is not the name of a run, such as r-4f2a90b1c3d5; see: coldpass runs`);
}

function tryRead(path: string): RunRecord | null | Error {
  try {
    return read(path);
  } catch (error) {
    if (error instanceof TrailError) return error;
    throw error;
  }
}

/** The record in the file; null if there is no such file: the run has not ended, or was lost. */
function read(path: string): RunRecord | null {
  return existsSync(path) ? parsed(readFileSync(path), path) : null;
}

function parsed(bytes: Buffer, where: string): RunRecord {
  const broken = (why: string, cause?: unknown) =>
    new TrailError('bad-file', `${where} is not a run's record: ${why}; the file was changed, so make a new run`, {
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw broken('not JSON', cause);
  }
  const record = RunRecord.safeParse(json);
  if (record.success) return record.data;
  const issue = record.error.issues[0];
  throw broken(`${issue?.path.join('.') || 'content'}: ${issue?.message ?? 'not valid'}`);
}
