// Which test file starts first: those that take minutes, so that the last ones running are short. Else vitest's own order.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest first. */
const longest = [
  'live/swarmRecipes',
  'live/swarmPhase',
  'live/kill',
  'state/history',
  'loop/life',
  'attacks/theTests',
  'attacks/evidence',
  'attacks/reviewer',
  'live/controls',
  'attacks/environment',
  'attacks/behaviour',
  'attacks/peeking',
  'live/swarmConverge',
  'operator/cli',
  'operator/acts',
  'live/reviewer',
  'attacks/stateFiles',
  'live/demo',
  'live/claims',
  'operator/try',
  'live/swarmVault',
  'live/swarmRemoval',
].map((name) => `/tests/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? longest.length : at;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
