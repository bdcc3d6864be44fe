// The shipped recipes as data: each can be read, all its versions are admitted, and its README says what is true.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type OpenAppOptions, openApp } from '../../runner/swarm/compose/open.ts';
import { RunId } from '../../state/entry/ids.ts';
import { AppRecipe } from '../../state/entry/recipe.ts';

const recipes = resolve(import.meta.dirname, '../../recipes');
const names = { run: RunId.parse('r-0123456789ab'), stack: 'cp0123456789ab', domain: 'cp0123456789ab.test' };
const labels = {
  'coldpass.run': 'r-0',
  'coldpass.claim': 'none',
  'coldpass.attempt': '1',
  'coldpass.expires': 'never',
};
const shipped = readdirSync(recipes).filter((name) => existsSync(join(recipes, name, 'recipe.yml')));

test('the list of shipped recipes is not empty', () => {
  expect(shipped.length).toBeGreaterThanOrEqual(7);
});

describe.each(shipped)('%s', (name) => {
  const top = join(recipes, name);
  const recipe = AppRecipe.parse(parse(readFileSync(join(top, 'recipe.yml'), 'utf8')));
  const releases = readdirSync(join(top, 'releases'));
  const readme = readFileSync(join(top, 'README.md'), 'utf8');

  /** Opens `app/` with these folders of the recipe copied over it. */
  function open(over: string[], more: Partial<OpenAppOptions> = {}) {
    const folders = [...over.toReversed(), 'app'].map((folder) => join(top, folder));
    const env = { ...recipe.env, ...Object.assign({}, ...Object.values(recipe.needs).map(({ gives }) => gives)) };
    return openApp({
      folder: recipe.app,
      compose: recipe.compose,
      main: recipe.main,
      env,
      names,
      labels,
      network: `${names.stack}_proxy`,
      platform: { ipvs: false },
      async read(path) {
        const file = folders.map((folder) => join(folder, path)).find((one) => existsSync(one));
        return file === undefined ? null : readFileSync(file);
      },
      ...more,
    });
  }

  test('has a newest version, which is admitted and is newer than its releases', async () => {
    const opened = await open([]);
    if ('refused' in opened) throw new Error(opened.refused);
    expect(opened.app.version).toMatch(/^\d+\.\d+\.\d+\+/);
    expect(releases).not.toContain(opened.app.version);
  });

  test.each(releases)('has the release %s, which is admitted under its own name', async (release) => {
    const opened = await open([join('releases', release)]);
    if ('refused' in opened) throw new Error(opened.refused);
    expect(opened.app.version).toBe(release);
  });

  test('has a twin that is admitted, because it must run to turn red', async () => {
    const opened = await open(['twin']);
    if ('refused' in opened) throw new Error(opened.refused);
  });

  test.each(Object.keys(recipe.needs))('needs %s, which is admitted', async (need) => {
    const { app: folder, compose, env } = recipe.needs[need] as AppRecipe['needs'][string];
    const opened = await open([], { folder, compose, env, main: 'app', stack: `${names.stack}-${need}` });
    if ('refused' in opened) throw new Error(opened.refused);
  });

  test('names only images that the build program makes', async () => {
    const tags = new Set(readdirSync(join(top, 'image')).map((tag) => `coldpass-test/${name}:${tag}`));
    const versions = await Promise.all([
      open([]),
      open(['twin']),
      ...releases.map((it) => open([join('releases', it)])),
    ]);
    for (const opened of versions) {
      if ('refused' in opened) throw new Error(opened.refused);
      for (const { image } of Object.values(opened.app.services)) expect([...tags]).toContain(image);
    }
  });

  test('has a README that says what the twin breaks, where it turns red, and by which test', () => {
    expect(readme).toMatch(/twin/);
    expect(readme).toMatch(/red at `(install|upgrade|backup_restore|functional|lint)`|`no_secret_leak: false`/i);
  });
});
