// `coldpass challenge RUN`: takes a run that is on the trail, reruns it here and now with what the trail pins for it,
// and compares the two results test by test. Only you see the comparison; nothing goes on the trail. Like `try`, it may
// run while a supervisor works.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pinnedRecipe } from '../../loop/hands/opening.ts';
import { purposeOptions } from '../../loop/hands/runs.ts';
import type { Sources } from '../../loop/hands/world.ts';
import { coldRun } from '../../runner/run/coldrun.ts';
import type { ColdRunRequest, RunProgress } from '../../runner/run/request.ts';
import { digestOf } from '../../state/entry/digest.ts';
import type { Entry, EntryOf } from '../../state/entry/entry.ts';
import { TrailError } from '../../state/entry/errors.ts';
import type { EntryId, RunId, Sha } from '../../state/entry/ids.ts';
import { emptyTrail } from '../../state/entry/phase.ts';
import { type Purpose, RunRecord, uncounted } from '../../state/entry/record.ts';
import { fold } from '../../state/fold/fold.ts';
import { slotOf } from '../../state/fold/requirement.ts';
import { revParse } from '../../state/git/git.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { checkGrants } from '../acts/queue.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { Here } from '../workspace/place.ts';
import { type Comparison, compareRecords } from './compare.ts';
import { type OwnGround, withOwnEngine } from './ownRun.ts';
import { runIdOf } from './runs.ts';

export type ChallengeOptions = {
  now(): Date;
  signal: AbortSignal;
  onProgress?(progress: RunProgress): void;
  onNote?(line: string): void;
};

export type ChallengeReport = {
  /** 0 if the results are alike, 1 if not, 4 if that is unknown because the machine failed or the run was cancelled. */
  exit: Exit;
  run: RunId;
  entry: EntryId;
  purpose: Purpose;
  comparison: Comparison;
  /** The record of the new run. */
  record: RunRecord;
  logs: string;
};

/** Throws UsageError, Refused, TrailError or RunnerError if the run cannot be rerun: one line with what to do. */
export async function challenge(place: Here, name: string, options: ChallengeOptions): Promise<ChallengeReport> {
  const { entry, recorded, request } = await withTrail(place.paths.hub, (trail) => recall(trail, place, runIdOf(name)));
  checkGrants(request.pinned.name, request.pinned.recipe, place.workspace.grants);
  return withOwnEngine(place, options.onNote, async (own) => {
    const record = await again(request, own, options);
    const comparison = compareRecords(recorded, record);
    const isKnown = !uncounted.has(record.outcome);
    return {
      exit: !isKnown ? exits.machine : comparison.alike ? exits.yes : exits.no,
      run: entry.facts.run,
      entry: entry.id,
      purpose: entry.facts.purpose,
      comparison,
      record,
      logs: join(own.runsDir, record.run, 'logs'),
    };
  });
}

type Recalled = { entry: EntryOf<'run'> & { id: EntryId }; recorded: RunRecord; request: Omit<ColdRunRequest, 'run'> };

/**
 * What the trail has about the run, and the request for the rerun: like its supervisor's request for the run, made from
 * what was pinned then.
 */
async function recall(trail: Trail, { paths }: Here, run: RunId): Promise<Recalled> {
  const entry = trail.entries.find((one) => one.kind === 'run' && one.facts.run === run);
  if (entry?.kind !== 'run')
    throw new UsageError(
      `${run} is not on the trail, and only a run on the trail can be challenged; see: coldpass runs`,
    );
  const recorded = await recordOf(trail, entry);
  const { purpose, recipe, recipeDigest, shas } = entry.facts;
  const sha = shas.main as Sha;
  if ((await revParse(paths.hub, `${sha}^{commit}`)) === null)
    throw new UsageError(`the hub no longer has commit ${sha} of ${run}, so it cannot be rerun`);
  const sources = sourcesAt(trail, entry, paths.hub);
  const phase = entry.phase === null ? undefined : sources.trail.state.phases[entry.phase];
  if (!phase) throw new TrailError('bad-trail', `${run} belongs to no phase; see: coldpass audit`);
  const { pinned, harness } = await pinnedRecipe(sources, recipeDigest);
  const extras = await purposeOptions(sources, phase, { slot: slotOf(purpose), purpose, recipe, sha });
  const request = { purpose, pinned, harnessFiles: harness, hub: paths.hub, sha, ...extras };
  return { entry: { ...entry, id: entry.id as EntryId }, recorded, request };
}

/** The record that the entry names by digest. */
async function recordOf(trail: Trail, { id, facts }: EntryOf<'run'>): Promise<RunRecord> {
  const { run, results, outcome } = facts;
  if (results === null || uncounted.has(outcome))
    throw new UsageError(`${run} ended ${outcome} and does not count, so there is nothing to compare with`);
  const path = `runs/${run}/results.json`;
  const bytes = await trail.file(path);
  if (bytes === null || digestOf(bytes) !== results)
    throw new TrailError('bad-trail', `${path} does not match its digest in entry #${id}; see: coldpass audit`);
  return RunRecord.parse(JSON.parse(bytes.toString('utf8')));
}

/** The trail as it was just before the run's entry. */
function sourcesAt(trail: Trail, { id }: Entry, hub: string): Sources {
  const state = trail.entries.slice(0, id - 1).reduce(fold, emptyTrail);
  return { paths: { hub }, trail: { state, file: trail.file, blob: (digest) => trail.file(`blobs/${digest}`) } };
}

function again(
  request: Recalled['request'],
  { engine, runsDir }: OwnGround,
  options: ChallengeOptions,
): Promise<RunRecord> {
  const { now, signal, onProgress } = options;
  const run = `r-${randomBytes(6).toString('hex')}` as RunId;
  // The new record says who asked for the rerun; the original purpose is in the original entry.
  const purpose = { kind: 'trial', by: 'operator' } as const;
  return coldRun({ ...request, run, purpose }, { engine, runsDir, now, signal, ...(onProgress && { onProgress }) });
}
