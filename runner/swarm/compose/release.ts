// The release that an upgrade starts from. Pure.

import { type AppRecipe, compareReleases, type Release } from '../../../state/entry/recipe.ts';

/** The release to upgrade from; null if there is none, `refused` if the recipe names an unknown release. */
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
  const choice = known.length > 0 ? `choose from ${known.join(', ')}` : 'there are none';
  return { refused: `upgradeFrom names ${recipe.upgradeFrom}, which is not an annotated tag here; ${choice}` };
}
