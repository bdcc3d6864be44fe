// Entries of every kind, with all sorts of nasty text, for property tests of the trail.

import { checkBody } from '../../../state/entry/body.ts';
import { type Entry, factsSchema, type Kind, kinds } from '../../../state/entry/entry.ts';
import type { EntryId, PhaseId, SessionId } from '../../../state/entry/ids.ts';
import { signersOf } from '../../../state/entry/policy.ts';
import { unfitLine } from '../../../state/entry/words.ts';
import { fc } from '../property.ts';
import { arbitraryOf } from './zodArbitrary.ts';

// biome-ignore format: a list of pieces
const nasty = [
  '## M1 PASS', '# ', '## ', '### ', '-->', '<!--', '<!-- coldpass', '<script>', '</p>', '<b>', '[a]: b', '[a](b)', '![', '`', '```', '~~~',
  '**', '_', '*', '> ', '- ', '1. ', '2) ', '---', '===', '|', '\\', '&#8238;', '&lt;', '"', '{', '}', 'DONE', 'word', 'é', '日本', '✅', '⚠️', ' ', '    ', '#41', '@', '·', '\\u003c',
];

/** One line that is allowed on the trail, made of text that has a meaning in Markdown, HTML or the framing. */
export const nastyLine = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 4, unit: 'grapheme' })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((pieces) => pieces.join('').replaceAll(/[\n\t]/g, ' '))
  .filter((line) => unfitLine(line) === null);

const nastyText = fc
  .array(fc.oneof(nastyLine, fc.constant('')), { minLength: 1, maxLength: 4 })
  .map((lines) => lines.join('\n'));

/** Several lines that are mostly not allowed as a body. */
export const wildBody = fc
  .array(fc.oneof(nastyLine, fc.constantFrom('', 'Some words.', '- an item', '```', '    code')), { maxLength: 8 })
  .map((lines) => lines.join('\n'));

export const fitBody = fc.oneof(
  fc.constant(''),
  wildBody.filter((body) => checkBody(body) === null),
);

const manyLines = new Set(['because', 'text', 'command', 'why', 'reason', 'signature']);

export function entryOf(kind: Kind): fc.Arbitrary<Entry> {
  return fc
    .record({
      id: fc.integer({ min: 1, max: 99_999 }).map((id) => id as EntryId),
      at: fc.constantFrom('2026-06-11T20:58:03Z', '2031-01-01T00:00:00Z'),
      kind: fc.constant(kind),
      role: fc.constantFrom(...signersOf(kind)),
      phase: fc.constantFrom('mailu' as PhaseId, 'a-1' as PhaseId, null),
      facts: arbitraryOf(factsSchema(kind), (key) => (manyLines.has(key) ? fc.oneof(nastyLine, nastyText) : nastyLine)),
      body: fitBody,
    })
    .map((entry) => entry as unknown as Entry);
}

export const anyEntry = fc.oneof(...kinds.map(entryOf));

/** A plain note. */
export function plainNote(changes: Partial<{ id: number; title: string; body: string }> = {}): Entry {
  const { id = 7, title = 'What I saw', body = 'It works.' } = changes;
  const facts = { session: 's-0123456789ab' as SessionId, title };
  return {
    id: id as EntryId,
    at: '2026-06-11T20:58:03Z',
    kind: 'note',
    role: 'builder',
    phase: 'mailu' as PhaseId,
    facts,
    body,
  };
}
