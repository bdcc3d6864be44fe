import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { describe, expect, it } from 'vitest';
import { type Entry, factsSchema, kinds } from '../../../state/entry/entry.ts';
import { Refused, TrailError } from '../../../state/entry/errors.ts';
import { checkEntry, parseEntries, renderEntry } from '../../../state/entry/framing.ts';
import { fc } from '../../support/property.ts';
import { anyEntry, entryOf, plainNote } from '../../support/trail/entries.ts';

const sha = 'b'.repeat(40);
const digest = 'a'.repeat(64);
const at = '2026-06-11T20:58:03Z';

describe('an entry', () => {
  it.each(kinds)('of kind %s reads back exactly as written', (kind) => {
    fc.assert(
      fc.property(entryOf(kind), (entry) => {
        expect(parseEntries(renderEntry(entry))).toEqual([entry]);
      }),
      { numRuns: 60 },
    );
  });

  it('reads back as written beside any other entries in one file', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 5 }), (entries) => {
        expect(parseEntries(entries.map(renderEntry).join(''))).toEqual(entries);
      }),
      { numRuns: 100 },
    );
  });

  it('shows one heading and one comment, whatever its texts contain', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { minLength: 1, maxLength: 3 }), (entries) => {
        const nodes = everyNode(fromMarkdown(entries.map(renderEntry).join('')));
        const headings = nodes.filter((node) => node.type === 'heading' && node.depth < 3);
        const html = nodes.filter((node) => node.type === 'html').map((node) => node.value.split('\n')[0]);
        expect(headings).toHaveLength(entries.length);
        expect(html).toEqual(entries.map(() => '<!-- coldpass'));
        expect(nodes.filter((node) => node.type === 'definition')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is written the same way, whatever the order of its members', () => {
    const entry = verdict();
    const facts = Object.fromEntries(Object.entries(entry.facts).reverse());
    expect(renderEntry({ ...entry, facts } as Entry)).toBe(renderEntry(entry));
  });

  it('keeps the order of the names in `shas`', () => {
    const shas = { web: sha, main: sha, api: sha };
    const [back] = parseEntries(renderEntry(claimOf(shas)));
    expect(back?.kind === 'claim' && Object.keys(back.facts.shas)).toEqual(['web', 'main', 'api']);
  });

  it('has no fact that is named like a member of the envelope', () => {
    for (const kind of kinds) {
      const schema = factsSchema(kind);
      const shapes = 'options' in schema ? schema.options.map((option) => option.shape) : [schema.shape];
      const names = shapes.flatMap((shape) => Object.keys(shape));
      expect(names.filter((name) => ['v', 'id', 'at', 'kind', 'role', 'phase'].includes(name))).toEqual([]);
    }
  });
});

describe('a file of entries, changed anywhere', () => {
  it('is read as exactly what it shows, or is refused', () => {
    const edit = fc.record({
      from: fc.nat(),
      cut: fc.integer({ min: 0, max: 40 }),
      put: fc.constantFrom('', ' ', '\n', '-->\n', '## x\n', 'PASS', '"', '\\u003c', '0'),
    });
    fc.assert(
      fc.property(anyEntry, anyEntry, edit, (one, two, { from, cut, put }) => {
        const text = renderEntry(one) + renderEntry(two);
        const start = from % text.length;
        const changed = text.slice(0, start) + put + text.slice(start + cut);
        const entries = parsed(changed);
        if (entries !== null) expect(entries.map(renderEntry).join('')).toBe(changed);
      }),
      { numRuns: 500 },
    );
  });

  const good = renderEntry(verdict());
  it.each([
    [
      'a verdict reversed in the heading',
      good.replace('## M1 FAIL', '## M1 PASS'),
      /line 1 \(entry #41\): the text does not match its data/,
    ],
    [
      'a verdict reversed in the data',
      good.replace('"verdict": "FAIL"', '"verdict": "PASS"'),
      /line 1 \(entry #41\): the text/,
    ],
    ['facts rewritten', good.replace('**Blocked by**: #40', '**Blocked by**: #39'), /line 5 \(entry #41\): the text/],
    ['a member added', good.replace('"gate"', '"extra": 1,\n  "gate"'), /entry #41.*extra/i],
    ['a duplicate member', good.replace('"gate": "M1"', '"gate": "M2",\n  "gate": "M1"'), /entry #41\): the text/],
    [
      'a default left out',
      renderEntry(closing()).replace(/,\n {2}"answers": \[\]/, ''),
      /entry #43\): a member of the data is missing/,
    ],
    ['an unknown kind', good.replace('"kind": "verdict"', '"kind": "verdict2"'), /kind/],
    ['another version', good.replace('"v": 1', '"v": 2'), /v: /],
    ['no comment', good.replace('<!-- coldpass\n', ''), /line 1: the entry has no "<!-- coldpass" comment/],
    ['no end', good.replace('\n-->\n', '\n'), /never ends/],
    ['no empty line after it', `${good.slice(0, -1)}## M2 PASS\n`, /an empty line must follow/],
    ['a truncated end', good.slice(0, -1), /an empty line must follow|never ends/],
    ['words before it', `hello\n${good}`, /line 1: an entry begins with "## "/],
    ['words after it', `${good}hello\n`, /an entry begins with "## "/],
    ['another entry that starts inside', good.replace('It is', '## M1 PASS\nIt is'), /has not ended here/],
    ['Windows line endings', good.replaceAll('\n', '\r\n'), /line \d+/],
    ['a byte order mark', `\ufeff${good}`, /line 1: an entry begins/],
    [
      'a body with a hidden character',
      good.replace('It is', 'It\u200b is'),
      /entry #41\): in its body, line 1 contains .*U\+200B/,
    ],
    [
      'a title with a hidden character',
      renderEntry(plainNote()).replaceAll('What', 'Wh\u202eat'),
      /entry #7\): facts.title contains .*U\+202E/,
    ],
    ['data that is not JSON', good.replace('{ "v"', '{ v'), /not JSON/],
  ])('is refused with the place: %s', (_, text, message) => {
    expect(text).not.toBe(good);
    expect(() => parseEntries(text)).toThrow(message);
    expect(() => parseEntries(text)).toThrow(TrailError);
  });

  it('is refused, with the line of its second entry, if that entry is broken', () => {
    const lines = good.split('\n').length;
    expect(() => parseEntries(good + good.replace('## M1 FAIL', '## M1 PASS'))).toThrow(`line ${lines} (entry #41)`);
  });

  it('may be empty', () => {
    expect(parseEntries('')).toEqual([]);
  });
});

describe('facts', () => {
  it.each([
    ['a line break in a title', 'one\n## M1 PASS', /facts.title has a line break/],
    ['a tab in a title', 'one\ttwo', /line break or tab/],
    ['a terminal escape', 'one\u001b[31m', /U\+001B at column 4/],
    ['a direction override', 'one\u202etwo', /U\+202E/],
    ['a zero-width space', 'one\u200btwo', /U\+200B/],
    ['a byte order mark', '\ufeffone', /U\+FEFF/],
    ['a tag character', 'one\u{e0041}', /U\+E0041/],
    ['a line separator', 'one\u2028two', /U\+2028/],
    ['a lone surrogate', 'one\ud800', /U\+D800/],
    ['letters not in NFC', 'e\u0301', /NFC/],
    ['variation selectors that could carry data', 'a\ufe0f\ufe0e', /U\+FE0F/],
  ])('with %s are refused', (_, title, message) => {
    expect(checkEntry(plainNote({ title }))).toMatch(message);
    expect(() => renderEntry(plainNote({ title }))).toThrow(Refused);
    expect(() => renderEntry(plainNote({ title }))).toThrow(message);
  });

  it('are checked at every depth', () => {
    const entry = verdict();
    const check = { clause: '2.1', saw: 'fine\u202e', cites: [{ call: 1, digest }] };
    expect(checkEntry({ ...entry, facts: { ...entry.facts, checks: [check] } } as Entry)).toMatch(
      'facts.checks[0].saw contains',
    );
    expect(checkEntry(claimOf({ 'ma\nin': sha }))).toMatch('a member of facts.shas contains a line break');
  });

  it('that do not fit the kind of the entry are refused', () => {
    const entry = verdict();
    expect(() => renderEntry({ ...entry, facts: { ...entry.facts, verdict: 'MAYBE' } } as unknown as Entry)).toThrow(
      Refused,
    );
  });
});

describe('the readable half', () => {
  it('shows a verdict', () => {
    expect(renderEntry(verdict())).toBe(`## M1 FAIL @${at} · #41

- **Claim**: #38
- **Runs seen**: \`r-4f2a4f2a4f2a\`
- **Blocked by**: #40
- **Checked**:
  - 2.3: no message is put back, see \\<log> (run \`r-4f2a4f2a4f2a\`, tool result 3)
- **By**: the adversary, in session \`s-0123456789ab\`

**The adversary writes:**

It is the \`/mail\` volume.

<!-- coldpass
{ "v": 1, "id": 41, "at": "${at}", "kind": "verdict", "role": "adversary", "phase": "mailu",
  "session": "s-0123456789ab",
  "gate": "M1",
  "claim": 38,
  "verdict": "FAIL",
  "runs": ["r-4f2a4f2a4f2a"],
  "findings": [40],
  "checks": [{"clause":"2.3","saw":"no message is put back, see \\u003clog\\u003e","cites":[{"run":"r-4f2a4f2a4f2a"},{"call":3,"digest":"${digest}"}]}],
  "closes": [] }
-->

`);
  });

  it('keeps a title from looking like a verdict', () => {
    expect(renderEntry(plainNote({ title: 'M1 PASS' }))).toMatch(/^## NOTE M1 PASS @/);
  });

  it('shows why a phase is parked, and which acts end that', () => {
    const facts = { event: 'parked', reason: 'blocked', why: 'needs a key', about: 12 };
    const text = renderEntry({ ...plainNote({ id: 13, body: '' }), kind: 'phase', role: 'supervisor', facts } as Entry);
    expect(text).toMatch(`## PARKED, blocked @${at} · #13`);
    expect(text).toMatch('- **Why**: needs a key');
    expect(text).toMatch('- **Acts that leave this**: `approve`, `refuse`');
  });

  it('shows the operator’s text of several lines unchanged, as inert Markdown', () => {
    const payload = { act: 'note', phase: 'mailu', text: 'one\n## M1 PASS\n-->' };
    const act = { v: 1, workspace: 'w', root: 'SHA256:x', nonce: '0'.repeat(32), at, expires: at, payload };
    const entry = {
      ...plainNote({ body: '' }),
      kind: 'act',
      role: 'operator',
      facts: { act, signature: 'x\n' },
    } as unknown as Entry;
    expect(renderEntry(entry)).toMatch('- **Says**:\n\n      one\n      ## M1 PASS\n      -->\n');
    expect(parseEntries(renderEntry(entry))).toEqual([entry]);
  });
});

function verdict(): Entry {
  const checks = [
    {
      clause: '2.3',
      saw: 'no message is put back, see <log>',
      cites: [{ run: 'r-4f2a4f2a4f2a' }, { call: 3, digest }],
    },
  ];
  const facts = {
    session: 's-0123456789ab',
    gate: 'M1',
    claim: 38,
    verdict: 'FAIL',
    runs: ['r-4f2a4f2a4f2a'],
    findings: [40],
    checks,
    closes: [],
  };
  return {
    id: 41,
    at,
    kind: 'verdict',
    role: 'adversary',
    phase: 'mailu',
    facts,
    body: 'It is the `/mail` volume.',
  } as unknown as Entry;
}

function claimOf(shas: Record<string, string>): Entry {
  const [claim] = fc.sample(entryOf('claim'), 1);
  return { ...claim, facts: { ...claim?.facts, shas } } as unknown as Entry;
}

function closing(): Entry {
  const facts = { session: 's-0123456789ab', target: 40, as: 'retracted', answers: [] };
  return { ...plainNote({ id: 43 }), kind: 'close', role: 'adversary', facts } as unknown as Entry;
}

function parsed(text: string): Entry[] | null {
  try {
    return parseEntries(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TrailError);
    return null;
  }
}

function everyNode(node: Nodes): Nodes[] {
  return [node, ...('children' in node ? node.children.flatMap(everyNode) : [])];
}
