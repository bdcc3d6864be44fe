// Keeps every trail entry in memory, in order, and the results of runs: for projections, the `trail` tool and
// `explain`. Filled as the funnel folds entries; no decision depends on it.

import type { FailedTest } from '../../agents/view/view.ts';
import type { Entry } from '../../state/entry/entry.ts';
import type { EntryId, RunId } from '../../state/entry/ids.ts';
import { RunRecord } from '../../state/entry/record.ts';

const failingKept = 20;

export type EntryLog = {
  readonly entries: readonly Entry[];
  add(entries: readonly Entry[]): void;
  words(id: EntryId): string;
  entry(id: EntryId): Entry | undefined;
};

export function entryLog(): EntryLog {
  const entries: Entry[] = [];
  return {
    entries,
    add: (more) => void entries.push(...more),
    words: (id) => entries[id - 1]?.body ?? '',
    entry: (id) => entries[id - 1],
  };
}

type Files = { file(path: string): Promise<Buffer | null> };

/** The record of a run on the trail; null if the run was lost or is unknown. */
export async function recordOnTrail(trail: Files, run: RunId): Promise<RunRecord | null> {
  const bytes = await trail.file(`runs/${run}/results.json`);
  return bytes && RunRecord.parse(JSON.parse(bytes.toString('utf8')));
}

/** The first of the tests that failed in a run, with their messages. */
export function failingIn(record: RunRecord | null): FailedTest[] {
  const failed = (record?.tests ?? []).filter((test) => test.status === 'fail');
  return failed.slice(0, failingKept).map((test) => ({ id: test.id, message: test.failure?.message ?? '' }));
}
