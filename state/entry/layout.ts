// The building blocks of an entry's readable half: a heading, and rows of facts as one Markdown list.

import { code, joined, type Md, md } from './words.ts';

/** `- **Label**: value`, with a list of items or a text of several lines below it. */
export type Row = { label: string; value: Md; items?: Md[]; text?: string };

/** What a template returns: `heading` has no time or number. Null rows are left out. */
export type Layout = { heading: Md; rows: (Row | null)[] };

export function row(label: string, value: Md, items: Md[] = []): Row {
  return { label, value, items };
}

/** A list under a label; null if empty. */
export function listRow(label: string, items: Md[]): Row | null {
  return items.length === 0 ? null : { label, value: md``, items };
}

/** A text under a label: on the label's line, or as a code block if it has several lines; null if empty. */
export function prose(label: string, text: string | undefined): Row | null {
  if (text === undefined || text === '') return null;
  return /[\n\t]/.test(text) ? { label, value: md``, text } : row(label, md`${text}`);
}

/** One number as `#38`, or several numbers in this form. */
export function refs(ids: readonly number[]): Md {
  return joined(ids.map((id) => md`#${id}`));
}

export function codes(texts: readonly string[]): Md {
  return joined(texts.map(code));
}

export function rowsToMarkdown(rows: (Row | null)[]): string {
  return rows.flatMap((one) => (one === null ? [] : linesOf(one))).join('\n');
}

function linesOf({ label, value, items = [], text }: Row): string[] {
  const head = value.md === '' ? `- **${label}**:` : `- **${label}**: ${value.md}`;
  // Six spaces: two to stay in the item, four for a code block, where nothing is Markdown.
  const block =
    text === undefined ? [] : ['', ...text.split('\n').map((line) => (line === '' ? '' : `      ${line}`)), ''];
  return [head, ...items.map((item) => `  - ${atStart(item.md)}`), ...block];
}

/**
 * Escapes what is special at the start of an item: text there could begin a heading, a quote, a list or a code block,
 * and a bare mark with no text would underline the line above.
 */
function atStart(item: string): string {
  const text = item.trimStart();
  if (text === '') return '(nothing)';
  return text.replace(/^[#>+\-=|:]/, '\\$&').replace(/^(\d{1,9})([.)])(?=\s|$)/, '$1\\$2');
}
