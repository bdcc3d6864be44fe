// Finds the files of an app's suite that belong to a rung, by name.

import type { AppRecipe } from '../../../state/entry/recipe.ts';
import type { RunTree } from '../../run/engine.ts';

const namesMax = 500;

export type SuiteFiles = {
  /** Whether the suite's folder has a file of that name. */
  has(name: string): boolean;
  /** Test files of a rung, sorted, relative to the tree: `<rung>.test.ts`, `<rung>-….test.ts`, `<rung>_….test.ts`. */
  filesOf(rung: string): string[];
};

/** Lists the folder once, before anything of the suite runs. A missing folder counts as empty. */
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
