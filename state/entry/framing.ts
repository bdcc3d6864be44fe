// Converts an entry to text and back. The text is for people first, then one comment for machines:
//
//   ## M1 FAIL @2026-06-11T20:58:03Z · #41      an entry begins at "## " in column 0,
//   - **Claim**: #38 …                          facts by template (template.ts),
//   **The adversary writes:** …                 then the author's words (body.ts has what they must not contain),
//   <!-- coldpass { JSON, no < or > } -->       and ends at the first line "-->", followed by an empty line.
//
// Entries are found by their lines, never in a Markdown tree. Parsing accepts only what rendering would write, byte for
// byte.

import { z } from 'zod';
import { checkBody, checkFacts } from './body.ts';
import { canonicalJson } from './digest.ts';
import { type Entry, factsSchema, type Kind, kinds } from './entry.ts';
import { Refused, TrailError } from './errors.ts';
import { EntryId, PhaseId, Role, Stamp } from './ids.ts';
import { headOf } from './template.ts';

export { checkBody } from './body.ts';

const opening = '<!-- coldpass';
const closing = '-->';

const Envelope = z.looseObject({
  v: z.literal(1),
  id: EntryId,
  at: Stamp,
  kind: z.enum(kinds as [Kind, ...Kind[]]),
  role: Role,
  phase: PhaseId.nullable(),
});

/** Null if the entry's facts and body are fit for the trail, else one line that says why not and what to do. */
export function checkEntry(entry: Pick<Entry, 'kind' | 'facts' | 'body'>): string | null {
  const parsed = factsSchema(entry.kind).safeParse(entry.facts);
  if (!parsed.success) return issueOf(parsed.error);
  return checkFacts(entry.facts) ?? checkBody(entry.body);
}

/** The entry's text, ending with an empty line. Throws Refused if the facts are unfit; the caller checks the body. */
export function renderEntry(entry: Entry): string {
  const parsed = factsSchema(entry.kind).safeParse(entry.facts);
  const reason = parsed.success ? checkFacts(parsed.data) : issueOf(parsed.error);
  if (reason !== null) throw new Refused(`This ${entry.kind} cannot be written: ${reason}`);
  return render({ ...entry, facts: parsed.data } as Entry);
}

/**
 * Every entry in `text`, which is a file of the trail. Throws TrailError 'bad-entry' at the first one that is
 * malformed; the error names the line and the entry.
 */
export function parseEntries(text: string): Entry[] {
  const lines = text.split('\n');
  const entries: Entry[] = [];
  for (let at = 0; at < lines.length - 1 || lines[at] !== ''; ) {
    const end = endOf(lines, at);
    entries.push(parseOne(lines.slice(at, end), at));
    at = end;
  }
  return entries;
}

/**
 * Finds the entry that contains byte `at` of a file, and reads the entry's number from the machine comment; null if no
 * entry contains that byte.
 */
export function entryAt(bytes: Buffer, at: number): number | null {
  const text = bytes.toString('latin1'); // one character per byte
  // No line of an author's words can start like this.
  for (const { index, 1: id } of text.matchAll(/^<!-- coldpass\n\{ "v": 1, "id": (\d+),/gm)) {
    const end = text.indexOf(`\n${closing}\n\n`, index) + closing.length + 3;
    if (at < end) return Number(id);
  }
  return null;
}

function render(entry: Entry): string {
  return `${headOf(entry)}${wordsOf(entry)}${commentOf(entry)}`;
}

function intro({ role }: Entry): string {
  return `\n\n**The ${role} writes:**\n\n`;
}

function wordsOf(entry: Entry): string {
  return entry.body === '' ? '' : `${intro(entry)}${entry.body}`;
}

function commentOf({ id, at, kind, role, phase, facts }: Entry): string {
  const envelope = Object.entries({ v: 1, id, at, kind, role, phase }).map(member).join(', ');
  const members = Object.entries(facts).filter(([, value]) => value !== undefined);
  const rest = members.map((one) => `,\n  ${member(one)}`);
  const json = `{ ${envelope}${rest.join('')} }`.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');
  return `\n\n${opening}\n${json}\n${closing}\n\n`;
}

function member([name, value]: [string, unknown]): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
}

/**
 * The index of the line after the entry that begins at line `at`. Throws TrailError 'bad-entry' unless the machine
 * comment is complete and an empty line follows it.
 */
function endOf(lines: string[], at: number): number {
  if (!lines[at]?.startsWith('## ')) throw broken(at, 'an entry begins with "## "');
  for (let i = at + 1; i < lines.length; i++) {
    if (lines[i]?.startsWith('## ')) throw broken(i, `the entry that begins on line ${at + 1} has not ended here`);
    if (lines[i] !== closing) continue;
    if (lines[i + 1] !== '' || i + 2 >= lines.length) throw broken(i + 1, `an empty line must follow "${closing}"`);
    return i + 2;
  }
  throw broken(lines.length - 1, `the entry that begins on line ${at + 1} never ends: its "${closing}" is missing`);
}

function parseOne(lines: string[], at: number): Entry {
  const open = lines.lastIndexOf(opening);
  if (open < 0) throw broken(at, `the entry has no "${opening}" comment`);
  const {
    v: _,
    id,
    at: time,
    kind,
    role,
    phase,
    ...facts
  } = parseData(lines.slice(open + 1, -2).join('\n'), at + open + 1);
  const reason = checkData(kind, facts);
  if (reason !== null) throw broken(at + open + 1, reason, id);
  // Takes the data as written, not as the schema would order it: the order of keys in a schema is not part of the
  // format.
  const entry = { id, at: time, kind, role, phase, facts, body: '' } as unknown as Entry;
  const source = `${lines.join('\n')}\n`;
  const whole = { ...entry, body: bodyOf(source, entry) };
  if (render(whole) !== source)
    throw broken(at + differsAt(render(whole), source), 'the text does not match its data', id);
  const unfit = checkBody(whole.body);
  if (unfit !== null) throw broken(at, `in its body, ${unfit}`, id);
  return whole;
}

function checkData(kind: Kind, facts: unknown): string | null {
  const parsed = factsSchema(kind).safeParse(facts);
  if (!parsed.success) return issueOf(parsed.error);
  if (canonicalJson(parsed.data) !== canonicalJson(facts)) return 'a member of the data is missing';
  return checkFacts(facts);
}

/**
 * The text between the entry's head and its machine comment. If `source` has another head or comment, any slice will
 * do: the entry then does not render to `source`, and the caller checks that.
 */
function bodyOf(source: string, entry: Entry): string {
  const from = headOf(entry).length + intro(entry).length;
  return source.slice(from, Math.max(from, source.length - commentOf(entry).length));
}

function parseData(json: string, at: number): z.infer<typeof Envelope> {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (cause) {
    throw broken(at, 'the machine comment is not JSON', undefined, cause);
  }
  const parsed = Envelope.safeParse(data);
  if (!parsed.success) throw broken(at, issueOf(parsed.error));
  return parsed.data;
}

function issueOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join('.') || 'facts'}: ${issue?.message ?? 'does not fit'}`;
}

/** The index of the first line of `text` that is not as expected. */
function differsAt(expected: string, text: string): number {
  const want = expected.split('\n');
  return text.split('\n').findIndex((line, i) => line !== want[i]);
}

/** `line` counts from 0, the message from 1. */
function broken(line: number, what: string, id?: number, cause?: unknown): TrailError {
  const entry = id === undefined ? '' : ` (entry #${id})`;
  return new TrailError('bad-entry', `line ${line + 1}${entry}: ${what}`, { cause });
}
