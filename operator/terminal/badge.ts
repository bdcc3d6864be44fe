// A run's level as an SVG badge for a README, built from the record alone.

import type { RunRecord } from '../../state/entry/record.ts';

const height = 20;
const charWidth = 6.6;
const padding = 8;
const colours: Record<string, string> = { full: '#2e7d32', part: '#b26a00', red: '#b71c1c', none: '#616161' };

/**
 * `recipe | level 5 of 5`. If the run is not green, the badge shows the outcome instead: in red, or in grey if the run
 * does not count.
 */
export function badge({ recipe, outcome, level, stages }: RunRecord): string {
  const isGreen = outcome === 'PASS';
  const text = isGreen ? `level ${level} of ${stages.length}` : outcome.toLowerCase().replace('_', ' ');
  const uncounted = outcome === 'INFRA' || outcome === 'CANCELLED' || outcome === 'LOST';
  const colour = colours[isGreen ? (level === stages.length ? 'full' : 'part') : uncounted ? 'none' : 'red'];
  const [left, right] = [widthOf(recipe.name), widthOf(text)];
  const label = (x: number, words: string) =>
    `<text x="${x}" y="14" textLength="${words.length * charWidth}" lengthAdjust="spacingAndGlyphs">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${height}" role="img" aria-label="${recipe.name}: ${text}">`,
    `<rect width="${left}" height="${height}" fill="#424242"/><rect x="${left}" width="${right}" height="${height}" fill="${colour}"/>`,
    `<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${label(padding, recipe.name)}${label(left + padding, text)}</g>`,
    '</svg>\n',
  ].join('\n');
}

/** All text here is a recipe name or a fixed word, so nothing needs escaping. */
function widthOf(words: string): number {
  return Math.round(words.length * charWidth + 2 * padding);
}
