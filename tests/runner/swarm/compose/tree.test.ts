// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files contain such variables
import { describe, expect, it } from 'vitest';
import { type ComposeTree, composeTree } from '../../../../runner/swarm/compose/tree.ts';
import { titled } from '../../../support/titled.ts';

/** Returns the values in the tree, as docker would read them. */
function plain(tree: ComposeTree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]));
}

function read(text: string): unknown {
  return plain(composeTree(text, 'compose.yml', null));
}

function whyRefused(text: string): string {
  try {
    return `it was read: ${JSON.stringify(read(text))}`;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the tree of a compose file', () => {
  it('reads scalars as docker does: octal, quoted or empty', () => {
    const text =
      'a: 0555\nb: "0555"\nc:\nd: ~\ne: true\nf: 1.5\ng: 0x10\nh: 22:22\ni: |\n  x\n  y\nj: yes\nk: 1.2.3\nl: -1\nm: 08';
    expect(read(text)).toEqual({
      a: 365,
      b: '0555',
      c: null,
      d: null,
      e: true,
      f: 1.5,
      g: 16,
      h: '22:22',
      i: 'x\ny\n',
      j: true,
      k: '1.2.3',
      l: -1,
      m: 8,
    });
  });

  it('follows anchors and merge keys: an own key wins, then the first merged map with that key', () => {
    const text = [
      'x-a: &a {one: 1, two: 2}',
      'x-b: &b {two: 3, three: 3}',
      'm: {<<: *a, two: 9}',
      'n: {<<: [*a, *b], four: 4}',
      'l: [&s text, *s]',
      'o: {"<<": kept}',
    ].join('\n');
    expect(read(text)).toEqual({
      m: { one: 1, two: 9 },
      n: { one: 1, two: 2, three: 3, four: 4 },
      l: ['text', 'text'],
      o: { '<<': 'kept' },
    });
  });

  it('resolves an alias to the last anchor before it', () => {
    expect(read('a: &x 1\nb: *x\nc: &x 2\nd: *x')).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it('gives each node its line, and an alias the line of its target', () => {
    const tree = composeTree('x-a: &a\n  k: 1\nm:\n  - *a\n  - z', 'compose.yml', null);
    const list = tree.entries.get('m')?.value;
    expect(tree.entries.get('m')?.at).toBe('compose.yml:3');
    expect(list?.kind === 'list' && list.items.map(({ at }) => at)).toEqual(['compose.yml:2', 'compose.yml:5']);
  });

  it('replaces variables in every value, never in keys', () => {
    const variables = { values: new Map([['N', '0555']]), commentedAt: new Map() };
    const tree = composeTree('a: $N\nb: ["${N}x"]\n$N: z', 'compose.yml', variables);
    // A number that a variable supplies stays a string.
    expect(plain(tree)).toEqual({ a: '0555', b: ['0555x'], $N: 'z' });
  });

  it.each(
    titled<[string, string]>([
      ['a: 1\na: 2', 'compose.yml:2: a is defined twice; remove one'],
      ['a: [', 'compose.yml:1: not valid YAML'],
      ['a: 1\n--- \nb: 2', 'a second document begins here'],
      ['- a', 'compose.yml:1: this is not a compose file'],
      ['', 'this is not a compose file'],
      ['a: *b', 'compose.yml:1: there is no anchor b before this'],
      ['a: !!binary aGk=', 'compose.yml:1: the tag'],
      ['a: !!omap [{x: y}]', 'compose.yml:1: the tag tag:yaml.org,2002:omap is not allowed'],
      ['a: !reset null', 'not valid YAML'],
      ['? [x]\n: y', 'this key is not a plain string'],
      ['a: {<<: 1}', '`<<` merges something without keys'],
      ['a: &a [*a]', 'nested too deep'],
      [`a: ${'['.repeat(100)}${']'.repeat(100)}`, 'nested too deep'],
      [`a: ${'['.repeat(60_000)}`, 'compose.yml'],
      [`a: ${'x'.repeat(300_000)}`, 'larger than 256 KiB'],
    ]),
  )('refuses %s', (_title, text, why) => {
    expect(whyRefused(text)).toContain(why);
  });

  it('does not grow without limit through aliases of aliases', () => {
    const lines = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i},`.repeat(9)}]`);
    expect(whyRefused(['x0: &x0 lol', ...lines, `a: *x9`].join('\n'))).toContain(
      'too large once its aliases are resolved',
    );
  });
});
