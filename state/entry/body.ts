// The body rule: what an author's words must not contain, so that they can neither forge an entry nor hide one. Words
// that break the rule are refused with a reason, never rewritten. The strings in an entry's facts are checked too.

import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { bodyBytesMax } from './entry.ts';
import { unfitCharacter, unfitLine } from './words.ts';

export const bodyLinesMax = 1000;
// A CommonMark parser takes quadratic time over these marks: a body costs up to 13 s without the limits, about 1 s with
// them.
const emphasisMarksMax = 4000;
const otherMarksMax = 2000;
const nestingMax = 8;

const sentinel = '<!-- coldpass sentinel -->';
const tooNested = new RegExp(`^(?:[ \\t]*(?:>|(?:[-*+]|\\d{1,9}[.)])(?=[ \\t>]|$))){${nestingMax + 1}}`);
// Matches a line that can only be text of a paragraph or list item, with no markup but emphasis and code spans.
const plainLine = /^ *(?:(?:[-*]|\d{1,9}[.)]) +)?(?:\*\*|`)?[\p{L}"'(][^<&]*$/u;
/** Facts that may have several lines: commands, signatures, patches, and prose by the operator or by Coldpass. */
const manyLines = new Set(['signature', 'because', 'text', 'command', 'run', 'why', 'reason', 'find', 'replace']);

/** Null if `body` is fit for an entry, else one line that says which line is unfit, why, and what to do. */
export function checkBody(body: string): string | null {
  const bytes = Buffer.byteLength(body);
  if (bytes > bodyBytesMax) return `the body has ${bytes} bytes, over ${bodyBytesMax}: shorten it`;
  const lines = body.split('\n');
  if (lines.length > bodyLinesMax) return `the body has ${lines.length} lines, over ${bodyLinesMax}: shorten it`;
  for (const [index, line] of lines.entries()) {
    const problem = unfitLine(line) ?? forgedLine(line);
    if (problem !== null) return `line ${index + 1} ${problem}`;
  }
  if (lines.every((line) => line === '' || plainLine.test(line))) return null;
  return tooManyMarks(body) ?? checkTree(body);
}

/** Null if every string in `facts` is fit for the trail, else one line that names the unfit member. */
export function checkFacts(facts: unknown, at = 'facts', key = ''): string | null {
  if (typeof facts === 'string') return checkString(facts, at, key);
  if (facts === null || typeof facts !== 'object') return null;
  for (const [name, value] of Object.entries(facts)) {
    const path = Array.isArray(facts) ? `${at}[${name}]` : `${at}.${name}`;
    const problem = unfitName(name, at) ?? checkFacts(value, path, Array.isArray(facts) ? key : name);
    if (problem !== null) return problem;
  }
  return null;
}

function checkString(text: string, at: string, key: string): string | null {
  if (!manyLines.has(key) && /[\n\t]/.test(text)) return `${at} has a line break or tab: write it on one line`;
  const problem = text
    .split('\n')
    .map(unfitLine)
    .find((one) => one !== null);
  return problem ? `${at} ${problem}` : null;
}

function unfitName(name: string, at: string): string | null {
  const problem = /[\n\t]/.test(name) ? 'contains a line break or tab: remove it' : unfitLine(name);
  return problem && `a member of ${at} ${problem}`;
}

function forgedLine(line: string): string | null {
  if (/^##? /.test(line)) return 'begins with "# " or "## ", which begins an entry: use "### ", or indent it';
  if (line.startsWith('<!--'))
    return 'begins with "<!--", as the machine\'s part of an entry does: remove it or indent it in a fence';
  if (line === '-->') return 'is "-->", which ends an entry: remove it or indent it in a fence';
  if (tooNested.test(line)) return `nests more than ${nestingMax} lists or quotes: use fewer levels`;
  return null;
}

function tooManyMarks(body: string): string | null {
  const emphasis = body.match(/\*+|_+/g)?.length ?? 0;
  const other = body.match(/`+|[[\]<&]/g)?.length ?? 0;
  if (emphasis <= emphasisMarksMax && other <= otherMarksMax) return null;
  const limits = `${emphasisMarksMax} of * and _, ${otherMarksMax} of \` [ ] < &`;
  return `the body has too many Markdown marks (at most ${limits}): shorten it`;
}

function checkTree(body: string): string | null {
  const root = fromMarkdown(`${body}\n\n${sentinel}\n`);
  const last = root.children.at(-1);
  const stands = last?.type === 'html' && last.value === sentinel;
  // Uses an explicit stack, not recursion, because nothing but the length of the body limits how deep nodes nest.
  const rest: Nodes[] = root.children.slice(0, stands ? -1 : undefined).reverse();
  for (let node = rest.pop(); node; node = rest.pop()) {
    const problem = forbidden(node) ?? hidden(node);
    if (problem !== null) return `line ${node.position?.start.line ?? 1} ${problem}`;
    if ('children' in node) rest.push(...[...node.children].reverse());
  }
  if (stands) return null;
  const line = last?.position?.start.line ?? 1;
  if (last?.type === 'code') return `line ${line} opens a code fence that never ends: close it`;
  return `line ${line} starts a block that never ends and would swallow what follows: close it`;
}

function forbidden(node: Nodes): string | null {
  switch (node.type) {
    case 'heading':
      return node.depth > 2
        ? null
        : 'is a heading of depth 1 or 2: use "### " or bold (a line of = or - under text makes it a heading)';
    case 'html':
      // Inline HTML is refused too: people would see `wipes <domain> data` as "wipes data".
      return `contains HTML (${JSON.stringify(node.value.slice(0, 40))}), which readers cannot see: put it in \`backticks\``;
    case 'definition':
      return 'is a link definition, which readers cannot see: write the link out';
    default:
      return null;
  }
}

/** Looks for unfit characters again, because the parser decodes character references such as `&#8238;`. */
function hidden(node: Nodes): string | null {
  for (const name of ['value', 'url', 'title', 'alt', 'lang', 'meta']) {
    const text: unknown = (node as unknown as Record<string, unknown>)[name];
    const unfit = typeof text === 'string' ? unfitCharacter(text) : null;
    if (unfit) return `contains a character reference for ${unfit.name}: remove it, or put it in \`backticks\``;
  }
  return null;
}
