// Model-checks the life cycle of a phase in the worlds that take a moment each. `tests/live/life.test.ts` has the rest.

import { describe, expect, it } from 'vitest';
import { explore } from './explore.ts';
import type { World } from './model.ts';
import { plain, statesMax, worlds } from './worlds.ts';

describe('the life of a phase', () => {
  const quick = worlds.filter(({ isQuick }) => isQuick);

  it.each(quick)('has no dead end, no false DONE and no endless loop: $name', ({ world, ends }) => {
    const seen = explore(world, statesMax);
    expect(seen.broken).toBeNull();
    expect(Object.keys(seen.ends)).toEqual(expect.arrayContaining(ends));
  });

  it('is reported as endless if no limit bounds the retries', () => {
    const world = { ...plain, outcomes: ['PASS', 'INFRA'] as World['outcomes'], limits: { uncountedRunsMax: 1e9 } };
    expect(explore(world, 3000).broken?.why).toMatch('more than 3000 states');
  });
});
