// Two records of one run, test by test. Pure. Times and messages are left aside, since they differ on any machine; that a
// failure was an assertion counts, since controls hang on it.

import type { Outcome, RunRecord, TestResult } from '../../state/entry/record.ts';

export type Both<T> = { recorded: T; now: T };
export type Comparison = {
  alike: boolean;
  outcome: Both<Outcome>;
  level: Both<number>;
  /** Where the run was made for a reproducer. */
  reproducer?: Both<RunRecord['reproducer'] | null>;
  /** Tests that both have, and that ended as they did. */
  same: number;
  differ: ({ id: string } & Both<string>)[];
  missing: string[];
  added: string[];
  /** A record that does not hold all its tests: what is missing or added may be so for that alone. */
  cut: boolean;
};

export function compared(recorded: RunRecord, now: RunRecord): Comparison {
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
    ...{ outcome, level, same: shared.length - differ.length, differ, missing, added },
    ...((reproducer.recorded ?? reproducer.now) !== null && { reproducer }),
    cut: recorded.testsCut || now.testsCut,
  };
}

/** How each test ended: `pass`, `fail (assertion)`. */
function endings(tests: readonly TestResult[]): Map<string, string> {
  return new Map(tests.map(({ id, status, failure }) => [id, failure ? `${status} (${failure.kind})` : status]));
}
