// Which release an upgrade starts from. Pure.

import { type AppRecipe, compareReleases, type Release } from '../../../state/entry/recipe.ts';

/** The release to upgrade from; null where there is none, `refused` where the one that the recipe names is not known. */
export function priorRelease(
  recipe: Pick<AppRecipe, 'upgradeFrom' | 'notApplicable'>,
  releases: readonly Release[],
  head: string | null,
): Release | null | { refused: string } {
  if (recipe.notApplicable.upgrade !== undefined) return null;
  if (recipe.upgradeFrom === 'previous')
    return releases.find(({ version }) => head === null || compareReleases(version, head) < 0) ?? null;
  const named = releases.find(({ version }) => version === recipe.upgradeFrom);
  if (named) return named;
  const known = releases.map(({ version }) => version).slice(0, 5);
  const there = known.length > 0 ? `those there are: ${known.join(', ')}` : 'there is none';
  return { refused: `upgradeFrom names ${recipe.upgradeFrom}, which is no annotated tag here; ${there}` };
}
