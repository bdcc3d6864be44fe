// Which files of an app's suite belong to which rung, by their names.

import type { AppRecipe } from '../../../state/entry/recipe.ts';
import type { RunTree } from '../../run/engine.ts';

const namesMax = 500;

export type SuiteFiles = {
  /** Whether a file of that name lies in the suite's folder. */
  has(name: string): boolean;
  /** Test files of a rung, relative to the tree: `<rung>.test.ts`, and `<rung>-….test.ts` or `<rung>_….test.ts`, sorted. */
  filesOf(rung: string): string[];
};

/** Looks once, before anything of the suite runs. An absent folder holds nothing. */
export async function suiteFiles({ suite }: Pick<AppRecipe, 'suite'>, tree: RunTree): Promise<SuiteFiles> {
  const listed = await tree.list(suite, namesMax);
  const names = listed.ok ? [...listed.names].sort() : [];
  return {
    has: (name) => names.includes(name),
    filesOf: (rung) =>
      names
        .filter((name) => new RegExp(`^${rung}([-_][\\w-]+)?\\.test\\.[mc]?[jt]s$`).test(name))
        .map((name) => `${suite}/${name}`),
  };
}
