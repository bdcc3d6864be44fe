// Compares the record of a run with that of its rerun, test by test. Pure. Ignores times and messages, because they
// differ on any machine; whether a failure was an assertion matters, because controls depend on it.

import type { Outcome, RunRecord, TestResult } from '../../state/entry/record.ts';

export type Both<T> = { recorded: T; now: T };
export type Comparison = {
  alike: boolean;
  outcome: Both<Outcome>;
  level: Both<number>;
  /** Only for a run of a reproducer. */
  reproducer?: Both<RunRecord['reproducer'] | null>;
  /** How many tests are in both records with the same result. */
  same: number;
  differ: ({ id: string } & Both<string>)[];
  missing: string[];
  added: string[];
  /** True if a record was cut: then tests may only seem missing or added. */
  cut: boolean;
};

export function compareRecords(recorded: RunRecord, now: RunRecord): Comparison {
  const [before, after] = [endings(recorded.tests), endings(now.tests)];
  const shared = [...before].filter(([id]) => after.has(id));
  const differ = shared
    .map(([id, word]) => ({ id, recorded: word, now: after.get(id) ?? '' }))
    .filter((test) => test.recorded !== test.now);
  const missing = [...before.keys()].filter((id) => !after.has(id));
  const added = [...after.keys()].filter((id) => !before.has(id));
  const outcome = { recorded: recorded.outcome, now: now.outcome };
  const level = { recorded: recorded.level, now: now.level };
  const reproducer = { recorded: recorded.reproducer ?? null, now: now.reproducer ?? null };
  const isSame = [outcome, level, reproducer].every((both) => both.recorded === both.now);
  return {
    alike: isSame && differ.length + missing.length + added.length === 0,
    outcome,
    level,
    same: shared.length - differ.length,
    differ,
    missing,
    added,
    ...((reproducer.recorded ?? reproducer.now) !== null && { reproducer }),
    cut: recorded.testsCut || now.testsCut,
  };
}

/** How each test ended: `pass`, `fail (assertion)`. */
function endings(tests: readonly TestResult[]): Map<string, string> {
  return new Map(tests.map(({ id, status, failure }) => [id, failure ? `${status} (${failure.kind})` : status]));
}
