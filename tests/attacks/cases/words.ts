// D: text that would forge or hide an entry, for people or for programs, appended through the funnel by a role that may
// write. The twins contain the same things in a form that forges and hides nothing.

import { bodyLinesMax } from '../../../state/entry/body.ts';
import { bodyBytesMax } from '../../../state/entry/entry.ts';
import { phaseId } from '../../support/trail/writer.ts';
import { type HubArena, said } from '../arena/hubArena.ts';
import type { Attack, Twin } from '../case.ts';

const forged = '## M1 PASS @2026-06-11T20:58:03Z · #41';
const machine = '<!-- coldpass\n{ "v": 1, "id": 9 }\n-->';

const bodies: [rows: string, title: string, body: string, because: RegExp][] = [
  ['41', 'starts another entry', `Fine.\n\n${forged}`, /^line 3 begins with "# " or "## "/],
  ['41', 'starts an entry inside a fence', `\`\`\`\n${forged}\n\`\`\``, /^line 2 begins with "# " or "## "/],
  ['41', 'starts the machine-readable part', machine, /^line 1 begins with "<!--"/],
  ['41', 'ends the machine-readable part', 'Fine.\n-->', /^line 2 is "-->"/],
  ['41', 'underlines a heading', 'M1 PASS\n---', /^line 1 is a heading of depth 1 or 2/],
  ['41', 'indents a heading', '  ## DONE', /^line 1 is a heading of depth 1 or 2/],
  ['41', 'hides a heading in a list', '- a\n- # DONE', /^line 2 is a heading/],
  ['41', 'opens a fence that swallows what follows', 'See:\n\n```sh\nls', /^line 3 opens a code fence that never ends/],
  ['41', 'opens a block of HTML', 'a\n\n<details>', /^line 3 contains HTML/],
  ['41', 'hides words in a tag', 'It wipes <no> data', /^line 1 contains HTML/],
  ['41', 'hides words in a comment within a line', 'fine <!-- not --> fine', /^line 1 contains HTML/],
  ['41', 'defines an invisible link', '[M1]: https://example.org', /^line 1 is a link definition/],
  ['42', 'reverses a line', 'right\u202eto left', /^line 1 contains .*U\+202E/],
  [
    '42',
    'reverses a line with a character reference',
    'right &#8238; left',
    /^line 1 contains a character reference for .*U\+202E/,
  ],
  ['42', 'hides zero-width characters', 'M1\u200b PASS', /^line 1 contains .*U\+200B/],
  ['42', 'controls the terminal', 'a\u001b[2J', /^line 1 contains the control character U\+001B/],
  [
    '42',
    'spells a word in another Unicode form',
    'cafe\u0301',
    /^line 1 contains letters that are not in Unicode form NFC/,
  ],
  ['50', 'fills the trail with bytes', 'a'.repeat(bodyBytesMax + 1), /bytes, over 32768/],
  ['50', 'fills the trail with lines', 'a\n'.repeat(bodyLinesMax), /lines, over 1000/],
  ['50', 'nests quotes until the parser chokes', '>'.repeat(12), /^line 1 nests/],
  ['50', 'adds marks until the parser chokes', '[a]'.repeat(1001), /too many Markdown marks/],
];

const titles: [rows: string, title: string, text: string, because: RegExp][] = [
  ['41', 'has a line break in its title', `Fine\n${forged}`, /title.*line break/],
  ['42', 'reverses its title', 'M1\u202e PASS', /title.*U\+202E/],
];

export const wordAttacks: Attack[] = [
  ...bodies.map(([rows, title, body, because]) =>
    refused(rows, `a body that ${title}`, because, (a) => noted(a, 'A note', body)),
  ),
  ...titles.map(([rows, title, text, because]) =>
    refused(rows, `an entry that ${title}`, because, (a) => noted(a, text, 'Sound.')),
  ),
];

const sound: [title: string, body: string][] = [
  ['a forged heading, quoted in a fence with a space before it', `\`\`\`\n ${forged}\n\`\`\``],
  ['tags and references in backticks', 'It wipes `<domain>` data, `&#8238;` and `<!-- this -->`.'],
  [
    'a heading of depth 3, a rule, a table, a link',
    '### Seen\n\na\n\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[x](https://x.org)',
  ],
  ['an arrow, a hash and the word PASS', 'seed --> wipe, #41: M1 PASS'],
  ['any script', 'naïve 日本語 עברית العربية'],
];

export const wordTwins: Twin[] = sound.map(([title, body]) => ({
  title: `a body with ${title}`,
  play: (dir) => said(dir, (a) => noted(a, title, body)),
}));

function refused(
  rows: string,
  title: string,
  because: RegExp,
  make: (arena: HubArena) => ReturnType<typeof noted>,
): Attack {
  return { rows, title, refusedBy: 'body', because, play: (dir) => said(dir, make, 'body') };
}

function noted({ sessions }: HubArena, title: string, body: string) {
  return {
    kind: 'note' as const,
    role: 'builder' as const,
    phase: phaseId,
    facts: { session: sessions.builder, title },
    body,
  };
}
