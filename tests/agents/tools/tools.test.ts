// The tools as a model sees them, and the prompts that name them.

import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../../agents/tools/tool.ts';
import { toolsFor } from '../../../agents/tools/tools.ts';
import { promptFor, roleIn } from '../../../agents/view/prompt.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { factsSchema, type Kind, reproducerBytesMax } from '../../../state/entry/entry.ts';
import type { AgentRole } from '../../../state/entry/ids.ts';
import { publishedSha, type TestHost, testHost } from '../../support/agents/host.ts';
import { tempDir } from '../../support/temp.ts';

const roles: AgentRole[] = ['builder', 'adversary'];
const shared = ['shell', 'read', 'edit', 'trail', 'log', 'note', 'decide', 'defer', 'wait'];
const own = {
  builder: ['publish', 'try', 'claim', 'withdraw', 'blocked', 'dispute', 'item', 'journal', 'close', 'hand_off'],
  adversary: ['diff', 'run_cold', 'verdict', 'advice', 'finding', 'sabotage', 'veto', 'close'],
};
const session = 's-0123456789ab';

function context(host: TestHost): CallContext {
  return { host, signal: new AbortController().signal, cite: (n) => (n === 7 ? digestOf('seen') : null), seen: [1] };
}

async function use(
  role: AgentRole,
  name: string,
  input: object,
): Promise<{ ok: boolean; text: string; host: TestHost }> {
  const host = testHost(tempDir());
  const tool = toolsFor(role).find((known) => known.name === name);
  const reply = await tool?.call(input, context(host));
  return { ok: reply?.ok ?? false, text: reply?.text ?? 'no such tool', host };
}

describe.each(roles)('the tools of the %s', (role) => {
  it('are the listed ones, in the listed order', () => {
    expect(toolsFor(role).map((tool) => tool.name)).toEqual([...shared, ...own[role]]);
  });

  it('end the session only if they are meant to', () => {
    const ends = toolsFor(role).filter((tool) => tool.ends !== null);
    expect(ends.map((tool) => tool.name)).toEqual([
      'wait',
      ...(role === 'builder' ? ['hand_off'] : ['verdict', 'sabotage']),
    ]);
  });

  it('have schemas that accept no unknown member, and whose bytes are the same every time', () => {
    const schemas = () => JSON.stringify(toolsFor(role).map((tool) => tool.schema));
    expect(schemas()).toBe(schemas());
    for (const { schema } of toolsFor(role)) {
      expect(schema.input_schema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(schema.description.length).toBeGreaterThan(40);
    }
  });

  it("are the only tools that the role's prompt names", () => {
    const { system } = promptFor(role, []);
    const named = [...system.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] as string);
    const known = new Set([...toolsFor(role).map((tool) => tool.name), 'fix', 'closes', 'until']);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(5);
  });
});

describe('a submission', () => {
  const words = 'in words';
  const cases: [AgentRole, string, object, Kind, object][] = [
    ['builder', 'note', { title: 't', words }, 'note', {}],
    ['builder', 'decide', { title: 't', words }, 'decision', {}],
    ['builder', 'item', { title: 't', words }, 'item', {}],
    ['builder', 'journal', { title: 't', words }, 'journal', {}],
    [
      'builder',
      'defer',
      { name: 'later', title: 't', words, trigger: { kind: 'date', at: '2026-12-01T00:00:00Z' } },
      'deferral',
      {},
    ],
    ['builder', 'withdraw', { claim: 4, why: words }, 'close', {}],
    ['builder', 'close', { target: 4, as: 'done', words }, 'close', {}],
    ['builder', 'blocked', { action: 'a', verify: 'b', blocks: ['M1'], words }, 'blocked', {}],
    ['builder', 'dispute', { finding: 4, gate: 'M1', words }, 'blocked', {}],
    ['adversary', 'advice', { blocked: 4, words }, 'advice', {}],
    ['adversary', 'veto', { title: 't', until: ['u'], words }, 'veto', {}],
    ['adversary', 'close', { target: 4, as: 'fixed', answers: ['a'], words }, 'close', {}],
    [
      ...(['adversary', 'verdict'] as const),
      { claim: 4, verdict: 'FAIL', findings: [5], words, checks: [{ clause: '2.1', saw: 's', cites: [{ call: 7 }] }] },
      'verdict',
      { gate: 'M1' },
    ],
    [
      'adversary',
      'finding',
      { gate: 'M1', claim: null, title: 't', fix: ['f'], words },
      'finding',
      { reproducer: undefined },
    ],
  ];
  it.each(cases)('by the %s with `%s` becomes facts that the trail accepts', async (role, name, input, kind, added) => {
    const { ok, text, host } = await use(role, name, input);
    expect({ ok, text }).toMatchObject({ ok: true });
    const [submitted] = host.submitted;
    expect(submitted).toMatchObject({ kind, body: words });
    expect(factsSchema(kind).parse({ session, ...submitted?.facts, ...added })).toBeDefined();
  });

  it('of a claim has four parts with bold labels, and no heading', async () => {
    const { host } = await use('builder', 'claim', {
      gate: 'M1',
      sha: publishedSha,
      what: 'w',
      how: 'h',
      expected: 'e',
    });
    expect(host.submitted[0]).toMatchObject({ facts: { gate: 'M1', sha: publishedSha } });
    expect(host.submitted[0]?.body).toBe(`**WHAT** w\n\n**WHERE** \`${publishedSha}\`\n\n**HOW** h\n\n**EXPECTED** e`);
  });

  it("of a reproducer contains the reproducer's file, up to the size that the trail accepts", async () => {
    const reproducer = (bytes: number) => ({ path: 'tests/r.test.js', content: 'x'.repeat(bytes), command: 'node r' });
    const filed = { gate: 'M1', claim: 4, title: 't', fix: ['f'], words };
    const fits = await use('adversary', 'finding', { ...filed, reproducer: reproducer(reproducerBytesMax) });
    expect(fits.host.submitted[0]).toMatchObject({ facts: { reproducer: reproducer(reproducerBytesMax) } });
    const large = await use('adversary', 'finding', { ...filed, reproducer: reproducer(reproducerBytesMax + 1) });
    expect(large).toMatchObject({ ok: false, text: 'finding was not run: `reproducer.content`: at most 16 KiB.' });
  });

  it('of a sabotage contains its edits, and is rejected if an edit has no text to find', async () => {
    const patch = (find: string) => ({ claim: 4, edits: [{ path: 'src/a.js', find, replace: '' }], words });
    const { host } = await use('adversary', 'sabotage', patch('x'));
    const { words: body, ...facts } = patch('x');
    expect(host.submitted).toEqual([{ kind: 'sabotage', facts, body }]);
    expect(await use('adversary', 'sabotage', patch(''))).toMatchObject({ ok: false });
  });

  it('of a trial may omit commit and recipe', async () => {
    expect((await use('builder', 'try', {})).host.trials).toEqual([{ sha: null, recipe: null }]);
    expect((await use('adversary', 'run_cold', { sha: publishedSha })).host.trials).toEqual([
      { sha: publishedSha, recipe: null },
    ]);
  });
});

describe('work in the clone', () => {
  it('replaces text that occurs once, and writes whole files', async () => {
    const host = testHost(tempDir());
    const [, read, edit] = toolsFor('builder');
    const call = (tool: typeof read, input: object) => tool?.call(input, context(host));
    expect(await call(edit, { path: 'a/b.txt', text: 'one\ntwo\nthree' })).toMatchObject({ ok: true });
    expect(await call(edit, { path: 'a/b.txt', find: 'two', text: 'zwei' })).toMatchObject({ ok: true });
    expect(await call(read, { path: 'a/b.txt', from: 2, lines: 1 })).toEqual({ ok: true, text: 'zwei' });
  });
});

describe('a prompt', () => {
  it('contains the only text by which a script recognises the role', () => {
    for (const role of roles) expect(roleIn(promptFor(role, []).system)).toBe(role);
    expect(roleIn('you are the builder')).toBeNull();
    expect(roleIn('[coldpass role: operator]')).toBeNull();
  });

  it('gets a different digest when its wording or tools change', () => {
    const schemas = toolsFor('builder').map((tool) => tool.schema);
    const digests = [
      promptFor('builder', schemas),
      promptFor('builder', schemas.slice(1)),
      promptFor('builder', schemas, 'other'),
    ];
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(3);
    expect(promptFor('builder', schemas).digest).toBe(digests[0]?.digest);
  });
});
