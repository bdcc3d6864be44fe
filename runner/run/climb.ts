// Climbs the ladder: runs setup, makes edits, runs the stages in order up to the first that fails, then the reproducer.
// Each result is put into the course at once, so that an interrupted run shows how far it got.

import { digestOf } from '../../state/entry/digest.ts';
import { type AppRung, appRungs, type Stage } from '../../state/entry/recipe.ts';
import { applyEdits } from './edits.ts';
import type { RungEnd, StepEnd } from './engine.ts';
import { type StageReport, stageTrouble } from './outcome.ts';
import { readReport, reportBytesMax, uniqueIds } from './report.ts';
import type { ColdRunDeps, ColdRunRequest } from './request.ts';
import type { Course, EndedStage } from './results.ts';

export const reproducerSeconds = 300;
const questionSeconds = 300;
/** A rung limits each of its own waits; this limit is for a machine that hangs. */
const rungSecondsMax = 3600;

type Climb = {
  request: ColdRunRequest;
  deps: ColdRunDeps;
  course: Course;
  root: string;
  unique: (id: string) => string;
};

/** Rejects only if the machine fails. A run that is cancelled, refused or INFRA is recorded in the course. */
export async function climb(request: ColdRunRequest, deps: ColdRunDeps, course: Course): Promise<void> {
  const { engine, signal } = deps;
  course.seen.infra = await engine.available();
  if (course.seen.infra !== null) return;
  const { run, hub, sha, pinned, harnessFiles, snapshotFrom: snapshotOf = null, drill = null, purpose } = request;
  const prepared = await engine.setup({ run, hub, sha, pinned, harnessFiles, snapshotOf, drill, purpose }, signal);
  if ('refused' in prepared) {
    course.seen.refused = prepared.refused;
    return;
  }
  course.facts.trees = { main: prepared.tree };
  course.facts.overlaid = prepared.overlaid;
  const on: Climb = { request, deps, course, root: prepared.root, unique: uniqueIds() };
  const passed = (prepared.fromSnapshot || (await setUp(on))) && (await makeEdits(on)) && (await ladder(on));
  await reproduce(on, passed);
  await examine(on);
}

/** Runs the recipe's setup, if it has one. Like `makeEdits` and `ladder` below, returns whether to continue. */
async function setUp(on: Climb): Promise<boolean> {
  const { recipe } = on.request.pinned;
  if (recipe.engine === 'swarm' || !recipe.setup) return mayContinue(on);
  const ended = await carryOut(on, 'setup', recipe.setup);
  if (ended === null) return false;
  on.course.setup = ended;
  if (stageTrouble(ended.judged) !== null) return false;
  if (on.request.keepSnapshot) await on.deps.engine.keep(on.request.run, on.deps.signal);
  return mayContinue(on);
}

async function makeEdits(on: Climb): Promise<boolean> {
  const { run, hub, pinned, harnessFiles, edits = [] } = on.request;
  if (edits.length === 0) return true;
  const tree = on.deps.engine.tree(run);
  on.course.seen.refused = await applyEdits(edits, { hub, tree, harness: pinned.harness, harnessFiles });
  return on.course.seen.refused === null && mayContinue(on);
}

type LadderStage = Stage & { rung?: AppRung | 'drill' };

/** The stages to run: the question, if one is asked; the recipe's stages; or an app's rungs (for a drill, only two). */
export function ladderOf({
  pinned: { recipe },
  question,
  drill,
}: Pick<ColdRunRequest, 'pinned' | 'question' | 'drill'>): LadderStage[] {
  const plain = { run: ':', network: [] };
  if (question !== undefined) return [{ ...plain, name: 'question', run: question, seconds: questionSeconds }];
  if (recipe.engine === 'process') return recipe.stages;
  const rungs = drill ? (['install', 'drill'] as const) : appRungs;
  return rungs.map((rung) => ({ ...plain, name: rung, rung, seconds: rungSecondsMax }));
}

async function ladder(on: Climb): Promise<boolean> {
  for (const [at, stage] of ladderOf(on.request).entries()) {
    const ended = await carryOut(on, `${at + 1}`, stage);
    if (ended === null) return false;
    on.course.ended.push(ended);
    if (stageTrouble(ended.judged) !== null) return lintAnyway(on);
  }
  return true;
}

/** Runs lint, an app's last rung, after a failure: it needs nothing deployed, so its results are always recorded. */
async function lintAnyway(on: Climb): Promise<false> {
  const last = ladderOf(on.request).at(-1);
  const isDone = on.course.ended.some(({ judged }) => judged.name === 'lint');
  if (last?.rung !== 'lint' || isDone) return false;
  const ended = await carryOut(on, 'lint', last);
  if (ended !== null) on.course.ended.push(ended);
  return false;
}

async function examine(on: Climb): Promise<void> {
  if (!mayContinue(on)) return;
  const all = [...on.course.ended, ...(on.course.reproducer?.stage ? [on.course.reproducer.stage] : [])];
  const tests = all.flatMap(({ judged }) => (judged.report.kind === 'read' ? judged.report.tests : []));
  const texts = [...all.flatMap(({ end }) => [end.output.head, end.output.tail]), JSON.stringify(tests)];
  const { flags, leaks, failed } = await on.deps.engine.examine(on.request.run, texts, on.deps.signal);
  on.course.facts.flags = flags;
  on.course.seen.examined = leaks.length > 0 ? `A secret of the run leaked: ${leaks.join('; ')}.` : failed;
}

async function reproduce(on: Climb, ladderPassed: boolean): Promise<void> {
  const { reproducer, run } = on.request;
  if (!reproducer || on.course.seen.cancelled) return;
  on.course.reproducer = { result: 'inconclusive', stage: null };
  if (!ladderPassed) return;
  const written = await on.deps.engine.tree(run).write(reproducer.path, reproducer.bytes, 0o755);
  if (!written.ok) {
    // After a green ladder, only the claim's own code can have put something in the reproducer's way.
    on.course.reproducer = { result: 'red', stage: null };
    return;
  }
  const stage = { name: 'reproducer', run: reproducer.command, seconds: reproducerSeconds, network: [] };
  const ended = await carryOut(on, 'reproducer', stage);
  if (ended === null) return;
  const { started, exit, timedOut } = ended.judged;
  if (!started) on.course.seen.infra = 'The box for the reproducer could not be made.';
  const result = timedOut || (exit !== 0 && exit !== 1) ? 'inconclusive' : exit === 0 ? 'green' : 'red';
  on.course.reproducer = { result, stage: ended };
}

/** Runs one stage to its end and reads its report; null if the run is cancelled meanwhile. */
async function carryOut(on: Climb, step: string, stage: LadderStage): Promise<EndedStage | null> {
  if (!mayContinue(on)) return null;
  const { engine, signal, onProgress } = on.deps;
  const { run } = on.request;
  const { name, run: command, seconds, network, report = null, rung } = stage;
  onProgress?.({ kind: 'started', run, stage: name, seconds });
  await engine.start(run, { name: step, run: command, seconds, network, report, ...(rung && { rung }) }, signal);
  if (onProgress) engine.tail(run, step, (line) => onProgress({ kind: 'line', run, stage: name, line }));
  const end = await engine.wait(run, step);
  if (!mayContinue(on)) return null;
  const { started, exit, signal: died, timedOut, outOfMemory, troubles } = end;
  const limits = { seconds, memoryMb: on.request.pinned.recipe.limits.memoryMb };
  const judged = {
    name,
    started,
    exit,
    signal: died,
    timedOut,
    outOfMemory,
    troubles,
    ...limits,
    report: end.rung ? reportOf(on, end.rung) : await readStageReport(on, stage, end),
    ...(end.rung && { rung: { failed: end.rung.failed, skipped: end.rung.skipped } }),
  };
  onProgress?.({ kind: 'ended', run, stage: name, ms: end.ms, passed: stageTrouble(judged) === null });
  return { judged, end };
}

function reportOf({ unique }: Climb, { tests, skipped }: RungEnd): StageReport {
  if (skipped !== null) return { kind: 'none' };
  return { kind: 'read', tests: tests.map((test) => ({ ...test, id: unique(test.id) })) };
}

async function readStageReport(
  { request, deps, course, root, unique }: Climb,
  { name, report: path }: Stage,
  end: StepEnd,
): Promise<StageReport> {
  if (path === undefined) return { kind: 'none' };
  if (!end.started || end.timedOut) return { kind: 'lost', why: 'the stage did not finish' };
  const tree = deps.engine.tree(request.run);
  const file = await tree.read(path, reportBytesMax);
  if (!file.ok) return { kind: 'lost', why: `${path} ${file.why}` };
  if (file.cut) return { kind: 'lost', why: `${path} is larger than ${reportBytesMax / 1024 / 1024} MB` };
  course.facts.artifacts.push({ path, digest: digestOf(file.bytes), bytes: file.bytes.length });
  const reading = readReport(file.bytes, name, root, unique);
  return 'tests' in reading
    ? { kind: 'read', tests: reading.tests }
    : { kind: 'lost', why: `${path}: ${reading.unreadable}` };
}

function mayContinue({ deps, course }: Climb): boolean {
  if (deps.signal.aborted) course.seen.cancelled = true;
  return !deps.signal.aborted;
}
