// Which npm packages an image gets, and which of their files.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { copyModules, modulesOf } from '../../recipes/images/modules.ts';
import { tempDir } from '../support/temp.ts';

/** Creates a repository with these packages in their folders, and an image that asks for `asked`. */
function ground(packages: Record<string, object>, asked: string): { top: string; image: string } {
  const top = tempDir();
  for (const [folder, manifest] of Object.entries(packages)) {
    write(join(top, folder, 'package.json'), JSON.stringify({ version: '1.0.0', ...manifest }));
    write(join(top, folder, 'index.js'), '');
  }
  write(join(top, 'image', 'modules.txt'), asked);
  return { top, image: join(top, 'image') };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const tangle = {
  'node_modules/a': { dependencies: { b: '*', '@s/c': '*' } },
  'node_modules/a/node_modules/b': { version: '2.0.0', dependencies: { a: '*' } },
  'node_modules/b': {},
  'node_modules/@s/c': { dependencies: { b: '*' }, optionalDependencies: { absent: '*' } },
  'node_modules/unasked': {},
};

test('an image gets the packages that it names and all their dependencies, each where Node finds it', async () => {
  const { top, image } = ground(tangle, 'a\n');
  const modules = await modulesOf(image, top);
  expect(modules).toEqual([
    { folder: 'node_modules/@s/c', version: '1.0.0' },
    { folder: 'node_modules/a', version: '1.0.0' },
    { folder: 'node_modules/a/node_modules/b', version: '2.0.0' },
    { folder: 'node_modules/b', version: '1.0.0' },
  ]);
  const to = tempDir();
  await copyModules(modules, top, to);
  for (const { folder } of modules) expect(existsSync(join(to, folder, 'index.js')), folder).toBe(true);
  expect(existsSync(join(to, 'node_modules/unasked'))).toBe(false);
});

test('a package that is bundled in the folder of another package is left out if nothing needs it', async () => {
  const { top, image } = ground({ 'node_modules/d': {}, 'node_modules/d/node_modules/e': {} }, 'd');
  const to = tempDir();
  await copyModules(await modulesOf(image, top), top, to);
  expect(existsSync(join(to, 'node_modules/d/index.js'))).toBe(true);
  expect(existsSync(join(to, 'node_modules/d/node_modules'))).toBe(false);
});

test('an image that names no package gets none', async () => {
  const { top } = ground({}, '');
  expect(await modulesOf(join(top, 'elsewhere'), top)).toEqual([]);
});

test('a package that is not installed is reported by name', async () => {
  const { top, image } = ground({ 'node_modules/a': { dependencies: { gone: '*' } } }, 'a');
  await expect(modulesOf(image, top)).rejects.toThrow(/^gone is not installed in .*; run npm ci$/);
});
