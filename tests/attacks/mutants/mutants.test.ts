// Checks that each mutant in `mutants.ts` can be made and names an attack, and that each known attack has a case.
// Whether the attacks turn red without their rules is seen by `npm run attacks -- --mutants`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { families } from '../families.ts';
import { mutants } from './mutants.ts';
import { mutated } from './switchOff.ts';

test('every rule can be switched off by a text that occurs once', () => {
  const faults = mutants.flatMap((mutant) => {
    try {
      return mutated(mutant) === '' ? [`${mutant.rule}: nothing of the file is left`] : [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  expect(faults).toEqual([]);
});

test('every rule has a case, named by the title of an attack', () => {
  const titles = new Set(families.flatMap(({ attacks }) => attacks.map(({ title }) => title)));
  expect(mutants.filter(({ attack }) => !titles.has(attack)).map(({ rule, attack }) => `${rule}: ${attack}`)).toEqual(
    [],
  );
  expect(new Set(mutants.map(({ rule }) => rule)).size).toBe(mutants.length);
});

test('no two attacks have the same title', () => {
  const titles = families.flatMap(({ attacks }) => attacks.map(({ title }) => title));
  expect(new Set(titles).size).toBe(titles.length);
});

test('each of the 52 known attacks has a case, or a reason why it has none', () => {
  const rows = new Set(families.flatMap(({ attacks }) => attacks.map((attack) => attack.rows)));
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const excused = [...readme.matchAll(/^\| (\d+) \|.*\*not here\*/gm)].map(([, row]) => row);
  const all = Array.from({ length: 52 }, (_, i) => `${i + 1}`);
  expect(all.filter((row) => !rows.has(row))).toEqual(excused);
});
