// Model-checks the life cycle on the real code: it explores each world of `worlds.ts` completely, with the same
// `decide`, fold, admission and gate rule that the supervisor uses. `explore.ts` says what must be true in every state.

import { describe, expect, it } from 'vitest';
import { explore } from '../loop/decide/explore.ts';
import { statesMax, worlds } from '../loop/decide/worlds.ts';
import { isLong } from '../support/long.ts';

describe('the life of a phase', () => {
  const explored = worlds.filter(({ less, isQuick }) => !isQuick && (isLong || less !== null));

  it.each(explored)(
    'has no dead end, no false DONE and no endless loop: $name',
    ({ world, less, ends }) => {
      const seen = explore({ ...world, ...(!isLong && less) }, statesMax);
      expect(seen.broken).toBeNull();
      expect(Object.keys(seen.ends)).toEqual(expect.arrayContaining(ends));
    },
    900_000,
  );
});
