// Checks the phase that tests/live/phase.swarm.test.ts plays, as far as that is possible without an engine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Recipe } from '../../state/entry/recipe.ts';
import { checkPlan } from '../../state/plan/plan.ts';
import { readYaml } from '../../state/plan/yaml.ts';
import { mailPlan, mailScript } from '../support/app/mailPhase.ts';

const recipes = join(import.meta.dirname, '..', '..', 'recipes', 'mail');

test('the plan of the mail phase is sound for the shipped recipe, without warnings', () => {
  const recipe = readYaml(Recipe, readFileSync(join(recipes, 'recipe.yml'), 'utf8'), 'recipe.yml');
  const { spec, problems } = checkPlan(mailPlan(), { mail: recipe });
  expect(problems).toEqual([]);
  expect(spec?.gates).toMatchObject({ M1: { controls: ['omit-volume'], expect: { level: 5 } } });
});

test("the script adds a shallow restore test, then the recipe's own, under the name that the plan gives", () => {
  const texts = JSON.stringify(mailScript());
  const deep = readFileSync(join(recipes, 'app/tests/restore.test.ts'), 'utf8');
  expect(texts).toContain(JSON.stringify(deep).slice(1, -1));
  expect(texts.split("test('mail message'")).toHaveLength(3);
  expect(texts).not.toContain('file:');
});

test('the script changes the same label as the twin does', () => {
  expect(readFileSync(join(recipes, 'twin/compose.yml'), 'utf8')).toContain('backupbot.backup.volumes.mail=false');
});
