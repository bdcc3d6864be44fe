// Starts the test files that take minutes first, so that short ones run last. The rest keep vitest's order.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Longest first. */
const longest = [
  'tests/live/recipes.swarm.test.ts',
  'tests/live/phase.swarm.test.ts',
  'tests/live/kill.test.ts',
  'tests/state/audit/history.git.test.ts',
  'tests/live/life.test.ts',
  'tests/attacks/cases/theTests.boxed.test.ts',
  'tests/attacks/cases/evidence.boxed.test.ts',
  'tests/attacks/cases/reviewer.boxed.test.ts',
  'tests/attacks/cases/behaviour.boxed.test.ts',
  'tests/attacks/cases/environment.boxed.test.ts',
  'tests/live/converge.swarm.test.ts',
  'tests/attacks/cases/peeking.boxed.test.ts',
  'tests/attacks/cases/stateFiles.boxed.test.ts',
  'tests/live/demo.test.ts',
  'tests/live/vault.swarm.test.ts',
  'tests/live/claims.test.ts',
  'tests/live/removal.swarm.test.ts',
  'tests/live/controls.test.ts',
  'tests/live/reviewer.test.ts',
  'tests/operator/terminal/cli.git.test.ts',
  'tests/operator/acts/acts.boxed.test.ts',
  'tests/runner/run/coldrun.boxed.test.ts',
  'tests/operator/runs/try.boxed.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at === -1 ? longest.length : at;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
