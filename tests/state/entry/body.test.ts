import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { describe, expect, it } from 'vitest';
import { bodyLinesMax, checkBody } from '../../../state/entry/body.ts';
import { bodyBytesMax } from '../../../state/entry/entry.ts';
import { fc } from '../../support/property.ts';
import { fitBody, wildBody } from '../../support/trail/entries.ts';

describe('a body is refused', () => {
  it.each([
    ['with a heading of depth 1', 'a\n\n# DONE', /^line 3 begins with "# "/],
    ['with a heading of depth 2', '## M1 PASS', /^line 1 begins with .*"### "/],
    ['with such a line in a fence', '```\n## x\n```', /^line 2 begins with/],
    ['with a comment', 'a\n<!-- coldpass', /^line 2 begins with "<!--"/],
    ['with a comment in a fence', '```\n<!-- x -->\n```', /^line 2 begins with "<!--"/],
    ['with the end of a comment', 'a\n-->', /^line 2 is "-->"/],
    ['with the end of a comment in a fence', '```\n-->\n```', /^line 2 is "-->"/],
    ['with an indented heading of depth 2', 'a\n\n  ## b', /^line 3 is a heading/],
    ['with a heading in a quote', '> # b', /^line 1 is a heading/],
    ['with a heading in a list', '- a\n- ## b', /^line 2 is a heading/],
    ['with an empty heading', '##', /^line 1 is a heading/],
    ['with a heading after a tab', '#\tb', /^line 1 is a heading/],
    ['with a setext heading of depth 1', 'DONE\n===', /^line 1 is a heading.*line of =/],
    ['with a setext heading of depth 2', 'a\n\nM1 PASS\n---', /^line 3 is a heading/],
    ['with an unclosed fence of backticks', 'a\n\n```sh\nls', /^line 3 opens a code fence that never ends: close it/],
    ['with an unclosed fence of tildes', '~~~\nls\n```', /^line 1 opens a code fence/],
    ['with a script', 'a\n\n<script>alert(1)</script>', /^line 3 contains HTML/],
    ['with a script that never ends', '<script>', /^line 1 contains HTML/],
    ['with a block of HTML', '<div>\na\n</div>', /^line 1 contains HTML/],
    ['with HTML in a list', '- a\n\n  <details>', /^line 3 contains HTML/],
    ['with a processing instruction', ' <?php', /^line 1 contains HTML/],
    ['with CDATA', ' <![CDATA[', /^line 1 contains HTML/],
    ['with HTML inside a sentence', 'it wipes <domain> data', /^line 1 contains HTML .*`backticks`/],
    ['with a comment inside a sentence', 'fine <!-- not --> fine', /^line 1 contains HTML/],
    ['with an indented comment', '  <!-- x -->', /^line 1 contains HTML/],
    ['with a link definition', 'a\n\n[b]: http://c', /^line 3 is a link definition/],
    ['with a link definition in a quote', '> [b]: http://c', /^line 1 is a link definition/],
    ['with a terminal escape', 'a\u001b[2J', /^line 1 contains the control character U\+001B at column 2: remove it/],
    ['with a carriage return', 'a\r\nb', /^line 1 contains the control character U\+000D/],
    ['with a C1 control', 'a\u0085', /U\+0085/],
    ['with NUL', '\0', /U\+0000/],
    [
      'with a direction override',
      'a\n\nb\u202ec',
      /^line 3 contains .*direction-changing character U\+202E at column 2/,
    ],
    ['with a direction isolate', '\u2066', /U\+2066/],
    ['with a zero-width joiner', 'a\u200db', /U\+200D/],
    ['with a soft hyphen', 'a\u00adb', /U\+00AD/],
    ['with a Hangul filler', 'a\u3164b', /U\+3164/],
    ['with a lone surrogate', 'a\udc00', /U\+DC00/],
    [
      'with a character reference to a direction override',
      'a &#8238; b',
      /^line 1 contains a character reference for .*U\+202E/,
    ],
    ['with a character reference in a link', '[a](b&#x200b;c)', /U\+200B/],
    ['with letters not in NFC', 'a\ne\u0301', /^line 2 .*NFC/],
    ['with too many bytes', 'é'.repeat(bodyBytesMax / 2 + 1), /32770 bytes, over 32768: shorten/],
    ['with too many lines', 'a\n'.repeat(bodyLinesMax), /1001 lines/],
    ['with lists nested too deep', '- - - - - - - - - a', /^line 1 nests/],
    ['with quotes nested too deep', '>>>>>>>>> a', /^line 1 nests/],
    ['with too many marks', '[a]'.repeat(1001), /too many Markdown marks/],
    ['with too much emphasis', '_*'.repeat(2001), /too many Markdown marks/],
  ])('%s', (_, body, message) => {
    const reason = checkBody(body);
    expect(reason).toMatch(message);
    expect(reason).not.toContain('\n');
  });
});

describe('a body may contain', () => {
  it.each([
    ['nothing', ''],
    [
      'what a verdict needs',
      '**Verdict: FAIL**\n\n### Seen\n\n1. `ops.py`: ✓\n   - nested ⚠️\n\n> quoted\n\n```sh\nls <dir> # not\n  ## indented\n```\n\n| a | b |\n|---|---|\n\n[link](https://x.org/a_b) and ![](x.png)',
    ],
    ['words that would be verdicts elsewhere', 'DONE\nM1 PASS\nAPPROVED\n#41 ##x'],
    ['a rule', 'a\n\n---\n\nb'],
    ['HTML in backticks and fences', 'a `<b>` c\n\n```\n<script>\n```'],
    ['an address', '<https://example.org>'],
    ['an arrow in a line', 'seed --> wipe'],
    ['tabs', 'a\n\n\tb\tc'],
    ['any script', 'naïve 日本語 עברית العربية 👍🏽'],
    ['lists eight deep', '- - - - - - - - a'],
    ['the maximum number of bytes', 'a'.repeat(bodyBytesMax)],
  ])('%s', (_, body) => {
    expect(checkBody(body)).toBeNull();
  });
});

describe('an accepted body', () => {
  it('hides and forges nothing, and does not affect what follows', () => {
    fc.assert(fc.property(fitBody, isHarmless), { numRuns: 2000 });
  });

  it('is harmless as a whole, whatever lines it combines', () => {
    const plain = fc.constantFrom(
      'Words.',
      'a',
      '- b',
      '1. c',
      '* ',
      '- ',
      '`d` e',
      '**f** g',
      '"h"',
      '',
      '  i',
      '    j',
      '- `k',
      '(l',
      '- 1. # m',
      'n = o',
      '=',
      'p [q]: r',
      '-',
      '# s',
    );
    const bodies = fc.array(plain, { maxLength: 7 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(fc.oneof(bodies, wildBody), (body) => {
        if (checkBody(body) === null) isHarmless(body);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['quotes', '> 1. '.repeat(6000)],
    ['one quote after another', '>\n\n'.repeat(10_000)],
    ['numbers', '1. '.repeat(10_000)],
    ['lines of =', '\n='.repeat(16_000)],
    ['emphasis', '*_'.repeat(16_000)],
    ['backticks', '```\\'.repeat(8000)],
    ['brackets', '[a]'.repeat(10_000)],
    ['comment openings', 'a<!--'.repeat(6000)],
  ])('is never slow to parse: a body of nothing but %s is refused fast', (_, body) => {
    const before = process.cpuUsage();
    expect(checkBody(body)).not.toBeNull();
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
  });
});

const after = '<!-- after -->';

function isHarmless(body: string): void {
  const root = fromMarkdown(`${body}\n\n${after}\n`);
  const nodes = everyNode(root);
  expect(root.children.at(-1)).toMatchObject({ type: 'html', value: after });
  expect(nodes.filter((node) => node.type === 'html')).toHaveLength(1);
  expect(nodes.filter((node) => node.type === 'definition')).toEqual([]);
  expect(nodes.filter((node) => node.type === 'heading' && node.depth < 3)).toEqual([]);
  expect(body.split('\n').filter((line) => /^(?:##? |<!--|-->$)/.test(line))).toEqual([]);
}

function everyNode(node: Nodes): Nodes[] {
  return [node, ...('children' in node ? node.children.flatMap(everyNode) : [])];
}
