// A cold run: runs one recipe on a fresh clone of exactly one commit, tears everything down, and makes a record.
//
//   intent → clone and overlay → setup → (keep a copy) → edits → stages, up to the first that fails → reproducer
//          → teardown, verified → results
//
// It always ends in a record. Whatever a claim does is an outcome; a machine that fails is INFRA; only a bug, or a
// state folder that cannot be written, is thrown, and even then teardown has been done.

import { mkdir, writeFile } from 'node:fs/promises';
import { digestOfJson } from '../../state/entry/digest.ts';
import { Refused, TrailError } from '../../state/entry/errors.ts';
import type { RunRecord } from '../../state/entry/record.ts';
import { syncFolder } from '../../state/git/objects.ts';
import { RunnerError } from '../box/errors.ts';
import { climb, ladderOf } from './climb.ts';
import type { RunIntent } from './janitor.ts';
import { runPaths } from './paths.ts';
import type { ColdRunDeps, ColdRunRequest } from './request.ts';
import { type Course, recordOf, withoutDetails, writeResults } from './results.ts';

/** Resolves with the record, which is then also in `runs/<run>/results.json`. */
export async function coldRun(request: ColdRunRequest, deps: ColdRunDeps): Promise<RunRecord> {
  const { run } = request;
  const paths = runPaths(deps.runsDir, run);
  const course = courseOf(request, deps);
  await writeIntent(paths.dir, paths.intent, course);
  let bug: unknown = null;
  try {
    await climb(request, deps, course);
  } catch (error) {
    if (error instanceof Refused) course.seen.refused = error.message;
    else if (isMachineFailure(error)) course.seen.infra = (error as Error).message;
    else bug = error;
  }
  if (bug === null) await holdIfRed(deps, course);
  const { leaks, app } = await deps.engine.destroy(run);
  if (bug !== null) throw bug;
  course.seen.leak = leaks.length > 0 ? `Teardown left something behind. ${leaks.join(' ')}` : null;
  course.facts.flags = { clean_teardown: leaks.length === 0, ...course.facts.flags };
  if (app) course.facts.app = app;
  course.facts.endedAtMs = deps.now().getTime();
  const record = request.blind ? withoutDetails(recordOf(course)) : recordOf(course);
  await writeResults(paths, record, course);
  return record;
}

async function holdIfRed({ hold }: ColdRunDeps, course: Course): Promise<void> {
  if (!hold) return;
  const soFar = recordOf(course);
  if (soFar.outcome !== 'PASS') await hold(soFar);
}

function courseOf(request: ColdRunRequest, { engine, now }: ColdRunDeps): Course {
  const { run, purpose, pinned, sha } = request;
  const declared = ladderOf(request).map(({ name, report }) => ({ name, report: report !== undefined }));
  const startedAtMs = now().getTime();
  return {
    facts: {
      run,
      purpose,
      recipe: { name: pinned.name, digest: digestOfJson(pinned) },
      shas: { main: sha },
      trees: {},
      startedAtMs,
      endedAtMs: startedAtMs,
      flags: {},
      sandbox: engine.sandbox,
      artifacts: [],
      overlaid: [],
    },
    seen: {
      declared,
      refused: null,
      infra: null,
      cancelled: false,
      leak: null,
      isQuestion: request.question !== undefined,
    },
    setup: null,
    ended: [],
    reproducer: null,
  };
}

/** Writes the intent before anything else of the run: after a crash, intents show which runs were lost. */
async function writeIntent(dir: string, path: string, { facts }: Course): Promise<void> {
  const { run, purpose, recipe, shas, startedAtMs } = facts;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify({ run, purpose, recipe, shas, startedAtMs } satisfies RunIntent), {
    flush: true,
    flag: 'wx',
  });
  await syncFolder(dir);
}

/** True for a failure of the machine, not a bug: an error of this room, of the trail or of a system call. */
function isMachineFailure(error: unknown): boolean {
  if (error instanceof TrailError || error instanceof RunnerError) return true;
  return error instanceof Error && 'syscall' in error;
}
