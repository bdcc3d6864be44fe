// Characters that show nothing, or change how the text around them is shown. Safety rests on this list, so it is written
// down once. Tabs and line feeds are not in it. Pure.

// Control and format characters (bidi, zero-width, tags), surrogates, line and paragraph separators.
const control = '\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}';
const shownAsNothing = `[[${control}]--[\\t\\n]]`;

/** For replacing. */
export const everyInvisible = new RegExp(shownAsNothing, 'gv');
const invisible = new RegExp(shownAsNothing, 'v');

// The trail also refuses whatever Unicode ignores by default. It allows the two emoji variation selectors, but not two in
// a row, which could carry hidden bits.
const refused = `[[${control}\\p{DI}]--[\\t\\n\\u{FE0E}\\u{FE0F}]]|[\\u{FE0E}\\u{FE0F}](?=[\\u{FE0E}\\u{FE0F}])`;

/** Matches the first character that the trail refuses. */
export const unfit = new RegExp(refused, 'v');
export const everyUnfit = new RegExp(refused, 'gv');

export function hasInvisible(text: string): boolean {
  return invisible.test(text);
}

export function withoutInvisible(text: string): string {
  return text.replace(everyInvisible, '');
}
