// Characters that show nothing, or change how the text around them is shown: control and format characters (bidi,
// zero-width, tags), surrogates, line separators and whatever else Unicode ignores by default. Safety depends on this
// list, so it has a file to itself. It leaves out tabs, line feeds and the two emoji variation selectors. Pure.

const invisible = '[[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{DI}]--[\\t\\n\\u{FE0E}\\u{FE0F}]]';
const one = new RegExp(invisible, 'v');
/** Matches every invisible character, for replacing. */
export const everyInvisible = new RegExp(invisible, 'gv');

// Two variation selectors in a row could carry hidden bits.
const hiding = `${invisible}|[\\u{FE0E}\\u{FE0F}](?=[\\u{FE0E}\\u{FE0F}])`;

/** Matches the first character that is not allowed on the trail. */
export const unfit = new RegExp(hiding, 'v');
export const everyUnfit = new RegExp(hiding, 'gv');

export function hasInvisible(text: string): boolean {
  return one.test(text);
}

export function withoutInvisible(text: string): string {
  return text.replace(everyInvisible, '');
}
