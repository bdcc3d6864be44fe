// Text from models, people and programs, made safe to show: which characters are refused anywhere on the trail, and how
// a template shows a text so that it stays text. `md` escapes whatever is put into it; only the output of `md` and
// `code` passes unchanged, so a template cannot forget to escape.

import { everyUnfit, unfit } from './invisible.ts';

/** Markdown that templates may join without escaping. */
export type Md = { readonly md: string };

/** The first character in `text` that is not allowed on the trail (`the control character U+001B`), or null. */
export function unfitCharacter(text: string): { name: string; index: number } | null {
  const match = unfit.exec(text);
  return match && { name: nameOf(match[0]), index: match.index };
}

/** Why this line is not allowed on the trail (`contains the control character U+001B at column 3`), or null. */
export function unfitLine(line: string): string | null {
  const character = unfitCharacter(line);
  if (character) return `contains ${character.name} at column ${character.index + 1}: remove it`;
  if (line !== line.normalize('NFC')) return 'contains letters that are not in Unicode form NFC: normalise it to NFC';
  return null;
}

/** Any text as one line fit for the trail: line breaks become spaces, unfit characters `\u{…}`; cut to `charsMax`. */
export function fitLine(text: string, charsMax: number): string {
  const line = text.toWellFormed().replace(/\s+/gu, ' ').trim().replace(everyUnfit, inHex).normalize('NFC');
  return line.length <= charsMax
    ? line
    : `${line
        .slice(0, charsMax - 1)
        .toWellFormed()
        .replace(/\uFFFD$/u, '')}…`;
}

/** Text of any number of lines with nothing hidden: unfit characters, terminal escapes included, become `\u{…}`. */
export function visible(text: string): string {
  return text.toWellFormed().replace(everyUnfit, inHex);
}

/** Markdown from a template: inserted values are escaped, unless they are Markdown already. */
export function md(parts: TemplateStringsArray, ...values: (string | number | Md)[]): Md {
  const shown = values.map((value) => (typeof value === 'object' ? value.md : inert(String(value))));
  return { md: parts.map((part, i) => `${part}${shown[i] ?? ''}`).join('') };
}

/** A one-line code span that shows `text` as it is, whatever backticks it has. */
export function code(text: string): Md {
  const runs = [...text.matchAll(/`+/g)].map((run) => run[0].length);
  const fence = '`'.repeat(Math.max(0, ...runs) + 1);
  const pad = /^`|`$|^ .* $/.test(text) ? ' ' : '';
  return { md: `${fence}${pad}${text}${pad}${fence}` };
}

export function joined(items: Md[], between = ', '): Md {
  return { md: items.map((item) => item.md).join(between) };
}

/**
 * One line as Markdown that shows it and does nothing else. Block marks matter only at the start of an item: layout.ts
 * handles those.
 */
function inert(line: string): string {
  return line.replace(/[\\`*[\]<&~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&');
}

function nameOf(character: string): string {
  const kind = /\p{Cc}/u.test(character) ? 'the control character' : 'the invisible or direction-changing character';
  return `${kind} U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function inHex(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
