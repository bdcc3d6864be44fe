import { describe, expect, it } from 'vitest';
import { emptied, functionsIn } from '../../../state/controls/functions.ts';
import { fc } from '../../support/property.ts';

const js = [
  'export default async function first(a) { return a; }',
  'class Store extends Base {',
  '  constructor(dir) { super(dir); this.dir = dir; }',
  '  async *all() { yield 1; }',
  '  get size() { return 1; }',
  '  #inner() {}',
  '  bound = () => this.dir;',
  '}',
  'const handlers = {',
  '  put() { return 1; },',
  '  drop: function () { return 2; },',
  '};',
  'const short = (x) => x + 1;',
  'exports.long = function () { return 3; };',
  "app.get('/', (request, reply) => { reply.send(list.map((one) => one.id)); });",
  'export function open(dir) {',
  '  const close = () => dir.end();',
  '  return { close, read() { return dir; } };',
  '}',
].join('\n');

const python = [
  'class Store(Base):',
  '    @property',
  '    def size(self) -> int:',
  '        """How many."""',
  '        return 1',
  '',
  '    async def all(self): return 2',
  '',
  'def outer(x):',
  '    def inner():',
  '        return """',
  'text',
  '"""',
  '    return inner',
  '',
  'def words():',
  '    """Only words."""',
].join('\n');

const names = (path: string, text: string) => functionsIn(path, text).map(({ name, line }) => `${line} ${name}`);

const topOf = (name: string) => name.split('.')[0];

/** The text of the file with the function `name` emptied. */
function without(path: string, text: string, name: string): string | null {
  const target = functionsIn(path, text).find((one) => one.name === name);
  if (!target) throw new Error(`no ${name}`);
  return emptied(path, text, target);
}

describe('the functions of a file', () => {
  it('are, in JavaScript, the named ones and the outermost unnamed ones', () => {
    expect(names('a.js', js)).toEqual([
      '1 first',
      '3 Store.constructor',
      '4 Store.all',
      '5 Store.size',
      '6 Store.#inner',
      '7 Store.bound',
      '10 put',
      '11 drop',
      '13 short',
      '14 exports.long',
      '15 (function)',
      '16 open',
      '17 open.close',
      '18 open.read',
    ]);
  });

  it('are, in Python, all defs, each named together with what it is nested in', () => {
    expect(names('a.py', python)).toEqual(['3 Store.size', '7 Store.all', '9 outer', '10 outer.inner', '16 words']);
  });

  it('are found in TypeScript and JSX too; a file with an unknown extension has none', () => {
    const typed = 'const twice: (n: number) => number = (n) => n * 2;\ndeclare function none(): void;\n';
    expect(names('a.ts', typed)).toEqual(['1 twice']);
    expect(names('a.tsx', 'export const View = ({ a }: Props) => <b>{a}</b>;')).toEqual(['1 View']);
    expect(names('a.jsx', 'function View() { return <b/>; }')).toEqual(['1 View']);
    expect(names('a.sh', 'f() { echo; }')).toEqual([]);
    expect(names('constructor', 'f() { echo; }')).toEqual([]);
  });
});

describe('an emptied function', () => {
  it.each([
    ['first', 'export default async function first(a) { return; return a; }'],
    ['Store.all', '  async *all() { return; yield 1; }'],
    ['Store.bound', '  bound = () => undefined && (this.dir);'],
    ['drop', '  drop: function () { return; return 2; },'],
    ['short', 'const short = (x) => undefined && (x + 1);'],
    ['open.close', '  const close = () => undefined && (dir.end());'],
  ])('returns before it does anything, and keeps its text: %s', (name, line) => {
    expect(without('a.js', js, name)).toContain(line);
  });

  it('still calls super in a constructor', () => {
    expect(without('a.js', js, 'Store.constructor')).toContain(
      '  constructor(dir) { super(dir); return; super(dir); this.dir = dir; }\n',
    );
  });

  it('keeps its docstring and indentation in Python', () => {
    expect(without('a.py', python, 'Store.size')).toContain(
      '        """How many."""\n        return\n        return 1\n',
    );
    expect(without('a.py', python, 'Store.all')).toContain('    async def all(self): return; return 2\n');
    expect(without('a.py', python, 'outer.inner')).toContain('        return\n        return """\ntext\n"""\n');
  });

  it('comes with a line, placed after the shebang line, that turns type checking off for the file', () => {
    const text = '#!/usr/bin/env node\nfunction f(): number { return 1; }\n';
    expect(without('a.ts', text, 'f')).toBe(
      '#!/usr/bin/env node\n// @ts-nocheck\nfunction f(): number { return; return 1; }\n',
    );
  });

  it.each([
    ['a.js', 'function f() {}'],
    ['a.js', 'function f() { /* later */ }'],
    ['a.js', 'function f() { return; }'],
    ['a.js', 'function f() { return;\n  g(); }'],
    ['a.py', 'def f():\n    return None\n'],
    ['a.js', 'const f = () => undefined;'],
    ['a.js', 'class A extends B { constructor() { super(); } }'],
    ['a.py', 'def f():\n    pass\n'],
    ['a.py', 'def f():\n    """Words."""\n'],
    ['a.py', 'def f(): ...\n'],
  ])('is null if it is empty already: %s %j', (path, text) => {
    expect(functionsIn(path, text).map(({ emptying }) => emptying)).toEqual([null]);
  });

  it('is null if the file ends inside it', () => {
    const text = 'function f() { return 1;';
    expect(functionsIn('a.js', text).map((target) => emptied('a.js', text, target))).toEqual([null]);
  });
});

describe('whatever a file contains,', () => {
  const bodies = fc.array(
    fc.constantFrom(
      'return 1;',
      'const s = `a\n// b\n*/`;',
      '/* a\n b */',
      "const t = '//';",
      'if (x) { y(); } else z();',
      'for (const a of b) { c(() => a); }',
      'const g = (x) => ({ x });',
      '\u2028',
      'const r = /[}/]/;',
      'throw e;',
    ),
    { minLength: 1, maxLength: 6 },
  );
  const file = fc
    .array(bodies, { minLength: 1, maxLength: 5 })
    .map((functions) =>
      functions.map((lines, at) => `export function f${at}(x) {\n${lines.join('\n')}\n}\n`).join('\n'),
    );

  it('emptying a function leaves the others as they are, and the file still parses', () => {
    fc.assert(
      fc.property(file, (text) => {
        const all = functionsIn('a.js', text);
        for (const target of all.filter(({ emptying }) => emptying !== null)) {
          const result = emptied('a.js', text, target);
          expect(result, text).not.toBeNull();
          const others = (list: typeof all) =>
            list.filter(({ name }) => topOf(name) !== topOf(target.name)).map((one) => one.text);
          expect(others(functionsIn('a.js', result ?? ''))).toEqual(others(all));
        }
      }),
    );
  });

  it('emptying never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom('a.js', 'a.ts', 'a.tsx', 'a.py'), fc.string({ unit: 'binary' }), (path, text) => {
        for (const target of functionsIn(path, `${text}\nfunction f() { g(); }\ndef f():\n  g()\n`))
          emptied(path, text, target);
      }),
    );
  });
});
