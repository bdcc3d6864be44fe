// The life cycle, model-checked on the real code: each world of `worlds.ts` is explored completely, through the same `decide`,
// fold, admission and gate rule that the supervisor runs. What must hold in every state stands in `explore.ts`.

import { describe, expect, it } from 'vitest';
import { isLong } from '../support/long.ts';
import { explore } from './explore.ts';
import type { World } from './model.ts';
import { plain, statesMax, worlds } from './worlds.ts';

describe('the life of a phase', () => {
  const explored = isLong ? worlds : worlds.filter(({ less }) => less !== null);

  it.each(explored)(
    'has no dead end, no false DONE and no endless loop: $name',
    { timeout: 900_000 },
    ({ world, less, ends }) => {
      const found = explore({ ...world, ...(!isLong && less) }, statesMax);
      expect(found.broken).toBeNull();
      expect(Object.keys(found.ends)).toEqual(expect.arrayContaining(ends));
    },
  );

  it('is seen to have no end where no limit bounds what is tried again', () => {
    const world = { ...plain, outcomes: ['PASS', 'INFRA'] as World['outcomes'], limits: { uncountedRunsMax: 1e9 } };
    expect(explore(world, 3000).broken?.why).toMatch('more than 3000 states');
  });
});
