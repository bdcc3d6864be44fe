// Which release an upgrade starts from. Pure.

import type { AppRecipe, Release } from '../../state/recipe.ts';

/** The release to upgrade from; null where there is none, `refused` where the one that the recipe names is not known. */
export function priorRelease(
  recipe: Pick<AppRecipe, 'upgradeFrom' | 'notApplicable'>,
  releases: readonly Release[],
  head: string | null,
): Release | null | { refused: string } {
  if (recipe.notApplicable.upgrade !== undefined) return null;
  if (recipe.upgradeFrom === 'previous')
    return releases.find(({ version }) => head === null || compareVersions(version, head) < 0) ?? null;
  const named = releases.find(({ version }) => version === recipe.upgradeFrom);
  if (named) return named;
  const known = releases.map(({ version }) => version).slice(0, 5);
  const there = known.length > 0 ? `those there are: ${known.join(', ')}` : 'there is none';
  return { refused: `upgradeFrom names ${recipe.upgradeFrom}, which is no annotated tag here; ${there}` };
}

/** By the numbers before the `+`, then by what comes after it, number by number. What is no version comes first. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const order = compareParts(left[at], right[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function partsOf(version: string): (number | string)[] {
  return (version.match(/\d+|[A-Za-z]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
}

/** A word marks what comes before a release (rc, beta): it is older than nothing in its place, and nothing than a number. */
function compareParts(a: number | string | undefined, b: number | string | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return rankOf(a) - rankOf(b);
}

function rankOf(part: number | string | undefined): number {
  return typeof part === 'string' ? 0 : part === undefined ? 1 : 2;
}
