// Makes a run's record from its course, keeps it within its size limit, and writes it with the logs. Text for people
// (messages, logs) is cut first; if even the list of tests must be cut, the run can no longer pass.

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunRecord, recordBytesMax, type StageResult } from '../../state/entry/record.ts';
import { countsOf, recordBytes } from '../../state/fold/facts.ts';
import { syncFolder } from '../../state/git/objects.ts';
import type { StepEnd } from './engine.ts';
import { judgeRun, type RunObservation, type StageEnd, stageTrouble } from './outcome.ts';
import type { RunPaths } from './paths.ts';

const unreached: StepEnd['output'] = {
  head: '',
  tail: '',
  bytes: 0,
  digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as StepEnd['output']['digest'], // of no bytes
};
/** Characters kept of a stage's log and of a failure's message, from the largest record to the smallest. */
const roominess = [
  { head: 2000, tail: 6000, message: 300 },
  { head: 500, tail: 1500, message: 120 },
  { head: 100, tail: 300, message: 0 },
];

export type EndedStage = { judged: StageEnd; end: StepEnd };
/** Everything that a record is made of, except the judgement. */
export type Course = {
  facts: Pick<
    RunRecord,
    | 'run'
    | 'purpose'
    | 'recipe'
    | 'shas'
    | 'trees'
    | 'startedAtMs'
    | 'endedAtMs'
    | 'flags'
    | 'app'
    | 'sandbox'
    | 'artifacts'
    | 'overlaid'
  >;
  seen: Omit<RunObservation, 'testsCut' | 'setup' | 'ended'>;
  setup: EndedStage | null;
  ended: EndedStage[];
  reproducer: { result: NonNullable<RunRecord['reproducer']>; stage: EndedStage | null } | null;
};

/** A valid record of at most `recordBytesMax` bytes. */
export function recordOf(course: Course): RunRecord {
  const tests = course.ended.flatMap(({ judged }) => (judged.report.kind === 'read' ? judged.report.tests : []));
  for (const room of roominess) {
    const record = assemble(course, tests, false, room);
    if (recordBytes(record).byteLength <= recordBytesMax) return record;
  }
  const tightest = roominess.at(-1) ?? { head: 0, tail: 0, message: 0 };
  let count = tests.length;
  for (;;) {
    count = Math.floor(count * 0.8);
    const record = assemble(course, tests.slice(0, count), true, tightest);
    if (recordBytes(record).byteLength <= recordBytesMax || count === 0) return record;
  }
}

/** The record without anything that could reveal what was checked: tests are numbered, logs and messages removed. */
export function withoutDetails(record: RunRecord): RunRecord {
  const silent = (stage: StageResult): StageResult => ({ ...stage, log: { ...stage.log, head: '', tail: '' } });
  const { pass, fail, skip } = countsOf(record.tests);
  return {
    ...record,
    reason: `${record.outcome}: ${pass} passed, ${fail} failed, ${skip} skipped.`,
    stages: record.stages.map(silent),
    ...(record.setup && { setup: silent(record.setup) }),
    tests: record.tests.map(({ status, ms, stage }, at) => ({ id: `hold-out ${at + 1}`, status, ms, stage })),
    artifacts: [],
  };
}

/** Writes `results.json` atomically, and each stage's output (first and last part) in `logs/`. */
export async function writeResults(paths: RunPaths, record: RunRecord, course: Course): Promise<void> {
  await mkdir(paths.logs, { recursive: true, mode: 0o700 });
  const all = [course.setup, ...course.ended, course.reproducer?.stage ?? null];
  for (const [at, stage] of all.entries()) {
    if (stage) await writeFile(join(paths.logs, `${at}-${stage.judged.name}.log`), logText(stage.end.output));
  }
  const part = `${paths.results}.part`;
  await writeFile(part, recordBytes(record), { flush: true });
  await rename(part, paths.results);
  await syncFolder(paths.dir);
}

type Room = (typeof roominess)[number];

function assemble(course: Course, tests: RunRecord['tests'], testsCut: boolean, room: Room): RunRecord {
  const { facts, seen, setup, ended, reproducer } = course;
  const judged = judgeRun({
    ...seen,
    testsCut,
    setup: setup?.judged ?? null,
    ended: ended.map((stage) => stage.judged),
  });
  const { outcome, reason, level, rungs } = judged;
  const stages = seen.declared.map(({ name }, at) =>
    stageResult(name, ended.find((stage) => stage.judged.name === name) ?? null, rungs[at] ?? 'unverified', room),
  );
  const one = ({ judged: end, ...rest }: EndedStage) =>
    stageResult(end.name, { judged: end, ...rest }, stageTrouble(end) ? 'fail' : 'pass', room);
  return RunRecord.parse({
    v: 1,
    ...facts,
    outcome,
    reason,
    level,
    stages,
    ...(setup && { setup: one(setup) }),
    tests: tests.map((test) =>
      test.failure
        ? { ...test, failure: { ...test.failure, message: test.failure.message.slice(0, room.message) } }
        : test,
    ),
    testsCut,
    ...(reproducer && { reproducer: reproducer.result }),
    ...(reproducer?.stage && { reproducerStage: one(reproducer.stage) }),
  });
}

function stageResult(name: string, stage: EndedStage | null, rung: StageResult['rung'], room: Room): StageResult {
  if (stage === null) return { name, rung, exit: null, signal: null, ms: 0, tests: null, log: unreached };
  const { judged, end } = stage;
  const tests = judged.report.kind === 'read' ? countsOf(judged.report.tests) : null;
  const { bytes, digest } = end.output;
  return {
    name,
    rung,
    exit: end.exit,
    signal: end.signal,
    ms: end.ms,
    tests,
    log: { ...excerpt(end.output, room), bytes, digest },
    ...(judged.rung?.skipped && { skipped: judged.rung.skipped }),
  };
}

/** The whole output as `head` if it is small enough, else its first and last characters. */
function excerpt({ head, tail }: StepEnd['output'], room: Room): { head: string; tail: string } {
  if (head.length + tail.length <= room.head + room.tail) return { head: head + tail, tail: '' };
  return { head: head.slice(0, room.head), tail: (head + tail).slice(-room.tail) };
}

function logText({ head, tail, bytes, digest }: StepEnd['output']): string {
  const shownBytes = Buffer.byteLength(head) + Buffer.byteLength(tail);
  const gap = bytes > shownBytes ? `\n[… of ${bytes} bytes, sha256 ${digest}, the middle is omitted …]\n` : '';
  return `${head}${gap}${tail}`;
}
