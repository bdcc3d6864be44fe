// The worlds of the life cycle of which the suite explores less, whole.

import { describe, expect, it } from 'vitest';
import { explore } from '../../loop/explore.ts';
import { statesMax, worlds } from '../../loop/worlds.ts';

describe('the life of a phase, in its large worlds', () => {
  const large = worlds.filter(({ less }) => less !== undefined);

  it.each(large)(
    'has no dead end, no false DONE and no endless loop: $name',
    { timeout: 900_000 },
    ({ world, ends }) => {
      const found = explore(world, statesMax);
      expect(found.broken).toBeNull();
      expect(Object.keys(found.ends)).toEqual(expect.arrayContaining(ends));
    },
  );
});
