// A program that plays the attack with this title, for use in a copy of the sources in which a rule is switched off.
// Its last line of output is JSON that says whether the case is red, and why. Usage: node tests/attacks/one.ts TITLE

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { letGo } from './arena/shared.ts';
import { attack, Red } from './case.ts';
import { families } from './families.ts';

export type CaseResult = { red: Red['kind'] | null; what: string };

const [, , title = ''] = process.argv;
const one = families.flatMap(({ attacks }) => attacks).find((each) => each.title === title);
if (!one) throw new Error(`no attack is called "${title}"`);
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-one-')));
try {
  console.log(JSON.stringify(await result()));
} finally {
  await letGo(dir);
  rmSync(dir, { recursive: true, force: true });
}

async function result(): Promise<CaseResult> {
  if (!one) throw new Error('there is no case');
  try {
    const { by, why } = await attack(one, dir);
    return { red: null, what: `still refused, by ${by}: ${why}` };
  } catch (error) {
    if (error instanceof Red) return { red: error.kind, what: error.message.replace(/\s+/g, ' ').slice(0, 300) };
    throw error;
  }
}
