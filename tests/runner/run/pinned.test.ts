import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layHarness } from '../../../runner/run/overlay.ts';
import { pinRecipe } from '../../../runner/run/pinned.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { RecipeName } from '../../../state/entry/ids.ts';
import { PinnedRecipe, Recipe, Release } from '../../../state/entry/recipe.ts';
import { tempDir } from '../../support/temp.ts';

const name = RecipeName.parse('app');

function pin(harness: string[], files: Record<string, string>) {
  const recipe = Recipe.parse({ stages: [{ name: 'test', run: 'true' }], tests: ['tests/**'], harness });
  return pinRecipe(name, recipe, (path) => (files[path] === undefined ? null : new TextEncoder().encode(files[path])));
}

describe('a pinned recipe', () => {
  it('of an app lists its releases, even if there are none; a recipe of commands has no such member', () => {
    const app = Recipe.parse({ engine: 'swarm', suite: 'tests', tests: ['tests/**'] });
    const releases = [Release.parse({ version: '1.0.0+2', sha: 'a'.repeat(40) })];
    expect(pinRecipe(name, app, () => null, { releases, lightweightTags: [] }).pinned.releases).toEqual(releases);
    expect(pinRecipe(name, app, () => null).pinned.releases).toEqual([]);
    expect(pinRecipe(name, app, () => null, { releases, lightweightTags: [] }).digest).not.toBe(
      pinRecipe(name, app, () => null).digest,
    );
    const commands = Recipe.parse({ stages: [{ name: 'test', run: 'true' }], tests: ['tests/**'] });
    expect(pinRecipe(name, commands, () => null, { releases, lightweightTags: [] }).pinned).not.toHaveProperty(
      'releases',
    );
  });

  it('has a digest for each file and member that the operator has, and null for the others', () => {
    const { pinned, blobs } = pin(['vitest.config.ts', 'package.json#scripts', 'none.js', 'package.json#none'], {
      'vitest.config.ts': 'export default {}',
      'package.json': '{"scripts": {"b": "2", "a": "1"}}',
    });
    expect(PinnedRecipe.parse(pinned)).toEqual(pinned);
    expect(pinned.harness).toEqual([
      { item: 'vitest.config.ts', digest: digestOf('export default {}') },
      { item: 'package.json#scripts', digest: digestOf('{"a":"1","b":"2"}') },
      { item: 'none.js', digest: null },
      { item: 'package.json#none', digest: null },
    ]);
    expect([...blobs.keys()]).toEqual([digestOf('export default {}'), digestOf('{"a":"1","b":"2"}')]);
  });

  it('has another digest if a harness file differs by a byte, and the same digest for the same content', () => {
    const one = pin(['a.js'], { 'a.js': '1' }).digest;
    expect(pin(['a.js'], { 'a.js': '1' }).digest).toBe(one);
    expect(pin(['a.js'], { 'a.js': '2' }).digest).not.toBe(one);
  });

  it.each([
    [['../out.js'], {}, /harness item "\.\.\/out\.js": not a path inside/],
    [['a.yml#x'], { 'a.yml': 'x: 1' }, /a\.yml is not JSON/],
    [['a.js'], { 'a.js': 'x'.repeat(2 ** 20 + 1) }, /larger than 1024 KiB/],
  ])('cannot be made of %j', (harness, files, words) => {
    expect(() => pin(harness, files as Record<string, string>)).toThrow(words);
  });
});

describe("the operator's files over a clone", () => {
  function lay(harness: string[], operator: Record<string, string>, prepare: (tree: string) => void) {
    const tree = tempDir();
    prepare(tree);
    const { pinned, blobs } = pin(harness, operator);
    return { tree, result: layHarness(tree, pinned.harness, blobs) };
  }

  it("override the claim's files: changed, removed and added ones are listed, equal ones are not", () => {
    const { tree, result } = lay(
      ['same.js', 'changed.js', 'gone/away.js', 'added.js'],
      { 'same.js': 's', 'changed.js': 'good', 'gone/away.js': 'g' },
      (dir) => {
        writeFileSync(join(dir, 'same.js'), 's');
        writeFileSync(join(dir, 'changed.js'), 'evil');
        writeFileSync(join(dir, 'added.js'), 'evil');
      },
    );
    expect(result).toEqual({ overlaid: ['changed.js', 'gone/away.js', 'added.js'] });
    expect(readFileSync(join(tree, 'changed.js'), 'utf8')).toBe('good');
    expect(readFileSync(join(tree, 'gone/away.js'), 'utf8')).toBe('g');
    expect(lstatSync(join(tree, 'added.js'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('replace one member of a JSON file and leave the others to the claim', () => {
    const { tree, result } = lay(
      ['package.json#scripts', 'package.json#jest.bail'],
      { 'package.json': '{"scripts":{"test":"real"}}' },
      (dir) =>
        writeFileSync(join(dir, 'package.json'), '{"name":"n","scripts":{"test":"true"},"jest":{"bail":1,"roots":[]}}'),
    );
    expect(result).toEqual({ overlaid: ['package.json#scripts', 'package.json#jest.bail'] });
    expect(JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'))).toEqual({
      name: 'n',
      scripts: { test: 'real' },
      jest: { roots: [] },
    });
  });

  it('replace a link instead of writing through it, and leave its target alone', () => {
    const outside = join(tempDir(), 'outside.txt');
    writeFileSync(outside, 'untouched');
    const { tree, result } = lay(['vitest.config.ts'], { 'vitest.config.ts': 'good' }, (dir) =>
      symlinkSync(outside, join(dir, 'vitest.config.ts')),
    );
    expect(result).toEqual({ overlaid: ['vitest.config.ts'] });
    expect(readFileSync(join(tree, 'vitest.config.ts'), 'utf8')).toBe('good');
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
  });

  it('are not written through a folder that is a link', () => {
    const outside = tempDir();
    const { tree, result } = lay(['config/a.js'], { 'config/a.js': 'good' }, (dir) =>
      symlinkSync(outside, join(dir, 'config')),
    );
    expect(result).toEqual({
      refused: 'harness item "config/a.js" is below "config", which is not a folder in this tree',
    });
    expect(readlinkSync(join(tree, 'config'))).toBe(outside);
  });

  it.each([
    ['is not JSON', (dir: string) => writeFileSync(join(dir, 'package.json'), '{'), /is not a JSON object/],
    ['is a list', (dir: string) => writeFileSync(join(dir, 'package.json'), '[]'), /is not a JSON object/],
    ['is a folder', (dir: string) => mkdirSync(join(dir, 'package.json')), /is not a plain file/],
    ['is a link', (dir: string) => symlinkSync('/etc/hostname', join(dir, 'package.json')), /is not a plain file/],
  ])('are refused if a member belongs in a file that %s', (_, prepare, words) => {
    const { result } = lay(['package.json#scripts'], { 'package.json': '{"scripts":{}}' }, prepare);
    expect('refused' in result && result.refused).toMatch(words);
  });

  it('are refused if their bytes are not stored', () => {
    const { pinned } = pin(['a.js'], { 'a.js': 'x' });
    expect(layHarness(tempDir(), pinned.harness, new Map())).toEqual({
      refused: 'the bytes of harness item "a.js" are not stored',
    });
  });
});
